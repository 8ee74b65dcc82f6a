//go:build unix

package sandbox

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"syscall"
)

func shellCommand(line string) *exec.Cmd { return exec.Command("/bin/sh", "-c", "--", line) }

// standIn is the sh that stands in for a cmd.exe without a line of its own, nil for other programs. As cmd.exe it has a
// prompt that tells the directory, and writes it to stdout, in order with the rest. It has no terminal, so it gets no jobs
// (+m): Ctrl-C then reaches what it runs as well as itself, which lives on.
func standIn(s Spec) *exec.Cmd {
	if !isCmd(s) {
		return nil
	}
	if !s.Console {
		return exec.Command("/bin/sh")
	}
	cmd := exec.Command("/bin/sh", "-c", "exec /bin/sh +m -i 2>&1")
	cmd.Env = []string{"PS1=sandbox:$PWD$ ", "PS2=> "}
	return cmd
}

// terminalInput takes lines as consoles of Windows end them.
func terminalInput(w io.WriteCloser) io.WriteCloser { return withoutReturns{w} }

type withoutReturns struct{ io.WriteCloser }

func (w withoutReturns) Write(b []byte) (int, error) {
	if _, err := w.WriteCloser.Write(bytes.ReplaceAll(b, []byte("\r"), nil)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// newGroup gives the program a process group of its own, so that a signal reaches all that it started, and a Ctrl-C at the
// terminal reaches none of it.
func newGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func signalGroup(p *os.Process, s Signal) {
	number := map[Signal]syscall.Signal{CtrlC: syscall.SIGINT, CtrlBreak: syscall.SIGTERM, Terminate: syscall.SIGKILL}[s]
	_ = syscall.Kill(-p.Pid, number) // a group that is gone is what was asked for
}

// exitCode is what Windows would give: STATUS_CONTROL_C_EXIT for a program that Ctrl-C ended. Others that died of a signal
// get the 128+n of Unix shells.
func exitCode(state *os.ProcessState, interrupted bool) uint32 {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		if interrupted && ok && status.ExitStatus() == 128+int(syscall.SIGINT) {
			return exitControlC // sh reports what ended its child
		}
		return uint32(state.ExitCode())
	}
	if status.Signal() == syscall.SIGINT {
		return exitControlC
	}
	return 128 + uint32(status.Signal())
}
