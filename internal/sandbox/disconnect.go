package sandbox

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// attachment is whose shell it is (the columns State and ClientId of 3.1.1).
type attachment struct {
	// possible tells that the shell can be disconnected: there is a session to know its client by. 3.1.4.15 wants an id of
	// the client's choice too; no recording shows whether Windows insists.
	possible bool

	// strict has other sessions refused: for a shell with an id of its client's choice, and once one was disconnected.
	// Others may be used by clients that send a session with some of their requests only.
	strict bool

	client string // p:SessionId of who created it or connected to it last; "" for nobody
	state  attachmentState
	mode   wsman.BufferMode
}

// String is a StateType (2.2.5.15).
func (a *attachment) String() string {
	if a.state == disconnected {
		return wsman.ShellDisconnected
	}
	return wsman.ShellConnected
}

type attachmentState int

const (
	connected attachmentState = iota
	disconnecting
	disconnected
)

// errLeaving is the cause of the end of a Receive because its shell is being disconnected.
var errLeaving = errors.New("the shell is being disconnected")

// admit refuses what only the client may ask for that the shell is connected to.
func (a *attachment) admit(in *request) error {
	switch {
	case a.state != connected:
		// 3.1.4.1.31.7: all but Disconnect, Reconnect, Connect and Delete.
		return fault("InternalError", wsman.CodeShellDisconnected, "The request cannot be processed because the shell is disconnected.")
	case a.strict && !strings.EqualFold(in.SessionID, a.client):
		return elsewhere()
	}
	return nil
}

func elsewhere() error {
	return fault("InternalError", wsman.CodeConnectedElsewhere, "The request cannot be processed because the shell is connected to a different client.")
}

func otherSession() error {
	return fault("InternalError", wsman.CodeSessionMismatch, "The session identifier of the request is not that of the client of the shell.")
}

func notInThisState(code wsman.Code) error {
	return fault("InternalError", code, "The operation is not valid in the current state of the shell.")
}

// own reports a request that a disconnected shell takes too.
func own(in *request) bool {
	return in.Action == wsman.ActionDisconnect || in.Action == wsman.ActionReconnect || in.Action == wsman.ActionConnect
}

// attach performs Disconnect, Reconnect and Connect.
func (s *remoteShell) attach(ctx context.Context, in *request) (wsman.ResponseBody, error) {
	switch body := in.Body.(type) {
	case *wsman.Disconnect:
		return nil, s.disconnect(ctx, in, body)
	case *wsman.Connect:
		if in.Action == wsman.ActionConnect && body.CommandID != "" {
			return s.connectCommand(in, body.CommandID)
		} else if in.Action == wsman.ActionConnect {
			return s.connect(in)
		}
	case nil:
		if in.Action == wsman.ActionReconnect {
			return nil, s.reconnect(in)
		}
	}
	return nil, sender("InvalidBody", wsman.CodeInvalidBody, "The request packet does not have a valid SOAP body.")
}

