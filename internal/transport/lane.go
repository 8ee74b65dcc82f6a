package transport

import (
	"context"
	"errors"
	"sync"
)

// A Lane carries requests one after the other over a connection of its own, which is made when it is first needed and made
// anew after it broke. It never sends a request twice. It is safe for concurrent use.
type Lane struct {
	dialer *Dialer
	turn   chan struct{} // held during a request

	mu     sync.Mutex // guards what follows
	conn   *Conn
	closed bool
}

// Lane returns a new lane; nothing is dialled yet.
func (d *Dialer) Lane() *Lane { return &Lane{dialer: d, turn: make(chan struct{}, 1)} }

// ErrLaneClosed is returned by a lane after Close.
var ErrLaneClosed = errors.New("transport: the lane is closed")

// Post sends one SOAP message and returns the answer; see [Dialer.Dial] and [Conn.Post] for the errors. A connection that
// the server closed while it was idle is replaced before anything is sent.
func (l *Lane) Post(ctx context.Context, soap []byte) ([]byte, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	c, err := l.current()
	if err != nil {
		return nil, err
	}
	if c == nil {
		c, answer, err := l.dialer.Dial(ctx, soap)
		if err != nil {
			return nil, err
		}
		return answer, l.keep(c)
	}
	return l.on(ctx, c, soap)
}

// on sends a message on a connection that seemed to be usable, and on a new one if that was not so.
func (l *Lane) on(ctx context.Context, c *Conn, soap []byte) ([]byte, error) {
	answer, err := c.Post(ctx, soap)
	if err == nil || c.Err() == nil {
		return answer, err
	}
	l.drop(c)
	if e, ok := errors.AsType[*Error](err); !ok || !e.Unsent || ctx.Err() != nil {
		return nil, err
	}
	if c, answer, err = l.dialer.Dial(ctx, soap); err != nil {
		return nil, err
	}
	return answer, l.keep(c)
}

// current returns the connection if it can be used, nil if there is none.
func (l *Lane) current() (*Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrLaneClosed
	}
	if l.conn != nil && l.conn.Err() != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
	return l.conn, nil
}

func (l *Lane) keep(c *Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = c.Close()
		return ErrLaneClosed
	}
	l.conn = c
	return nil
}

func (l *Lane) drop(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == c {
		_ = c.Close()
		l.conn = nil
	}
}

// Close closes the connection; a request under way ends with an error.
func (l *Lane) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.conn == nil {
		return nil
	}
	c := l.conn
	l.conn = nil
	return c.Close()
}
