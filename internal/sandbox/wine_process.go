//go:build linux && amd64

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// wineProcess is a command of wine.
type wineProcess struct {
	wine   *Wine
	dir    string   // with the files of this command
	outer  *process // to kill it is to kill all
	stdin  io.WriteCloser
	status *status       // of inner
	inner  uint32        // its id, as wine counts
	ended  chan struct{} // closed then
	cmd    bool          // it is a cmd.exe that reads commands from stdin

	mu    sync.Mutex
	watch time.Time // until when half dead processes are looked out for
}

// errNotBegun is a process of wine's that ended before the first instruction of its program, so that nothing is lost by another
// try. See [withFixedLayout].
var errNotBegun = errors.New("wine ended before the command began")

// tries is how often a command is tried to start.
const tries = 3

// Start implements [Programs].
func (w *Wine) Start(s Spec) (Program, error) {
	for try := 1; ; try++ {
		p, err := w.begin(s)
		if err == nil {
			return p, nil
		}
		if try == tries || !errors.Is(err, errNotBegun) {
			return nil, err
		}
	}
}

func (w *Wine) begin(s Spec) (*wineProcess, error) {
	if !w.enter() {
		return nil, os.ErrClosed
	}
	p := &wineProcess{wine: w, ended: make(chan struct{}), cmd: isCmd(s)}
	if err := p.start(s); err != nil {
		_ = os.RemoveAll(p.dir)
		w.users.Done()
		return nil, err
	}
	go p.attend()
	if err := p.begun(); err != nil {
		<-p.ended
		return nil, err
	}
	go feed(p.stdin, s.Stdin)
	return p, nil
}

// start starts the two programs.
func (p *wineProcess) start(s Spec) (err error) {
	if p.dir, err = os.MkdirTemp(p.wine.dir, ""); err != nil {
		return err
	}
	line := `C:\windows\system32\cmd.exe /d /s /c "` + s.Line + `"`
	if s.Direct {
		line = s.Line
	}
	var ours []string
	for _, v := range append(p.wine.environment(), p.mark()) {
		if name, _, _ := strings.Cut(v, "="); name != "PATH" {
			ours = append(ours, name)
		}
	}
	fifo := filepath.Join(p.dir, filepath.Base(p.dir))
	inner, err := programFile(p.dir, innerProgram(s, line, fifo, ours))
	if err != nil {
		return err
	}
	cmd, err := p.command(outerProgram(inner))
	if err != nil {
		return err
	}
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if pipe, ok := p.stdin.(*os.File); ok && (s.Console || isCmd(s)) {
		p.stdin = consoleInput{pipe}
	}
	if p.status, err = newStatus(fifo); err != nil {
		return err
	}
	if p.outer, err = startProcess(cmd, s, func() error { return withFixedLayout(cmd.Start) }); err != nil {
		p.status.close()
		return err
	}
	p.outer.left = func() { endLeft(p.mark()) }
	return nil
}

// command runs a Windows program for this command.
func (p *wineProcess) command(program []byte) (*exec.Cmd, error) {
	cmd, err := p.wine.command(p.dir, program)
	if err == nil {
		cmd.Env = append(cmd.Env, p.mark())
	}
	return cmd, err
}

// mark is what all processes of this command have in their environment.
func (p *wineProcess) mark() string { return commandVariable + "=" + p.dir }

// begun waits until the command runs.
func (p *wineProcess) begun() error {
	switch failure, ok := p.status.next(); {
	case !ok:
		return fmt.Errorf("sandbox: %w", errNotBegun)
	case failure != 0:
		return fmt.Errorf("sandbox: wine: directory: %w (error %d)", ErrDirectory, failure)
	}
	switch failure, ok := p.status.next(); {
	case !ok:
		return errors.New("sandbox: wine ended when the command began")
	case failure == errorInternal:
		return fmt.Errorf("sandbox: %w (error %d)", errNotBegun, failure)
	case failure != 0:
		return fmt.Errorf("sandbox: wine: program: %w (error %d)", exec.ErrNotFound, failure)
	}
	p.inner, _ = p.status.next()
	return nil
}

// attend waits for the end and cleans up.
func (p *wineProcess) attend() {
	defer p.wine.users.Done()
	defer close(p.ended)
	p.outer.Wait()
	p.status.close()
	_ = os.RemoveAll(p.dir)
}

// Wait implements [Program].
func (p *wineProcess) Wait() uint32 {
	<-p.ended
	code, ok := p.status.next()
	if !ok || p.outer.terminated.Load() {
		return exitTerminated
	}
	return code
}

// Signal implements [Program]. Wine has no Ctrl-Break: that is a Ctrl-C here.
func (p *wineProcess) Signal(s Signal) {
	if s == Terminate {
		p.outer.Signal(s)
		return
	}
	if !p.wine.enter() {
		return
	}
	defer p.wine.users.Done()
	if p.cmd {
		interruptBelow(p.mark())
	} else if cmd, err := p.command(interruptProgram(p.inner)); err == nil {
		_ = withFixedLayout(cmd.Run) // it fails when the command has ended: then there is nothing to interrupt
	}
	p.lookOut()
}
