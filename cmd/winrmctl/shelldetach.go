package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"github.com/winrmctl/winrmctl/internal/enum"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/transport"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// leaving are the flags about shells that are there without a session.
type leaving struct {
	list     bool
	kill     string
	detach   bool
	attach   string
	takeOver bool
}

func (l *leaving) register(f *pflag.FlagSet) {
	f.BoolVar(&l.list, "list", false, "list the shells on the target, those that were left among them")
	f.StringVar(&l.kill, "kill", "", "delete the shell `ID`, and end what runs in it")
	f.BoolVar(&l.detach, "detach", false, "start the program, leave it running, and print an ID to come back to it with")
	f.StringVar(&l.attach, "attach", "", "come back to the program `ID`")
	f.BoolVar(&l.takeOver, "take-over", false, "with --attach: though somebody else is attached, or was when the connection broke")
}

// checkLeaving refuses what makes no sense together.
func (o *sessionOptions) checkLeaving() error {
	ways := []string{}
	for _, w := range []struct {
		name string
		on   bool
	}{{"--list", o.list}, {"--kill", o.kill != ""}, {"--detach", o.detach}, {"--attach", o.attach != ""}} {
		if w.on {
			ways = append(ways, w.name)
		}
	}
	switch {
	case len(ways) > 1:
		return &usageError{strings.Join(ways, " and ") + " exclude each other", ""}
	case len(ways) == 1 && !o.detach && (len(o.args) > 0 || o.powershell || o.seven):
		return &usageError{ways[0] + " starts no program", "winrmctl shell " + ways[0] + " TARGET"}
	case len(ways) == 1 && o.attach == "" && o.log != "":
		return &usageError{ways[0] + " and --log exclude each other: there is no session", ""}
	case o.takeOver && o.attach == "":
		return &usageError{"--take-over is of use only with --attach", ""}
	case o.attach != "":
		_, err := parseToken(o.attach)
		return err
	case o.kill != "":
		id, err := parseToken(o.kill)
		if err != nil || id.command != "" {
			return &usageError{fmt.Sprintf("--kill %q: need the id of a shell", o.kill), "winrmctl shell --list TARGET"}
		}
	}
	return nil
}

// checkStays refuses what has no meaning on a server that ends with this process.
func (o *sessionOptions) checkStays() error {
	if o.target.Sandbox && (o.detach || o.attach != "" || o.kill != "") {
		return &usageError{"the built-in sandbox ends with this process, and what runs in it", "winrmctl sandbox, left running, is a target to detach from"}
	}
	return nil
}

// atTarget does something over a connection to the target.
func (o *sessionOptions) atTarget(ctx context.Context, do func(context.Context, shell.Options) error) error {
	c, err := o.app.connect(ctx, o.globals, o.target, o.app.secrets())
	if err != nil {
		return err
	}
	defer c.close()
	main, side := c.dialer.Lane(), c.dialer.Lane()
	defer main.Close()
	defer side.Close()
	return causeOf(ctx, do(ctx, shellOptions(o.target, c, main, side)))
}

// listShells writes a table of the shells on the target.
func (o *sessionOptions) listShells(ctx context.Context, options shell.Options, to io.Writer) error {
	client := &enum.Client{Conn: options.Main, To: options.To, SessionID: "uuid:" + wsman.NewID(), OperationTimeout: options.OperationTimeout}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATE\tIDLE\tAGE\tCLIENT\tOWNER\tKIND")
	for s, err := range client.Shells(ctx) {
		if err != nil {
			return err
		}
		state := strings.ToLower(s.State)
		if state == "" {
			state = "-"
		}
		kind := s.ResourceURI[strings.LastIndexByte(s.ResourceURI, '/')+1:]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(s.ID), oneLine(state), s.ShellInactivity.Round(time.Second),
			s.ShellRunTime.Round(time.Second), oneLine(s.ClientIP), oneLine(s.Owner), oneLine(kind))
	}
	return w.Flush()
}

