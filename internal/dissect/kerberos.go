package dissect

import (
	"fmt"
	"strings"
)

// The message types of RFC 4120 5.10 that travel in authentication headers.
const (
	krbAPReq = tagApplication | 14
	krbAPRep = tagApplication | 15
	krbError = tagApplication | 30
	tgtReq   = tagApplication | 16 // user-to-user (draft-swift-win2k-krb-user2user)
	tgtRep   = tagApplication | 17
)

// isKerberos reports a Kerberos message without GSS-API around it: [APPLICATION n] SEQUENCE { [0] pvno 5 ...
func isKerberos(b []byte) bool {
	if len(b) == 0 || b[0] != krbAPReq && b[0] != krbAPRep && b[0] != krbError {
		return false
	}
	e, _ := der(b, 0)
	if len(e.body) == 0 || e.body[0] != tagSequence {
		return false
	}
	s, _ := der(e.body, 0)
	return len(s.body) > 4 && string(s.body[:5]) == "\xa0\x03\x02\x01\x05"
}

func (t *Token) bareKerberos(b []byte) (Message, embedded) {
	m := Message{Protocol: "Kerberos"}
	m.Fields = m.kerberosMessage(b, 0)
	return m, embedded{}
}

// kerberosToken reads the innerContextToken of RFC 4121 4.1: two bytes of TOK_ID, and a message.
func (m *Message) kerberosToken(b []byte, offset int) []Field {
	r := run{b: b, base: offset}
	r.take("TOK_ID", 2, func(f *Field) {
		f.Value = map[string]string{
			"\x01\x00": "AP-REQ", "\x02\x00": "AP-REP", "\x03\x00": "KRB-ERROR", "\x04\x00": "TGT-REQ", "\x04\x01": "TGT-REP",
			"\x04\x04": "MIC token", "\x05\x04": "Wrap token", "\x05\x01": "IAKERB",
		}[string(f.Raw)]
	})
	if r.cut {
		return r.fields
	}
	m.Type = r.fields[0].Value
	return append(r.fields, m.kerberosMessage(r.rest(), offset+r.at)...)
}

// kerberosMessage reads what is not encrypted of a message of RFC 4120 5.
func (m *Message) kerberosMessage(b []byte, offset int) []Field {
	if len(b) == 0 {
		return nil
	}
	e, _ := der(b, offset)
	name, list := "", []member(nil)
	switch e.tag {
	case krbAPReq:
		name, list = "AP-REQ", []member{
			{0, "pvno", derInteger}, {1, "msg-type", derInteger}, {2, "ap-options", apOptions}, {3, "ticket", ticket}, {4, "authenticator", encryptedData},
		}
	case krbAPRep:
		name, list = "AP-REP", []member{{0, "pvno", derInteger}, {1, "msg-type", derInteger}, {2, "enc-part", encryptedData}}
	case krbError:
		name, list = "KRB-ERROR", []member{
			{0, "pvno", derInteger}, {1, "msg-type", derInteger}, {2, "ctime", derTime}, {3, "cusec", derInteger}, {4, "stime", derTime}, {5, "susec", derInteger}, {6, "error-code", krbErrorCode},
			{7, "crealm", derString}, {8, "cname", principal}, {9, "realm", derString}, {10, "sname", principal}, {11, "e-text", derString}, {12, "e-data", derBytes},
		}
	case tgtReq, tgtRep:
		return []Field{e.field("user-to-user message")}
	default:
		return []Field{{Name: "token", Offset: offset, Raw: b}}
	}
	m.Type = name
	f := e.field(name)
	if len(e.body) > 0 {
		sequence, _ := der(e.body, e.bodyOffset())
		if sequence.expect(&f, tagSequence) {
			f.Fields = sequence.members(list)
		}
		if f.partBroken() {
			f.Problem = nil
		}
	}
	return []Field{f}
}

func apOptions(f *Field, e element) {
	if !e.expect(f, tagBitString) || len(e.body) < 2 {
		return
	}
	var set []string
	for _, option := range []struct {
		bit  byte
		name string
	}{{0x40, "use-session-key"}, {0x20, "mutual-required"}} {
		if e.body[1]&option.bit != 0 {
			set = append(set, option.name)
		}
	}
	if f.Value = strings.Join(set, ", "); len(set) == 0 {
		f.Value = "none"
	}
}

