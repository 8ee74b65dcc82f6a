package shell

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// ErrDisconnected is the end of a process on this side: its shell was disconnected, and the command goes on.
var ErrDisconnected = errors.New("the shell is disconnected, and its command goes on")

// Detaching says how a server treats a shell while nobody is connected to it. What is zero stays as it is.
type Detaching struct {
	IdleTimeout time.Duration // after which the server deletes it, whatever runs in it
	BufferMode  wsman.BufferMode
}

// Begin starts a command whose output stays on the server until somebody attaches to it, and whose stdin stays open.
func (s *Shell) Begin(ctx context.Context, c Command) (commandID string, err error) {
	if err := s.discard(ctx); err != nil {
		return "", err
	}
	p := s.newProcess(ctx, Streams{})
	defer p.cancel(nil)
	if err := p.command(c); err != nil {
		return "", err
	}
	return p.id, nil
}

// Launch starts a command whose output stays on the server until somebody attaches to it. Its stdin is sent whole, with its
// end; nil is an empty one.
func (s *Shell) Launch(ctx context.Context, c Command, stdin io.Reader) (commandID string, err error) {
	if err := s.discard(ctx); err != nil {
		return "", err
	}
	p := s.newProcess(ctx, Streams{})
	defer p.cancel(nil)
	if err := p.command(c); err != nil {
		return "", err
	}
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	buffer := make([]byte, p.chunkSize())
	for end := false; !end; {
		n, err := io.ReadFull(stdin, buffer)
		end = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return p.id, &ReadError{err}
		}
		if err := p.send(s.options.Main, buffer[:n], end); unwanted(err) {
			break
		} else if err != nil {
			return p.id, err
		}
	}
	return p.id, nil
}

// Disconnect leaves the shell to itself (3.1.4.15): what runs in it goes on, and [Connect] comes back to it, from another
// process too. A process that is pumped ends with [ErrDisconnected], when it has handed over the output that was there.
// A lost answer is asked for again: to disconnect a disconnected shell changes nothing (3.1.4.1.31.7).
func (s *Shell) Disconnect(ctx context.Context, d Detaching) error {
	lane, p := s.options.Main, s.running.Load()
	if p != nil && !p.ended() {
		lane = p.free()
	}
	q := s.request(wsman.ActionDisconnect, &wsman.Disconnect{IdleTimeOut: d.IdleTimeout, BufferMode: d.BufferMode})
	answer, _, err := s.insist(ctx, lane, q)
	if err == nil {
		err = wsman.ParseEmpty(answer, q.MessageID)
	}
	if err != nil {
		return failed("disconnect the shell", err)
	}
	if p != nil {
		// The server delivers what is there before it answers, and nothing afterwards (3.1.4.15): the Receive may stay parked.
		t := time.NewTimer(unblock)
		defer t.Stop()
		select {
		case <-p.done:
		case <-t.C:
			p.cancel(ErrDisconnected)
		}
	}
	return nil
}

// Reconnect comes back to a shell that this client has disconnected (3.1.4.16). Its command is then taken up by
// [Shell.Attach].
func (s *Shell) Reconnect(ctx context.Context) error {
	return failed("reconnect to the shell", s.reconnectAs(ctx, s.options.SessionID))
}

// reconnectAs is safe to repeat: a connected shell ignores a Reconnect of its own client.
func (s *Shell) reconnectAs(ctx context.Context, session string) error {
	s.options.SessionID = session
	q := s.request(wsman.ActionReconnect, nil)
	answer, _, err := s.insist(ctx, s.options.Main, q)
	if err != nil {
		return err
	}
	return wsman.ParseEmpty(answer, q.MessageID)
}

// Connect comes back to a disconnected shell from another process (3.1.4.17). A shell that is connected is a
// [*wsman.Fault] of which Code.IsConnected; see [TakeOver]. One that does not exist is a fault of
// [wsman.CodeInvalidSelectors].
func Connect(ctx context.Context, o Options, id string) (*Shell, error) {
	s, err := connect(ctx, o, id)
	return s, failed("connect to the shell", err)
}

