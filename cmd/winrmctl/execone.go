package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/winrmctl/winrmctl/internal/clixml"
	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/console"
	"github.com/winrmctl/winrmctl/internal/fanout"
	"github.com/winrmctl/winrmctl/internal/report"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/transport"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// execRunner runs the command of an exec on its targets.
type execRunner struct {
	*execOptions
	interrupts *interrupts
	script     *scriptSource
	secrets    *config.Secrets
}

// result is how a command went on one target.
type result struct {
	exitCode *uint32          // nil where there is none
	err      error            // why there is none, or what else went wrong; nil for an exit code, 0 or not
	detached *report.Detached // the command goes on: there is neither of both
	kept     time.Duration    // how long, at most, until somebody comes back; 0 for unknown
	duration time.Duration
	requests int
}

// failure is the error of a target that did not succeed, nil for exit code 0.
func (r *result) failure() error {
	if r.err == nil && r.exitCode != nil && *r.exitCode != 0 {
		return &shell.ExitError{Code: *r.exitCode}
	}
	return r.err
}

// on runs the command on one target. slot is nil where it is the only one.
func (r *execRunner) on(ctx context.Context, t *config.Target, streams shell.Streams, slot *fanout.Slot) *result {
	res := &result{}
	started := time.Now()
	err := r.timed(ctx, t, streams, slot, res)
	res.duration = time.Since(started)
	if res.detached != nil {
		return res
	}
	if exit, ok := errors.AsType[*shell.ExitError](err); ok {
		res.exitCode = &exit.Code
	} else if err == nil {
		res.exitCode = new(uint32)
	} else {
		res.err = explain(t, err)
	}
	return res
}

// timed bounds the whole by --timeout.
func (r *execRunner) timed(ctx context.Context, t *config.Target, streams shell.Streams, slot *fanout.Slot, res *result) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if limit := t.Settings.Timeout; limit > 0 && (!r.apart() || r.timeout) {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, limit, &timeoutError{limit, "command"})
		defer stop()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	forget := r.interrupts.onNext(func() { cancel(errInterrupted) }) // as long as no program runs there
	defer forget()
	c, err := r.app.connect(ctx, r.globals, t, r.secrets)
	if err != nil {
		return causeOf(ctx, err)
	}
	defer c.close()
	defer func() { res.requests = c.dialer.Requests() }()
	main, side, spare := c.dialer.Lane(), c.dialer.Lane(), c.dialer.Lane()
	defer main.Close()
	defer side.Close()
	defer spare.Close()
	options := shellOptions(t, c, main, side)
	options.Spare = spare
	options.Detachable = r.detach
	options.Panicked = func(value any, stack []byte) { cancel(&console.PanicError{Value: value, Stack: stack}) }
	if r.attach != "" {
		return r.asText(streams, func(streams shell.Streams) error { return r.comeBack(ctx, cancel, forget, t, options, streams) })
	}
	sh, err := r.open(ctx, options, slot)
	if err != nil {
		return causeOf(ctx, err)
	}
	if r.detach {
		res.detached, err = r.leave(ctx, t, sh)
		res.kept = sh.IdleTimeout()
		return err
	}
	forget()
	err = r.inShell(ctx, cancel, sh, streams)
	r.discard(ctx, t, sh, err)
	return err
}

// discard deletes a shell, after the failure err of what ran in it or nil.
func (r *execRunner) discard(ctx context.Context, t *config.Target, sh *shell.Shell, err error) {
	closing, stop := r.interrupts.tidying(ctx)
	defer stop()
	if failed := sh.Close(closing); failed != nil && !isGone(err) {
		r.app.warn("the remote shell %s on %s could not be deleted: %v", sh.ID(), t.Name, failed)
	}
}

// stall is how long a target may take to answer before another one gets its slot.
const stall = time.Second

