package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// run is the first line that a shell command prints. The command has no input; it is killed with ctx,
// or after a minute. Programs such as pass print more lines, which are not the password.
func (s *Secrets) run(ctx context.Context, text string) (string, error) {
	patient := s.patient
	if patient == 0 {
		patient = time.Minute
	}
	limited, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	var out firstLine
	cmd := shellCommand(limited, text)
	cmd.Stdout, cmd.Stderr = &out, s.Stderr
	// A helper that stays behind, such as an agent, may hold our pipe open for ever.
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case limited.Err() != nil:
		return "", fmt.Errorf("no answer within %s", patient)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return "", err
	case out.over:
		return "", tooLong()
	}
	return chomp(string(out.kept)), nil
}

// firstLine keeps what is written up to the first newline, and takes the rest without keeping it.
type firstLine struct {
	kept       []byte
	done, over bool
}

func (f *firstLine) Write(p []byte) (int, error) {
	keep := p
	if i := bytes.IndexByte(p, '\n'); i >= 0 {
		keep = p[:i+1]
	}
	switch {
	case f.done:
	case len(f.kept)+len(keep) > maxSecret:
		f.done, f.over = true, true
	default:
		f.kept = append(f.kept, keep...)
		f.done = len(keep) > 0 && keep[len(keep)-1] == '\n'
	}
	return len(p), nil
}
