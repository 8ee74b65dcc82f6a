package wsman

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// ParseRequest reads a request as a server does. It takes what clients other than ours write: any prefixes, UTF-16, an
// attribute mustUnderstand with or without its namespace, bodies in CDATA.
func ParseRequest(message []byte) (*Request, error) {
	r := NewReader(toUTF8(message))
	if t := r.Next(); t != Start || !r.Is(NSEnvelope, "Envelope") {
		if r.Err() != nil {
			return nil, r.Err()
		}
		return nil, &AnswerError{fmt.Sprintf("<%s> is not a SOAP 1.2 envelope", r.Name().Local)}
	}
	q := &Request{}
	for {
		switch r.Next() {
		case EOF:
			return q, r.Err()
		case Start:
			switch {
			case r.Is(NSEnvelope, "Header"):
			case r.Is(NSEnvelope, "Body"):
				if err := q.readBody(r); err != nil {
					return nil, err
				}
			default:
				if err := q.readHeader(r); err != nil {
					return nil, err
				}
			}
		}
	}
}

// readHeader reads one header element.
func (q *Request) readHeader(r *Reader) error {
	name := r.Name()
	switch name {
	case Name{NSManagement, "SelectorSet"}, Name{NSManagement, "OptionSet"}, Name{NSAddressing, "ReplyTo"}:
		return nil // its children come next
	case Name{NSManagement, "Selector"}:
		s := Selector{Name: attr0(r, "Name")}
		s.Value = text(r.Content())
		q.Selectors = append(q.Selectors, s)
		return nil
	case Name{NSManagement, "Option"}:
		o := Option{Name: attr0(r, "Name")}
		o.Value = text(r.Content())
		q.Options = append(q.Options, o)
		return nil
	case Name{NSManagement, "Locale"}:
		q.Locale, _ = r.Attr(spaceXML, "lang")
		r.Skip()
		return nil
	}
	content := text(r.Content())
	switch name {
	case Name{NSAddressing, "Action"}:
		q.Action = content
	case Name{NSAddressing, "To"}:
		q.To = content
	case Name{NSAddressing, "MessageID"}:
		q.MessageID = content
	case Name{NSManagement, "ResourceURI"}:
		q.ResourceURI = content
	case Name{NSMicrosoft, "SessionId"}:
		q.SessionID = content
	case Name{NSManagement, "OperationTimeout"}:
		d, err := parseDuration(content)
		if err != nil {
			return err
		}
		q.OperationTimeout = d
	case Name{NSManagement, "MaxEnvelopeSize"}:
		n, err := strconv.Atoi(content)
		if err != nil {
			return &AnswerError{fmt.Sprintf("MaxEnvelopeSize %q is no number", content)}
		}
		q.MaxEnvelopeSize = n
	}
	return nil
}

// readBody reads the children of s:Body.
func (q *Request) readBody(r *Reader) error {
	depth := r.Depth()
	for {
		switch r.Next() {
		case EOF:
			return r.Err()
		case End:
			if r.Depth() < depth {
				return nil
			}
		case Start:
			switch r.Name() {
			case Name{NSIdentify, "Identify"}:
				q.Body = Identify{}
				r.Skip()
			case Name{NSShell, "Shell"}:
				s := &Shell{}
				s.read(r)
				q.Body = s
			case Name{NSShell, "CommandLine"}:
				q.Body = readCommandLine(r)
			case Name{NSShell, "Receive"}:
				q.Body = &Receive{}
			case Name{NSShell, "DesiredStream"}:
				if v, ok := q.Body.(*Receive); ok {
					v.CommandID = attr0(r, "CommandId")
					v.Streams = text(r.Content())
				}
			case Name{NSShell, "Send"}:
				s, err := readSend(r)
				if err != nil {
					return err
				}
				q.Body = s
			case Name{NSShell, "Disconnect"}:
				d, err := readDisconnect(r)
				if err != nil {
					return err
				}
				q.Body = d
			case Name{NSShell, "Connect"}:
				q.Body = &Connect{CommandID: attr0(r, "CommandId")}
				r.Skip()
			case Name{NSShell, "Signal"}:
				q.Body = &Signal{CommandID: attr0(r, "CommandId")}
			case Name{NSShell, "Code"}:
				if s, ok := q.Body.(*Signal); ok {
					s.Code = SignalCode(text(r.Content()))
				}
			default:
				if body, ok := readEnumeration(r); ok {
					q.Body = body
				} else {
					r.Skip()
				}
			}
		}
	}
}

func readCommandLine(r *Reader) *CommandLine {
	c := &CommandLine{ID: attr0(r, "CommandId")}
	for depth := r.Depth(); r.Err() == nil && r.Depth() >= depth; {
		if r.Next() != Start {
			continue
		}
		switch r.Name() {
		case Name{NSShell, "Command"}:
			c.Command = string(r.Content())
		case Name{NSShell, "Arguments"}:
			c.Arguments = append(c.Arguments, string(r.Content()))
		}
	}
	return c
}

