package report

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// encoder writes one JSON value a line, for several goroutines.
type encoder struct {
	mu sync.Mutex
	e  *json.Encoder
}

func newEncoder(w io.Writer) *encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &encoder{e: e}
}

func (e *encoder) encode(v any) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.e.Encode(v)
}

// objects is a Report for programs: one object a target, as each ends.
type objects struct {
	mu sync.Mutex
	w  *bufio.Writer
}

// JSON returns a Report that writes one object a target to w when that has ended. It keeps the output of those that run,
// little of it in memory.
func JSON(w io.Writer) Report { return &objects{w: bufio.NewWriterSize(w, 64<<10)} }

func (o *objects) Start(target, host string, at time.Time) Part {
	return &object{objects: o, target: target, host: host, at: at}
}

func (o *objects) Close() error { return nil }

type object struct {
	*objects
	target, host string
	at           time.Time
	out, errs    spool
}

func (o *object) Stdout() io.Writer { return &o.out }
func (o *object) Stderr() io.Writer { return &o.errs }

func (o *object) End(r Result) error {
	return errors.Join(o.write(r), o.out.close(), o.errs.close())
}

// write writes the object, in pieces: the streams may be larger than memory.
func (o *object) write(r Result) error {
	encoding := asBase64
	if o.out.isText() && o.errs.isText() {
		encoding = asUTF8
	}
	var before, behind bytes.Buffer
	err := errors.Join(newEncoder(&before).encode(struct {
		Target   string  `json:"target"`
		Host     string  `json:"host"`
		ExitCode *uint32 `json:"exit_code"`
	}{o.target, o.host, r.ExitCode}), newEncoder(&behind).encode(struct {
		Encoding   string    `json:"encoding"`
		StartedAt  string    `json:"started_at"`
		DurationMS float64   `json:"duration_ms"`
		Requests   int       `json:"requests"`
		Error      *Error    `json:"error"`
		Detached   *Detached `json:"detached,omitempty"`
	}{encoding, stamp(o.at), milliseconds(r.Duration), r.Requests, r.Error, r.Detached}))
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = o.w.Write(bytes.TrimSuffix(before.Bytes(), []byte("}\n"))) // Flush has its error
	for _, stream := range []struct {
		name string
		data *spool
	}{{"stdout", &o.out}, {"stderr", &o.errs}} {
		fmt.Fprintf(o.w, ",%q:", stream.name)
		if err := writeString(o.w, stream.data, encoding); err != nil {
			return err
		}
	}
	_ = o.w.WriteByte(',')
	_, _ = o.w.Write(behind.Bytes()[1:])
	return o.w.Flush()
}

// writeString writes a stream as a JSON string.
func writeString(w *bufio.Writer, s *spool, encoding string) error {
	from, err := s.reader()
	if err != nil {
		return err
	}
	_ = w.WriteByte('"')
	if encoding == asBase64 {
		to := base64.NewEncoder(base64.StdEncoding, w)
		_, err = io.Copy(to, from)
		err = errors.Join(err, to.Close())
	} else {
		_, err = io.Copy(&quoter{to: w}, from)
	}
	_ = w.WriteByte('"')
	return err
}

// quoter writes text as the inside of a JSON string.
type quoter struct {
	to  io.Writer
	cut []byte // a character that has not ended yet
}

func (q *quoter) Write(b []byte) (int, error) {
	text := append(q.cut, b...)
	n := whole(text)
	var quoted bytes.Buffer
	if err := newEncoder(&quoted).encode(string(text[:n])); err != nil {
		return 0, err
	}
	q.cut = append([]byte(nil), text[n:]...)
	if _, err := q.to.Write(quoted.Bytes()[1 : quoted.Len()-2]); err != nil { // without quotes and line end
		return 0, err
	}
	return len(b), nil
}
