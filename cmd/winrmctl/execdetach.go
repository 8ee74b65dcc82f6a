package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/report"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/transport"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// detaching are the flags of commands that outlive this process.
type detaching struct {
	detach   bool
	buffer   string
	attach   string // a token; "" for none
	takeOver bool
	timeout  bool // --timeout was given; that of a profile is meant for commands that are waited for
}

func (d *detaching) register(f *pflag.FlagSet) {
	f.BoolVar(&d.detach, "detach", false, "leave the command running, and print an ID to come back to it with")
	f.StringVar(&d.buffer, "buffer", "", "with --detach: `MODE` when the server keeps no more output: block (the command waits) or drop (the oldest is lost)")
	f.StringVar(&d.attach, "attach", "", "come back to the command `ID`: its output, from where nobody has fetched it, and its exit code")
	f.BoolVar(&d.takeOver, "take-over", false, "with --attach: though somebody else is attached, or was when the connection broke")
}

// apart reports that the process on the target and this one do not begin and end together.
func (d *detaching) apart() bool { return d.detach || d.attach != "" }

// check refuses what makes no sense together.
func (o *execOptions) checkDetaching(c *cobra.Command) error {
	d := &o.detaching
	d.timeout = c.Flags().Changed("timeout")
	switch {
	case d.buffer != "" && d.buffer != "block" && d.buffer != "drop":
		return &usageError{"--buffer \"" + d.buffer + "\": need one of block drop", ""}
	case d.buffer != "" && !d.detach:
		return &usageError{"--buffer is of use only with --detach", ""}
	case d.takeOver && d.attach == "":
		return &usageError{"--take-over is of use only with --attach", ""}
	case c.Flags().Changed("attach"):
		return o.checkAttach(c)
	case !d.detach:
		return nil
	case o.stdin:
		return &usageError{"--detach and -i exclude each other: nobody is there to go on reading stdin", "put the input into a file on the target, or into a script: -f"}
	case d.timeout:
		return &usageError{"--detach and --timeout exclude each other: nobody is there to end the command", "--idle-timeout has the server delete the shell after that time"}
	case o.junit != "":
		return &usageError{"--detach and --junit exclude each other: there is no result yet", "--attach takes --junit"}
	}
	return nil
}

// checkDetached refuses targets that nothing can be left on.
func (o *execOptions) checkDetached() error {
	for _, t := range o.targets {
		if o.apart() && t.Sandbox {
			return &usageError{"the built-in sandbox ends with this process, and what runs in it", "winrmctl sandbox, left running, is a target to detach from"}
		}
	}
	if o.attach != "" && o.several {
		return &usageError{"--attach comes back to one command on one target, not to several", "run it once for each"}
	}
	return nil
}

// leave starts the command, or the script, in an open shell, and leaves it there.
func (r *execRunner) leave(ctx context.Context, t *config.Target, sh *shell.Shell) (*report.Detached, error) {
	id, err := r.launch(ctx, sh)
	if err == nil {
		mode := map[string]wsman.BufferMode{"block": wsman.BufferBlock, "drop": wsman.BufferDrop}[r.buffer]
		err = sh.Disconnect(ctx, shell.Detaching{BufferMode: mode})
	}
	token := sh.ID() + "/" + id
	way, lost := errors.AsType[*transport.Error](err)
	switch fault, _ := errors.AsType[*wsman.Fault](err); {
	case err == nil:
		return &report.Detached{ShellID: sh.ID(), CommandID: id, Token: token}, nil
	case id != "" && lost && (way.Lost() || way.Astray()) && ctx.Err() == nil:
		// It may go on there, which is what was asked for.
		return nil, &leftError{"the connection broke before the command " + token + " was left in good order", err, "winrmctl exec --attach " + token + " --take-over " + t.Name + " comes back to it, if it goes on"}
	case fault != nil && fault.Unsupported():
		err = &hintedError{err, "Windows disconnects shells from Windows 8 and Server 2012 on, and not of every kind: the command was ended"}
	}
	r.discard(ctx, t, sh, err)
	return nil, causeOf(ctx, err)
}

// launch starts what is to be left.
func (r *execRunner) launch(ctx context.Context, sh *shell.Shell) (commandID string, err error) {
	command, stdin := r.command(), io.Reader(nil)
	if r.script.open != nil {
		text, err := r.script.open()
		if err != nil {
			return "", err
		}
		defer text.Close()
		plan, err := r.plan(text)
		if err != nil {
			return "", err
		}
		command, stdin = shell.Command{Line: plan.Line}, plan.Input
	}
	return sh.Launch(ctx, command, stdin)
}

// A leftError is a command that may go on without anybody who listens to it.
type leftError struct {
	text string
	err  error
	hint string
}

func (e *leftError) Error() string { return e.text + ": " + e.err.Error() }
func (e *leftError) Unwrap() error { return e.err }
func (e *leftError) Hint() string  { return e.hint }
