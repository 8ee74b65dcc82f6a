// Package report writes what commands did on targets: lines for people, JSON and events for programs, JUnit for build
// servers; it does not know how a command is run, nor how it is told what became of it.
package report

import (
	"io"
	"time"
)

// A Report is told of targets as they come. Start may be called by several goroutines at once.
type Report interface {
	// Start begins a target's part.
	Start(target, host string, at time.Time) Part
	// Close writes what is left, once all parts have ended.
	Close() error
}

// A Part takes what one target says, and how it ended. Its methods, and writes to each stream, are for one goroutine at a
// time.
type Part interface {
	Stdout() io.Writer
	Stderr() io.Writer
	End(Result) error // the last call
}

// A Result is how a command went on one target. The JSON is documented in docs/output.md and held by docs/output.schema.json.
type Result struct {
	ExitCode *uint32       // nil where there is none
	Duration time.Duration // since Start
	Requests int           // HTTP requests, those of the login among them
	Error    *Error        // why there is no exit code; nil where there is one
	Detached *Detached     // the command goes on: there is neither an exit code nor an error
}

// OK reports that the command ran and succeeded, or goes on.
func (r *Result) OK() bool {
	return r.Error == nil && (r.Detached != nil || r.ExitCode != nil && *r.ExitCode == 0)
}

// Detached is a command that was left running.
type Detached struct {
	ShellID   string `json:"shell_id"`
	CommandID string `json:"command_id"`
	Token     string `json:"token"` // what people type to come back to it
}

// An Error is why a command did not run to its end.
type Error struct {
	Kind    string  `json:"kind"`    // one of few words, for programs
	Message string  `json:"message"` // a sentence, for people
	Code    *uint32 `json:"code"`    // of a WS-Management fault, else null
}

// milliseconds is how durations are written.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// stamp is how times are written: RFC 3339, UTC, always with milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