// killShell deletes a shell of any kind. A shell is addressed by the resource URI of its kind too, which the list tells.
func (o *sessionOptions) killShell(ctx context.Context, options shell.Options) error {
	client := &enum.Client{Conn: options.Main, To: options.To, SessionID: "uuid:" + wsman.NewID(), OperationTimeout: options.OperationTimeout}
	for s, err := range client.Shells(ctx) {
		if err != nil {
			return err
		}
		if strings.EqualFold(s.ID, strings.TrimSpace(o.kill)) {
			options.Resource = s.ResourceURI
			break
		}
	}
	err := shell.Delete(ctx, options, o.kill)
	if isGone(err) {
		return &hintedError{fmt.Errorf("there is no shell %s on %s: %w", o.kill, o.target.Name, err), "winrmctl shell --list " + o.target.Name}
	}
	return err
}

// open makes the shell, or comes back to it.
//
// A session is made so that it can be left. Servers before Windows 8 and Server 2012 may refuse the id that this takes; after
// a fault there is no shell, and it is safe to try again without.
func (o *sessionOptions) open(ctx context.Context, options shell.Options) (*shell.Shell, error) {
	if o.attach != "" {
		return o.comeBack(ctx, options)
	}
	sh, err := shell.Open(ctx, options)
	fault, refused := errors.AsType[*wsman.Fault](err)
	if refused && options.Detachable && !o.detach && !fault.Code.IsQuota() && !fault.Code.IsAccessDenied() {
		options.Detachable, o.detachable = false, false
		return shell.Open(ctx, options)
	}
	return sh, err
}

func (o *sessionOptions) comeBack(ctx context.Context, options shell.Options) (sh *shell.Shell, err error) {
	if o.running, err = parseToken(o.attach); err != nil {
		return nil, err
	}
	if o.running.command == "" {
		if o.running.command, err = onlyCommand(ctx, options, o.running.shell); err != nil {
			return nil, notAttached(o.target, o.running, err)
		}
	}
	connect := shell.Connect
	if o.takeOver {
		connect = shell.TakeOver
	}
	sh, err = connect(ctx, options, o.running.shell)
	return sh, notAttached(o.target, o.running, err)
}

// start starts the program in the shell, or takes up the one that runs there.
func (o *sessionOptions) start(ctx context.Context, sh *shell.Shell, console bool, streams shell.Streams) (p *shell.Process, err error) {
	if o.attach != "" {
		p, err = sh.Attach(ctx, o.running.command, streams)
		return p, notAttached(o.target, o.running, err)
	}
	program := o.program()
	program.Console = console
	if p, err = sh.Start(ctx, program, streams); err == nil {
		o.running = token{sh.ID(), p.ID()}
	}
	return p, err
}

// leaveRunning is the session of --detach.
type leaveRunning struct{ *sessionOptions }

func (leaveRunning) adapt(o *shell.Options) { o.Detachable = true }

func (s leaveRunning) talk(ctx context.Context, _ *connection, sh *shell.Shell) error {
	program := s.program()
	program.Console = true
	id, err := sh.Begin(ctx, program)
	if err != nil {
		return err
	}
	s.running = token{sh.ID(), id}
	if err := sh.Disconnect(ctx, shell.Detaching{}); err != nil {
		return err
	}
	return shell.ErrDisconnected
}

// finish ends what a session leaves: its shell is deleted, unless the program is to go on, or may.
func (o *sessionOptions) finish(ctx context.Context, interrupts *interrupts, sh *shell.Shell, err error) error {
	closing, stop := interrupts.tidying(ctx)
	defer stop()
	if errors.Is(err, shell.ErrDisconnected) {
		if o.detach {
			fmt.Fprintln(o.app.stdout, o.running)
		} else {
			fmt.Fprintf(o.app.stderr, "left running: winrmctl shell --attach %s %s\n", o.running, oneLine(o.target.Name))
		}
		return nil
	}
	if way, lost := errors.AsType[*transport.Error](err); lost && (way.Lost() || way.Astray()) && o.detachable && o.running.command != "" {
		again := " --take-over"
		if sh.Disconnect(closing, shell.Detaching{}) == nil {
			again = ""
		}
		return &hintedError{err, fmt.Sprintf("winrmctl shell --attach %s%s %s comes back to the program, if it goes on", o.running, again, o.target.Name)}
	}
	if failed := sh.Close(closing); failed != nil && !isGone(err) {
		o.app.warn("the remote shell %s on %s could not be deleted: %v", sh.ID(), o.target.Name, failed)
	}
	return err
}