// open creates the shell, again and again where that is asked for and safe. A target that does not answer gives up its slot
// in the meantime.
func (r *execRunner) open(ctx context.Context, o shell.Options, slot *fanout.Slot) (*shell.Shell, error) {
	if slot != nil {
		t := time.AfterFunc(stall, slot.Yield)
		defer t.Stop()
	}
	var sh *shell.Shell
	err := r.retry(ctx, func() (err error) {
		sh, err = shell.Open(ctx, o)
		return err
	})
	if err == nil && slot != nil {
		if err = slot.Acquire(ctx); err != nil {
			closing, stop := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
			defer stop()
			_ = sh.Close(closing)
		}
	}
	return sh, err
}

// retry runs f once more, up to --retries times and with growing pauses, where its failure is safe to repeat: nothing was
// done on the target.
func (r *execRunner) retry(ctx context.Context, f func() error) error {
	pause := 500 * time.Millisecond
	for n := 0; ; n++ {
		err := f()
		if err == nil || n == r.retries || !repeatable(err) || ctx.Err() != nil {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return err
		}
		pause = min(2*pause, 30*time.Second)
	}
}

// repeatable reports a failure after which nothing was done on the target: the name or the connection, a service that is
// not ready, a full quota.
func repeatable(err error) bool {
	if way, ok := errors.AsType[*transport.Error](err); ok {
		return way.Kind == transport.KindUnresolved || way.Kind == transport.KindUnreachable || way.Kind == transport.KindNotReady
	}
	fault, ok := errors.AsType[*wsman.Fault](err)
	return ok && fault.Code.IsQuota()
}

// shellOptions are the options of a shell on a target.
func shellOptions(t *config.Target, c *connection, main, side shell.Conn) shell.Options {
	s := t.Settings
	options := shell.Options{
		Main: main, Side: side, To: c.address, WorkingDirectory: s.CWD, CodePage: s.CodePage, NoProfile: s.NoProfile,
		IdleTimeout: s.IdleTimeout, OperationTimeout: s.OperationTimeout,
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		options.Environment = append(options.Environment, wsman.EnvVar{Name: name, Value: s.Env[name]})
	}
	return options
}

// inShell runs the command, or the script, in an open shell.
func (r *execRunner) inShell(ctx context.Context, end context.CancelCauseFunc, sh *shell.Shell, streams shell.Streams) error {
	return r.asText(streams, func(streams shell.Streams) error {
		if r.script.open != nil {
			return r.runScript(ctx, end, sh, streams)
		}
		return r.run1(ctx, end, sh, r.command(), streams)
	})
}

// asText calls f with streams on which CLIXML on stderr becomes text, where that is wanted.
func (r *execRunner) asText(streams shell.Streams, f func(shell.Streams) error) (err error) {
	if r.clixml == "decode" {
		decoded := clixml.NewWriter(streams.Stderr)
		streams.Stderr = decoded
		defer func() {
			if failed := decoded.Close(); failed != nil && err == nil {
				err = &shell.WriteError{Stream: "stderr", Err: failed}
			}
		}()
	}
	return f(streams)
}

// run1 runs one command, to which Ctrl-C goes meanwhile.
func (r *execRunner) run1(ctx context.Context, end context.CancelCauseFunc, sh *shell.Shell, c shell.Command, streams shell.Streams) error {
	var p *shell.Process
	err := r.retry(ctx, func() (err error) {
		p, err = sh.Start(ctx, c, streams)
		return err
	})
	if err != nil {
		return causeOf(ctx, err)
	}
	done := r.interrupts.passTo(p, end)
	err = p.Wait()
	if done() {
		return errInterrupted
	}
	return causeOf(ctx, err)
}

// causeOf prefers why a context ended to the error that this led to.
func causeOf(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// isGone reports that the shell cannot be there any more.
func isGone(err error) bool {
	f, ok := errors.AsType[*wsman.Fault](err)
	return ok && f.Code == wsman.CodeInvalidSelectors
}
