package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with the configuration, in words for the person who wrote it.
// No field ever holds the value of a secret.
type Problem struct {
	File string `json:"file,omitempty"` // as it was opened; empty for the environment
	Line int    `json:"line,omitempty"` // from 1; 0 where there is none
	Key  string `json:"key,omitempty"`  // "profiles.web1.port", or "WINRMCTL_PORT"
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// Error is the problem in one line: "config.yaml:7: profiles.web1.hots: unknown key".
func (p Problem) Error() string {
	var parts []string
	switch {
	case p.File != "" && p.Line > 0:
		parts = append(parts, fmt.Sprintf("%s:%d", p.File, p.Line))
	case p.File != "":
		parts = append(parts, p.File)
	}
	if p.Key != "" {
		parts = append(parts, p.Key)
	}
	return strings.Join(append(parts, p.Text), ": ")
}

// Error says that the configuration (file or environment) cannot be used. It holds every problem
// that was found, at least one, in the order of their lines.
type Error struct {
	Problems []Problem
}

// Error is the first problem, and how many more there are.
func (e *Error) Error() string {
	text := e.Problems[0].Error()
	if more := len(e.Problems) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more: see winrmctl config validate)", more)
	}
	return text
}

// Hint is the cure of the first problem, or "".
func (e *Error) Hint() string { return e.Problems[0].Hint }

// UsageError says that what was typed cannot be meant: a target or a flag. The configuration is not
// to blame.
type UsageError struct {
	text, hint string
}

// Error is one sentence, without a secret even where one was typed.
func (e *UsageError) Error() string { return e.text }

// Hint is what to type instead, or "".
func (e *UsageError) Hint() string { return e.hint }

// SecretError says that there is no user name or no password to log in with, or that the place
// that should give one does not.
type SecretError struct {
	text, hint string
	err        error
}

// Error is one sentence. It names the source, never what the source gave.
func (e *SecretError) Error() string {
	if e.err != nil {
		return e.text + ": " + e.err.Error()
	}
	return e.text
}

// Hint lists what to do, or is "".
func (e *SecretError) Hint() string { return e.hint }

// Unwrap is the cause, for instance a context's error or fs.ErrNotExist; nil where there is none.
func (e *SecretError) Unwrap() error { return e.err }

// hintOf is the hint of an error of any kind that has one, or "".
func hintOf(err error) string {
	var hinted interface {
		error
		Hint() string
	}
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// flaw is why a value is refused, before anyone knows where the value stands.
type flaw struct {
	text, hint string
}

// report collects the problems of one file.
type report struct {
	file     string
	problems []Problem
}

func (r *report) add(line int, key, text, hint string) {
	r.problems = append(r.problems, Problem{File: r.file, Line: line, Key: key, Text: text, Hint: hint})
}

func (r *report) empty() bool { return len(r.problems) == 0 }

// err is nil without problems.
func (r *report) err() error {
	if r.empty() {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
	return &Error{Problems: r.problems}
}
