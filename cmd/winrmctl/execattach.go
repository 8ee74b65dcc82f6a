package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/enum"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// A token names a shell, and a command in it, for people: SHELLID or SHELLID/COMMANDID.
type token struct{ shell, command string }

func (t token) String() string {
	if t.command == "" {
		return t.shell
	}
	return t.shell + "/" + t.command
}

func parseToken(s string) (token, error) {
	const id = `((?:uuid:)?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})`
	m := regexp.MustCompile(`^` + id + `(?:/` + id + `)?$`).FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return token{}, &usageError{fmt.Sprintf("--attach %q: need SHELLID or SHELLID/COMMANDID", s), "winrmctl exec --detach prints one; winrmctl enum TARGET shells lists what is there"}
	}
	return token{m[1], m[2]}, nil
}

// checkAttach refuses what has no meaning for a command that runs already.
func (o *execOptions) checkAttach(c *cobra.Command) error {
	if _, err := parseToken(o.attach); err != nil {
		return err
	}
	if o.stdin {
		return &usageError{"--attach and -i exclude each other: the stdin of a command that was left running is at its end", ""}
	}
	if len(o.args) > 0 {
		return &usageError{"--attach comes back to what runs, and takes no command", "winrmctl exec --attach ID TARGET"}
	}
	var useless string
	c.Flags().Visit(func(f *pflag.Flag) {
		if slices.Contains([]string{
			"detach", "powershell", "script", "interpreter", "pwsh", "env", "cwd", "code-page", "no-profile", "idle-timeout", "direct", "targets-from",
		}, f.Name) && useless == "" {
			useless = f.Name
		}
	})
	if useless != "" {
		return &usageError{"--attach and --" + useless + " exclude each other: the command runs already, on one target", ""}
	}
	return nil
}

// comeBack attaches to a command, and stays until its end. attached is called when Ctrl-C is the command's.
func (r *execRunner) comeBack(ctx context.Context, end context.CancelCauseFunc, attached func(), t *config.Target, o shell.Options, streams shell.Streams) error {
	id, err := parseToken(r.attach)
	if err != nil {
		return err
	}
	var sh *shell.Shell
	err = r.retry(ctx, func() (err error) {
		if id.command == "" {
			if id.command, err = onlyCommand(ctx, o, id.shell); err != nil {
				return err
			}
		}
		connect := shell.Connect
		if r.takeOver {
			connect = shell.TakeOver
		}
		sh, err = connect(ctx, o, id.shell)
		return err
	})
	if err != nil {
		return notAttached(t, id, causeOf(ctx, err))
	}
	return r.attached(ctx, end, attached, t, sh, id, streams)
}

// attached takes up the command of a shell that is connected. The process does not end with ctx: when a signal ends that,
// the output that is under way is taken along.
func (r *execRunner) attached(ctx context.Context, end context.CancelCauseFunc, attached func(), t *config.Target, sh *shell.Shell, id token, streams shell.Streams) error {
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	early := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	p, err := sh.Attach(own, id.command, streams)
	early()
	if err != nil {
		r.leaveAgain(ctx, t, sh, id, false)
		return notAttached(t, id, causeOf(ctx, err))
	}
	attached()
	done := r.interrupts.passTo(p, end)
	left := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		if isSignal(ctx) {
			r.leaveAgain(ctx, t, sh, id, true)
		}
		close(left)
		cancel(context.Cause(ctx))
	})
	err = p.Wait()
	if done() {
		err = errInterrupted
	}
	if isSignal(ctx) && !stop() {
		if <-left; !ended(err) {
			return context.Cause(ctx)
		}
	}
	return r.afterwards(ctx, t, sh, id, err)
}

// isSignal reports that a signal other than Ctrl-C has ended ctx.
func isSignal(ctx context.Context) bool {
	_, ok := errors.AsType[*signalError](context.Cause(ctx))
	return ok
}

