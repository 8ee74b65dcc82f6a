// Package secret keeps passwords out of what is printed; it does not know where they come from, nor encrypt them.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// A Text is a password, or what stands for one: fmt, slog and JSON write *** for it. The zero value is none.
type Text struct {
	reveal func() string // a function, since fmt looks into what it reaches by unexported fields, whatever methods that has
}

// New keeps a text.
func New(text string) Text { return Text{func() string { return text }} }

// Reveal returns the text, "" for none.
func (t Text) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// IsZero reports that there is none.
func (t Text) IsZero() bool { return t.reveal == nil }

const hidden = "***"

// Format implements [fmt.Formatter], for every verb.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue implements [slog.LogValuer].
func (Text) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements [encoding.TextMarshaler], which JSON uses too.
func (Text) MarshalText() ([]byte, error) { return []byte(hidden), nil }
