package sealed

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
	"github.com/winrmctl/winrmctl/internal/recorded"
)

// fakeSealer turns "text" into "text" with a mark behind it, and checks nothing but the mark.
type fakeSealer struct {
	header, mark string
}

func (f fakeSealer) Seal(plain []byte) ([]byte, []byte, int, error) {
	return []byte(f.header), append(bytes.Clone(plain), f.mark...), 0, nil
}

func (f fakeSealer) Open(header, data []byte) ([]byte, error) {
	plain, ok := strings.CutSuffix(string(data), f.mark)
	if string(header) != f.header || !ok {
		return nil, errors.New("fake: bad signature")
	}
	return []byte(plain), nil
}

const spnegoType = `multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"`

// body writes framing with the variations that other servers are known for.
func body(lead, boundary, blank, end, data string) string {
	return "--" + boundary + "\r\n" + lead + "Content-Type: application/HTTP-SPNEGO-session-encrypted\r\n" +
		lead + "OriginalContent: type=application/soap+xml;charset=UTF-8;Length=5\r\n" + blank +
		"--" + boundary + "\r\n" + lead + "Content-Type: application/octet-stream\r\n" + blank + "\x04\x00\x00\x00SIGN" + data + end
}

func TestOpenForms(t *testing.T) {
	const b = "Encrypted Boundary"
	fake := fakeSealer{"SIGN", "*"}
	for _, tc := range []struct{ name, contentType, body string }{
		{"as Windows writes it", spnegoType, body("\t", b, "", "--"+b+"--\r\n", "hello*")},
		{"no TAB", spnegoType, body("", b, "", "--"+b+"--\r\n", "hello*")},
		{"empty lines after the headers", spnegoType, body("\t", b, "\r\n", "--"+b+"--\r\n", "hello*")},
		{"CRLF after the end", spnegoType, body("\t", b, "", "--"+b+"--\r\n\r\n", "hello*")},
		{"no CRLF after the end", spnegoType, body("\t", b, "", "--"+b+"--", "hello*")},
		{"no hyphens at the end", spnegoType, body("\t", b, "", "--"+b+"\r\n", "hello*")},
		{"space before the boundary", spnegoType, strings.ReplaceAll(body("\t", b, "", "--"+b+"--\r\n", "hello*"), "--"+b, "-- "+b)},
		{"another boundary", strings.Replace(spnegoType, b, "xyz", 1), body("\t", "xyz", "", "--xyz--\r\n", "hello*")},
		{"no boundary parameter", "multipart/encrypted", body("\t", b, "", "--"+b+"--\r\n", "hello*")},
		{"upper-case type", strings.Replace(spnegoType, "multipart", "Multipart", 1), body("\t", b, "", "--"+b+"--\r\n", "hello*")},
	} {
		if got, err := New(fake, SPNEGO).Open(tc.contentType, []byte(tc.body)); err != nil || string(got) != "hello" {
			t.Errorf("%s: %q, %v", tc.name, got, err)
		}
	}
	for _, tc := range []struct{ name, contentType, body string }{
		{"plain", "application/soap+xml;charset=UTF-8", "<s:Envelope/>"},
		{"HTML", "text/html", "<html>"},
		{"no type", "", ""},
	} {
		if _, err := New(fake, SPNEGO).Open(tc.contentType, []byte(tc.body)); !errors.Is(err, ErrNotSealed) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	good := body("\t", b, "", "--"+b+"--\r\n", "hello*")
	for name, bad := range map[string]string{
		"empty":            "",
		"no boundary":      strings.TrimPrefix(good, "--"),
		"no length":        strings.Replace(good, ";Length=5", "", 1),
		"length no number": strings.Replace(good, "Length=5", "Length=-5", 1),
		"length too long":  strings.Replace(good, "Length=5", "Length=9", 1),
		"length too short": strings.Replace(good, "Length=5", "Length=4", 1),
		"length enormous":  strings.Replace(good, "Length=5", "Length=2147483647", 1),
		"no metadata":      strings.Replace(good, "OriginalContent", "Other", 1),
		"no data part":     strings.Replace(good, "octet-stream", "json", 1),
		"header too long":  strings.Replace(good, "\x04\x00\x00\x00", "\x04\x00\x01\x00", 1),
		"header empty":     strings.Replace(good, "\x04\x00\x00\x00", "\x00\x00\x00\x00", 1),
		"no end":           strings.TrimSuffix(good, "--"+b+"--\r\n"),
		"second part bad":  strings.TrimSuffix(good, "--\r\n") + "\r\n\tX: y\r\n",
	} {
		var format *FormatError
		if _, err := New(fake, SPNEGO).Open(spnegoType, []byte(bad)); !errors.As(err, &format) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBoundaryInCiphertext: ciphertext is arbitrary bytes, the boundary among them.
func TestBoundaryInCiphertext(t *testing.T) {
	plain := "--Encrypted Boundary--\r\n and --Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n"
	c := New(fakeSealer{"SIGN", "*"}, SPNEGO)
	contentType, b, err := c.Seal([]byte(plain))
	if err != nil || contentType != spnegoType {
		t.Fatal(contentType, err)
	}
	if got, err := c.Open(contentType, b); err != nil || string(got) != plain {
		t.Errorf("%q, %v", got, err)
	}
}

// TestRecordedFraming opens bodies of several senders, real and derived.
func TestRecordedFraming(t *testing.T) {
	var f struct {
		Vectors []struct {
			Name        string
			ContentType string `json:"content_type"`
			Body        string `json:"body_b64"`
			Expect      []struct {
				OriginalLength int    `json:"original_length"`
				Signature      string `json:"signature_hex"`
				Data           string `json:"data_hex"`
				DataLen        int    `json:"data_len"`
				Charset        string
				ServerSealKey  string `json:"server_seal_key"`
				ClientSealKey  string `json:"client_seal_key"`
			}
		}
	}
	recorded.JSON(t, "recordings/framing.json", &f)
	var session struct {
		ExportedSessionKey string `json:"exported_session_key"`
	}
	recorded.JSON(t, "recordings/sealed-session/session.json", &session)
	key, err := hex.DecodeString(session.ExportedSessionKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range f.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			wire, err := base64.StdEncoding.DecodeString(v.Body)
			if err != nil {
				t.Fatal(err)
			}
			var sealer Sealer = &seen{}
			role := ntlm.Client
			if len(v.Expect) > 0 && v.Expect[0].ClientSealKey != "" {
				role = ntlm.Server
			}
			real := strings.Contains(v.Name, "real") || strings.Contains(v.Name, "utf16")
			if real {
				if sealer, err = ntlm.NewSession([16]byte(key), 0xe28a8236, role); err != nil {
					t.Fatal(err)
				}
			}
			plain, err := New(sealer, SPNEGO).Open(v.ContentType, wire)
			if len(v.Expect) == 0 {
				if err == nil {
					t.Errorf("opened: %.60q", plain)
				}
				return
			}
			if real {
				if err != nil {
					t.Fatal(err)
				}
				if v.Expect[0].Charset == "UTF-16" {
					plain = fromUTF16(plain)
				}
				want := recorded.File(t, "recordings/sealed-session/05-response-createresponse.plain.xml")
				if role == ntlm.Server {
					want = recorded.File(t, "recordings/sealed-session/04-request-create.plain.xml")
				}
				if !bytes.Equal(plain, want) {
					t.Errorf("plaintext: %.200s", plain)
				}
				return
			}
			parts := sealer.(*seen).parts
			if len(parts) != len(v.Expect) && !strings.Contains(v.Name, "4-byte") {
				t.Fatalf("%d parts: %v", len(parts), err)
			}
			for i, want := range v.Expect[:len(parts)] {
				got := parts[i]
				if hex.EncodeToString(got.header) != want.Signature || want.Data != "" && hex.EncodeToString(got.data) != want.Data || want.DataLen != 0 && len(got.data) != want.DataLen {
					t.Errorf("part %d: header %x, data %x", i, got.header, got.data)
				}
			}
		})
	}
}

// seen records the parts that it is given; its encryption is that of the mock vectors, "-encrypted" behind the text.
type seen struct{ parts []part }

func (s *seen) Seal([]byte) ([]byte, []byte, int, error) { panic("not used") }

func (s *seen) Open(header, data []byte) ([]byte, error) {
	s.parts = append(s.parts, part{header: bytes.Clone(header), data: bytes.Clone(data)})
	return bytes.TrimSuffix(data, []byte("-encrypted")), nil
}

func fromUTF16(b []byte) []byte {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, uint16(b[0])|uint16(b[1])<<8)
	}
	_, text, _ := strings.Cut(string(utf16.Decode(units)), "?>") // a BOM and an XML declaration that names UTF-16
	return []byte(text)
}

