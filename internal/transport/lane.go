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
	return l.post(ctx, soap, true)
}

// PostSame is [Lane.Post] for a caller who wants to know when the connection is another one than that of the last message:
// where that broke meanwhile, nothing is sent, and the error is of [KindLost] and Unsent. One that the server announced to
// close is replaced all the same.
func (l *Lane) PostSame(ctx context.Context, soap []byte) ([]byte, error) {
	return l.post(ctx, soap, false)
}

// post sends a message, also on a new connection if it may replace one that broke.
func (l *Lane) post(ctx context.Context, soap []byte, replace bool) ([]byte, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	c, broken, err := l.current()
	if err == nil && c != nil {
		var answer []byte
		if answer, broken, err = l.on(ctx, c, soap); broken == nil {
			return answer, err
		}
	}
	if err == nil && broken != nil && !replace && !errors.Is(broken, errClosedBehind) {
		err = &Error{Kind: KindLost, Address: l.dialer.address(), Unsent: true, Err: errors.Unwrap(broken)}
	}
	if err != nil {
		return nil, err
	}
	c, answer, err := l.dialer.Dial(ctx, soap)
	if err != nil {
		return nil, err
	}
	return answer, l.keep(c)
}

// on sends a message on a connection that seemed to be usable; broken tells that it was not, and that nothing was sent.
func (l *Lane) on(ctx context.Context, c *Conn, soap []byte) (answer []byte, broken, err error) {
	answer, err = c.Post(ctx, soap)
	if err == nil || c.Err() == nil {
		return answer, nil, err
	}
	l.drop(c)
	if e, ok := errors.AsType[*Error](err); ok && e.Unsent && ctx.Err() == nil {
		return nil, err, nil
	}
	return nil, nil, err
}

// current returns the connection if it can be used; broken is what ended the one that was there.
func (l *Lane) current() (c *Conn, broken, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, ErrLaneClosed
	}
	if l.conn != nil {
		broken = l.conn.Err()
	}
	if broken != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
	return l.conn, broken, nil
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
