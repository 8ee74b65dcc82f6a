package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/console"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/transport"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// sessionOptions is one command line of shell.
type sessionOptions struct {
	app     *app
	globals *globals
	target  *config.Target
	args    []string // the program, none for the default

	powershell, seven bool
	env               []string
	timeout           time.Duration
	reconnect         time.Duration
	keys              string
	noHistory         bool
	log               string
	logInput          bool
	leaving

	detachable bool  // the shell can be left
	running    token // what runs there
}

func (a *app) shellCommand(g *globals) *cobra.Command {
	o := &sessionOptions{app: a, globals: g}
	c := &cobra.Command{
		Use:   "shell [flags] TARGET [-- COMMAND [ARG...]]",
		Short: "Work in a shell on a target",
		Long: `Work in cmd.exe on TARGET, or in PowerShell with -P, or in another program.
Where stdin is no terminal, its lines are streamed and the output is plain. The exit
code is that of the remote program.`,
		Example: `  winrmctl shell web1
  winrmctl shell -P web1
  winrmctl shell sandbox
  winrmctl shell --list web1
  echo dir | winrmctl shell web1`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{"shell needs a target", "winrmctl shell TARGET"}
			}
			return nil
		},
		ValidArgsFunction: a.completeTargets(g),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.complete(c, args); err != nil {
				return err
			}
			return o.run(c.Context())
		},
	}
	f := c.Flags()
	f.SetInterspersed(false)
	f.BoolVarP(&o.powershell, "powershell", "P", false, "PowerShell instead of cmd.exe")
	f.BoolVar(&o.seven, "pwsh", false, "PowerShell 7 (pwsh.exe) instead of cmd.exe")
	f.StringArrayVar(&o.env, "env", nil, "set an environment variable `K=V`; may be given several times")
	f.String("cwd", "", "begin in `DIR`")
	f.DurationVar(&o.timeout, "timeout", 0, "end the session after this time, and exit 124")
	f.Int("code-page", 0, "code page of the remote console (default 65001, UTF-8)")
	f.Bool("no-profile", false, "do not load the user's profile")
	f.DurationVar(&o.reconnect, "reconnect", time.Minute, "how long to try again where the connection is lost")
	o.register(f)
	f.StringVar(&o.keys, "keys", "", "keys of emacs or vi (by default what ~/.inputrc says, else emacs)")
	f.BoolVar(&o.noHistory, "no-history", false, "neither read nor write the history of this target")
	f.StringVar(&o.log, "log", "", "add a transcript with times to `FILE`")
	f.BoolVar(&o.logInput, "log-input", false, "with --log: also what is typed")
	f.Duration("idle-timeout", 0, "how long the server keeps the shell when it does not hear from here")
	return c
}

// complete checks what belongs together, and finds the target.
func (o *sessionOptions) complete(c *cobra.Command, args []string) error {
	spec := args[0]
	o.args = stripDashes(args[1:])
	switch {
	case (o.powershell || o.seven) && len(o.args) > 0:
		return &usageError{"-P and a command exclude each other", "winrmctl shell -P TARGET"}
	case o.keys != "" && o.keys != "emacs" && o.keys != "vi":
		return &usageError{fmt.Sprintf("--keys %q: need emacs or vi", o.keys), ""}
	case o.logInput && o.log == "":
		return &usageError{"--log-input is of use only with --log", ""}
	case o.timeout < 0 || o.reconnect <= 0:
		return &usageError{"--timeout and --reconnect need a time", "such as 30s"}
	}
	if err := o.checkLeaving(); err != nil {
		return err
	}
	cfg, err := o.app.load(o.globals)
	if err != nil {
		return err
	}
	over := o.globals.over(c.Flags())
	delete(over, "timeout") // a session has one only where it is asked for here: that of a profile is meant for commands
	if err := overEnv(over, o.env); err != nil {
		return err
	}
	if mayBeSeveral(cfg, spec) {
		return &usageError{fmt.Sprintf("shell works on one target, and %s may be several", spec), "winrmctl exec runs a command on many"}
	}
	if o.target, err = cfg.Resolve(spec, over); err != nil {
		return err
	}
	return o.checkStays()
}

// program is what the session runs.
//
// PowerShell gets its lines from a file that is stdin: then it writes its prompt, and the lines that it reads
// (ConsoleHostUserInterface.ReadLineFromFile of PowerShell). With -Command - it does neither. Its errors could be CLIXML where
// the format is not said (ConsoleHost.ErrorFormat).
func (o *sessionOptions) program() shell.Command {
	switch {
	case o.seven:
		return shell.Command{Line: "pwsh.exe -NoLogo -OutputFormat Text -File -", Direct: true}
	case o.powershell:
		return shell.Command{Line: "powershell.exe -NoLogo -OutputFormat Text -File -", Direct: true}
	case len(o.args) > 0:
		return commandOf(o.args, false)
	}
	return shell.Command{Line: "cmd.exe", Direct: true}
}

