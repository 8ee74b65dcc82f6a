package report

import (
	"io"
	"time"
)

// events is a Report for programs: what happens, as it happens.
type events struct {
	*encoder
	now func() time.Time
}

// Events returns a Report that writes each event to w as it comes, and holds nothing.
func Events(w io.Writer, now func() time.Time) Report { return &events{newEncoder(w), now} }

// head is what every event has.
type head struct {
	Time   string `json:"time"`
	Target string `json:"target"`
	Event  string `json:"event"`
}

func (e *events) head(target, event string) head { return head{stamp(e.now()), target, event} }

func (e *events) Start(target, host string, at time.Time) Part {
	p := &eventsPart{events: e, target: target}
	p.out, p.errs = eventWriter{part: p, event: "stdout"}, eventWriter{part: p, event: "stderr"}
	p.err = e.encode(struct {
		head
		Host string `json:"host"`
	}{head{stamp(at), target, "start"}, host})
	return p
}

func (e *events) Close() error { return nil }

type eventsPart struct {
	*events
	target    string
	out, errs eventWriter
	err       error // of the start
}

func (p *eventsPart) Stdout() io.Writer { return &p.out }
func (p *eventsPart) Stderr() io.Writer { return &p.errs }

func (p *eventsPart) End(r Result) error {
	for _, failed := range []error{p.err, p.out.finish(), p.errs.finish()} {
		if failed != nil {
			return failed
		}
	}
	type end struct {
		head
		ExitCode   *uint32 `json:"exit_code"`
		DurationMS float64 `json:"duration_ms"`
		Requests   int     `json:"requests"`
	}
	e := end{p.head(p.target, "exit"), r.ExitCode, milliseconds(r.Duration), r.Requests}
	switch {
	case r.Detached != nil:
		e.Event = "detached"
		return p.encode(struct {
			end
			Detached *Detached `json:"detached"`
		}{e, r.Detached})
	case r.Error == nil:
		return p.encode(e)
	}
	e.Event = "error"
	return p.encode(struct {
		end
		Error *Error `json:"error"`
	}{e, r.Error})
}

// eventWriter turns output into events.
type eventWriter struct {
	part  *eventsPart
	event string
	held  []byte // the beginning of a character
}

func (w *eventWriter) Write(b []byte) (int, error) {
	if w.part.err != nil {
		return 0, w.part.err
	}
	n := len(b)
	if len(w.held) > 0 {
		b = append(w.held, b...)
		w.held = nil
	}
	at := whole(b)
	w.held = append(w.held, b[at:]...)
	return n, w.tell(b[:at])
}

// finish hands over a character that was never completed.
func (w *eventWriter) finish() error {
	b := w.held
	w.held = nil
	return w.tell(b)
}

func (w *eventWriter) tell(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	data, encoding := textOf(b)
	return w.part.encode(struct {
		head
		Data     string `json:"data"`
		Encoding string `json:"encoding"`
	}{w.part.head(w.part.target, w.event), data, encoding})
}