func readSend(r *Reader) (*Send, error) {
	s := &Send{}
	for depth := r.Depth(); r.Err() == nil && r.Depth() >= depth; {
		if r.Next() != Start || !r.Is(NSShell, "Stream") {
			continue
		}
		s.Stream, s.CommandID = attr0(r, "Name"), attr0(r, "CommandId")
		s.End = s.End || isTrue(attr0(r, "End"))
		data, err := decodeBase64(r.Content())
		if err != nil {
			return nil, &AnswerError{fmt.Sprintf("stream %q: %v", s.Stream, err)}
		}
		s.Data = append(s.Data, data...)
	}
	return s, r.Err()
}

// Response is an answer in the shape that Windows gives it.
type Response struct {
	Action    string // of the request: "Response" is put behind it; a fault has its own
	MessageID string
	RelatesTo string
	Body      ResponseBody // nil for an empty one
}

// ResponseBody is the content of an answer: [*ResourceCreated], [CommandResponse], [*ReceiveResponse], [SendResponse],
// [SignalResponse], [*ConnectResponse], [*EnumerateResponse], [*PullResponse], [Content], [*IdentifyResponse] or [*Fault].
type ResponseBody interface {
	write(b *bytes.Buffer)
}

// Encode writes the answer. Text in it that XML cannot carry is replaced by U+FFFD.
func (v *Response) Encode() []byte {
	var b bytes.Buffer
	action := v.Action + "Response"
	if _, ok := v.Body.(*Fault); ok {
		action = actionFault
	}
	b.WriteString(`<s:Envelope xml:lang="en-US" xmlns:s="` + NSEnvelope + `" xmlns:a="` + NSAddressing + `" xmlns:x="` + NSTransfer +
		`" xmlns:w="` + NSManagement + `" xmlns:rsp="` + NSShell + `" xmlns:p="` + NSMicrosoft + `"><s:Header>`)
	if _, ok := v.Body.(*IdentifyResponse); !ok { // which has an empty header (recorded)
		fmt.Fprintf(&b, `<a:Action>%s</a:Action><a:MessageID>%s</a:MessageID><a:To>%s</a:To>`, action, plain(v.MessageID), addressAnonymous)
		if v.RelatesTo != "" {
			fmt.Fprintf(&b, `<a:RelatesTo>%s</a:RelatesTo>`, plain(v.RelatesTo))
		}
	}
	b.WriteString(`</s:Header><s:Body>`)
	if v.Body != nil {
		v.Body.write(&b)
	}
	b.WriteString(`</s:Body></s:Envelope>`)
	return b.Bytes()
}

