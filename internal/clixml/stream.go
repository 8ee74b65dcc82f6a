package clixml

import (
	"bytes"
	"strings"
)

// stream is that of PowerShell to which a record was written: its attribute S.
type stream int

const (
	toError stream = iota
	toOutput
	toWarning
	toVerbose
	toDebug
	toInformation
	toProgress
)

// streamOf finds a stream by its name, whatever its case. One that is unknown or missing counts as error, as it does for the
// PowerShell that reads the stderr of another (NativeCommandProcessor.cs, DeserializeCliXmlObject).
func streamOf(name []byte) stream {
	for s, known := range streamNames() {
		if len(name) == len(known) && strings.EqualFold(string(name), known) {
			return stream(s)
		}
	}
	return toError
}

func streamNames() [7]string {
	return [...]string{toError: "Error", toOutput: "Output", toWarning: "Warning", toVerbose: "Verbose", toDebug: "Debug", toInformation: "Information", toProgress: "Progress"}
}

// dropped reports whether a record stands for nothing.
//
// Information records are written to stderr whether or not they are to be seen. Where they are, PowerShell has put their text on
// stdout before: Write-Host always, Write-Information as $InformationPreference asks for (MshCommandRuntime.cs,
// WriteInformation; ConsoleHostUserInterface.cs: "The information stream is not visible by default"). Text here would double it.
//
// A null is dropped as PowerShell's own reader does.
func (r *record) dropped() bool {
	return r.stream == toProgress || r.stream == toInformation && r.kind != isString || r.kind == isNil
}

// appendText appends what a console would have shown. The prefixes are those of ConsoleHostUserInterfaceStrings.resx; a
// PowerShell in another language has its own, which CLIXML does not carry.
//
// Error strings have their line ends in them: the lines of an error, as wide as PowerShell thinks that its console is, are a
// string each. Whatever else is one record is one line or more.
func (r *record) appendText(dst, raw []byte, newline string) []byte {
	switch r.stream {
	case toWarning:
		dst = append(dst, "WARNING: "...)
	case toVerbose:
		dst = append(dst, "VERBOSE: "...)
	case toDebug:
		dst = append(dst, "DEBUG: "...)
	}
	dst = appendString(dst, raw)
	verbatim := r.kind == isString && (r.stream == toError || r.stream == toOutput)
	if !verbatim && !bytes.HasSuffix(dst, []byte("\n")) {
		dst = append(dst, newline...)
	}
	return dst
}
