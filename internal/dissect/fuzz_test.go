package dissect

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
)

// sayAll writes a report in every form, and checks what holds for any input.
func sayAll(t *testing.T, tokens []*Token, o Options) {
	report := Analyse(tokens, o)
	var out bytes.Buffer
	if err := report.JSON(&out); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(out.Bytes()) {
		t.Fatal("no JSON")
	}
	for _, form := range []string{text(t, report, TextOptions{}), text(t, report, TextOptions{Full: true}), out.String()} {
		for _, c := range form {
			if c != '\n' && !strconv.IsPrint(c) {
				t.Fatalf("%U in what is printed", c)
			}
		}
	}
	for _, token := range tokens {
		for _, m := range token.Messages {
			walk(m.Fields, func(f *Field) {
				if f.Offset < 0 || f.end() > len(m.Raw) || !bytes.Equal(m.Raw[f.Offset:f.end()], f.Raw) {
					t.Fatalf("%s is not at 0x%x", f.Name, f.Offset)
				}
			})
		}
		for _, p := range token.Problems() {
			if p.Offset < 0 || p.Offset > len(token.Raw) {
				t.Fatalf("%v lies outside of %d bytes", p, len(token.Raw))
			}
		}
	}
}

// FuzzDissect: any bytes are taken apart, as any of the three messages of an exchange too.
func FuzzDissect(f *testing.F) {
	for _, raw := range messages(f) {
		f.Add(raw)
		f.Add(raw[:len(raw)*2/3])
	}
	f.Add(apReq())
	f.Add(krbErr())
	f.Add(tlv(0x30, member2(0, integer(6))))
	whole := find(f, read(f, "exchange.http"))
	f.Fuzz(func(t *testing.T, b []byte) {
		one := Dissect(b)
		sayAll(t, []*Token{one}, Options{})
		v := one.ntlmMessage()
		if v == nil || v.kind < 1 || v.kind > 3 {
			return
		}
		password := testPassword
		tokens := append([]*Token(nil), whole...)
		tokens[v.kind-1] = one
		sayAll(t, tokens, Options{Password: &password, Account: `CORP\bob`, Keys: true})
	})
}

// FuzzInput: any text is searched for tokens.
func FuzzInput(f *testing.F) {
	for _, name := range []string{"exchange.http", "spnego.txt", "ms-nlmp-4.2.3.txt", "ms-spng-4.txt"} {
		f.Add(read(f, name))
	}
	f.Add([]byte("Authorization: Basic Ym9iOnNlY3JldA==\nAuthorization: Negotiate TlRMTVNTUAABAAAA"))
	f.Add([]byte("\"\\x4e\\x54\\x4c\\x4d\\x53\\x53\\x50\\x00\\x01\" \\\n\"\\x00\""))
	f.Add([]byte("0x4e,\n0x54,\n0x4c"))
	f.Add([]byte("\xff\xfeN\x00T\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tokens, err := Find(b, "")
		if (err == nil) != (len(tokens) > 0) {
			t.Fatalf("%d tokens, %v", len(tokens), err)
		}
		if err == nil {
			sayAll(t, tokens, Options{})
		}
	})
}
