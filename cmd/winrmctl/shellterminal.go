package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/winrmctl/winrmctl/internal/console"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// terminalSession is one of a person at a terminal.
type terminalSession struct {
	*sessionOptions
	end     context.CancelCauseFunc
	console *console.Session
	finder  *finder
	killed  atomic.Bool // by the person
	stop    func()
}

// newTerminalSession prepares a session. The caller calls stop afterwards.
func (o *sessionOptions) newTerminalSession(end context.CancelCauseFunc, writing *console.Transcript) *terminalSession {
	s := &terminalSession{sessionOptions: o, end: end, finder: &finder{}}
	c := console.Options{
		Terminal: o.app.terminal, Vi: o.viKeys(), Colors: o.app.colors(o.globals, true), Transcript: writing, Now: time.Now,
		Complete: s.finder.find, Local: o.app.terminal.run,
	}
	if !o.noHistory {
		path, err := o.historyFile()
		if err == nil {
			c.History, err = console.OpenHistory(path)
		}
		if err != nil {
			o.app.warn("no history: %v", err)
		}
	}
	c.Events, s.stop = o.app.terminal.watch()
	s.console = console.New(c)
	o.globals.narrator = narrator{s.console, o.app.stderr}
	return s
}

// narrator writes above the line that is edited, while there is one.
type narrator struct {
	console *console.Session
	stderr  io.Writer
}

func (n narrator) Write(b []byte) (int, error) {
	if !n.console.Running() {
		return n.stderr.Write(b)
	}
	n.console.Note(strings.TrimRight(string(b), "\n"))
	return len(b), nil
}

func (s *terminalSession) adapt(o *shell.Options) {
	o.Detachable = !s.target.Sandbox
	o.Reconnected = func() { s.console.Note("reconnected") }
	o.Panicked = func(value any, stack []byte) { s.end(&console.PanicError{Value: value, Stack: stack}) }
}

func (s *terminalSession) talk(ctx context.Context, c *connection, sh *shell.Shell) error {
	s.finder.open(s.target, c)
	defer s.finder.close()
	s.escapes(ctx, c, sh)
	running, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	p, err := s.start(running, sh, true, shell.Streams{Stdin: s.console.Input(), Stdout: s.console.Stdout(), Stderr: s.console.Stderr()})
	if err != nil {
		return err
	}
	if len(s.args) == 0 {
		s.console.Banner("~? lists what winrmctl itself can do here")
	}
	if s.attach != "" {
		s.console.Banner("attached; a prompt that was there already does not come again: press Enter")
	}
	err = s.console.Run(ctx, &remoteProgram{p, s})
	if err != nil { // what is under way for the program is in the way of what follows
		leave(err)
		_ = p.Wait()
	}
	switch {
	case s.killed.Load():
		return errInterrupted
	case err == nil:
		return p.Wait()
	case errors.Is(err, console.ErrLeft):
		return nil
	case errors.Is(err, console.ErrHungUp):
		return &signalError{syscall.SIGHUP}
	}
	return err
}

// escapes adds those that need the server.
func (s *terminalSession) escapes(ctx context.Context, c *connection, sh *shell.Shell) {
	list := func() {
		lane := c.dialer.Lane()
		defer lane.Close()
		var table strings.Builder
		if err := s.listShells(ctx, shellOptions(s.target, c, lane, lane), &table); err != nil {
			s.console.Note(oneLine(err.Error()))
			return
		}
		s.console.Note(strings.TrimRight(table.String(), "\n"))
	}
	s.console.Escape(console.Escape{Key: 'l', Help: "list the shells on the target", Do: list})
	s.console.Escape(console.Escape{Key: '#', Do: list})
	if !s.detachable {
		return
	}
	s.console.Escape(console.Escape{Key: 'd', Help: "leave, and let the program go on: --attach comes back to it", Do: func() {
		if err := sh.Disconnect(ctx, shell.Detaching{}); err != nil && ctx.Err() == nil {
			s.console.Note(oneLine(err.Error()))
		}
	}})
}

// remoteProgram is a process to a console.
type remoteProgram struct {
	*shell.Process
	session *terminalSession
}

// signalTimeout is how long a signal may take to get there.
const signalTimeout = 10 * time.Second

// Interrupt implements [console.Program].
func (p *remoteProgram) Interrupt() {
	go func() {
		ctx, cancel := context.WithTimeoutCause(context.Background(), signalTimeout, errors.New("no answer"))
		defer cancel()
		if err := p.Signal(ctx, wsman.SignalCtrlC); err != nil && !isGone(err) {
			p.session.console.Note(fmt.Sprintf("Ctrl-C may not have reached the program: %v", err))
		}
	}()
}

// Terminate implements [console.Program].
func (p *remoteProgram) Terminate() {
	p.session.killed.Store(true)
	go func() {
		ctx, cancel := context.WithTimeoutCause(context.Background(), signalTimeout, errors.New("no answer"))
		defer cancel()
		_ = p.Signal(ctx, wsman.SignalTerminate) // deleting the shell, which follows, ends it too
		p.session.end(errInterrupted)
	}()
}

// viKeys tells whether the keys are those of vi: by the flag, and else by what readline's other programs are told.
func (o *sessionOptions) viKeys() bool {
	if o.keys != "" {
		return o.keys == "vi"
	}
	e := o.app.environment
	path, _ := e.Lookup("INPUTRC")
	if path == "" {
		home, err := e.HomeDir()
		if err != nil {
			return false
		}
		path = filepath.Join(home, ".inputrc")
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	vi := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if words := strings.Fields(strings.ToLower(lines.Text())); len(words) == 3 && words[0] == "set" && words[1] == "editing-mode" {
			vi = words[2] == "vi"
		}
	}
	return vi
}

// historyFile is where the lines of sessions on this target are.
func (o *sessionOptions) historyFile() (string, error) {
	e := o.app.environment
	dir, _ := e.Lookup("XDG_STATE_HOME")
	switch {
	case filepath.IsAbs(dir):
	case o.app.windows:
		var err error
		if dir, err = e.ConfigDir(); err != nil {
			return "", err
		}
	default:
		home, err := e.HomeDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "winrmctl", "history", url.QueryEscape(o.target.Name)), nil
}
