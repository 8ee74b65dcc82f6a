package enum

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// page is one answer, with its items still to be decoded, or an error.
type page struct {
	answer *wsman.Page
	op     string // that brought it
	err    error
}

// enumeration is one enumeration on the server. Its goroutine asks for pages; each goes to the reader while the next one is
// under way.
type enumeration struct {
	client *Client
	query  *Query

	pages chan page
	stop  chan struct{} // closed when the reader wants no more
	done  chan struct{} // closed when the goroutine has ended; what follows is its own until then

	context string // to be released, empty for none
	count   int    // items so far
	idle    pacer
}

// errStop ends the reading of a page whose reader wants no more.
var errStop = errors.New("no more is wanted")

// stream enumerates, one page ahead of the reader. However the loop ends, the enumeration does not stay open on the server.
// decode reads the item at whose start tag the Reader stands; end is told the last item of each page.
func stream[T any](ctx context.Context, c *Client, q *Query, decode func(*wsman.Reader, *T) error, end func(*T)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		if ctx.Err() != nil {
			yield(none, context.Cause(ctx))
			return
		}
		// Answers that are under way are not cut off at once when ctx ends: that would cost the connection.
		own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		defer cancel(nil)
		e := &enumeration{client: c, query: q, pages: make(chan page), stop: make(chan struct{}), done: make(chan struct{})}
		go e.run(own)
		defer e.finish(ctx, cancel)
		count := 0
		for {
			var p page
			var more bool
			select {
			case p, more = <-e.pages:
			case <-ctx.Done():
			}
			if ctx.Err() != nil {
				yield(none, context.Cause(ctx))
				return
			}
			if !more {
				return
			}
			if p.err != nil {
				yield(none, p.err)
				return
			}
			err := items(p.answer, decode, end, func(item T) bool {
				count++
				return ctx.Err() == nil && yield(item, nil) && count != q.Max
			})
			switch {
			case errors.Is(err, errStop) && ctx.Err() != nil && count != q.Max:
				yield(none, context.Cause(ctx))
				return
			case errors.Is(err, errStop):
				return
			case err != nil:
				yield(none, failed(p.op, err))
				return
			}
		}
	}
}

// items hands the items of a page over, each when the next one is decoded or the page has ended, so that the last one is
// known as that. An error comes after what is whole.
func items[T any](p *wsman.Page, decode func(*wsman.Reader, *T) error, end func(*T), yield func(T) bool) error {
	var last, next, none T
	some := false
	err := p.Items(func(r *wsman.Reader) error {
		next = none
		if err := decode(r, &next); err != nil {
			return err
		}
		if some && !yield(last) {
			return errStop
		}
		last, some = next, true
		return nil
	})
	if errors.Is(err, errStop) || !some {
		return err
	}
	end(&last)
	if !yield(last) && err == nil {
		return errStop
	}
	return err
}

// finish ends the goroutine and releases the enumeration if that is still open.
func (e *enumeration) finish(ctx context.Context, cancel context.CancelCauseFunc) {
	close(e.stop)
	t := time.NewTimer(either(e.client.Grace, defaultGrace))
	defer t.Stop()
	select {
	case <-e.done:
	case <-t.C:
		cancel(errAbandoned)
		<-e.done
	}
	if e.context == "" {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), either(e.client.ReleaseTimeout, defaultReleaseTimeout))
	defer stop()
	q := e.client.request(wsman.ActionRelease, e.query.ResourceURI, e.query.Selectors, &wsman.Release{Context: e.context})
	// A Release that fails leaves the enumeration to the server's own timer (3.1.4.1.36); there is nothing else to be done.
	_, _ = e.client.post(ctx, q)
}

var errAbandoned = errors.New("the enumeration was abandoned")

// run asks for pages until the last one, an error, or stop.
func (e *enumeration) run(ctx context.Context) {
	defer close(e.done)
	defer close(e.pages)
	batch := e.query.Batch
	if batch <= 0 {
		batch = defaultBatch
	}
	for first := true; ; first = false {
		size := min(batch, MaxBatch)
		if e.query.Max > 0 {
			size = min(size, e.query.Max-e.count)
		}
		p := e.next(ctx, first, size)
		select {
		case e.pages <- p:
		case <-e.stop:
			return
		}
		if p.err != nil || p.answer.End {
			return
		}
		if e.count += p.answer.Count; e.query.Max > 0 && e.count >= e.query.Max {
			return
		}
		select {
		case <-e.stop:
			return
		default:
		}
	}
}

// next asks for one page.
func (e *enumeration) next(ctx context.Context, first bool, size int) page {
	op := "read more of " + e.query.name()
	if first {
		op = "enumerate " + e.query.name()
	}
	for {
		p, err := e.ask(ctx, first, size)
		f, isFault := errors.AsType[*wsman.Fault](err)
		switch {
		case isFault && f.TimedOut() && !first: // nothing within OperationTimeout: the enumeration goes on (DSP0226 8.4)
		case isFault && f.Code == wsman.CodeContextInvalid:
			e.context = "" // it is gone: nothing to release
			fallthrough
		case err != nil:
			return page{op: op, err: failed(op, err)}
		case p.End:
			e.context = ""
			return page{p, op, nil}
		default:
			if p.Context != "" { // else the one before stays in force (WS-Enumeration 3.2)
				e.context = p.Context
			}
			if e.context == "" {
				return page{op: op, err: failed(op, &wsman.AnswerError{Text: "neither an enumeration context nor the end of the sequence"})}
			}
			if p.Count > 0 || first {
				return page{p, op, nil}
			}
		}
		if err := e.idle.pace(ctx, e.stop); err != nil { // an empty page is no end
			return page{op: op, err: failed(op, err)}
		}
	}
}

// ask sends one request.
func (e *enumeration) ask(ctx context.Context, first bool, size int) (*wsman.Page, error) {
	action := wsman.ActionPull
	var body wsman.Body = &wsman.Pull{Context: e.context, MaxElements: size}
	if first {
		action = wsman.ActionEnumerate
		body = &wsman.Enumerate{Optimize: true, MaxElements: size, Mode: e.query.Mode, Polymorphism: e.query.Polymorphism, Filter: e.query.Filter}
	}
	q := e.client.request(action, e.query.ResourceURI, e.query.Selectors, body)
	q.Options = e.query.Options
	answer, err := e.client.post(ctx, q)
	if err != nil {
		return nil, err
	}
	return wsman.ParsePage(answer, q.MessageID)
}

// pacer slows down a loop of requests that a server answers with nothing, and at once.
type pacer struct {
	quick int       // empty answers that came at once, in a row
	last  time.Time // when the request under way was sent
}

// pace returns an error when ctx has ended, or nobody wants more.
func (p *pacer) pace(ctx context.Context, stop <-chan struct{}) error {
	defer func() { p.last = time.Now() }()
	wait := time.Duration(0)
	if time.Since(p.last) > 100*time.Millisecond {
		p.quick = 0
	} else if p.quick++; p.quick >= 5 {
		wait = 100 * time.Millisecond
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-stop:
		return errAbandoned
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
