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

// observer returns what is to be told of connections and requests, and what to call at the end: -v on stderr, --trace in a
// file that others cannot read. Its records hold no secrets of the login, but all that the messages say.
func (a *app) observer(g *globals) (observe func(trace.Record), done func(), err error) {
	if g.verbose == 0 && g.trace == "" {
		return nil, func() {}, nil
	}
	done = func() {}
	var file *trace.Writer
	if g.trace != "" {
		f, err := os.OpenFile(g.trace, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return nil, nil, &fileError{"trace", err}
		}
		file = trace.NewWriter(f)
		done = func() {
			err := file.Err()
			if closing := f.Close(); err == nil {
				err = closing
			}
			if err != nil {
				a.warn("%v", err)
			}
		}
	}
	var mu sync.Mutex
	return func(r trace.Record) {
		if file != nil {
			file.Write(r)
		}
		if g.verbose > 0 {
			mu.Lock()
			defer mu.Unlock()
			tell(a.stderr, r, g.verbose > 1)
		}
	}, done, nil
}

// tell writes a record for people.
func tell(w io.Writer, r trace.Record, messages bool) {
	line := fmt.Sprintf("* %d %s", r.Connection, r.Event)
	if r.Event == "exchange" {
		line = fmt.Sprintf("* %d %s", r.Connection, exchangeName(r))
	}
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
	if r.Request.Body == "" {
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
