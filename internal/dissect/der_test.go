package dissect

import (
	"encoding/asn1"
	"fmt"
	"strings"
	"testing"
)

// tlv encodes an element.
func tlv(tag byte, parts ...[]byte) []byte {
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	switch n := len(body); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, body...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, body...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body...)
	}
}

func member2(n int, inner []byte) []byte { return tlv(byte(0xa0+n), inner) }
func integer(n byte) []byte              { return tlv(0x02, []byte{n}) }
func general(s string) []byte            { return tlv(0x1b, []byte(s)) }

func identifier(t *testing.T, id string) []byte {
	t.Helper()
	var arcs asn1.ObjectIdentifier
	for _, arc := range strings.Split(id, ".") {
		n := 0
		if _, err := fmt.Sscan(arc, &n); err != nil {
			t.Fatal(err)
		}
		arcs = append(arcs, n)
	}
	b, err := asn1.Marshal(arcs)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// encrypted is EncryptedData of RFC 4120 5.2.9.
func encrypted(etype, kvno byte, n int) []byte {
	parts := [][]byte{member2(0, integer(etype))}
	if kvno > 0 {
		parts = append(parts, member2(1, integer(kvno)))
	}
	return tlv(0x30, append(parts, member2(2, tlv(0x04, make([]byte, n))))...)
}

func principalName(kind byte, parts ...string) []byte {
	var names []byte
	for _, p := range parts {
		names = append(names, general(p)...)
	}
	return tlv(0x30, member2(0, integer(kind)), member2(1, tlv(0x30, names)))
}

// apReq is an AP-REQ of RFC 4120 5.5.1 for HTTP/web1.corp.example.
func apReq() []byte {
	ticket := tlv(0x61, tlv(0x30, member2(0, integer(5)), member2(1, general("CORP.EXAMPLE")),
		member2(2, principalName(2, "HTTP", "web1.corp.example")), member2(3, encrypted(18, 3, 200))))
	return tlv(0x6e, tlv(0x30, member2(0, integer(5)), member2(1, integer(14)), member2(2, tlv(0x03, []byte{0, 0x20, 0, 0, 0})),
		member2(3, ticket), member2(4, encrypted(18, 0, 100))))
}

func apRep() []byte {
	return tlv(0x6f, tlv(0x30, member2(0, integer(5)), member2(1, integer(15)), member2(2, encrypted(17, 0, 60))))
}

func krbErr() []byte {
	return tlv(0x7e, tlv(0x30, member2(0, integer(5)), member2(1, integer(30)), member2(2, tlv(0x18, []byte("20240229115500Z"))), member2(3, integer(1)), member2(4, tlv(0x18, []byte("20240229120000Z"))), member2(5, integer(0)),
		member2(6, integer(37)), member2(9, general("CORP.EXAMPLE")), member2(10, principalName(2, "HTTP", "web1.corp.example"))))
}

// TestKerberos names Kerberos tokens, bare, within GSS-API and within SPNEGO, and says for whom they are.
func TestKerberos(t *testing.T) {
	gss := func(mech, id string, message []byte) []byte {
		return tlv(0x60, identifier(t, mech), []byte(id), message)
	}
	spnego := func(mech string, token []byte) []byte {
		return tlv(0x60, identifier(t, oidSPNEGO), tlv(0xa0, tlv(0x30, member2(0, tlv(0x30, identifier(t, mech), identifier(t, oidNTLM))), member2(2, tlv(0x04, token)))))
	}
	resp := func(token []byte) []byte {
		return tlv(0xa1, tlv(0x30, member2(0, tlv(0x0a, []byte{0})), member2(1, identifier(t, oidKerberos)), member2(2, tlv(0x04, token))))
	}
	const ticket, reply = "ticket=for HTTP/web1.corp.example@CORP.EXAMPLE", "enc-part=etype 17 aes128-cts-hmac-sha1-96, cipher 60 bytes"
	for _, tc := range []struct {
		name string
		raw  []byte
		want string
		tell string
	}{
		{"AP-REQ", apReq(), "Kerberos AP-REQ", ticket},
		{"AP-REQ in GSS-API", gss(oidKerberos, "\x01\x00", apReq()), "Kerberos AP-REQ", ticket},
		{"AP-REQ in GSS-API, Microsoft's", gss(oidMSKerberos, "\x01\x00", apReq()), "Kerberos AP-REQ", ticket},
		{"AP-REQ in SPNEGO", spnego(oidKerberos, gss(oidKerberos, "\x01\x00", apReq())), "SPNEGO NegTokenInit, Kerberos AP-REQ", ticket},
		{"AP-REQ in SPNEGO, Microsoft's", spnego(oidMSKerberos, gss(oidKerberos, "\x01\x00", apReq())), "SPNEGO NegTokenInit, Kerberos AP-REQ", "realm=CORP.EXAMPLE"},
		{"AP-REQ in SPNEGO, bare", spnego(oidMSKerberos, apReq()), "SPNEGO NegTokenInit, Kerberos AP-REQ", "ap-options=mutual-required"},
		{"AP-REP", apRep(), "Kerberos AP-REP", reply},
		{"AP-REP in SPNEGO", resp(gss(oidKerberos, "\x02\x00", apRep())), "SPNEGO NegTokenResp, Kerberos AP-REP", reply},
		{"KRB-ERROR in SPNEGO", resp(gss(oidKerberos, "\x03\x00", krbErr())), "SPNEGO NegTokenResp, Kerberos KRB-ERROR", "error-code=37 KRB_AP_ERR_SKEW"},
		{"KRB-ERROR", krbErr(), "Kerberos KRB-ERROR", "stime=20240229120000Z"},
		{"TGT-REQ", gss(oidUserToUser, "\x04\x00", tlv(0x70, tlv(0x30))), "Kerberos TGT-REQ", "TOK_ID=TGT-REQ"},
		{"NTLM in GSS-API", gss(oidNTLM, "", []byte(ntlmSignature+"\x01\x00\x00\x00\x05\x02\x00\x00")), "GSS-API, NTLM NEGOTIATE_MESSAGE", "thisMech=" + oidNTLM},
		{"another mechanism", gss(oidPKU2U, "", []byte{1, 2, 3}), "GSS-API", "innerContextToken=PKU2U"},
		{"TSRequest", tlv(0x30, member2(0, integer(6)), member2(1, tlv(0x30, tlv(0x30, member2(0, tlv(0x04, []byte{1})))))), "CredSSP TSRequest", "version=6"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			token := Dissect(tc.raw)
			found := false
			for _, m := range token.Messages {
				walk(m.Fields, func(f *Field) { found = found || f.Name+"="+f.Value == tc.tell })
			}
			if token.Name() != tc.want || !found || len(token.Problems()) > 0 {
				t.Errorf("%s, %v, %v\n%s", token.Name(), found, token.Problems(), text(t, &Report{Tokens: []*Token{token}}, TextOptions{Full: true}))
			}
			for n := 1; n < len(tc.raw); n++ {
				cut := Dissect(tc.raw[:n])
				if cut.Messages[0].Protocol != "unknown" && len(cut.Problems()) == 0 && tc.name != "another mechanism" {
					t.Errorf("cut to %d of %d bytes: no problem", n, len(tc.raw))
				}
			}
		})
	}
}

