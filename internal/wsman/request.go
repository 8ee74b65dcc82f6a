package wsman

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/masterzen/simplexml/dom"
	"github.com/masterzen/winrm/soap"
)

// Request is a request with the headers that WS-Management wants on every one (DSP0226 5 and 6, 3.2.4.1).
type Request struct {
	Action           string
	To               string // the endpoint's address
	ResourceURI      string
	MessageID        string // with its "uuid:"
	SessionID        string // p:SessionId (3.2.4.1.23), the same for all requests of a client's session; empty for none
	OperationTimeout time.Duration
	MaxEnvelopeSize  int    // of the answer, in bytes
	Locale           string // such as en-US
	Selectors        []Selector
	Options          []Option
	Body             Body // nil for an empty one
}

// Selector names an instance, such as a shell by its ShellId.
type Selector struct {
	Name, Value string
	Reference   *EndpointReference // in place of Value, of a key that refers to an instance (DSP0226 5.1.2.2); only in what is read
}

// Option is an entry of w:OptionSet.
type Option struct{ Name, Value string }

// Body is the content of a request: [*Shell], [*CommandLine], [*Receive], [*Send], [*Signal], [*Disconnect], [*Connect],
// [*Enumerate], [*Pull], [*Release], [*Input] or [Identify].
type Body interface {
	build(m *soap.SoapMessage) error
}

// Selector returns the value of a selector, empty where it is missing. Servers do not mind the case of the name, and
// 3.1.4.5.2 itself writes ShellId as well as ShellID.
func (r *Request) Selector(name string) string {
	for _, s := range r.Selectors {
		if strings.EqualFold(s.Name, name) {
			return s.Value
		}
	}
	return ""
}

// Option returns the value of an option, empty where it is missing.
func (r *Request) Option(name string) string {
	for _, o := range r.Options {
		if strings.EqualFold(o.Name, name) {
			return o.Value
		}
	}
	return ""
}

// Encode writes the request as UTF-8. It returns a [CharacterError] for text that XML cannot carry.
func (r *Request) Encode() ([]byte, error) {
	if _, ok := r.Body.(Identify); ok {
		return []byte(identifyRequest), nil
	}
	m := soap.NewMessage()
	x := &escaper{}
	h := m.Header().To(x.text("address", r.To)).ReplyTo(addressAnonymous).MaxEnvelopeSize(r.MaxEnvelopeSize).
		Id(x.text("MessageID", r.MessageID)).Locale(x.text("locale", r.Locale)).Action(r.Action).ResourceURI(x.text("resource URI", r.ResourceURI))
	if r.OperationTimeout > 0 {
		h.Timeout(formatDuration(r.OperationTimeout))
	}
	for _, o := range r.Options {
		h.AddOption(soap.NewHeaderOption(x.text("option", o.Name), x.text("option "+o.Name, o.Value)))
	}
	// The header builder has no place for a session and for selectors other than ShellId: these go in at its end.
	var extra strings.Builder
	if r.SessionID != "" {
		fmt.Fprintf(&extra, `<p:SessionId env:mustUnderstand="false">%s</p:SessionId>`, x.text("SessionId", r.SessionID))
	}
	if len(r.Selectors) == 1 && r.Selectors[0].Name == "ShellId" {
		h.ShellId(x.text("ShellId", r.Selectors[0].Value))
	} else if len(r.Selectors) > 0 {
		extra.WriteString("<w:SelectorSet>")
		for _, s := range r.Selectors {
			fmt.Fprintf(&extra, `<w:Selector Name="%s">%s</w:Selector>`, x.text("selector", s.Name), x.text("selector "+s.Name, s.Value))
		}
		extra.WriteString("</w:SelectorSet>")
	}
	if x.err != nil {
		return nil, x.err
	}
	h.Build()
	if r.Body == nil {
		m.NewBody()
	} else if err := r.Body.build(m); err != nil {
		return nil, err
	}
	head, tail, ok := strings.Cut(m.String(), "</env:Header>")
	if !ok {
		return nil, errors.New("wsman: the SOAP library wrote no header")
	}
	out := make([]byte, 0, len(head)+extra.Len()+len(tail)+16)
	out = append(append(append(append(out, head...), extra.String()...), "</env:Header>"...), tail...)
	return out, nil
}

// escaper escapes several texts and keeps the first error.
type escaper struct{ err error }

func (x *escaper) text(where, s string) string {
	out, err := escape(where, s)
	if err != nil && x.err == nil {
		x.err = err
	}
	return out
}

// element adds a child of the shell's namespace.
func element(m *soap.SoapMessage, parent *dom.Element, name, content string) *dom.Element {
	e := m.CreateElement(parent, name, soap.DOM_NS_WIN_SHELL)
	e.SetContent(content)
	return e
}

// EnvVar is an environment variable of a shell.
type EnvVar struct{ Name, Value string }

