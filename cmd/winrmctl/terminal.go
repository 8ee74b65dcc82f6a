package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"

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

// localTerminal is the one that this process runs at.
type localTerminal struct {
	in, out *os.File
	mu      sync.Mutex
	before  *term.State // nil while it is not raw
}

// openTerminal returns the terminal, nil where stdin or stdout is none.
func openTerminal() *localTerminal {
	if !isTerminal(os.Stdin) || !isTerminal(os.Stdout) {
		return nil
	}
	return &localTerminal{in: os.Stdin, out: os.Stdout}
}

func (t *localTerminal) Read(b []byte) (int, error)  { return t.in.Read(b) }
func (t *localTerminal) Write(b []byte) (int, error) { return t.out.Write(b) }

// Raw implements [console.Terminal].
func (t *localTerminal) Raw() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, err := term.MakeRaw(int(t.in.Fd()))
	if err == nil && t.before == nil {
		t.before = before
	}
	return err
}

// Restore implements [console.Terminal].
func (t *localTerminal) Restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before != nil {
		_ = term.Restore(int(t.in.Fd()), t.before)
		t.before = nil
	}
}

// Size implements [console.Terminal].
func (t *localTerminal) Size() (width, height int) {
	width, height, _ = term.GetSize(int(t.out.Fd()))
	return width, height
}

// run runs a command line of this machine on the terminal.
func (t *localTerminal) run(ctx context.Context, line string) error {
	argv := localShell(line)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.in, t.out, os.Stderr
	return cmd.Run()
}