// TestReject: a refusal in SPNEGO is said aloud.
func TestReject(t *testing.T) {
	token := Dissect(tlv(0xa1, tlv(0x30, member2(0, tlv(0x0a, []byte{2})))))
	if len(token.Findings) != 1 || token.Findings[0].Code != "rejected" || token.Name() != "SPNEGO NegTokenResp" {
		t.Errorf("%+v", token)
	}
}

// TestNested: tokens within tokens have a bound.
func TestNested(t *testing.T) {
	raw := apReq()
	for range 50 {
		raw = tlv(0xa1, tlv(0x30, member2(2, tlv(0x04, raw))))
	}
	if token := Dissect(raw); len(token.Messages) != maxDepth+1 || token.Messages[maxDepth].Protocol != "unknown" {
		t.Errorf("%d messages", len(token.Messages))
	}
}

func TestDER(t *testing.T) {
	for _, tc := range []struct{ in, problem string }{
		{"\x02\x01\x05", ""},
		{"\x02", "the message ends before the length"},
		{"\x02\x82\x01", "the message ends within the length"},
		{"\x02\x80\x00\x00", "a length of the form 0x80"},
		{"\x02\x85\x00\x00\x00\x00\x01x", "a length of the form 0x85"},
		{"\x02\x84\xff\xff\xff\xffx", "ends here, 1 of 4294967295 bytes"},
		{"\x1f\x81\x01x", "a tag of several bytes"},
	} {
		if e, _ := der([]byte(tc.in), 0); e.problem != tc.problem {
			t.Errorf("%x: %q", tc.in, e.problem)
		}
	}
	for body, want := range map[string]string{
		"\x2b\x06\x01\x05\x05\x02": oidSPNEGO, "\x2a\x86\x48\x82\xf7\x12\x01\x02\x02": oidMSKerberos, "\x88\x37": "2.999",
		"": "", "\x2b\x80": "", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01": "",
	} {
		if got := oid([]byte(body)); got != want {
			t.Errorf("%x: %q, want %q", body, got, want)
		}
	}
}
