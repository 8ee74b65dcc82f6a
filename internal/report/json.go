package report

import (
	"bytes"
	"encoding/json"
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
type objects struct{ *encoder }

// JSON returns a Report that writes one object a target to w when that has ended. It holds the output of those that run.
func JSON(w io.Writer) Report { return objects{newEncoder(w)} }

func (o objects) Start(target, host string, at time.Time) Part {
	return &object{encoder: o.encoder, target: target, host: host, at: at}
}

func (o objects) Close() error { return nil }

type object struct {
	*encoder
	target, host string
	at           time.Time
	out, errs    bytes.Buffer
}

func (o *object) Stdout() io.Writer { return &o.out }
func (o *object) Stderr() io.Writer { return &o.errs }

func (o *object) End(r Result) error {
	v := struct {
		Target     string    `json:"target"`
		Host       string    `json:"host"`
		ExitCode   *uint32   `json:"exit_code"`
		Stdout     string    `json:"stdout"`
		Stderr     string    `json:"stderr"`
		Encoding   string    `json:"encoding"`
		StartedAt  string    `json:"started_at"`
		DurationMS float64   `json:"duration_ms"`
		Requests   int       `json:"requests"`
		Error      *Error    `json:"error"`
		Detached   *Detached `json:"detached,omitempty"`
	}{Target: o.target, Host: o.host, ExitCode: r.ExitCode, StartedAt: stamp(o.at), DurationMS: milliseconds(r.Duration), Requests: r.Requests, Error: r.Error, Detached: r.Detached}
	out, asOut := textOf(o.out.Bytes())
	errs, asErrs := textOf(o.errs.Bytes())
	v.Stdout, v.Stderr, v.Encoding = out, errs, asOut
	switch {
	case asOut != asErrs && asOut == asUTF8:
		v.Stdout, v.Encoding = inBase64(o.out.Bytes()), asBase64
	case asOut != asErrs:
		v.Stderr = inBase64(o.errs.Bytes())
	}
	return o.encode(v)
}
