package format

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// commanding reports a character that a terminal may obey, or that turns the text around it: controls, among them the C1
// ones that stand for an escape and a letter, line separators, and the marks of bidirectional text. All of them are below
// U+10000.
func commanding(c rune) bool {
	return c < 0x20 || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == 0x061c || c == 0x200e || c == 0x200f ||
		c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 || c == 0xfeff
}

// Harmless makes text fit for one line of a terminal: what one may obey is written as an escape that can be read.
func Harmless(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= 0x20 && s[i] < 0x7f
	}
	if plain {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case commanding(c):
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Terminal returns a writer that leaves out the characters that Harmless escapes, but line ends and tabs: for data that is
// written as it is, to a terminal. Writes end between characters.
func Terminal(w io.Writer) io.Writer { return &terminal{w: w} }

type terminal struct {
	w io.Writer
	b []byte
}

func (t *terminal) Write(b []byte) (int, error) {
	t.b = t.b[:0]
	for i := 0; i < len(b); {
		c, n := utf8.DecodeRune(b[i:])
		if !commanding(c) || c == '\n' || c == '\r' || c == '\t' {
			t.b = append(t.b, b[i:i+n]...)
		}
		i += n
	}
	if _, err := t.w.Write(t.b); err != nil {
		return 0, err
	}
	return len(b), nil
}
