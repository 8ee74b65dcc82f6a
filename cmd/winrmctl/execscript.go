package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/winrmctl/winrmctl/internal/script"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// scriptSource is where the text of -f comes from, for each target from its beginning.
type scriptSource struct {
	open  func() (io.ReadCloser, error)
	close func() // removes what was kept; never nil
}

// openScript finds the script, and refuses one that cannot be run. A script from stdin is read as it is sent where there is
// one target; for several it is kept in a file that others cannot read.
func (o *execOptions) openScript(ctx context.Context) (*scriptSource, error) {
	source := &scriptSource{close: func() {}}
	if o.scriptFile == "" {
		return source, nil
	}
	plan, err := o.plan(strings.NewReader(""))
	if err != nil {
		return nil, err
	}
	if o.detach && (plan.Prepare != "" || plan.Cleanup != "") {
		return nil, &usageError{"--detach is not possible with this script: nobody is there to delete its file on the target", ".ps1, and scripts with --interpreter, need none"}
	}
	name := o.scriptFile
	if name == "-" {
		if !o.several {
			source.open = func() (io.ReadCloser, error) { return io.NopCloser(o.app.stdin), nil }
			return source, nil
		}
		if name, err = spool(ctx, o.app.stdin); err != nil {
			return nil, &fileError{"script from stdin", err}
		}
		source.close = func() { _ = os.Remove(name) }
	}
	source.open = func() (io.ReadCloser, error) {
		f, err := os.Open(name)
		if err != nil {
			return nil, unusable("script", err)
		}
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return nil, unusable("script", errors.Join(fmt.Errorf("%s is a directory", name), f.Close()))
		}
		return f, nil
	}
	f, err := source.open()
	if err != nil {
		return nil, err
	}
	return source, f.Close()
}

// spool copies r to a file, whose removal is the caller's.
func spool(ctx context.Context, r io.Reader) (name string, err error) {
	f, err := os.CreateTemp("", "winrmctl-script-")
	if err != nil {
		return "", err
	}
	copied := make(chan error, 1)
	go func() {
		_, err := io.Copy(f, r)
		if closing := f.Close(); err == nil {
			err = closing
		}
		copied <- err
	}()
	select {
	case err = <-copied:
	case <-ctx.Done():
		err = context.Cause(ctx) // the read that is left behind ends with the process
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// plan makes the plan for a script.
func (o *execOptions) plan(text io.Reader) (*script.Plan, error) {
	p, err := script.Of(text, script.Options{Name: o.scriptFile, Args: o.args, Interpreter: o.interpreter, PowerShell7: o.seven, Unique: wsman.NewID()[:8]})
	if errors.Is(err, script.ErrExtension) {
		return nil, &usageError{err.Error(), "--interpreter 'COMMAND' names one that reads the script from stdin; .ps1, .cmd and .bat need none"}
	}
	if errors.Is(err, script.ErrArgument) {
		return nil, &usageError{err.Error(), "have the script read a file"}
	}
	if err == nil && o.seven && !strings.HasPrefix(p.Line, "pwsh.exe ") {
		return nil, &usageError{"--pwsh is of use only with PowerShell scripts", ""}
	}
	if err == nil {
		err = checkLine(p.Line, longest, "have the script read a file")
	}
	if err == nil && o.stdin && !p.OwnsStdin {
		return nil, &usageError{"-i is not possible with this script: " + p.WhyNot, "have the script read a file, or take what it needs as arguments"}
	}
	return p, err
}

// A prepareError is a script that could not be put on the target.
type prepareError struct{}

func (*prepareError) Error() string {
	return "the script could not be written whole to the directory TEMP of the target, so it was not run"
}

// runScript runs the script in an open shell.
func (r *execRunner) runScript(ctx context.Context, end context.CancelCauseFunc, sh *shell.Shell, streams shell.Streams) error {
	text, err := r.script.open()
	if err != nil {
		return err
	}
	defer text.Close()
	plan, err := r.plan(text)
	if err != nil {
		return err
	}
	if plan.Cleanup != "" {
		defer func() {
			cleaning, stop := r.interrupts.tidying(ctx)
			defer stop()
			if failed := sh.Run(cleaning, shell.Command{Line: plan.Cleanup}, shell.Streams{}); failed != nil && !isGone(failed) {
				r.app.warn("the script's file could not be deleted on the target (%s): %v", plan.Cleanup, failed)
			}
		}()
	}
	if plan.Prepare != "" {
		err := r.run1(ctx, end, sh, shell.Command{Line: plan.Prepare}, shell.Streams{Stdin: plan.Stage, Stderr: streams.Stderr})
		code := uint32(0)
		if exit, ok := errors.AsType[*shell.ExitError](err); ok {
			code, err = exit.Code, nil
		}
		switch {
		case errors.Is(err, script.ErrLine):
			return &usageError{err.Error(), ""}
		case err != nil:
			return err
		case !plan.Arrived(code):
			return &prepareError{}
		}
	}
	switch {
	case plan.Input != nil && streams.Stdin != nil:
		streams.Stdin = io.MultiReader(plan.Input, streams.Stdin)
	case plan.Input != nil:
		streams.Stdin = plan.Input
	}
	return r.run1(ctx, end, sh, shell.Command{Line: plan.Line}, streams)
}
