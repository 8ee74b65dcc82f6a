package main

import (
	"fmt"
	"os"

	"golang.org/x/term"
)

// terminalPrompt returns a way to ask for a password without echo, nil where stdin or stderr is no terminal.
func terminalPrompt() func(string) (string, error) {
	in := int(os.Stdin.Fd())
	if !term.IsTerminal(in) || !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	return func(prompt string) (string, error) {
		fmt.Fprint(os.Stderr, prompt)
		password, err := term.ReadPassword(in)
		fmt.Fprintln(os.Stderr)
		return string(password), err
	}
}