// TestRecordedSession opens a whole sealed session with a real host in both directions, and seals it again, byte for byte.
func TestRecordedSession(t *testing.T) {
	var s struct {
		ExportedSessionKey string `json:"exported_session_key"`
		Messages           []struct {
			File, Plaintext, Direction string
			ContentType                string `json:"content_type"`
			Encrypted                  bool
		}
	}
	recorded.JSON(t, "recordings/sealed-session/session.json", &s)
	key, err := hex.DecodeString(s.ExportedSessionKey)
	if err != nil {
		t.Fatal(err)
	}
	end := map[string]*Codec{} // by direction: who opens, and who seals again
	for _, name := range []string{"client opens", "client seals", "server opens", "server seals"} {
		role := ntlm.Server
		if name == "server opens" || name == "client seals" {
			role = ntlm.Client
		}
		session, err := ntlm.NewSession([16]byte(key), 0xe28a8236, role)
		if err != nil {
			t.Fatal(err)
		}
		end[name] = New(session, SPNEGO)
	}
	count := 0
	for _, m := range s.Messages {
		if !m.Encrypted {
			continue
		}
		count++
		wire := recorded.File(t, "recordings/sealed-session/"+m.File)
		want := recorded.File(t, "recordings/sealed-session/"+m.Plaintext)
		plain, err := end[m.Direction+" opens"].Open(m.ContentType, bytes.Clone(wire))
		if err != nil || !bytes.Equal(plain, want) {
			t.Fatalf("%s: opened: %v", m.File, err)
		}
		contentType, again, err := end[m.Direction+" seals"].Seal(plain)
		if err != nil || contentType != m.ContentType || !bytes.Equal(again, wire) {
			t.Fatalf("%s: sealed again: %v", m.File, err)
		}
	}
	if count != 12 {
		t.Errorf("%d sealed messages", count)
	}
}

// FuzzOpen: no body makes it panic, and what was sealed opens.
func FuzzOpen(f *testing.F) {
	f.Add(spnegoType, []byte(body("\t", boundary, "", "--"+boundary+"--\r\n", "hello*")), []byte("hello"))
	f.Add("multipart/encrypted", []byte("--Encrypted Boundary\r\n"), []byte("--Encrypted Boundary"))
	f.Fuzz(func(t *testing.T, contentType string, wire, plain []byte) {
		c := New(fakeSealer{"SIGN", "*"}, SPNEGO)
		_, _ = c.Open(contentType, wire)
		ct, b, err := c.Seal(plain)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Open(ct, b); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("sealed and opened: %q, %v", got, err)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	key := [16]byte{1}
	client, err1 := ntlm.NewSession(key, 0xe2888235, ntlm.Client)
	server, err2 := ntlm.NewSession(key, 0xe2888235, ntlm.Server)
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	from, to := New(server, SPNEGO), New(client, SPNEGO)
	plain := make([]byte, 480<<10)
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		contentType, body, err := from.Seal(plain)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := to.Open(contentType, body); err != nil {
			b.Fatal(err)
		}
	}
}
