package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/winrmctl/winrmctl/internal/trace"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// observer tells of the connections and requests of all targets: -v on stderr, --trace in a file that others cannot read.
// Its records hold no secrets of the login, but all that the messages say.
type observer struct {
	stderr  io.Writer
	verbose int
	file    *os.File
	trace   *trace.Writer

	mu sync.Mutex
}

// observe returns what is to be told of a target's connections, nil for nothing.
func (a *app) observe(g *globals, target string) (func(trace.Record), error) {
	if g.verbose == 0 && g.trace == "" {
		return nil, nil
	}
	g.opening.Do(func() {
		g.observer = &observer{stderr: a.stderr, verbose: g.verbose}
		if g.narrator != nil {
			g.observer.stderr = g.narrator
		}
		if g.trace != "" {
			g.observer.file, g.opened = os.OpenFile(g.trace, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
			g.observer.trace = trace.NewWriter(g.observer.file)
		}
	})
	if g.opened != nil {
		return nil, unusable("trace", g.opened)
	}
	return func(r trace.Record) {
		r.Target = target
		g.observer.record(r)
	}, nil
}

func (o *observer) record(r trace.Record) {
	if o.trace != nil {
		o.trace.Write(r)
	}
	if o.verbose > 0 {
		o.mu.Lock()
		defer o.mu.Unlock()
		tell(o.stderr, r, o.verbose > 1)
	}
}

// endObserver closes the trace.
func (a *app) endObserver(g *globals) {
	if g.observer == nil || g.observer.file == nil {
		return
	}
	err := g.observer.trace.Err()
	if closing := g.observer.file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		a.warn("%v", err)
	}
}

// tell writes a record for people.
func tell(w io.Writer, r trace.Record, messages bool) {
	event := r.Event
	if event == "exchange" {
		event = exchangeName(r)
	}
	line := fmt.Sprintf("* %s %d %s", r.Target, r.Connection, event)
	for _, part := range []string{r.Address, r.TLS} {
		if part != "" {
			line += " " + part
		}
	}
	if r.Answer != nil {
		line += ": " + strings.TrimPrefix(r.Answer.Line, "HTTP/1.1 ")
		if r.Answer.Sealed {
			line += ", sealed"
		}
	}
	if r.Error != "" {
		line += ": " + r.Error
	}
	if r.Event != "close" {
		line += fmt.Sprintf(" (%.1f ms)", r.DurationMS)
	}
	fmt.Fprintln(w, oneLine(line))
	if !messages {
		return
	}
	tellMessage(w, ">", r.Request)
	tellMessage(w, "<", r.Answer)
}

func tellMessage(w io.Writer, mark string, m *trace.Message) {
	if m == nil {
		return
	}
	fmt.Fprintf(w, "%s %s\n", mark, oneLine(m.Line))
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		for _, v := range m.Header[name] {
			fmt.Fprintf(w, "%s %s: %s\n", mark, oneLine(name), oneLine(v))
		}
	}
	if m.Body != "" {
		fmt.Fprintf(w, "%s %s\n", mark, oneLine(m.Body))
	}
}

// exchangeName says what a request was for.
func exchangeName(r trace.Record) string {
	switch {
	case r.Request.Body == "" && len(r.Request.Header) == 0:
		return "request without a login"
	case r.Request.Body == "":
		return "login"
	}
	q, err := wsman.ParseRequest([]byte(r.Request.Body))
	name := "request"
	if err == nil {
		if name = q.Action[strings.LastIndex(q.Action, "/")+1:]; name == "" {
			name = "Identify"
		}
	}
	if len(r.Request.Header) > 0 {
		name = "login with " + name
	}
	if r.Request.Sealed {
		name += ", sealed"
	}
	return name
}
