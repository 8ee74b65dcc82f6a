package wsman

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// An AnswerError is an answer that is no WS-Management, or not the answer to the request.
type AnswerError struct{ Text string }

func (e *AnswerError) Error() string { return "wsman: answer: " + e.Text }

// openAnswer reads an envelope up to the first element in its body, which is then the Reader's current token; more is
// false for an empty body. A fault is returned as its error. messageID is that of the request: a RelatesTo must repeat it,
// but may be missing, as some faults and OMI have it.
func openAnswer(answer []byte, messageID string) (r *Reader, more bool, err error) {
	r = NewReader(toUTF8(answer))
	if t := r.Next(); t != Start || !r.Is(NSEnvelope, "Envelope") {
		if r.Err() != nil {
			return nil, false, r.Err()
		}
		return nil, false, &AnswerError{fmt.Sprintf("<%s> is not a SOAP 1.2 envelope", r.Name().Local)}
	}
	relatesTo := ""
	for {
		switch r.Next() {
		case EOF:
			return nil, false, r.Err()
		case End:
			return nil, false, &AnswerError{"the envelope has no body"}
		case Start:
			switch {
			case r.Is(NSEnvelope, "Header"):
				relatesTo = readRelatesTo(r)
			case r.Is(NSEnvelope, "Body"):
				if relatesTo != "" && !strings.EqualFold(relatesTo, messageID) {
					return nil, false, &AnswerError{fmt.Sprintf("it relates to message %q, not to %q", relatesTo, messageID)}
				}
				return body(r)
			default:
				r.Skip()
			}
		}
	}
}

// readRelatesTo reads from the start tag of s:Header to its end.
func readRelatesTo(r *Reader) (relatesTo string) {
	depth := r.Depth()
	for {
		switch r.Next() {
		case EOF:
			return relatesTo
		case End:
			if r.Depth() < depth {
				return relatesTo
			}
		case Start:
			if r.Is(NSAddressing, "RelatesTo") {
				relatesTo = text(r.Content())
			} else {
				r.Skip()
			}
		}
	}
}

// body steps to the first element of the body and turns a fault into an error.
func body(r *Reader) (*Reader, bool, error) {
	for {
		switch r.Next() {
		case EOF:
			return nil, false, r.Err()
		case End:
			return r, false, nil
		case Start:
			if r.Is(NSEnvelope, "Fault") {
				f := parseFault(r)
				if r.Err() != nil {
					return nil, false, r.Err()
				}
				return nil, false, f
			}
			return r, true, nil
		}
	}
}

// finish reads the document to its end, so that an error behind the interesting part is found too.
func finish(r *Reader) error {
	for r.Next() != EOF {
	}
	return r.Err()
}

// ParseEmpty checks the answer to a Send, a Signal or a Delete, whose content says nothing. Like all of these functions
// it returns a [*Fault] where the server answers with one, and else an [*AnswerError] or [*SyntaxError].
func ParseEmpty(answer []byte, messageID string) error {
	r, _, err := openAnswer(answer, messageID)
	if err != nil {
		return err
	}
	return finish(r)
}

// ParseCommandResponse reads the answer to a Command and returns the command's id.
func ParseCommandResponse(answer []byte, messageID string) (commandID string, err error) {
	r, more, err := openAnswer(answer, messageID)
	if err != nil {
		return "", err
	}
	if more {
		for t := Start; t != EOF; t = r.Next() {
			if t == Start && r.Is(NSShell, "CommandId") {
				commandID = text(r.Content())
			}
		}
	}
	if r.Err() != nil {
		return "", r.Err()
	}
	if commandID == "" {
		return "", &AnswerError{"no CommandId in the answer to Command"}
	}
	return commandID, nil
}

// CommandState is how far a command has come (2.2.5.4).
type CommandState string

// The states. StateNone stands for an answer that says nothing about it.
const (
	StateNone    CommandState = ""
	StateRunning CommandState = NSShell + "/CommandState/Running"
	StatePending CommandState = NSShell + "/CommandState/Pending"
	StateDone    CommandState = NSShell + "/CommandState/Done"
)

// Stream is a piece of one stream. It may begin and end anywhere, in the middle of a character too.
type Stream struct {
	Name string
	Data []byte
	End  bool // no more will follow
}

