package report

import (
	"encoding/base64"
	"unicode/utf8"
)

// The encodings of text in JSON.
const (
	asUTF8   = "utf-8"
	asBase64 = "base64"
)

// textOf is text for JSON, and how it is encoded: as it is where all of it is UTF-8, else in base64.
func textOf(b []byte) (data, encoding string) {
	if utf8.Valid(b) {
		return string(b), asUTF8
	}
	return inBase64(b), asBase64
}

// whole is how much of b can be handed over: a character that its end cuts waits for the rest.
func whole(b []byte) int {
	for i := 1; i <= utf8.UTFMax-1 && i <= len(b); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return len(b) - i
			}
			break
		}
	}
	return len(b)
}

func inBase64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