// ticket reads what a Ticket (RFC 4120 5.3) says in clear: the realm and the service that it is for.
func ticket(f *Field, e element) {
	if e.tag != tagApplication|1 || len(e.body) == 0 {
		e.expect(f, tagApplication|1)
		return
	}
	sequence, _ := der(e.body, e.bodyOffset())
	f.Fields = sequence.members([]member{{0, "tkt-vno", derInteger}, {1, "realm", derString}, {2, "sname", principal}, {3, "enc-part", encryptedData}})
	var realm, service string
	for _, part := range f.Fields {
		switch part.Name {
		case "realm":
			realm = part.Value
		case "sname":
			service = part.Value
		}
	}
	if realm != "" || service != "" {
		f.Value = "for " + service + "@" + realm
	}
}

// principal reads a PrincipalName: its parts make an SPN when they are joined.
func principal(f *Field, e element) {
	if !e.expect(f, tagSequence) {
		return
	}
	f.Fields = e.members([]member{{0, "name-type", derInteger}, {1, "name-string", func(f *Field, list element) {
		var parts []string
		list.each(func(part element) { parts = append(parts, string(part.body)) })
		f.Value = strings.Join(parts, "/")
	}}})
	for i := range f.Fields {
		if f.Fields[i].Name == "name-string" {
			f.Value = f.Fields[i].Value
		}
		f.Fields[i].Minor = true
	}
}

// encryptedData reads the frame of what is encrypted.
func encryptedData(f *Field, e element) {
	if !e.expect(f, tagSequence) {
		return
	}
	f.Fields = e.members([]member{{0, "etype", encryptionType}, {1, "kvno", derInteger}, {2, "cipher", derBytes}})
	var told []string
	for i, part := range f.Fields {
		if part.Value != "" {
			told = append(told, part.Name+" "+part.Value)
		}
		f.Fields[i].Minor = true
	}
	f.Value = strings.Join(told, ", ")
}

func encryptionType(f *Field, e element) {
	derInteger(f, e)
	n, _ := e.integer()
	if name := map[int64]string{
		1: "des-cbc-crc", 3: "des-cbc-md5", 16: "des3-cbc-sha1", 17: "aes128-cts-hmac-sha1-96", 18: "aes256-cts-hmac-sha1-96",
		19: "aes128-cts-hmac-sha256-128", 20: "aes256-cts-hmac-sha384-192", 23: "rc4-hmac", 24: "rc4-hmac-exp",
	}[n]; name != "" {
		f.Value = fmt.Sprintf("%d %s", n, name)
	}
}

// krbErrorCode names the errors that a login over HTTP meets (RFC 4120 7.5.9).
func krbErrorCode(f *Field, e element) {
	derInteger(f, e)
	n, _ := e.integer()
	if name := map[int64]string{
		6: "KDC_ERR_C_PRINCIPAL_UNKNOWN", 7: "KDC_ERR_S_PRINCIPAL_UNKNOWN", 14: "KDC_ERR_ETYPE_NOSUPP", 24: "KDC_ERR_PREAUTH_FAILED",
		31: "KRB_AP_ERR_BAD_INTEGRITY", 32: "KRB_AP_ERR_TKT_EXPIRED", 33: "KRB_AP_ERR_TKT_NYV", 34: "KRB_AP_ERR_REPEAT", 35: "KRB_AP_ERR_NOT_US",
		37: "KRB_AP_ERR_SKEW", 41: "KRB_AP_ERR_MODIFIED", 44: "KRB_AP_ERR_BADKEYVER", 45: "KRB_AP_ERR_NOKEY", 60: "KRB_ERR_GENERIC",
	}[n]; name != "" {
		f.Value = fmt.Sprintf("%d %s", n, name)
	}
}

func derTime(f *Field, e element) {
	if e.expect(f, tagGeneralTime) {
		f.Value = string(e.body)
	}
}
