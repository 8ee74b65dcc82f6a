package wsman

import (
	"bytes"
	"fmt"
	"time"

	"github.com/masterzen/winrm/soap"
)

// Actions of shells that outlive their client's connection (3.1.4.15 to 3.1.4.17).
const (
	ActionDisconnect = NSShell + "/Disconnect"
	ActionReconnect  = NSShell + "/Reconnect"
	ActionConnect    = NSShell + "/Connect"
)

// BufferMode is what becomes of a program's output that nobody fetches, once a bounded buffer is full (2.2.5.10).
type BufferMode string

// The modes. What 2.2.5.10 leaves open, the documentation of WSManDisconnectShell says: the modes act when buffers are
// full, and Drop drops earlier data.
const (
	BufferDefault BufferMode = ""      // leaves it to the server
	BufferBlock   BufferMode = "Block" // the program waits
	BufferDrop    BufferMode = "Drop"  // the oldest output is lost, the program goes on
)

// States of a shell, in answers (2.2.5.15). Those that cannot be disconnected have none (recorded).
const (
	ShellConnected    = "Connected"
	ShellDisconnected = "Disconnected"
)

// Disconnect is rsp:Disconnect (2.2.4.15). What is not said stays as it was at Create.
type Disconnect struct {
	IdleTimeOut time.Duration // after which the server deletes the disconnected shell; 0: not said
	BufferMode  BufferMode
}

func (d *Disconnect) build(m *soap.SoapMessage) error {
	x := &escaper{}
	body := m.CreateBodyElement("Disconnect", soap.DOM_NS_WIN_SHELL)
	if d.IdleTimeOut > 0 {
		element(m, body, "IdleTimeOut", formatDuration(d.IdleTimeOut))
	}
	if d.BufferMode != BufferDefault {
		element(m, body, "BufferMode", x.text("buffer mode", string(d.BufferMode)))
	}
	return x.err
}

func readDisconnect(r *Reader) (*Disconnect, error) {
	d := &Disconnect{}
	for depth := r.Depth(); r.Err() == nil && r.Depth() >= depth; {
		if r.Next() != Start {
			continue
		}
		switch r.Name() {
		case Name{NSShell, "IdleTimeOut"}:
			var err error
			if d.IdleTimeOut, err = parseDuration(string(r.Content())); err != nil {
				return nil, err
			}
		case Name{NSShell, "BufferMode"}:
			d.BufferMode = BufferMode(text(r.Content()))
		default:
			r.Skip()
		}
	}
	return d, r.Err()
}

// Connect is rsp:Connect (2.2.4.12): it makes a disconnected shell this client's, or with a CommandID takes up one of its
// commands. The attribute is in no schema; PowerShell sends it, and Windows answers (recorded by pypsrp).
type Connect struct{ CommandID string }

func (c *Connect) build(m *soap.SoapMessage) error {
	x := &escaper{}
	body := m.CreateBodyElement("Connect", soap.DOM_NS_WIN_SHELL)
	if c.CommandID != "" {
		body.SetAttr("CommandId", x.text("CommandId", c.CommandID))
	}
	return x.err
}

// ConnectResponse answers a Connect (2.2.4.11). That of a shell names its streams, that of a command is empty (recorded).
type ConnectResponse struct{ InputStreams, OutputStreams string }

func (v *ConnectResponse) write(b *bytes.Buffer) {
	b.WriteString(`<rsp:ConnectResponse>`)
	if v.InputStreams != "" || v.OutputStreams != "" {
		fmt.Fprintf(b, `<rsp:InputStreams>%s</rsp:InputStreams><rsp:OutputStreams>%s</rsp:OutputStreams>`, plain(v.InputStreams), plain(v.OutputStreams))
	}
	b.WriteString(`</rsp:ConnectResponse>`)
}

// ParseConnect reads the answer to a Connect. A server may leave out whatever is in it.
func ParseConnect(answer []byte, messageID string) (*ConnectResponse, error) {
	r, more, err := openAnswer(answer, messageID)
	if err != nil {
		return nil, err
	}
	out := &ConnectResponse{}
	if !more {
		return out, finish(r)
	}
	if !r.Is(NSShell, "ConnectResponse") {
		return nil, &AnswerError{fmt.Sprintf("<%s> is no ConnectResponse", r.Name().Local)}
	}
	for {
		switch r.Next() {
		case EOF:
			return out, r.Err()
		case Start:
			switch r.Name() {
			case Name{NSShell, "InputStreams"}:
				out.InputStreams = text(r.Content())
			case Name{NSShell, "OutputStreams"}:
				out.OutputStreams = text(r.Content())
			default:
				r.Skip()
			}
		}
	}
}