// run runs the session.
func (o *sessionOptions) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if o.timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, o.timeout, &timeoutError{o.timeout, "session"})
		defer stop()
	}
	interrupts := o.app.interrupts(cancel)
	defer interrupts.stop()
	switch {
	case o.list:
		return explain(o.target, o.atTarget(ctx, func(ctx context.Context, options shell.Options) error {
			return o.listShells(ctx, options, o.app.stdout)
		}))
	case o.kill != "":
		return explain(o.target, o.atTarget(ctx, o.killShell))
	}
	s, end, err := o.session(cancel, interrupts)
	if err != nil {
		return err
	}
	defer end()
	return explain(o.target, o.inShell(ctx, cancel, interrupts, s))
}

// session chooses how to talk to the program. The caller calls end afterwards.
func (o *sessionOptions) session(cancel context.CancelCauseFunc, interrupts *interrupts) (s session, end func(), err error) {
	if o.detach {
		return leaveRunning{o}, func() {}, nil
	}
	writing, logged, err := o.transcript()
	if err != nil {
		return nil, nil, err
	}
	if o.app.terminal == nil || o.dumb() {
		return &plainSession{o, cancel, interrupts, writing}, logged, nil
	}
	t := o.newTerminalSession(cancel, writing)
	return t, func() { t.stop(); logged() }, nil
}

// dumb reports a terminal that lines cannot be edited at.
func (o *sessionOptions) dumb() bool {
	kind, _ := o.app.environment.Lookup("TERM")
	return kind == "dumb"
}

// A session is how a person or a script talks to the program.
type session interface {
	// adapt changes the options of the shell before it is made.
	adapt(*shell.Options)
	// talk runs the program until its end.
	talk(context.Context, *connection, *shell.Shell) error
}

// inShell makes a shell for a session, or comes back to one, and ends it afterwards.
func (o *sessionOptions) inShell(ctx context.Context, end context.CancelCauseFunc, interrupts *interrupts, s session) error {
	forget := interrupts.onNext(func() { end(errInterrupted) }) // as long as nothing runs there
	defer forget()
	c, err := o.app.connect(ctx, o.globals, o.target, o.app.secrets())
	if err != nil {
		return err
	}
	defer c.close()
	main, side, spare := c.dialer.Lane(), c.dialer.Lane(), c.dialer.Lane()
	defer main.Close()
	defer side.Close()
	defer spare.Close()
	options := shellOptions(o.target, c, main, side)
	options.Spare = spare
	options.Reconnect = o.reconnect
	s.adapt(&options)
	o.detachable = options.Detachable || o.attach != ""
	sh, err := o.open(ctx, options)
	if err != nil {
		return causeOf(ctx, err)
	}
	forget()
	err = broken(causeOf(ctx, s.talk(ctx, c, sh)))
	return o.finish(ctx, interrupts, sh, err)
}

// plainSession is one without a terminal: lines go there as they come, output comes as it is, and the end of stdin ends
// the program.
type plainSession struct {
	*sessionOptions
	end        context.CancelCauseFunc
	interrupts *interrupts
	writing    *console.Transcript // or nil
}

func (*plainSession) adapt(*shell.Options) {}

func (s *plainSession) talk(ctx context.Context, _ *connection, sh *shell.Shell) error {
	p, err := s.start(ctx, sh, false, shell.Streams{
		Stdin: s.writing.Input(s.app.stdin), Stdout: s.writing.Output(s.app.stdout), Stderr: s.writing.Output(s.app.stderr),
	})
	if err != nil {
		return err
	}
	done := s.interrupts.passTo(p, s.end)
	err = p.Wait()
	if done() {
		return errInterrupted
	}
	return err
}

// A brokenError is a session that the server, or the way to it, has ended.
type brokenError struct {
	text string
	err  error
}

func (e *brokenError) Error() string { return e.text + ": " + e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// broken says what the failure of an operation means for a session.
func broken(err error) error {
	if fault, ok := errors.AsType[*wsman.Fault](err); ok && (fault.Code == wsman.CodeInvalidSelectors || fault.Code == wsman.CodeOperationAborted) {
		return &brokenError{"the remote shell is gone", err}
	}
	if fault, ok := errors.AsType[*wsman.Fault](err); ok && fault.Code == wsman.CodeFileNotFound {
		return &hintedError{err, "the program has to be found in the target's PATH"}
	}
	op, _ := errors.AsType[*shell.OpError](err)
	way, lost := errors.AsType[*transport.Error](err)
	if op != nil && op.Op == shell.OpSend && lost && !way.NotSent() && (way.Kind == transport.KindLost || way.Kind == transport.KindTimeout) {
		return &brokenError{"the connection was lost while input was sent, which may have arrived and is not sent again", err}
	}
	return err
}
