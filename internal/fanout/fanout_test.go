package fanout

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestBound: never more than so many at once, and every target once.
func TestBound(t *testing.T) {
	var running, most, done atomic.Int32
	seen := make([]atomic.Int32, 500)
	Run(t.Context(), len(seen), Options{Parallel: 7}, func(_ context.Context, i int, _ *Slot) error {
		if n := running.Add(1); n > most.Load() {
			most.Store(n)
		}
		seen[i].Add(1)
		running.Add(-1)
		done.Add(1)
		return errors.New("failures of some do not end the others")
	})
	if most.Load() > 7 || done.Load() != 500 {
		t.Errorf("%d at once, %d done", most.Load(), done.Load())
	}
	for i := range seen {
		if seen[i].Load() != 1 {
			t.Errorf("target %d ran %d times", i, seen[i].Load())
		}
	}
}

// TestYield: targets that stall do not hold up the others, and run when they wake up.
func TestYield(t *testing.T) {
	release := make(chan struct{})
	var others, woken, running atomic.Int32
	Run(t.Context(), 50, Options{Parallel: 2}, func(ctx context.Context, i int, s *Slot) error {
		if i < 10 {
			s.Yield()
			s.Yield() // once is enough
			<-release
			if err := s.Acquire(ctx); err != nil {
				return err
			}
			if err := s.Acquire(ctx); err != nil {
				return err
			}
			if running.Add(1) > 2 {
				t.Error("more than two run")
			}
			running.Add(-1)
			woken.Add(1)
			return nil
		}
		if others.Add(1) == 40 {
			close(release)
		}
		return nil
	})
	if others.Load() != 40 || woken.Load() != 10 {
		t.Errorf("%d others, %d woken", others.Load(), woken.Load())
	}
}

// TestYieldIsBounded: where everything stalls, not everything is started.
func TestYieldIsBounded(t *testing.T) {
	for parallel, most := range map[int]int32{2: leastStalled + 2, 50: 50*stalledFactor + 50} {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			var started atomic.Int32
			go Run(t.Context(), 1000, Options{Parallel: parallel}, func(_ context.Context, _ int, s *Slot) error {
				started.Add(1)
				s.Yield()
				<-release
				return nil
			})
			synctest.Wait()
			if n := started.Load(); n != most {
				t.Errorf("%d at once: %d are started, want %d", parallel, n, most)
			}
			close(release)
			synctest.Wait()
			if n := started.Load(); n != 1000 {
				t.Errorf("%d at once: %d ran in the end", parallel, n)
			}
		})
	}
}

func TestFailFast(t *testing.T) {
	var stopped, ran atomic.Int32
	Run(t.Context(), 100, Options{Parallel: 1, FailFast: true}, func(ctx context.Context, i int, _ *Slot) error {
		if errors.Is(context.Cause(ctx), ErrFailFast) {
			stopped.Add(1)
			return nil
		}
		ran.Add(1)
		if i == 4 {
			return errors.New("no")
		}
		return nil
	})
	if ran.Load() != 5 || stopped.Load() != 95 {
		t.Errorf("%d ran, %d were stopped", ran.Load(), stopped.Load())
	}
}

func TestAcquireAfterTheEnd(t *testing.T) {
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	Run(ctx, 2, Options{Parallel: 1}, func(ctx context.Context, i int, s *Slot) error {
		if i == 0 {
			s.Yield()
			<-ctx.Done()
			if err := s.Acquire(ctx); err != nil && !errors.Is(err, why) {
				t.Error(err)
			}
			return nil
		}
		cancel(why)
		return nil
	})
}
