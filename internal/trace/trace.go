// Package trace is the form in which a session's requests and answers are written to a file, and read back to be replayed
// in tests; it does not know what the messages mean, and secrets must have been taken out before they come here.
package trace

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// A Record is one line of a trace file: one HTTP request with its answer, or a connection being made or closed.
type Record struct {
	Time       time.Time `json:"time"` // when it began
	Target     string    `json:"target,omitempty"`
	Connection int       `json:"connection"` // of the target, counted from 1
	Event      string    `json:"event"`      // connect, exchange or close
	DurationMS float64   `json:"duration_ms"`
	Address    string    `json:"address,omitempty"` // connect: of the peer
	TLS        string    `json:"tls,omitempty"`     // connect: version and cipher suite
	Request    *Message  `json:"request,omitempty"`
	Answer     *Message  `json:"answer,omitempty"`
	Error      string    `json:"error,omitempty"`
}

// A Message is a request or an answer. Body is what was said before sealing, or after opening.
type Message struct {
	Line   string              `json:"line"` // request line or status line
	Header map[string][]string `json:"header,omitempty"`
	Sealed bool                `json:"sealed"`
	Body   string              `json:"body,omitempty"`
}

// A Writer writes records, one JSON object a line. It is safe for concurrent use and keeps its first error.
type Writer struct {
	mu  sync.Mutex
	out *json.Encoder
	err error
}

// NewWriter returns a Writer to w, which stays the caller's to close.
func NewWriter(w io.Writer) *Writer {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &Writer{out: e}
}

// Write writes one record.
func (w *Writer) Write(r Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = w.out.Encode(r)
	}
}

// Err returns the first error of writing.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return fmt.Errorf("trace: %w", w.err)
	}
	return nil
}
