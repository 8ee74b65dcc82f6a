package dissect

import "fmt"

// spnegoView is what verification needs of a SPNEGO message.
type spnegoView struct {
	mechTypes   []byte // MechTypeList, encoded; nil where there is none
	mechListMIC []byte
}

// isGSS reports an InitialContextToken (RFC 2743 3.1): [APPLICATION 0] with an object identifier first.
func isGSS(b []byte) bool {
	if len(b) == 0 || b[0] != tagApplication {
		return false
	}
	e, _ := der(b, 0)
	return len(e.body) > 2 && e.body[0] == tagOID && int(e.body[1]) < 0x40
}

// isNegotiationToken reports a NegotiationToken that stands alone (RFC 4178 4.2), [0] or [1] of a SEQUENCE.
func isNegotiationToken(b []byte) bool {
	if len(b) == 0 || b[0] != tagContext && b[0] != tagContext|1 {
		return false
	}
	e, _ := der(b, 0)
	return len(e.body) > 2 && e.body[0] == tagSequence
}

// spnego reads an InitialContextToken of any mechanism, or a NegotiationToken.
func (t *Token) spnego(b []byte) (Message, embedded) {
	outer, rest := der(b, 0)
	f := outer.field("NegotiationToken")
	m := Message{Protocol: "SPNEGO"}
	var inner embedded
	if outer.tag != tagApplication {
		inner = m.negotiation(&f, outer)
	} else {
		f.Name = "InitialContextToken"
		inner = t.initialContext(&m, &f, outer)
	}
	if f.partBroken() {
		f.Problem = nil
	}
	m.Fields = []Field{f}
	if len(rest) > 0 {
		m.Fields = append(m.Fields, Field{Name: "trailing bytes", Offset: len(b) - len(rest), Raw: rest})
		t.remark(Info, "unclaimed-bytes", fmt.Sprintf("%d bytes behind the %s", len(rest), f.Name), "")
	}
	t.spnegoFindings(&m)
	return m, inner
}

// initialContext reads what GSS-API wraps (RFC 2743 3.1): the mechanism, and its token.
func (t *Token) initialContext(m *Message, f *Field, outer element) embedded {
	mech, rest := der(outer.body, outer.bodyOffset())
	this := mech.field("thisMech")
	derOID(&this, mech)
	f.Fields = append(f.Fields, this)
	at := mech.offset + len(mech.raw)
	switch this.Value {
	case oidSPNEGO:
		if len(rest) == 0 {
			return embedded{}
		}
		choice, _ := der(rest, at)
		token := choice.field("NegotiationToken")
		inner := m.negotiation(&token, choice)
		if token.partBroken() {
			token.Problem = nil
		}
		f.Fields = append(f.Fields, token)
		return inner
	case oidKerberos, oidMSKerberos, oidOldKerberos, oidUserToUser, oidIAKERB:
		m.Protocol = "Kerberos"
		f.Fields = append(f.Fields, m.kerberosToken(rest, at)...)
		return embedded{}
	}
	m.Protocol = "GSS-API"
	token := Field{Name: "innerContextToken", Offset: at, Raw: rest, Value: mechanism(this.Value)}
	f.Fields = append(f.Fields, token)
	if Known(rest) {
		return embedded{rest, at}
	}
	return embedded{}
}

// negotiation reads a NegTokenInit, NegTokenInit2 (MS-SPNG 2.2.1) or NegTokenResp (RFC 4178 4.2).
func (m *Message) negotiation(f *Field, choice element) embedded {
	m.spnego = &spnegoView{}
	if len(choice.body) == 0 {
		return embedded{}
	}
	sequence, _ := der(choice.body, choice.bodyOffset())
	if !sequence.expect(f, tagSequence) {
		return embedded{}
	}
	if sequence.problem != "" {
		f.fail(sequence.offset+len(sequence.raw), "%s", sequence.problem)
	}
	var inner embedded
	token := func(f *Field, e element) {
		if e.expect(f, tagOctetString) {
			f.Value, inner = counted(len(e.body), "byte"), embedded{e.body, e.bodyOffset()}
			if p := protocolOf(e.body); p != nil {
				f.note("taken apart below")
			}
		}
	}
	mic := func(f *Field, e element) {
		if e.expect(f, tagOctetString) {
			m.spnego.mechListMIC = e.body
			f.Value = counted(len(e.body), "byte")
			f.Fields = ntlmSignatureParts(e)
		}
	}
	switch choice.tag {
	case tagContext:
		m.Type = "NegTokenInit"
		f.Fields = sequence.members([]member{
			{0, "mechTypes", m.mechTypes}, {1, "reqFlags", nil}, {2, "mechToken", token},
			{3, "mechListMIC", func(f *Field, e element) {
				if e.tag != tagSequence {
					mic(f, e)
					return
				}
				m.Type, f.Name = "NegTokenInit2", "negHints"
				f.Fields = e.members([]member{{0, "hintName", derString}, {1, "hintAddress", derBytes}})
			}},
			{4, "mechListMIC", mic},
		})
	case tagContext | 1:
		m.Type = "NegTokenResp"
		f.Fields = sequence.members([]member{
			{0, "negState", negState}, {1, "supportedMech", derOID}, {2, "responseToken", token}, {3, "mechListMIC", mic},
		})
	default:
		f.fail(choice.offset, "tag 0x%02x is neither NegTokenInit nor NegTokenResp", choice.tag)
	}
	return inner
}

func (m *Message) mechTypes(f *Field, list element) {
	if !list.expect(f, tagSequence) {
		return
	}
	m.spnego.mechTypes = list.raw
	list.each(func(e element) {
		mech := e.field("mechType")
		derOID(&mech, e)
		f.Fields = append(f.Fields, mech)
	})
	f.Value = counted(len(f.Fields), "mechanism")
}

func negState(f *Field, e element) {
	n, ok := e.integer()
	if !e.expect(f, tagEnumerated) || !ok {
		return
	}
	f.Value = fmt.Sprint(n)
	if names := []string{"accept-completed", "accept-incomplete", "reject", "request-mic"}; n >= 0 && int(n) < len(names) {
		f.Value += " " + names[n]
	}
}

// ntlmSignatureParts reads a mechListMIC that is an NTLMSSP_MESSAGE_SIGNATURE (2.2.2.9.2); other mechanisms have their own.
func ntlmSignatureParts(e element) []Field {
	if len(e.body) != 16 || littleEndian(e.body[:4]) != 1 {
		return nil
	}
	r := run{b: e.body, base: e.bodyOffset()}
	r.take("Version", 4, number)
	r.take("Checksum", 8, nil)
	r.take("SeqNum", 4, number)
	return r.fields
}
