// Package script turns scripts of any size, and PowerShell text, into a short command line and what its program reads from
// stdin; it does not know how either gets to the target.
package script

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Plan is how to run a script: commands in one shell, in order.
type Plan struct {
	// Prepare is run first where the script has to be a file on the target, with Stage as its stdin; "" where not. Arrived
	// tells from its exit code whether the whole script is there.
	Prepare string
	Stage   io.Reader
	Arrived func(exitCode uint32) bool

	Line  string    // runs the script
	Input io.Reader // what its program reads before any stdin of the user's; nil for nothing

	// OwnsStdin reports that the user's stdin can follow Input. Where it cannot, WhyNot says why.
	OwnsStdin bool
	WhyNot    string

	Cleanup string // is run last, whatever became of the script; "" for nothing
}

// Options say what to run.
type Options struct {
	Name        string   // of the script's file, for its extension; "-" for stdin
	Args        []string // of the script
	Interpreter string   // instead of the one that the extension tells
	PowerShell7 bool     // pwsh.exe instead of powershell.exe
	Unique      string   // makes the name of a file on the target its own; letters and digits
}

// ErrExtension is a script whose extension tells no interpreter.
var ErrExtension = errors.New("the extension tells no interpreter")

// Of plans how to run a script, which is read once, as it is sent.
func Of(text io.Reader, o Options) (*Plan, error) {
	if o.Interpreter != "" {
		return interpreted(text, o)
	}
	switch extension := strings.ToLower(path.Ext(strings.ReplaceAll(o.Name, `\`, "/"))); {
	case extension == ".ps1", extension == "" && o.Name == "-":
		return powerShellScript(text, o)
	case extension == ".cmd", extension == ".bat":
		return batch(text, o)
	default:
		return nil, fmt.Errorf("%s: %w", o.Name, ErrExtension)
	}
}

// interpreted hands the text to a program that reads its script from stdin, such as "python -".
func interpreted(text io.Reader, o Options) (*Plan, error) {
	args, err := quoteForCmd(o.Args)
	if err != nil {
		return nil, err
	}
	return &Plan{Line: o.Interpreter + args, Input: text, WhyNot: "the interpreter reads the script itself from stdin, to its end"}, nil
}

// unmarked reads a script that is UTF-8, or whatever cmd.exe or an interpreter takes it for, unless a byte order mark says that
// it is UTF-16, which becomes UTF-8. The mark itself is no part of it.
func unmarked(text io.Reader) io.Reader {
	return transform.NewReader(text, unicode.BOMOverride(encoding.Nop.NewDecoder()))
}