// Shell is rsp:Shell (2.2.4.37): the start parameters in a Create, and the properties of a shell in its answer.
type Shell struct {
	ID               string // in a Create: proposed by the client, which makes it detachable (3.1.4.15); empty to let the server choose
	Name             string
	Environment      []EnvVar
	WorkingDirectory string
	Lifetime         time.Duration // 0: not said
	IdleTimeOut      time.Duration // 0: not said
	InputStreams     string
	OutputStreams    string
	BufferMode       BufferMode

	// Only in answers.
	ResourceURI, Owner, ClientIP  string
	State                         string // ShellConnected or ShellDisconnected; "" where the shell cannot be disconnected
	ShellRunTime, ShellInactivity time.Duration
}

func (s *Shell) build(m *soap.SoapMessage) error {
	x := &escaper{}
	shell := m.CreateBodyElement("Shell", soap.DOM_NS_WIN_SHELL)
	if s.ID != "" {
		shell.SetAttr("ShellId", x.text("ShellId", s.ID))
	}
	// The order is that of the schema.
	if s.Name != "" {
		element(m, shell, "Name", x.text("shell name", s.Name))
	}
	if len(s.Environment) > 0 {
		environment := element(m, shell, "Environment", "")
		for _, v := range s.Environment {
			e := element(m, environment, "Variable", x.text("environment variable "+v.Name, v.Value))
			e.SetAttr("Name", x.text("environment variable "+v.Name, v.Name))
		}
	}
	if s.WorkingDirectory != "" {
		element(m, shell, "WorkingDirectory", x.text("working directory", s.WorkingDirectory))
	}
	if s.Lifetime > 0 {
		element(m, shell, "Lifetime", formatDuration(s.Lifetime))
	}
	if s.IdleTimeOut > 0 {
		element(m, shell, "IdleTimeOut", formatDuration(s.IdleTimeOut))
	}
	element(m, shell, "InputStreams", x.text("streams", s.InputStreams))
	element(m, shell, "OutputStreams", x.text("streams", s.OutputStreams))
	if s.BufferMode != BufferDefault {
		element(m, shell, "BufferMode", x.text("buffer mode", string(s.BufferMode)))
	}
	return x.err
}

// CommandLine is rsp:CommandLine (2.2.4.7). The server joins Command and Arguments with spaces.
type CommandLine struct {
	ID        string // proposed by the client, empty to let the server choose
	Command   string
	Arguments []string
}

func (c *CommandLine) build(m *soap.SoapMessage) error {
	x := &escaper{}
	line := m.CreateBodyElement("CommandLine", soap.DOM_NS_WIN_SHELL)
	if c.ID != "" {
		line.SetAttr("CommandId", x.text("CommandId", c.ID))
	}
	element(m, line, "Command", x.text("command", c.Command))
	for _, a := range c.Arguments {
		element(m, line, "Arguments", x.text("argument", a))
	}
	return x.err
}

// Receive is rsp:Receive (2.2.4.26): which streams of which command to wait for.
type Receive struct {
	CommandID string
	Streams   string // separated by spaces
}

func (v *Receive) build(m *soap.SoapMessage) error {
	x := &escaper{}
	receive := m.CreateBodyElement("Receive", soap.DOM_NS_WIN_SHELL)
	e := element(m, receive, "DesiredStream", x.text("streams", v.Streams))
	e.SetAttr("CommandId", x.text("CommandId", v.CommandID))
	return x.err
}

// Send is rsp:Send (2.2.4.32) with one stream.
type Send struct {
	CommandID string
	Stream    string // "stdin"
	Data      []byte
	End       bool // no more will follow
}

func (s *Send) build(m *soap.SoapMessage) error {
	x := &escaper{}
	send := m.CreateBodyElement("Send", soap.DOM_NS_WIN_SHELL)
	e := element(m, send, "Stream", base64.StdEncoding.EncodeToString(s.Data))
	e.SetAttr("Name", x.text("stream", s.Stream))
	e.SetAttr("CommandId", x.text("CommandId", s.CommandID))
	if s.End {
		e.SetAttr("End", strconv.FormatBool(true))
	}
	return x.err
}

// SignalCode is what a Signal asks for (2.2.4.38).
type SignalCode string

// The signals. Windows takes "terminate" in either case; the recorded clients write it in lower case.
const (
	SignalCtrlC     SignalCode = NSShell + "/signal/ctrl_c"
	SignalCtrlBreak SignalCode = NSShell + "/signal/ctrl_break"
	SignalTerminate SignalCode = NSShell + "/signal/terminate"
)

// Signal is rsp:Signal (2.2.4.38).
type Signal struct {
	CommandID string
	Code      SignalCode
}

func (s *Signal) build(m *soap.SoapMessage) error {
	x := &escaper{}
	signal := m.CreateBodyElement("Signal", soap.DOM_NS_WIN_SHELL)
	signal.SetAttr("CommandId", x.text("CommandId", s.CommandID))
	element(m, signal, "Code", x.text("signal", string(s.Code)))
	return x.err
}

// Identify is wsmid:Identify (DSP0226 11): the one request without headers.
type Identify struct{}

const identifyRequest = `<s:Envelope xmlns:s="` + NSEnvelope + `" xmlns:wsmid="` + NSIdentify + `"><s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>`

func (Identify) build(*soap.SoapMessage) error { return nil }
