package main

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/term"
)

// terminalPrompt returns a way to ask for a password without echo, nil where nobody would see the question or could answer.
func terminalPrompt() func(context.Context, string) (string, error) {
	person := personAt()
	if person == nil {
		return nil
	}
	in := int(person.Fd())
	return func(ctx context.Context, prompt string) (string, error) {
		before, err := term.GetState(in)
		if err != nil {
			return "", err
		}
		type answer struct {
			password []byte
			err      error
		}
		answers := make(chan answer, 1)
		fmt.Fprint(os.Stderr, prompt)
		defer fmt.Fprintln(os.Stderr)
		go func() {
			password, err := term.ReadPassword(in)
			answers <- answer{password, err}
		}()
		select {
		case a := <-answers:
			return string(a.password), a.err
		case <-ctx.Done():
			_ = term.Restore(in, before) // the read that is left behind has turned echo off
			return "", context.Cause(ctx)
		}
	}
}

// personAt is the terminal that a person types at: stdin, or that of the process where stdin brings something else. Nil where
// stderr does not reach a person.
func personAt() *os.File {
	switch {
	case !isTerminal(os.Stderr):
		return nil
	case isTerminal(os.Stdin):
		return os.Stdin
	}
	name := "/dev/tty"
	if runtime.GOOS == "windows" {
		name = "CONIN$"
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil || !isTerminal(f) {
		return nil
	}
	return f
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// terminalSize is that of the terminal that stdout is, 0 where it cannot be told.
func terminalSize() (width, height int) {
	width, height, _ = term.GetSize(int(os.Stdout.Fd()))
	return width, height
}
