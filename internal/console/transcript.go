package console

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

// Transcript writes down a session, a line with its time for each line: < before what the program writes, > before what it is
// given. A nil Transcript does nothing.
type Transcript struct {
	w       io.Writer
	now     func() time.Time
	inputs  bool
	partial []byte
	err     error
}

// NewTranscript writes to w; what is typed only where inputs is true.
func NewTranscript(w io.Writer, now func() time.Time, inputs bool) *Transcript {
	return &Transcript{w: w, now: now, inputs: inputs}
}

// Err is the first error of writing.
func (t *Transcript) Err() error {
	if t == nil {
		return nil
	}
	return t.err
}

// Close writes what has no line end yet.
func (t *Transcript) Close() error {
	if t == nil {
		return nil
	}
	t.flush()
	return t.err
}

// longestLine bounds a line of a transcript.
const longestLine = 64 << 10

// output takes what the program has written.
func (t *Transcript) output(b []byte) {
	if t == nil {
		return
	}
	for line := range bytes.Lines(b) {
		t.partial = append(t.partial, line...)
		if bytes.HasSuffix(line, []byte("\n")) || len(t.partial) > longestLine {
			t.flush()
		}
	}
}

// input takes a line that the program is given.
func (t *Transcript) input(line string, secret bool) {
	if t == nil {
		return
	}
	t.flush()
	switch {
	case !t.inputs:
	case secret:
		t.write('>', "(not shown)")
	default:
		t.write('>', line)
	}
}

// flush writes the line that has come so far, as a person saw it.
func (t *Transcript) flush() {
	if len(t.partial) == 0 {
		return
	}
	t.write('<', promptOf(bytes.TrimRight(t.partial, "\r\n")).text)
	t.partial = t.partial[:0]
}

func (t *Transcript) write(mark byte, text string) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, "%s %c %s\n", t.now().UTC().Format("2006-01-02T15:04:05.000Z"), mark, text)
	}
}
