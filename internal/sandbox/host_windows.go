package sandbox

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"
)

// shellCommand hands the line to cmd.exe as it is: cmd.exe does not read arguments by the rules that exec quotes by.
func shellCommand(line string) *exec.Cmd {
	cmd := exec.Command(os.Getenv("ComSpec"))
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd.exe /d /s /c "` + line + `"`}
	return cmd
}

func newGroup(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.CreationFlags |= windows.CREATE_NEW_PROCESS_GROUP
}

// signalGroup sends Ctrl-Break for both console signals: a process group of its own does not get Ctrl-C.
func signalGroup(p *os.Process, s Signal) {
	if s != Terminate {
		_ = windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(p.Pid))
		return
	}
	_ = exec.Command("taskkill", "/f", "/t", "/pid", strconv.Itoa(p.Pid)).Run() // the program may be gone already
}

func exitCode(state *os.ProcessState, _ bool) uint32 { return uint32(state.ExitCode()) }

// standIn is nil: there is a cmd.exe.
func standIn(Spec) *exec.Cmd { return nil }

func terminalInput(w io.WriteCloser) io.WriteCloser { return w }
