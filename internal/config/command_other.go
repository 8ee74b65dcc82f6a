//go:build !windows

package config

import (
	"context"
	"os/exec"
)

func shellCommand(ctx context.Context, text string) *exec.Cmd {
	return exec.CommandContext(ctx, "sh", "-c", text)
}
