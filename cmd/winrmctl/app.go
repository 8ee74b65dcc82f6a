package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/console"
)

// app is what a process gives to its commands.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	signals        <-chan os.Signal                                         // interrupts, in the order in which they arrive
	catch          func()                                                   // has signals come to the channel; nil where they do anyway
	prompt         func(ctx context.Context, prompt string) (string, error) // asks without echo; nil without a terminal
	environment    config.Environment
	keyring        config.Keyring
	terminals      terminals
	size           func() (width, height int) // of the terminal that stdout is; nil where it is none
	windows        bool                       // exit codes have 32 bits
	graceful       time.Duration              // how long a program has to end by itself after Ctrl-C
	terminal       *localTerminal             // nil where there is none to edit lines at
}

// terminals are the streams that are one.
type terminals struct{ stdin, stdout, stderr bool }

// run runs one command line.
func (a *app) run(ctx context.Context, args []string) exitStatus {
	g := &globals{}
	out := &output{Writer: a.stdout}
	a.stdout = out
	root := a.rootCommand(g)
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := guarded(func() error { return root.ExecuteContext(ctx) })
	a.endObserver(g)
	status := a.statusOf(out.result(err))
	if status.text != "" {
		fmt.Fprintf(a.stderr, "winrmctl: %s\n", oneLine(status.text))
		if status.hint != "" {
			fmt.Fprintf(a.stderr, "hint: %s\n", oneLine(status.hint))
		}
	}
	return status
}

// guarded makes an error of a bug that shows itself while f runs.
func guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &console.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}

func (a *app) rootCommand(g *globals) *cobra.Command {
	root := &cobra.Command{
		Use:   "winrmctl",
		Short: "Run commands on Windows hosts over WinRM",
		Long: `winrmctl runs commands on Windows hosts over WinRM: NTLM over one dedicated
connection, sealed messages, streams live.

TARGET is a profile's name, @group, [user@]host[:port],
http(s)://host[:port][/path], or sandbox: a server inside this process, which
needs no Windows.`,
		Example: `  winrmctl exec sandbox -- 'echo hello from WinRM'
  winrmctl exec -u 'CORP\bob' web1.corp.example ipconfig /all`,
		SilenceErrors: true, SilenceUsage: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{fmt.Sprintf("unknown command %q", args[0]), "winrmctl help lists the commands"}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	g.register(root.PersistentFlags())
	root.AddCommand(a.execCommand(g), a.shellCommand(g), a.enumCommand(g), a.probeAuthCommand(g), a.configCommand(g), a.sandboxCommand(), a.versionCommand())
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		switch g.color {
		case "auto", "always", "never":
			return nil
		}
		return &usageError{fmt.Sprintf("--color %q: need auto, always or never", g.color), ""}
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &usageError{flagErrorText(err), c.CommandPath() + " --help lists the flags"}
	})
	return root
}

// A usageError is a command line that cannot be meant.
type usageError struct{ text, hint string }

func (e *usageError) Error() string { return e.text }
func (e *usageError) Hint() string  { return e.hint }

// unusable is the error of a file that an argument names.
func unusable(what string, err error) error { return &usageError{what + ": " + err.Error(), ""} }

// flagErrorText writes pflag's errors as one sentence, without those of the functions that read values.
func flagErrorText(err error) string {
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		need := map[string]string{"duration": "a duration such as 90s or 5m", "int": "a whole number", "bool": "true or false"}[e.GetFlag().Value.Type()]
		if need != "" {
			return fmt.Sprintf("--%s %q: need %s", e.GetFlag().Name, e.GetValue(), need)
		}
	}
	return strings.TrimSpace(strings.ReplaceAll(err.Error(), "\n", " "))
}

// oneLine keeps a message on its line, and harmless to a terminal: parts of it come from servers.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\r' || c == '\t' || c == '\u2028' || c == '\u2029':
			return ' '
		case unicode.In(c, unicode.Cc, unicode.Cf): // also what changes the direction of writing
			return -1
		}
		return c
	}, s)
}

// colors reports whether a stream takes colours: by the flag, and else where it is a terminal and nobody objects
// (no-color.org).
func (a *app) colors(g *globals, terminal bool) bool {
	switch g.color {
	case "always":
		return true
	case "never":
		return false
	}
	objection, _ := a.environment.Lookup("NO_COLOR")
	kind, _ := a.environment.Lookup("TERM")
	return terminal && objection == "" && kind != "dumb"
}

// warn tells of something that is no failure.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.stderr, "warning: %s\n", oneLine(fmt.Sprintf(format, args...)))
}

// atMost refuses more than n arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > n {
			return &usageError{fmt.Sprintf("%s: one argument too many: %q", c.CommandPath(), args[n]), c.CommandPath() + " --help"}
		}
		return nil
	}
}
