package console

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// Transcript writes down a session, a line with its time for each line: < before what the program writes, > before what it is
// given. A nil Transcript does nothing. It is safe for concurrent use.
type Transcript struct {
	w      io.Writer
	now    func() time.Time
	inputs bool

	mu      sync.Mutex // guards what follows, and w
	partial []byte     // of the output, behind its last line end
	err     error
}

// NewTranscript writes to w; what is typed only where inputs is true.
func NewTranscript(w io.Writer, now func() time.Time, inputs bool) *Transcript {
	return &Transcript{w: w, now: now, inputs: inputs}
}

// Output returns a writer for a program without a [Session]: what is written to it is written down on its way to w.
func (t *Transcript) Output(w io.Writer) io.Writer {
	if t == nil {
		return w
	}
	return io.MultiWriter(w, transcribing{t.output})
}

// Input returns a reader for such a program: the lines that are read from it are written down on their way from r.
func (t *Transcript) Input(r io.Reader) io.Reader {
	if t == nil {
		return r
	}
	return &typed{t, r, nil}
}

type transcribing struct{ output func([]byte) }

func (w transcribing) Write(b []byte) (int, error) {
	w.output(b)
	return len(b), nil
}

// typed is an input without a line editor.
type typed struct {
	t       *Transcript
	r       io.Reader
	partial []byte
}

// Read implements [io.Reader].
func (r *typed) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	for line := range bytes.Lines(b[:n]) {
		r.partial = append(r.partial, line...)
		if bytes.HasSuffix(line, []byte("\n")) || len(r.partial) > longestLine {
			r.flush()
		}
	}
	if err != nil && len(r.partial) > 0 {
		r.flush()
	}
	return n, err
}

// flush writes down a line. It answers no prompt, since it may be read long before the program asks.
func (r *typed) flush() {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	if r.t.inputs {
		r.t.write('>', string(bytes.TrimRight(r.partial, "\r\n")))
	}
	r.partial = r.partial[:0]
}

// Close writes what has no line end yet, and returns the first error of writing.
func (t *Transcript) Close() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
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
	t.mu.Lock()
	defer t.mu.Unlock()
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
	t.mu.Lock()
	defer t.mu.Unlock()
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
