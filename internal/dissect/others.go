package dissect

// What is recognised, and taken apart no further than by name.

const negoexSignature = "NEGOEXTS"

// negoex reads the headers of NEGOEX messages (MS-NEGOEX 2.2.6.2), of which a token may have several.
func (t *Token) negoex(b []byte) (Message, embedded) {
	const header = 40
	m := Message{Protocol: "NEGOEX"}
	for at := 0; at < len(b); {
		r := run{b: b[at:], base: at}
		length := 0
		r.take("Signature", 8, signature)
		r.take("MessageType", 4, func(f *Field) { f.Value = negoexType(littleEndian(f.Raw)) })
		r.take("SequenceNum", 4, number)
		r.take("cbHeaderLength", 4, number)
		r.take("cbMessageLength", 4, func(f *Field) {
			number(f)
			length = length32(f.Raw)
			if length < header {
				f.fail(f.Offset, "a message is at least %d bytes long", header)
			}
		})
		r.take("ConversationId", 16, nil)
		f := Field{Name: "message", Offset: at, Raw: r.b[:r.at], Fields: r.fields}
		if len(r.fields) > 1 {
			f.Value = r.fields[1].Value
		}
		if r.cut || length < header {
			m.Fields = append(m.Fields, f)
			break
		}
		r.take("content", length-header, nil)
		f.Fields, f.Raw = r.fields, r.b[:r.at]
		m.Fields = append(m.Fields, f)
		at += r.at
		if string(r.fields[0].Raw) != negoexSignature || r.cut {
			break
		}
	}
	if len(m.Fields) > 0 {
		m.Type = m.Fields[0].Value
	}
	return m, embedded{}
}

// negoexType names MESSAGE_TYPE (MS-NEGOEX 2.2.6.1).
func negoexType(n uint64) string {
	names := []string{"INITIATOR_NEGO", "ACCEPTOR_NEGO", "INITIATOR_META_DATA", "ACCEPTOR_META_DATA", "CHALLENGE", "AP_REQUEST", "VERIFY", "ALERT"}
	if n < uint64(len(names)) {
		return names[n]
	}
	return "unknown type"
}

// isTSRequest reports a TSRequest (MS-CSSP 2.2.1): SEQUENCE { [0] version INTEGER ...
func isTSRequest(b []byte) bool {
	if len(b) == 0 || b[0] != tagSequence {
		return false
	}
	e, _ := der(b, 0)
	return len(e.body) > 4 && string(e.body[:4]) == "\xa0\x03\x02\x01"
}

// credssp names a TSRequest's members. What they hold is encrypted, or negotiated for a connection of TLS inside HTTP.
func (t *Token) credssp(b []byte) (Message, embedded) {
	e, _ := der(b, 0)
	f := e.field("TSRequest")
	f.Fields = e.members([]member{
		{0, "version", derInteger}, {1, "negoTokens", nil}, {2, "authInfo", nil}, {3, "pubKeyAuth", nil}, {4, "errorCode", derInteger}, {5, "clientNonce", nil},
	})
	if f.partBroken() {
		f.Problem = nil
	}
	return Message{Protocol: "CredSSP", Type: "TSRequest", Fields: []Field{f}}, embedded{}
}

// withheld is a token of a scheme whose tokens are secrets as they stand.
func withheld(source Source) *Token {
	t := &Token{Source: source, Withheld: true, Messages: []Message{{Protocol: source.Scheme}}}
	text := "it holds a secret that logs in as it stands, and is not shown"
	if source.Scheme == "Basic" {
		text = "it holds a password, in base64 and readable by anybody who sees it: it is not shown"
	}
	t.remark(Warning, "secret", source.Scheme+": "+text, "treat the file that it comes from as a secret")
	return t
}