// plain escapes text of a server's own making.
func plain(s string) string {
	out, err := escape("", s)
	if err == nil {
		return out
	}
	out, _ = escape("", strings.Map(func(c rune) rune {
		if !isChar(c) {
			return '\uFFFD'
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD")))
	return out
}

// ResourceCreated answers a Create of a shell.
type ResourceCreated struct {
	Address string
	Shell   Shell
}

func (v *ResourceCreated) write(b *bytes.Buffer) {
	s := &v.Shell
	fmt.Fprintf(b, `<x:ResourceCreated><a:Address>%s</a:Address><a:ReferenceParameters><w:ResourceURI>%s</w:ResourceURI><w:SelectorSet><w:Selector Name="ShellId">%s</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>`,
		plain(v.Address), plain(s.ResourceURI), plain(s.ID))
	fmt.Fprintf(b, `<rsp:Shell xmlns:rsp="%s"><rsp:ShellId>%s</rsp:ShellId>`, NSShell, plain(s.ID))
	if s.Name != "" {
		fmt.Fprintf(b, `<rsp:Name>%s</rsp:Name>`, plain(s.Name))
	}
	fmt.Fprintf(b, `<rsp:ResourceUri>%s</rsp:ResourceUri><rsp:Owner>%s</rsp:Owner><rsp:ClientIP>%s</rsp:ClientIP><rsp:IdleTimeOut>%s</rsp:IdleTimeOut>`,
		plain(s.ResourceURI), plain(s.Owner), plain(s.ClientIP), formatDuration(s.IdleTimeOut))
	fmt.Fprintf(b, `<rsp:InputStreams>%s</rsp:InputStreams><rsp:OutputStreams>%s</rsp:OutputStreams>`, plain(s.InputStreams), plain(s.OutputStreams))
	if s.State != "" { // as recorded: both, or none
		fmt.Fprintf(b, `<rsp:BufferMode>%s</rsp:BufferMode><rsp:State>%s</rsp:State>`, plain(string(s.BufferMode)), plain(s.State))
	}
	b.WriteString(`<rsp:ShellRunTime>P0DT0H0M0S</rsp:ShellRunTime><rsp:ShellInactivity>P0DT0H0M0S</rsp:ShellInactivity></rsp:Shell>`)
}

// CommandResponse answers a Command.
type CommandResponse struct{ CommandID string }

func (v CommandResponse) write(b *bytes.Buffer) {
	fmt.Fprintf(b, `<rsp:CommandResponse><rsp:CommandId>%s</rsp:CommandId></rsp:CommandResponse>`, plain(v.CommandID))
}

func (v *ReceiveResponse) write(b *bytes.Buffer) {
	id := plain(v.CommandID)
	size := 512
	for _, s := range v.Streams {
		size += base64.StdEncoding.EncodedLen(len(s.Data)) + 128
	}
	b.Grow(size)
	b.WriteString(`<rsp:ReceiveResponse>`)
	for _, s := range v.Streams {
		fmt.Fprintf(b, `<rsp:Stream Name="%s" CommandId="%s"`, plain(s.Name), id)
		if s.End {
			b.WriteString(` End="true"`)
		}
		b.WriteByte('>')
		encoder := base64.NewEncoder(base64.StdEncoding, b)
		_, _ = encoder.Write(s.Data) // a bytes.Buffer never fails
		_ = encoder.Close()
		b.WriteString(`</rsp:Stream>`)
	}
	if v.State != StateNone {
		fmt.Fprintf(b, `<rsp:CommandState CommandId="%s" State="%s"`, id, v.State)
		if v.ExitCode != nil {
			fmt.Fprintf(b, `><rsp:ExitCode>%d</rsp:ExitCode></rsp:CommandState>`, *v.ExitCode)
		} else {
			b.WriteString(`/>`)
		}
	}
	b.WriteString(`</rsp:ReceiveResponse>`)
}

// SendResponse answers a Send.
type SendResponse struct{}

func (SendResponse) write(b *bytes.Buffer) { b.WriteString(`<rsp:SendResponse/>`) }

// SignalResponse answers a Signal.
type SignalResponse struct{}

func (SignalResponse) write(b *bytes.Buffer) { b.WriteString(`<rsp:SignalResponse/>`) }

// IdentifyResponse answers an Identify (DSP0226 11).
type IdentifyResponse struct {
	ProtocolVersion  string   `json:"protocol_version"` // only in what a client reads
	ProductVendor    string   `json:"product_vendor"`
	ProductVersion   string   `json:"product_version"`
	SecurityProfiles []string `json:"security_profiles,omitempty"` // only in what a client reads
}

func (v *IdentifyResponse) write(b *bytes.Buffer) {
	fmt.Fprintf(b, `<wsmid:IdentifyResponse xmlns:wsmid="%s"><wsmid:ProtocolVersion>%s</wsmid:ProtocolVersion><wsmid:ProductVendor>%s</wsmid:ProductVendor><wsmid:ProductVersion>%s</wsmid:ProductVersion></wsmid:IdentifyResponse>`,
		NSIdentify, NSManagement, plain(v.ProductVendor), plain(v.ProductVersion))
}

// write gives a fault the form of recorded ones: a WSManFault in the detail, in a ProviderFault where a provider is named.
func (f *Fault) write(b *bytes.Buffer) {
	code, prefix := "Receiver", "w"
	if f.Sender {
		code = "Sender"
	}
	switch f.Subcode.Space {
	case NSAddressing:
		prefix = "a"
	case NSEnumeration:
		prefix = "n"
	}
	fmt.Fprintf(b, `<s:Fault xmlns:n="`+NSEnumeration+`"><s:Code><s:Value>s:%s</s:Value><s:Subcode><s:Value>%s:%s</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">%s </s:Text></s:Reason><s:Detail>`,
		code, prefix, plain(f.Subcode.Local), plain(f.Reason))
	if f.Detail != "" {
		fmt.Fprintf(b, `<w:FaultDetail>%s</w:FaultDetail>`, plain(f.Detail))
	}
	message := f.Message
	if message == "" {
		message = f.Reason
	}
	fmt.Fprintf(b, `<f:WSManFault xmlns:f="%s" Code="%d" Machine="%s"><f:Message>`, NSFault, uint32(f.Code), plain(f.Machine))
	if f.Provider != "" {
		fmt.Fprintf(b, `<f:ProviderFault provider="%s">%s </f:ProviderFault>`, plain(f.Provider), plain(message))
	} else {
		fmt.Fprintf(b, `%s `, plain(message))
	}
	b.WriteString(`</f:Message></f:WSManFault></s:Detail></s:Fault>`)
}
