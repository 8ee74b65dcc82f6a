package transport

import (
	"context"
	"time"
)

// throughKey is the key of a grace in a context.
type throughKey struct{}

// PostThrough is [Lane.Post] for a message that makes something on the server: when ctx ends while the connection is made
// and logged in, it returns at once and nothing was sent; when the message is on its way, its answer is waited for up to
// grace longer, so that the caller learns what was made.
func (l *Lane) PostThrough(ctx context.Context, grace time.Duration, soap []byte) ([]byte, error) {
	return l.Post(context.WithValue(ctx, throughKey{}, grace), soap)
}

// through returns the context for a message that is about to be sent.
func through(ctx context.Context) (context.Context, context.CancelFunc) {
	grace, ok := ctx.Value(throughKey{}).(time.Duration)
	if !ok || ctx.Err() != nil {
		return ctx, func() {}
	}
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(grace, func() { cancel(context.Cause(ctx)) })
		context.AfterFunc(longer, func() { t.Stop() })
	})
	return &throughContext{longer, ctx}, func() {
		stop()
		cancel(nil)
	}
}

// throughContext ends after its origin, and as that did.
type throughContext struct {
	context.Context
	origin context.Context
}

func (c *throughContext) Err() error {
	err := c.Context.Err()
	if first := c.origin.Err(); err != nil && first != nil {
		return first
	}
	return err
}
