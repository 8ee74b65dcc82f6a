package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/spf13/cobra"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/script"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// execOptions is one command line of exec.
type execOptions struct {
	app     *app
	globals *globals

	targets []*config.Target
	several bool     // are meant, though it may be one
	args    []string // the command, or the script's arguments

	powershell, seven bool
	scriptFile        string
	interpreter       string
	stdin, direct     bool
	env               []string
	targetsFrom       string

	detaching

	output   string
	parallel int
	failFast bool
	prefix   string
	progress string
	clixml   string
	junit    string
	retries  int
}

func (a *app) execCommand(g *globals) *cobra.Command {
	o := &execOptions{app: a, globals: g}
	c := &cobra.Command{
		Use:   "exec [flags] TARGET[,TARGET...] [--] COMMAND [ARG...]",
		Short: "Run a command; exit with its exit code",
		Long: `Run a command on TARGET and exit with its exit code. Output arrives as it is
written, unaltered. One COMMAND argument is sent as it is; several are joined
with spaces, each quoted where it needs it. Flags end at the target.

With several targets (a list, a @group, --targets-from) lines are prefixed with the
target's name, and the exit code is 0 only if all succeed, else 1.`,
		Example: `  winrmctl exec web1 ipconfig /all
  winrmctl exec web1 -- 'dir C:\ | findstr Users'
  winrmctl exec -i web1 'findstr needle' < haystack.txt
  winrmctl exec -P web1 'Get-Service w32time'
  winrmctl exec -f deploy.ps1 @web -- -Ver 2
  id=$(winrmctl exec --detach web1 backup.cmd); winrmctl exec --attach $id web1`,
		Args:              o.checkArgs,
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
	f.BoolVarP(&o.powershell, "powershell", "P", false, "the command is PowerShell text")
	f.StringVarP(&o.scriptFile, "script", "f", "", "run a local script `FILE` of any size, or - for stdin; what follows the target are its arguments")
	f.StringVar(&o.interpreter, "interpreter", "", "`COMMAND` that reads the script from stdin, such as 'python -'")
	f.BoolVar(&o.seven, "pwsh", false, "PowerShell 7 (pwsh.exe) instead of Windows PowerShell")
	f.BoolVarP(&o.stdin, "stdin", "i", false, "stream local stdin to the command")
	f.StringArrayVar(&o.env, "env", nil, "set an environment variable `K=V`; may be given several times")
	f.String("cwd", "", "run the command in `DIR`")
	f.Duration("timeout", 0, "terminate the command after this time, and exit 124")
	f.Int("code-page", 0, "code page of the remote console (default 65001, UTF-8)")
	f.Bool("no-profile", false, "do not load the user's profile")
	f.Duration("idle-timeout", 0, "have the server delete an idle shell after this time")
	f.BoolVar(&o.direct, "direct", false, "run the program without cmd.exe")
	f.StringVarP(&o.output, "output", "o", "text", "text, json (one object a target) or jsonl (events as they happen)")
	f.StringVar(&o.targetsFrom, "targets-from", "", "read targets from `FILE`, or - for stdin, one a line")
	f.IntVar(&o.parallel, "parallel", 32, "how many targets at once")
	f.BoolVar(&o.failFast, "fail-fast", false, "end all when one target fails")
	f.StringVar(&o.prefix, "prefix", "auto", "names before lines: auto, always or never")
	f.StringVar(&o.progress, "progress", "auto", "progress on stderr: auto, always or never")
	f.StringVar(&o.clixml, "clixml", "decode", "CLIXML of PowerShell on stderr: decode or raw")
	f.StringVar(&o.junit, "junit", "", "write a JUnit report to `FILE`: one test case a target")
	o.detaching.register(f)
	f.IntVar(&o.retries, "retries", 0, "try again so often what is safe to repeat: connecting, a service that is not ready, a full quota")
	return c
}

// checkArgs says what is missing.
func (o *execOptions) checkArgs(c *cobra.Command, args []string) error {
	target := "TARGET"
	if c.Flags().Changed("attach") { // what runs there has its command
		if len(args) == 0 && o.targetsFrom == "" {
			return &usageError{"--attach needs the target that the command was left running on", "winrmctl exec --attach ID TARGET"}
		}
		return nil
	}
	if o.targetsFrom == "" {
		if len(args) == 0 {
			return &usageError{"exec needs a target and a command", "winrmctl exec TARGET COMMAND"}
		}
		target, args = args[0], args[1:]
	}
	nothing := o.scriptFile == "" && strings.TrimSpace(strings.Join(stripDashes(args), "")) == "" // also what an empty variable left
	switch {
	case nothing && o.targetsFrom != "":
		return &usageError{"exec needs a command", "winrmctl exec --targets-from FILE COMMAND"}
	case nothing:
		return &usageError{fmt.Sprintf("exec needs a command to run on %s", target), "winrmctl exec " + target + " COMMAND; flags stand before the target"}
	}
	return nil
}

// complete checks what belongs together, and finds the targets.
func (o *execOptions) complete(c *cobra.Command, args []string) error {
	spec := ""
	if o.targetsFrom == "" {
		spec, args = args[0], args[1:]
	}
	o.args = stripDashes(args)
	for _, choice := range []struct{ flag, value, allowed string }{
		{"-o", o.output, "text json jsonl"}, {"--prefix", o.prefix, "auto always never"}, {"--progress", o.progress, "auto always never"}, {"--clixml", o.clixml, "decode raw"},
	} {
		if !strings.Contains(" "+choice.allowed+" ", " "+choice.value+" ") || choice.value == "" {
			return &usageError{fmt.Sprintf("%s %q: need one of %s", choice.flag, choice.value, choice.allowed), ""}
		}
	}
	switch {
	case o.powershell && o.scriptFile != "":
		return &usageError{"-P and -f exclude each other", "-P takes PowerShell text from the command line, -f a script from a file"}
	case o.interpreter != "" && o.scriptFile == "":
		return &usageError{"--interpreter is of use only with -f", ""}
	case o.direct && o.scriptFile != "":
		return &usageError{"--direct and -f exclude each other", ""}
	case o.seven && !o.powershell && o.scriptFile == "":
		return &usageError{"--pwsh is of use only with -P or -f", ""}
	case o.stdin && o.scriptFile == "-":
		return &usageError{"-i and -f - exclude each other: the script itself comes from stdin", "put the script into a file"}
	case o.targetsFrom == "-" && (o.stdin || o.scriptFile == "-"):
		return &usageError{"--targets-from - takes stdin, which is wanted for something else too", "put the targets into a file"}
	case o.parallel < 1:
		return &usageError{fmt.Sprintf("--parallel %d: need at least 1", o.parallel), ""}
	case o.retries < 0:
		return &usageError{fmt.Sprintf("--retries %d: need 0 or more", o.retries), ""}
	}
	if err := o.checkDetaching(c); err != nil {
		return err
	}
	if err := o.findTargets(c, spec); err != nil {
		return err
	}
	if err := o.checkDetached(); err != nil {
		return err
	}
	if o.several && o.stdin {
		return &usageError{"-i streams stdin to one target, not to several", "put the input into a file on the targets, or run it once for each"}
	}
	return o.checkCommand()
}

// findTargets resolves all of them, before anything runs on one.
func (o *execOptions) findTargets(c *cobra.Command, spec string) error {
	cfg, err := o.app.load(o.globals)
	if err != nil {
		return err
	}
	over := o.globals.over(c.Flags())
	if err := overEnv(over, o.env); err != nil {
		return err
	}
	o.targets, o.several, err = o.app.findTargets(o.globals, cfg, targetSpec{spec, o.targetsFrom}, over)
	return err
}

// overEnv adds the variables of --env to what the user gave by flags.
func overEnv(over map[string]string, variables []string) error {
	for _, v := range variables {
		key, value, ok := strings.Cut(v, "=")
		if !ok || key == "" {
			return &usageError{fmt.Sprintf("--env %q: need NAME=VALUE", v), ""}
		}
		over["env."+key] = value
	}
	return nil
}

// longest is how many characters cmd.exe takes for a command line, and longestDirect CreateProcess.
const (
	longest       = 8191
	longestDirect = 32767
)

// checkCommand looks at the command line, if it is no script.
func (o *execOptions) checkCommand() error {
	if o.scriptFile != "" || o.attach != "" {
		return nil
	}
	c, limit := o.command(), longest
	if o.direct {
		limit = longestDirect
	}
	hint := "put it into a script: winrmctl exec -f FILE"
	if o.powershell {
		hint = "put it into a file: winrmctl exec -f FILE.ps1"
	}
	return checkLine(strings.Join(append([]string{c.Line}, c.Args...), " "), limit, hint)
}

// checkLine refuses a line that cannot be sent, or that the other side would refuse.
func checkLine(line string, limit int, hint string) error {
	if err := wsman.CheckText("command", line); err != nil {
		return err
	}
	if n := len(utf16.Encode([]rune(line))); n > limit {
		return &usageError{fmt.Sprintf("the command line has %d characters, and the other side takes %d", n, limit), hint}
	}
	return nil
}

// command is what to run where it is no script.
func (o *execOptions) command() shell.Command {
	if o.powershell {
		return shell.Command{Line: script.PowerShell(strings.Join(o.args, " "), o.seven, o.stdin), Direct: o.direct}
	}
	return commandOf(o.args, o.direct)
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

// Causes for a command to end before its time.
var errInterrupted = errors.New("interrupted")

// A timeoutError is a command that --timeout ended.
type timeoutError struct {
	after time.Duration
	what  string // command or session
}

func (e *timeoutError) Error() string {
	return fmt.Sprintf("the %s did not end within %v: terminated", e.what, e.after)
}

// run runs the command on all targets.
func (o *execOptions) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	interrupts := o.app.interrupts(cancel)
	defer interrupts.stop()
	source, err := o.openScript(ctx)
	if err != nil {
		return err
	}
	defer source.close()
	r := &execRunner{execOptions: o, interrupts: interrupts, script: source, secrets: o.app.secrets()}
	if o.several || o.output != "text" || o.junit != "" || o.prefix == "always" || o.progress == "always" {
		return r.reported(ctx, cancel)
	}
	return r.plain(ctx)
}
