package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/term"
)

// terminalPrompt returns a way to ask for a password without echo, nil where stdin or stderr is no terminal.
func terminalPrompt() func(context.Context, string) (string, error) {
	in := int(os.Stdin.Fd())
	if !term.IsTerminal(in) || !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
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

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// terminalSize is that of the terminal that stdout is, 0 where it cannot be told.
func terminalSize() (width, height int) {
	width, height, _ = term.GetSize(int(os.Stdout.Fd()))
	return width, height
}
