package sandbox

import (
	"errors"
	"io"
	"strings"
)

// Programs run command lines for a server.
type Programs interface {
	// Start starts a program. An error is [ErrDirectory] when Spec.Dir is none; another one means that there is no program
	// of that name.
	Start(Spec) (Program, error)
}

// ErrDirectory is a directory of a shell that is not there.
var ErrDirectory = errors.New("sandbox: not a directory")

// Spec is what to run.
type Spec struct {
	Line     string   // the whole command line
	Program  string   // its first part, and
	Args     []string // its arguments, as the client sent them
	Direct   bool     // without a shell
	Console  bool     // stdin counts as a console (WINRS_CONSOLEMODE_STDIN)
	Env      []string // NAME=value, beside the server's own
	Dir      string   // "" for the server's own
	CodePage string   // of the output, as the client asked for it; "" for any
	Refused  string   // what cmd.exe would say instead of running the line; "" to run it

	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Signal is a way to interrupt a program.
type Signal int

// The signals.
const (
	CtrlC Signal = iota
	CtrlBreak
	Terminate
)

// Exit codes of programs that a signal ended.
const (
	exitControlC   uint32 = 3221225786 // STATUS_CONTROL_C_EXIT
	exitTerminated uint32 = 1
)

// A Program runs. Its methods are safe for concurrent use.
type Program interface {
	// Wait waits for the end and returns the exit code, after all output was written.
	Wait() uint32
	// Signal interrupts the program, and those that it started.
	Signal(Signal)
}

// isCmd reports that a cmd.exe is to read its commands from stdin.
func isCmd(s Spec) bool {
	name := strings.ToLower(strings.TrimSpace(s.Line))
	return name == "cmd" || name == "cmd.exe"
}

// refusal is a command line that the shell does not take.
type refusal struct{ spec Spec }

func (r refusal) Wait() uint32 {
	_, _ = io.WriteString(r.spec.Stderr, r.spec.Refused)
	return 1
}

func (refusal) Signal(Signal) {}
