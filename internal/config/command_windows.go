package config

import (
	"context"
	"os/exec"
	"syscall"
)

// shellCommand hands the text to cmd.exe as it is: the quoting that os/exec does is not that of cmd.
func shellCommand(ctx context.Context, text string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cmd")
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd /d /s /c "` + text + `"`}
	return cmd
}
