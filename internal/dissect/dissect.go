// Package dissect takes authentication tokens apart for people: NTLM, SPNEGO, and what else stands in an Authorization
// header. It tells every field's place, bytes and meaning as far as a token goes, and whether a password fits an exchange;
// it does not know connections, files or command lines.
//
// Unlike the codec in package ntlm it never refuses: what makes no sense is reported where it stands. Section numbers in
// comments are those of MS-NLMP where no other document is named.
package dissect

import (
	"bytes"
	"fmt"
	"slices"
)

// A Token is what one header, line or file held.
type Token struct {
	Source   Source
	Raw      []byte    // nil where Withheld
	Withheld bool      // it holds a secret, and nothing of it is kept
	Messages []Message // from the outside in: SPNEGO, then the NTLM message in it
	Findings []Finding
}

// A Message is one protocol's message within a token.
type Message struct {
	Protocol string // SPNEGO, NTLM, Kerberos, NEGOEX, CredSSP, Basic, ...
	Type     string // such as AUTHENTICATE_MESSAGE; "" where that cannot be read
	Offset   int    // in bytes from the start of the token; fields count from the start of the message
	Raw      []byte
	Fields   []Field // in the order of the wire

	ntlm   *ntlmView
	spnego *spnegoView
}

// A Finding is something that deserves a second look although the token can be read.
type Finding struct {
	Code     string // stable, such as cannot-seal
	Severity string // info or warning
	Text     string
	Hint     string // what to do, or ""
}

// The severities of a finding.
const (
	Info    = "info"
	Warning = "warning"
)

// maxDepth bounds tokens within tokens: SPNEGO in GSS-API in SPNEGO is more than anybody sends.
const maxDepth = 4

// Dissect takes a token apart.
func Dissect(raw []byte) *Token {
	t := &Token{Raw: raw}
	t.dissect(raw, 0, 0)
	return t
}

// dissect adds the message at an offset of the token, and those that are in it.
func (t *Token) dissect(b []byte, offset, depth int) {
	read := protocolOf(b)
	if read == nil || depth == maxDepth {
		read = (*Token).unknown
	}
	at := len(t.Messages)
	t.Messages = append(t.Messages, Message{Offset: offset, Raw: b})
	m, inner := read(t, b)
	m.Offset, m.Raw = offset, b
	t.Messages[at] = m
	if len(inner.raw) > 0 {
		t.dissect(inner.raw, offset+inner.at, depth+1)
	}
}

// embedded is a token within a message, and where it begins there.
type embedded struct {
	raw []byte
	at  int
}

// protocolOf tells what a token is by how it begins; nil for what is none of those that are known.
func protocolOf(b []byte) func(*Token, []byte) (Message, embedded) {
	switch {
	case bytes.HasPrefix(b, []byte(ntlmSignature)), len(b) >= 4 && bytes.HasPrefix([]byte(ntlmSignature), b): // cut short
		return (*Token).ntlm
	case isGSS(b), isNegotiationToken(b):
		return (*Token).spnego
	case isKerberos(b):
		return (*Token).bareKerberos
	case bytes.HasPrefix(b, []byte(negoexSignature)):
		return (*Token).negoex
	case isTSRequest(b):
		return (*Token).credssp
	}
	return nil
}

// Known reports whether bytes begin like a token of a protocol that can be taken apart.
func Known(b []byte) bool { return protocolOf(b) != nil }

func (t *Token) unknown(b []byte) (Message, embedded) {
	f := Field{Name: "unknown", Raw: b}
	f.fail(0, "no NTLM, SPNEGO, Kerberos, NEGOEX or CredSSP message begins like this")
	return Message{Protocol: "unknown", Fields: []Field{f}}, embedded{}
}

func (t *Token) remark(severity, code, text, hint string) {
	t.Findings = append(t.Findings, Finding{Code: code, Severity: severity, Text: text, Hint: hint})
}

// A Problem is where a message stops making sense.
type Problem struct {
	Message int    // index into Token.Messages
	Field   string // that it was found in
	Offset  int    // in bytes from the start of the message
	Text    string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s at offset 0x%x: %s", p.Field, p.Offset, p.Text)
}

// Problems lists all problems of a token: first where it ends too early, because others follow from that, then in the order
// of the wire.
func (t *Token) Problems() []Problem {
	var all []Problem
	if t.Source.Problem != "" {
		all = append(all, Problem{Field: t.Source.Form, Offset: len(t.Raw), Text: t.Source.Problem})
	}
	for i, m := range t.Messages {
		walk(m.Fields, func(f *Field) {
			if f.Problem != nil {
				all = append(all, Problem{i, f.Name, f.Problem.Offset, f.Problem.Text})
			}
		})
	}
	end := func(p Problem) int {
		if p.Message < len(t.Messages) && p.Offset == len(t.Messages[p.Message].Raw) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b Problem) int { return end(a) - end(b) })
	return all
}

// Name says what a token is, in a few words: SPNEGO NegTokenResp, NTLM CHALLENGE_MESSAGE.
func (t *Token) Name() string {
	var name string
	for i, m := range t.Messages {
		if i > 0 {
			name += ", "
		}
		name += m.Protocol
		if m.Type != "" {
			name += " " + m.Type
		}
	}
	return name
}

// Last returns the last token with an NTLM message of a type, such as CHALLENGE_MESSAGE, nil where there is none.
func Last(tokens []*Token, messageType string) *Token {
	for _, t := range slices.Backward(tokens) {
		if v := t.ntlmMessage(); v != nil && v.kind.String() == messageType {
			return t
		}
	}
	return nil
}

// ntlmMessage returns what was read of the NTLM message in a token, nil where there is none.
func (t *Token) ntlmMessage() *ntlmView {
	for i := range t.Messages {
		if v := t.Messages[i].ntlm; v != nil {
			return v
		}
	}
	return nil
}

// negotiation returns what was read of the SPNEGO message in a token, nil where there is none.
func (t *Token) negotiation() *spnegoView {
	for i := range t.Messages {
		if v := t.Messages[i].spnego; v != nil {
			return v
		}
	}
	return nil
}
