package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// execOptions is one run of a command on a target.
type execOptions struct {
	app     *app
	globals *globals
	target  *config.Target
	command shell.Command
	stdin   io.Reader // nil: the program sees end-of-file
}

func (a *app) execCommand(g *globals) *cobra.Command {
	var env []string
	var stdin, direct bool
	c := &cobra.Command{
		Use:   "exec [flags] TARGET [--] COMMAND [ARG...]",
		Short: "Run a command; exit with its exit code",
		Long: `Run a command on TARGET and exit with its exit code. Output arrives as it is
written, unaltered. One COMMAND argument is sent as it is; several are joined
with spaces, each quoted where it needs it. Flags end at the target.`,
		Example: `  winrmctl exec web1 ipconfig /all
  winrmctl exec web1 -- 'dir C:\ | findstr Users'
  winrmctl exec -i web1 'findstr needle' < haystack.txt`,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return &usageError{"exec needs a target and a command", "winrmctl exec TARGET COMMAND"}
			case len(stripDashes(args[1:])) == 0:
				return &usageError{fmt.Sprintf("exec needs a command to run on %s", args[0]), "winrmctl exec " + args[0] + " COMMAND; flags stand before the target"}
			}
			return nil
		},
		ValidArgsFunction: a.completeTargets(g),
		RunE: func(c *cobra.Command, args []string) error {
			target, err := a.resolveOne(g, args[0], c, env)
			if err != nil {
				return err
			}
			o := &execOptions{app: a, globals: g, target: target, command: commandOf(stripDashes(args[1:]), direct)}
			if stdin {
				o.stdin = a.stdin
			}
			return o.run(c.Context())
		},
	}
	f := c.Flags()
	f.SetInterspersed(false)
	f.BoolVarP(&stdin, "stdin", "i", false, "stream local stdin to the command")
	f.StringArrayVar(&env, "env", nil, "set an environment variable `K=V`; may be given several times")
	f.String("cwd", "", "run the command in `DIR`")
	f.Duration("timeout", 0, "terminate the command after this time, and exit 124")
	f.Int("code-page", 0, "code page of the remote console (default 65001, UTF-8)")
	f.Bool("no-profile", false, "do not load the user's profile")
	f.Duration("idle-timeout", 0, "have the server delete an idle shell after this time")
	f.BoolVar(&direct, "direct", false, "run the program without cmd.exe")
	return c
}

// stripDashes takes away the -- that may stand between target and command.
func stripDashes(args []string) []string {
	if len(args) > 0 && args[0] == "--" {
		return args[1:]
	}
	return args
}

// commandOf makes a command of its arguments.
func commandOf(args []string, direct bool) shell.Command {
	switch {
	case len(args) == 1:
		return shell.Command{Line: args[0], Direct: direct}
	case direct:
		// Without cmd.exe the server looks for the program by the first part alone.
		c := shell.Command{Line: args[0], Direct: true}
		for _, a := range args[1:] {
			c.Args = append(c.Args, shell.JoinArgs([]string{a}))
		}
		return c
	}
	return shell.Command{Line: shell.JoinArgs(args)}
}

// resolveOne finds the one target of a command that runs on one.
func (a *app) resolveOne(g *globals, name string, c *cobra.Command, env []string) (*config.Target, error) {
	cfg, err := a.load(g)
	if err != nil {
		return nil, err
	}
	names, err := cfg.Expand(name)
	if err != nil {
		return nil, err
	}
	if len(names) != 1 {
		return nil, &usageError{fmt.Sprintf("%s takes one target, %s are %d", c.Name(), name, len(names)), "run it once for each"}
	}
	over := g.over(c.Flags())
	for _, v := range env {
		key, value, ok := strings.Cut(v, "=")
		if !ok || key == "" {
			return nil, &usageError{fmt.Sprintf("--env %q: need NAME=VALUE", v), ""}
		}
		over["env."+key] = value
	}
	return cfg.Resolve(names[0], over)
}

// Causes for a command to end before its time.
var (
	errInterrupted = errors.New("interrupted")
)

// closeTimeout is how long deleting the shell may take.
const closeTimeout = 10 * time.Second

// run runs the command. Its errors are those of [shell.Process.Wait], with the causes above.
func (o *execOptions) run(ctx context.Context) error { return explain(o.target, o.onTarget(ctx)) }

func (o *execOptions) onTarget(ctx context.Context) error {
	s := o.target.Settings
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	interrupts := o.app.interrupts(cancel)
	defer interrupts.stop()
	if s.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, s.Timeout, &timeoutError{s.Timeout})
		defer stop()
	}
	connection, err := o.app.connect(ctx, o.globals, o.target, o.app.secrets())
	if err != nil {
		return err
	}
	defer connection.close()
	main, side := connection.dialer.Lane(), connection.dialer.Lane()
	defer main.Close()
	defer side.Close()
	sh, err := shell.Open(ctx, o.shellOptions(connection, main, side))
	if err != nil {
		return causeOf(ctx, err)
	}
	err = o.runIn(ctx, sh, interrupts)
	closing, stop := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer stop()
	interrupts.onNext(stop)
	if failed := sh.Close(closing); failed != nil && !isGone(err) {
		o.app.warn("the remote shell %s could not be deleted: %v", sh.ID(), failed)
	}
	return err
}

func (o *execOptions) shellOptions(c *connection, main, side shell.Conn) shell.Options {
	s := o.target.Settings
	options := shell.Options{
		Main: main, Side: side, To: c.address, WorkingDirectory: s.CWD, CodePage: s.CodePage, NoProfile: s.NoProfile,
		IdleTimeout: s.IdleTimeout, OperationTimeout: s.OperationTimeout,
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		options.Environment = append(options.Environment, wsman.EnvVar{Name: name, Value: s.Env[name]})
	}
	return options
}

// runIn runs the command in an open shell.
func (o *execOptions) runIn(ctx context.Context, sh *shell.Shell, interrupts *interrupts) error {
	p, err := sh.Start(ctx, o.command, shell.Streams{Stdin: o.stdin, Stdout: o.app.stdout, Stderr: o.app.stderr})
	if err != nil {
		return causeOf(ctx, err)
	}
	interrupts.passTo(p)
	err = p.Wait()
	if interrupts.seen() {
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

// isGone reports that the shell cannot be there any more, or that the failure already says that the server is not.
func isGone(err error) bool {
	f, ok := errors.AsType[*wsman.Fault](err)
	return ok && f.Code == wsman.CodeInvalidSelectors
}

// A timeoutError is a command that --timeout ended.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string {
	return fmt.Sprintf("the command did not end within %v: terminated", e.after)
}

// completeTargets offers the profiles as targets.
func (a *app) completeTargets(g *globals) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		cfg, err := a.load(g)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return append(cfg.Profiles(), "sandbox"), cobra.ShellCompDirectiveNoFileComp
	}
}
