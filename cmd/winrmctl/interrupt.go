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

// interrupts turns the signals of this process into what they mean for remote programs: Ctrl-C once is passed on to those
// that run, which have graceful to end, and nothing more is started; a second one, or no end, terminates them. Other
// signals terminate at once.
type interrupts struct {
	cancel   context.CancelCauseFunc // ends everything
	graceful time.Duration
	stopped  chan struct{}

	mu      sync.Mutex
	running map[*shell.Process]context.CancelCauseFunc
	next    map[*func()]func() // called at the next signal, for what comes after a program
	first   bool               // Ctrl-C has come
}

// graceful is how long a program has to end by itself after Ctrl-C (CLI contract).
const graceful = 3 * time.Second

// A signalError is a signal other than Ctrl-C that ended this process.
type signalError struct{ signal os.Signal }

func (e *signalError) Error() string { return e.signal.String() }

// interrupts starts to listen. cancel ends the work under way.
func (a *app) interrupts(cancel context.CancelCauseFunc) *interrupts {
	i := &interrupts{
		cancel: cancel, graceful: a.graceful, stopped: make(chan struct{}),
		running: map[*shell.Process]context.CancelCauseFunc{}, next: map[*func()]func(){},
	}
	signals := a.caught()
	go func() {
		for {
			select {
			case s := <-signals:
				i.signal(s)
			case <-i.stopped:
				return
			}
		}
	}()
	return i
}

// caught returns the signals from now on. Until it is called they end the process, also while that waits for its input.
func (a *app) caught() <-chan os.Signal {
	if a.catch != nil {
		a.catch()
	}
	return a.signals
}

func (i *interrupts) stop() { close(i.stopped) }

// passTo has Ctrl-C go to a program, which end terminates. The function that it returns is called when the program has
// ended, and reports whether Ctrl-C has come meanwhile.
func (i *interrupts) passTo(p *shell.Process, end context.CancelCauseFunc) (done func() bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.first {
		end(errInterrupted) // it came while the program was being started
	}
	i.running[p] = end
	return func() bool {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.running, p)
		return i.first
	}
}

// onNext calls f at the next signal, until the function that it returns is called.
func (i *interrupts) onNext(f func()) (forget func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	key := &f
	i.next[key] = f
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.next, key)
	}
}

// closeTimeout is how long deleting the shell may take.
const closeTimeout = 10 * time.Second

var errTidyTimeout = errors.New("none within 10 s")

// tidying returns a context for what is left to be done on a target, however its command has ended: until the next signal, and
// no longer than closeTimeout.
func (i *interrupts) tidying(ctx context.Context) (tidy context.Context, stop func()) {
	soon, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), closeTimeout, errTidyTimeout)
	tidy, interrupt := context.WithCancelCause(soon)
	forget := i.onNext(func() { interrupt(errInterrupted) })
	return tidy, func() {
		forget()
		interrupt(nil)
		cancel()
	}
}

// seen reports that Ctrl-C has come: nothing more is to be started.
func (i *interrupts) seen() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.first
}

func (i *interrupts) signal(s os.Signal) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, f := range i.next {
		f()
	}
	switch {
	case s != os.Interrupt:
		i.cancel(&signalError{s})
	case i.first, len(i.running) == 0:
		i.first = true
		i.cancel(errInterrupted)
	default:
		i.first = true
		for p, end := range i.running {
			go i.passOn(p, end)
		}
	}
}

// passOn sends ctrl_c and gives the program its time.
func (i *interrupts) passOn(p *shell.Process, end context.CancelCauseFunc) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), i.graceful, errInterrupted)
	defer cancel()
	if err := p.Signal(ctx, wsman.SignalCtrlC); err != nil && !errors.Is(err, errInterrupted) {
		// A program that has just ended cannot be interrupted; its end is on the way.
		if f, ok := errors.AsType[*wsman.Fault](err); !ok || f.Code != wsman.CodeInvalidSelectors {
			end(errInterrupted)
			return
		}
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		end(errInterrupted)
	}
}