// TakeOver is Connect to a shell that may be connected to another process of this program, or was when that lost its
// connection: a server cannot tell these apart, and takes the session for the same.
func TakeOver(ctx context.Context, o Options, id string) (*Shell, error) {
	s, err := connect(ctx, o, id)
	for _, session := range []string{attachedSession(id), creatorSession(id)} {
		if f, ok := errors.AsType[*wsman.Fault](err); ok && f.Code.IsConnected() {
			s = connecting(o, id)
			s.rivals = 1
			err = s.reconnectAs(ctx, session)
		}
	}
	if err != nil {
		return nil, failed("take over the shell", err)
	}
	return s, nil
}

func connecting(o Options, id string) *Shell {
	if o.SessionID == "" {
		o.SessionID = attachedSession(id)
	}
	s := newShell(o)
	s.id, s.taken = strings.TrimSpace(id), true
	return s
}

func connect(ctx context.Context, o Options, id string) (*Shell, error) {
	s := connecting(o, id)
	again, err := s.connectTo(ctx, "")
	f, _ := errors.AsType[*wsman.Fault](err)
	switch {
	case err == nil:
		return s, nil
	case f != nil && again && f.Code.IsConnected():
		// The Connect whose answer was lost may have been ours.
		err = s.reconnectAs(ctx, s.options.SessionID)
	case f != nil && f.Unsupported():
		// Plugins have to implement Connect, Reconnect is the server's own.
		s.taken = false
		err = s.reconnectAs(ctx, creatorSession(id))
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// connectTo connects to the shell, or to a command of it.
func (s *Shell) connectTo(ctx context.Context, commandID string) (again bool, err error) {
	q := s.request(wsman.ActionConnect, &wsman.Connect{CommandID: commandID})
	answer, again, err := s.insist(ctx, s.options.Main, q)
	if err == nil {
		_, err = wsman.ParseConnect(answer, q.MessageID)
	}
	return again, err
}

// Attach takes up a command that runs in the shell, or has run: its output arrives from where nobody has fetched it, and
// the process ends like one of [Shell.Start]. Without a local stdin none is sent, no end-of-file either.
func (s *Shell) Attach(ctx context.Context, commandID string, st Streams) (*Process, error) {
	if s.taken {
		_, err := s.connectTo(ctx, commandID)
		if f, ok := errors.AsType[*wsman.Fault](err); err != nil && (!ok || !f.Unsupported()) {
			return nil, failed("attach to the command", err)
		}
	}
	p := s.newProcess(ctx, st)
	p.id, p.rivals, s.last = commandID, s.rivals, commandID
	s.running.Store(p)
	var input *feeder
	if st.Stdin != nil {
		input = p.newFeeder(st.Stdin)
	}
	go p.run(input)
	return p, nil
}

// Delete deletes a shell by its id, whosever it is of this account, with all that runs in it. One that does not exist is a
// fault of [wsman.CodeInvalidSelectors].
func Delete(ctx context.Context, o Options, id string) error {
	s := newShell(o)
	s.id = strings.TrimSpace(id)
	return failed("delete the shell", s.simple(ctx, s.options.Main, wsman.ActionDelete, nil))
}

// creatorSession is the session of who creates a detachable shell, and attachedSession that of who connects to it. Both
// follow from the shell's id, so that another process can be the same client to the server where it has to.
func creatorSession(id string) string { return "uuid:" + strings.ToUpper(strings.TrimSpace(id)) }

func attachedSession(id string) string {
	b := sha256.Sum256([]byte("winrmctl attach " + creatorSession(id)))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80 // a UUID of version 8 (RFC 9562)
	return fmt.Sprintf("uuid:%X-%X-%X-%X-%X", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// ended reports that the process needs its lane no more.
func (p *Process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
