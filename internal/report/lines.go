package report

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// lines is a Report for people: whole lines, those of several targets never mixed.
type lines struct {
	stdout, stderr *screen
	before         func(target string) (stdout, stderr string)
}

// Lines returns a Report that writes whole lines, each with what before returns for its target and stream in front.
func Lines(stdout, stderr io.Writer, before func(target string) (stdout, stderr string)) Report {
	l := &lines{&screen{w: stdout}, &screen{w: stderr}, before}
	return l
}

func (l *lines) Start(target, _ string, _ time.Time) Part {
	out, errs := l.before(target)
	return &linesPart{lineWriter{screen: l.stdout, before: out}, lineWriter{screen: l.stderr, before: errs}}
}

func (l *lines) Close() error { return nil }

type linesPart struct{ out, errs lineWriter }

func (p *linesPart) Stdout() io.Writer { return &p.out }
func (p *linesPart) Stderr() io.Writer { return &p.errs }

func (p *linesPart) End(r Result) error {
	var err error
	if r.Detached != nil {
		_, err = io.WriteString(&p.out, r.Detached.Token+"\n")
	}
	if failed := p.out.finish(); err == nil {
		err = failed
	}
	if failed := p.errs.finish(); err == nil {
		err = failed
	}
	return err
}

// screen is a stream that several targets write to.
type screen struct {
	mu sync.Mutex
	w  io.Writer
}

// longestLine is how much of a line is held back; a longer one is broken, so that memory stays bounded.
const longestLine = 64 << 10

// lineWriter hands over whole lines of one target.
type lineWriter struct {
	*screen
	before string
	line   []byte // the beginning of one
	out    bytes.Buffer
}

func (w *lineWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		line := b
		end := bytes.IndexByte(b, '\n')
		if end >= 0 {
			line = b[:end+1]
		}
		if room := longestLine - len(w.line); len(line) > room {
			line, end = line[:room], -1
		}
		b = b[len(line):]
		switch {
		case end >= 0:
			w.put(line)
		case len(w.line)+len(line) == longestLine:
			w.put(append(line[:len(line):len(line)], '\n'))
		default:
			w.line = append(w.line, line...)
		}
	}
	return n, w.flush()
}

// put adds a line, whose beginning may have come before.
func (w *lineWriter) put(end []byte) {
	w.out.WriteString(w.before)
	w.out.Write(w.line)
	w.out.Write(end)
	w.line = w.line[:0]
}

// finish writes a last line that has no end, with one.
func (w *lineWriter) finish() error {
	if len(w.line) > 0 {
		w.put([]byte{'\n'})
	}
	return w.flush()
}

func (w *lineWriter) flush() error {
	if w.out.Len() == 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.w.Write(w.out.Bytes())
	w.out.Reset()
	return err
}
