//go:build unix

package sandbox

import (
	"os"
	"os/exec"
	"syscall"
)

func shellCommand(line string) *exec.Cmd { return exec.Command("/bin/sh", "-c", line) }

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