// disconnect waits for what is under way, hands out the output that is there, and lets go of the client (3.1.4.15).
func (s *remoteShell) disconnect(ctx context.Context, in *request, d *wsman.Disconnect) error {
	if d.BufferMode != wsman.BufferDefault && d.BufferMode != wsman.BufferBlock && d.BufferMode != wsman.BufferDrop {
		return sender("SchemaValidationError", wsman.CodeSchemaValidation, "The SOAP packet contains an element rsp:BufferMode that is invalid.")
	}
	s.mu.Lock()
	a := &s.attachment
	switch {
	case !a.possible:
		s.mu.Unlock()
		return fault("InternalError", wsman.CodeNotDisconnectable, "The shell does not support the disconnect operation.")
	case !strings.EqualFold(in.SessionID, a.client):
		s.mu.Unlock()
		return otherSession()
	case a.state == disconnecting:
		s.mu.Unlock()
		return notInThisState(wsman.CodeCannotDisconnect)
	}
	before := a.state
	a.state = disconnecting
	var underWay []*reply
	for _, r := range s.replies {
		if r.messageID == in.MessageID {
			continue
		}
		underWay = append(underWay, r)
		if r.operation == "Receive" {
			r.cancel(errLeaving)
		}
	}
	s.mu.Unlock()
	if err := finished(ctx, underWay, in.OperationTimeout); err != nil {
		s.mu.Lock()
		a.state = before
		s.mu.Unlock()
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a.state, a.strict = disconnected, true
	if d.BufferMode != wsman.BufferDefault {
		a.mode = d.BufferMode
	}
	if d.IdleTimeOut > 0 {
		s.idle = min(d.IdleTimeOut, s.server.options.IdleTimeout)
	}
	for _, c := range s.commands {
		c.output.drop(a.mode == wsman.BufferDrop)
	}
	s.server.log("shell %s is disconnected: buffer mode %s, idle timeout %v", s.id, a.mode, s.idle)
	return nil
}

// finished waits for the answers of requests.
func finished(ctx context.Context, underWay []*reply, timeout time.Duration) error {
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	expired := time.NewTimer(timeout)
	defer expired.Stop()
	for _, r := range underWay {
		select {
		case <-r.done:
		case <-ctx.Done():
			return aborted()
		case <-expired.C:
			return fault("InternalError", wsman.CodeNotGraceful, "The shell cannot be disconnected because an operation on it does not end.")
		}
	}
	return nil
}

// reconnect makes the shell its client's again (3.1.4.16).
func (s *remoteShell) reconnect(in *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &s.attachment
	same := in.SessionID != "" && strings.EqualFold(in.SessionID, a.client)
	switch {
	case a.state == disconnecting:
		return notInThisState(wsman.CodeCannotConnect)
	case a.state == disconnected && !same:
		return otherSession()
	case !same:
		return elsewhere()
	}
	s.connectedTo(in)
	return nil
}

// connect makes the shell another client's (3.1.4.17).
func (s *remoteShell) connect(in *request) (wsman.ResponseBody, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &s.attachment
	switch {
	case a.state != disconnected && a.possible && !strings.EqualFold(in.SessionID, a.client):
		return nil, elsewhere()
	case a.state != disconnected:
		return nil, notInThisState(wsman.CodeCannotConnect)
	case in.SessionID == "":
		return nil, otherSession()
	}
	s.connectedTo(in)
	return &wsman.ConnectResponse{InputStreams: s.inputStreams, OutputStreams: s.outputStreams}, nil
}

// connectedTo is called with the shell locked.
func (s *remoteShell) connectedTo(in *request) {
	if s.attachment.state == disconnected {
		s.server.log("shell %s is connected again, by %s", s.id, in.Action[strings.LastIndex(in.Action, "/")+1:])
	}
	s.attachment.client, s.attachment.state = in.SessionID, connected
	for _, c := range s.commands {
		c.output.drop(false)
	}
}

// connectCommand takes up a command, of which a client has to know that it is there (recorded by pypsrp).
func (s *remoteShell) connectCommand(in *request, id string) (wsman.ResponseBody, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.attachment.admit(in); err != nil {
		return nil, err
	}
	if s.commands[strings.ToUpper(id)] == nil {
		return nil, noCommand()
	}
	return &wsman.ConnectResponse{}, nil
}

// describe is the shell as the answer to its Create has it.
func (s *remoteShell) describe() wsman.Shell {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := wsman.Shell{
		ID: s.id, Name: s.name, ResourceURI: s.resource, Owner: s.server.owner(), ClientIP: s.client, IdleTimeOut: s.idle,
		InputStreams: s.inputStreams, OutputStreams: s.outputStreams,
	}
	if s.attachment.strict { // another shell shows neither (recorded)
		out.State, out.BufferMode = s.attachment.String(), s.attachment.mode
	}
	return out
}

// proposedID checks an id that a client proposes, and gives it the form of those of a server.
func proposedID(id string, code wsman.Code) (string, error) {
	id = strings.ToUpper(strings.TrimPrefix(id, "uuid:"))
	groups := strings.Split(id, "-")
	ok := len(groups) == 5
	for i, group := range groups {
		ok = ok && len(group) == [5]int{8, 4, 4, 4, 12}[i] && strings.Trim(group, "0123456789ABCDEF") == ""
	}
	if !ok {
		return "", fault("InternalError", code, "The identifier of the request is not a GUID.")
	}
	return id, nil
}

func taken(code wsman.Code) error {
	return fault("InternalError", code, "The identifier of the request is in use.")
}