// ended reports the end of a command, not one of the way to it.
func ended(err error) bool {
	_, exited := errors.AsType[*shell.ExitError](err)
	return err == nil || exited || errors.Is(err, shell.ErrNoExitCode)
}

// afterwards deletes the shell of a command that has ended, or that is to be ended; else it leaves the shell again.
func (r *execRunner) afterwards(ctx context.Context, t *config.Target, sh *shell.Shell, id token, err error) error {
	var late *timeoutError
	fault, refused := errors.AsType[*wsman.Fault](err)
	switch {
	case ended(err), errors.Is(err, errInterrupted), errors.As(err, &late):
		r.discard(ctx, t, sh, err)
		return err
	case refused && fault.Code == wsman.CodeInvalidSelectors:
		return &goneError{id, t.Name, err}
	case refused && (fault.Code == wsman.CodeOperationAborted || fault.Code.IsConnected()), errors.Is(err, shell.ErrDisconnected):
		return &brokenError{fmt.Sprintf("the shell %s was deleted, or taken over by another client", id.shell), err}
	}
	if r.leaveAgain(ctx, t, sh, id, true) || ctx.Err() != nil {
		return err
	}
	return &leftError{"the connection broke, and the command " + id.String() + " was not left in good order", err, "winrmctl exec --attach " + id.String() + " --take-over " + t.Name + " comes back to it"}
}

// leaveAgain disconnects a shell whose command goes on.
func (r *execRunner) leaveAgain(ctx context.Context, t *config.Target, sh *shell.Shell, id token, tell bool) bool {
	closing, stop := r.interrupts.tidying(ctx)
	defer stop()
	if err := sh.Disconnect(closing, shell.Detaching{}); err != nil {
		r.app.warn("the remote shell %s on %s could not be disconnected: %v", sh.ID(), t.Name, err)
		return false
	}
	if tell {
		fmt.Fprintf(r.app.stderr, "left running: winrmctl exec --attach %s %s\n", id, oneLine(t.Name))
	}
	return true
}

// notAttached says why there is nothing to attach to.
func notAttached(t *config.Target, id token, err error) error {
	fault, ok := errors.AsType[*wsman.Fault](err)
	switch {
	case !ok:
		return err
	case fault.Code == wsman.CodeInvalidSelectors:
		return &goneError{id, t.Name, err}
	case fault.Code.IsConnected():
		return &hintedError{err, "somebody is attached to it, or was when the connection broke: --take-over attaches all the same"}
	case fault.Unsupported():
		return &hintedError{err, "the server does not let clients come back to shells of this kind"}
	}
	return err
}

// A goneError is a shell or a command that somebody has a token of, and the server does not know.
type goneError struct {
	id     token
	target string
	err    error
}

func (e *goneError) Error() string {
	what := "the shell"
	if e.id.command != "" {
		what = "the command"
	}
	return fmt.Sprintf("%s %s is gone from %s", what, e.id, e.target)
}

func (e *goneError) Unwrap() error { return e.err }

func (e *goneError) Hint() string {
	return "it has ended and was fetched, it was deleted, or nobody came back within its idle timeout"
}

// onlyCommand finds the command of a shell that has one.
func onlyCommand(ctx context.Context, o shell.Options, shellID string) (string, error) {
	client := &enum.Client{Conn: o.Main, To: o.To, SessionID: "uuid:" + wsman.NewID(), OperationTimeout: o.OperationTimeout}
	var ids []string
	for c, err := range client.Commands(ctx, shellID) {
		if err != nil {
			return "", err
		}
		ids = append(ids, c.ID)
		if len(ids) > 8 {
			break // enough to say so
		}
	}
	switch len(ids) {
	case 0:
		return "", &wsman.Fault{Code: wsman.CodeInvalidSelectors, Reason: "there is no such shell, or no command in it"}
	case 1:
		return ids[0], nil
	}
	return "", &usageError{fmt.Sprintf("the shell %s has several commands", shellID), "--attach " + shellID + "/COMMANDID, with one of: " + strings.Join(ids, " ")}
}
