package shell

import (
	"context"
	"errors"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// insist sends a request that is safe to repeat, and asks again with the same bytes for an answer that is lost, until
// [Options.Reconnect] has passed. again tells that it had to.
func (s *Shell) insist(ctx context.Context, lane Conn, q *wsman.Request) (answer []byte, again bool, err error) {
	soap, err := q.Encode()
	if err != nil {
		return nil, false, err
	}
	if answer, err = s.postSame(ctx, lane, soap); err == nil || !lost(err) {
		return answer, false, err
	}
	answer, err = s.askAgain(ctx, lane, soap, err)
	return answer, true, err
}

// askAgain repeats a request until an answer comes or [Options.Reconnect] has passed; err is why it has to. Meanwhile somebody
// else may answer, such as the router of another network.
func (s *Shell) askAgain(ctx context.Context, lane Conn, soap []byte, err error) ([]byte, error) {
	deadline := time.Now().Add(s.options.Reconnect)
	for wait := 100 * time.Millisecond; (lost(err) || astray(err)) && ctx.Err() == nil && time.Now().Before(deadline); wait = min(2*wait, 2*time.Second) {
		if sleep(ctx, wait) != nil {
			break
		}
		if err = s.reconnected(ctx, lane); err != nil {
			continue
		}
		var answer []byte
		if answer, err = s.postSame(ctx, lane, soap); err == nil {
			return answer, nil
		}
	}
	return nil, err
}

// postSame has a connection that broke between two requests count as lost, where somebody wants to hear of that. The side
// lane's is replaced in silence: a server closes it for being idle.
func (s *Shell) postSame(ctx context.Context, lane Conn, soap []byte) ([]byte, error) {
	same, ok := lane.(interface {
		PostSame(ctx context.Context, soap []byte) ([]byte, error)
	})
	if !ok || s.options.Reconnected == nil || lane != s.options.Main {
		return s.postBytes(ctx, lane, soap)
	}
	ctx, cancel := s.answerIn(ctx)
	defer cancel()
	return same.PostSame(ctx, soap)
}

// reconnected makes a connection and tells of it, where somebody wants to hear. The answer to a Receive may take its time,
// that to Identify does not.
func (s *Shell) reconnected(ctx context.Context, lane Conn) error {
	if s.options.Reconnected == nil {
		return nil
	}
	q := wsman.Request{Body: wsman.Identify{}}
	soap, err := q.Encode()
	if err == nil {
		_, err = s.postBytes(ctx, lane, soap)
	}
	if err == nil {
		s.options.Reconnected()
	}
	return err
}

// lost reports that an answer did not come, but may come when asked for again.
func lost(err error) bool {
	l, ok := errors.AsType[interface {
		error
		Lost() bool
	}](err)
	return ok && l.Lost()
}

// astray reports that somebody else than the service has answered.
func astray(err error) bool {
	a, ok := errors.AsType[interface {
		error
		Astray() bool
	}](err)
	return ok && a.Astray()
}