// ReceiveResponse is the answer to a Receive (2.2.4.27).
type ReceiveResponse struct {
	CommandID string   // only in what a server writes: every element repeats it
	Streams   []Stream // in the order of the wire
	State     CommandState
	ExitCode  *uint32 // nil where the answer has none, which is not 0; it counts only with StateDone
}

// ParseReceive reads the answer to a Receive. Of several CommandStates, as WinRM 1.x sends them, Done wins; the exit code
// is an element, or an attribute with OMI, and printed signed or unsigned.
func ParseReceive(answer []byte, messageID string) (*ReceiveResponse, error) {
	r, more, err := openAnswer(answer, messageID)
	if err != nil {
		return nil, err
	}
	out := &ReceiveResponse{}
	if !more || !r.Is(NSShell, "ReceiveResponse") {
		return nil, &AnswerError{"no ReceiveResponse in the answer to Receive"}
	}
	for {
		switch r.Next() {
		case EOF:
			if r.Err() != nil {
				return nil, r.Err()
			}
			return out, nil
		case Start:
			switch {
			case r.Is(NSShell, "Stream"):
				s := Stream{Name: attr0(r, "Name"), End: isTrue(attr0(r, "End"))}
				if s.Data, err = decodeBase64(r.Content()); err != nil {
					return nil, &AnswerError{fmt.Sprintf("stream %q: %v", s.Name, err)}
				}
				if len(s.Data) > 0 || s.End {
					out.Streams = append(out.Streams, s)
				}
			case r.Is(NSShell, "CommandState"):
				if err := out.state(r); err != nil {
					return nil, err
				}
			default:
				r.Skip()
			}
		}
	}
}

func (v *ReceiveResponse) state(r *Reader) error {
	state := CommandState(attr0(r, "State"))
	code := attr0(r, "ExitCode")
	depth := r.Depth()
	for r.Err() == nil && r.Depth() >= depth {
		if r.Next() == Start && r.Is(NSShell, "ExitCode") {
			code = string(r.Content())
		}
	}
	if v.State == StateDone {
		return nil
	}
	v.State = state
	if code = strings.TrimSpace(code); code != "" {
		n, err := strconv.ParseInt(code, 10, 64)
		if err != nil || n < -1<<31 || n >= 1<<32 {
			return &AnswerError{fmt.Sprintf("exit code %q is no 32-bit number", code)}
		}
		unsigned := uint32(n)
		v.ExitCode = &unsigned
	}
	return nil
}

// isTrue reads an xs:boolean.
func isTrue(s string) bool { return s == "true" || s == "1" || s == "True" || s == "TRUE" }

// decodeBase64 decodes base64 that may be wrapped into lines, or indented.
func decodeBase64(b []byte) ([]byte, error) {
	b = trimSpace(b)
	if len(b) == 0 {
		return nil, nil
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	n, err := base64.StdEncoding.Decode(out, b)
	if err != nil {
		squeezed := strings.Join(strings.Fields(string(b)), "")
		if n, err = base64.StdEncoding.Decode(out, []byte(squeezed)); err != nil {
			return nil, err
		}
	}
	return out[:n], nil
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// ParseIdentify reads the answer to an Identify. Its elements may stand in the SOAP namespace, as OMI has them.
func ParseIdentify(answer []byte) (*IdentifyResponse, error) {
	r, more, err := openAnswer(answer, "")
	if err != nil {
		return nil, err
	}
	if !more || r.Name().Local != "IdentifyResponse" {
		return nil, &AnswerError{"no IdentifyResponse in the answer to Identify"}
	}
	out := &IdentifyResponse{}
	for {
		switch r.Next() {
		case EOF:
			return out, r.Err()
		case Start:
			switch r.Name().Local {
			case "ProductVendor":
				out.ProductVendor = text(r.Content())
			case "ProductVersion":
				out.ProductVersion = text(r.Content())
			case "ProtocolVersion":
				out.ProtocolVersion = text(r.Content())
			case "SecurityProfileName":
				out.SecurityProfiles = append(out.SecurityProfiles, text(r.Content()))
			}
		}
	}
}
