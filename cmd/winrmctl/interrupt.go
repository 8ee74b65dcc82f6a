package main

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// interrupts turns the signals of this process into what they mean for the remote program: Ctrl-C once is passed on, and
// the program has graceful to end; a second one, or no end, terminates it. Other signals terminate it at once.
type interrupts struct {
	cancel   context.CancelCauseFunc
	graceful time.Duration
	stopped  chan struct{}

	mu      sync.Mutex
	process *shell.Process // nil until one runs
	next    func()         // instead, once the process has ended
	first   bool           // Ctrl-C was passed on
}

// graceful is how long a program has to end by itself after Ctrl-C (CLI contract).
const graceful = 3 * time.Second

// A signalError is a signal other than Ctrl-C that ended this process.
type signalError struct{ signal os.Signal }

func (e *signalError) Error() string { return e.signal.String() }

// interrupts starts to listen. cancel ends the work under way.
func (a *app) interrupts(cancel context.CancelCauseFunc) *interrupts {
	i := &interrupts{cancel: cancel, graceful: a.graceful, stopped: make(chan struct{})}
	go func() {
		for {
			select {
			case s := <-a.signals:
				i.signal(s)
			case <-i.stopped:
				return
			}
		}
	}()
	return i
}

func (i *interrupts) stop() { close(i.stopped) }

// passTo has Ctrl-C go to a program from now on.
func (i *interrupts) passTo(p *shell.Process) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.process = p
}

// onNext calls f at the next signal, for what comes after the program.
func (i *interrupts) onNext(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.next = f
}

// seen reports that Ctrl-C was passed on.
func (i *interrupts) seen() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.first
}

func (i *interrupts) signal(s os.Signal) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.next != nil:
		i.next()
	case s != os.Interrupt:
		i.cancel(&signalError{s})
	case i.process == nil || i.first:
		i.cancel(errInterrupted)
	default:
		i.first = true
		go i.passOn(i.process)
	}
}

// passOn sends ctrl_c and gives the program its time.
func (i *interrupts) passOn(p *shell.Process) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), i.graceful, errInterrupted)
	defer cancel()
	if err := p.Signal(ctx, wsman.SignalCtrlC); err != nil && !errors.Is(err, errInterrupted) {
		// A program that has just ended cannot be interrupted; its end is on the way.
		if f, ok := errors.AsType[*wsman.Fault](err); !ok || f.Code != wsman.CodeInvalidSelectors {
			i.cancel(errInterrupted)
			return
		}
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		i.cancel(errInterrupted)
	}
}
