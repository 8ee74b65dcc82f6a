// Package fanout runs one action on many targets, a bounded number at once, so that one dead or slow target holds up no
// other; it does not know what the action is.
package fanout

import (
	"context"
	"errors"
	"sync"
)

// Options bound a run.
type Options struct {
	Parallel int  // actions at once, at least 1
	FailFast bool // the first error ends the others
}

// ErrFailFast is the cause of a context that the failure of another target has ended.
var ErrFailFast = errors.New("another target failed")

// stalledFactor bounds how many actions may wait without a slot, for each slot; leastStalled is what few slots allow.
const (
	stalledFactor = 8
	leastStalled  = 256
)

// Run calls action for the targets 0 to n-1, each with a slot, and returns when all have returned. When ctx ends, the
// remaining actions are called all the same, with a context that has ended, so that every target has a result.
func Run(ctx context.Context, n int, o Options, action func(ctx context.Context, i int, s *Slot) error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parallel := max(o.Parallel, 1)
	p := &pool{slots: make(chan struct{}, parallel), stalled: make(chan struct{}, max(stalledFactor*parallel, leastStalled))}
	var wg sync.WaitGroup
	for i := range n {
		p.slots <- struct{}{}
		wg.Go(func() {
			s := &Slot{pool: p, held: true}
			err := action(ctx, i, s)
			if err != nil && o.FailFast {
				cancel(ErrFailFast) // before another target gets the slot
			}
			s.release()
		})
	}
	wg.Wait()
}

type pool struct {
	slots   chan struct{}
	stalled chan struct{}
}

// A Slot is the right of one action to run. Its methods are for the goroutine of the action and those that it waits for.
type Slot struct {
	pool *pool
	mu   sync.Mutex
	held bool
	lent bool // given up, and counted among the stalled
}

// Yield gives the slot to another target while this one waits for something that may never come. It does nothing where
// too many wait already.
func (s *Slot) Yield() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.held {
		return
	}
	select {
	case s.pool.stalled <- struct{}{}:
		s.held, s.lent = false, true
		<-s.pool.slots
	default:
	}
}

// Acquire takes a slot again after Yield. It returns the context's cause where that ends first.
func (s *Slot) Acquire(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held {
		return nil
	}
	select {
	case s.pool.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	s.held, s.lent = true, false
	<-s.pool.stalled
	return nil
}

func (s *Slot) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held {
		<-s.pool.slots
	}
	if s.lent {
		<-s.pool.stalled
	}
	s.held, s.lent = false, false
}
