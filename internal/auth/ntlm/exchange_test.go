package ntlm

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/secret"
)

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// login runs one exchange and returns what the acceptor says.
func login(t *testing.T, client ClientConfig, server AcceptorConfig) (*ClientExchange, *AcceptorExchange, error) {
	t.Helper()
	c, a := NewClient(client), NewAcceptor(server)
	negotiate, err := c.Negotiate()
	if err != nil {
		t.Fatal(err)
	}
	challenge, err := a.Challenge(negotiate)
	if err != nil {
		t.Fatal(err)
	}
	authenticate, err := c.Authenticate(challenge)
	if err != nil {
		t.Fatal(err)
	}
	return c, a, a.Accept(authenticate)
}

// acceptAs is a server with one account.
func acceptAs(user, password string) AcceptorConfig {
	return AcceptorConfig{
		ComputerName: "HOST1", DNSName: "host1.example",
		Now:      func() time.Time { return time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC) },
		Password: func(u, _ string) (string, bool) { return password, strings.EqualFold(u, user) },
	}
}

func TestLogin(t *testing.T) {
	bindings, others := ChannelBindings([]byte("tls-server-end-point:abc")), ChannelBindings([]byte("tls-server-end-point:abd"))
	with := func(edit func(*AcceptorConfig)) AcceptorConfig {
		c := acceptAs("bob", "S3cret-Pässw0rd €")
		edit(&c)
		return c
	}
	plain := acceptAs("bob", "S3cret-Pässw0rd €")
	for _, tc := range []struct {
		name   string
		client ClientConfig
		server AcceptorConfig
		reason LogonReason // empty: accepted
		domain string      // what the server sees
	}{
		{name: "domain account", client: ClientConfig{Account: ParseAccount(`Corp\Bob`)}, server: plain, domain: "Corp"},
		{name: "bare name", client: ClientConfig{Account: ParseAccount(`bob`)}, server: plain},
		{name: "account of the server", client: ClientConfig{Account: ParseAccount(`.\bob`)}, server: plain, domain: "HOST1"},
		{name: "UPN", client: ClientConfig{Account: ParseAccount(`bob@corp.example`)}, server: acceptAs("bob@corp.example", "S3cret-Pässw0rd €")},
		{name: "name with a backslash", client: ClientConfig{Account: Account{User: `a\b`}}, server: acceptAs(`a\b`, "S3cret-Pässw0rd €")},
		{name: "name beyond ASCII", client: ClientConfig{Account: ParseAccount(`Größe\jürgen.日本`)}, server: acceptAs("jürgen.日本", "S3cret-Pässw0rd €"), domain: "Größe"},
		{name: "OEM challenge", client: ClientConfig{Account: ParseAccount(`Corp\Bob`)}, server: with(func(c *AcceptorConfig) { c.OEM = true }), domain: "Corp"},
		{name: "OEM challenge, name of windows-1252", client: ClientConfig{Account: ParseAccount(`Corp\jürgen`)},
			server: func() AcceptorConfig { c := acceptAs("jürgen", "S3cret-Pässw0rd €"); c.OEM = true; return c }(), domain: "Corp"},
		{name: "no timestamp", client: ClientConfig{Account: ParseAccount(`bob`)}, server: with(func(c *AcceptorConfig) { c.NoTimestamp = true })},
		{name: "SPN", client: ClientConfig{Account: ParseAccount(`bob`), TargetName: "HTTP/host1.example"}, server: plain},
		{name: "channel bindings", client: ClientConfig{Account: ParseAccount(`bob`), ChannelBindings: &bindings},
			server: with(func(c *AcceptorConfig) { c.ChannelBindings, c.RequireChannelBindings = &bindings, true })},
		{name: "no channel bindings, relaxed", client: ClientConfig{Account: ParseAccount(`bob`)},
			server: with(func(c *AcceptorConfig) { c.ChannelBindings = &bindings })},
		{name: "no channel bindings, strict", client: ClientConfig{Account: ParseAccount(`bob`)}, reason: ReasonNoBindings,
			server: with(func(c *AcceptorConfig) { c.ChannelBindings, c.RequireChannelBindings = &bindings, true })},
		{name: "other channel bindings", client: ClientConfig{Account: ParseAccount(`bob`), ChannelBindings: &others}, reason: ReasonBindings,
			server: with(func(c *AcceptorConfig) { c.ChannelBindings = &bindings })},
		{name: "wrong password", client: ClientConfig{Account: ParseAccount(`bob`), Password: secret.New("no")}, server: plain, reason: ReasonProof},
		{name: "no account", client: ClientConfig{Account: ParseAccount(`eve`)}, server: plain, reason: ReasonNoAccount},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.client.Password.IsZero() {
				tc.client.Password = secret.New("S3cret-Pässw0rd €")
			}
			tc.client.Sealing = true
			c, a, err := login(t, tc.client, tc.server)
			if tc.reason != "" {
				var refused *LogonError
				if !errors.As(err, &refused) || refused.Reason != tc.reason {
					t.Fatalf("got %v, want %q", err, tc.reason)
				}
				if _, err := a.Session(); err == nil {
					t.Error("a refused login has a session")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			m, r := a.Message(), a.Response()
			if m.Domain != tc.domain || m.User != tc.client.Account.User {
				t.Errorf("the server sees %q %q", m.Domain, m.User)
			}
			_, timed := r.Pairs.Timestamp()
			micPromised := r.Pairs.Flags()&AvFlagMICProvided != 0
			if lmZero := bytes.Equal(m.LmChallengeResponse, make([]byte, 24)); timed != micPromised || timed != lmZero {
				t.Errorf("timestamp %v, MIC promised %v, LM response zero %v", timed, micPromised, lmZero)
			}
			if got := r.Pairs.Text(AvTargetName); got != tc.client.TargetName {
				t.Errorf("MsvAvTargetName %q", got)
			}
			if !tc.server.OEM && m.Flags != 0xe2888235 {
				t.Errorf("flags %v, on Windows 0xe2888235", m.Flags)
			}
			talk(t, c, a)
		})
	}
}

// talk seals a few messages each way.
func talk(t *testing.T, c *ClientExchange, a *AcceptorExchange) {
	t.Helper()
	client, err1 := c.Session()
	server, err2 := a.Session()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for _, text := range []string{"one", "", strings.Repeat("long ", 9999)} {
		for _, way := range [][2]*Session{{client, server}, {server, client}} {
			header, data, pad, err := way[0].Seal([]byte(text))
			if err != nil || pad != 0 {
				t.Fatal(err, pad)
			}
			if text != "" && bytes.Contains(data, []byte(text)) {
				t.Error("sent in clear")
			}
			got, err := way[1].Open(header, data)
			if err != nil || string(got) != text {
				t.Fatalf("opened: %v", err)
			}
		}
	}
	header, data, _, _ := client.Seal([]byte("altered"))
	data[0] ^= 1
	if _, err := server.Open(header, data); !errors.Is(err, ErrSignature) {
		t.Errorf("an altered message: %v", err)
	}
}

// TestWeakServers refuses to seal where the server leaves out what sealing needs.
func TestWeakServers(t *testing.T) {
	for _, missing := range []Flags{Sign, Seal, ExtendedSessionSecurity, Negotiate128} {
		client := NewClient(ClientConfig{Account: ParseAccount("bob"), Password: secret.New("x"), Sealing: true})
		negotiate, _ := client.Negotiate()
		server := NewAcceptor(acceptAs("bob", "x"))
		if _, err := server.Challenge(negotiate); err != nil {
			t.Fatal(err)
		}
		server.sent.Flags &^= missing
		challenge, _ := server.sent.Bytes()
		if _, err := client.Authenticate(challenge); err == nil || !strings.Contains(err.Error(), strings.Fields(missing.String())[1]) {
			t.Errorf("without %v: %v", missing, err)
		}
	}
}

// TestNoTargetInfo logs in where the challenge has no TargetInfo, as that of Samba's oldest servers: nothing may be added to it.
func TestNoTargetInfo(t *testing.T) {
	client := NewClient(ClientConfig{Account: ParseAccount(`.\bob`), Password: secret.New("x"), TargetName: "HTTP/h"})
	negotiate, _ := client.Negotiate()
	server := NewAcceptor(acceptAs("bob", "x"))
	if _, err := server.Challenge(negotiate); err != nil {
		t.Fatal(err)
	}
	server.sent.TargetInfo, server.sent.Flags = nil, server.sent.Flags&^TargetInfo
	server.challenge, _ = server.sent.Bytes()
	authenticate, err := client.Authenticate(server.challenge)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Accept(authenticate); err != nil {
		t.Fatal(err)
	}
	if len(server.Response().Pairs) != 0 {
		t.Errorf("pairs were added to an empty TargetInfo: %v", server.Response().Pairs)
	}
}

// TestMIC is refused when it is wrong, and when it is left out although it was promised.
func TestMIC(t *testing.T) {
	for _, edit := range []func([]byte){
		func(m []byte) { m[micOffset] ^= 1 },
		func(m []byte) { m[16] = micOffset }, // payload that begins before the MIC: no room for one
		func(m []byte) { m[60] |= 0x40 },     // an altered flag that nothing else protects
	} {
		client, server := NewClient(ClientConfig{Account: ParseAccount("bob"), Password: secret.New("x")}), NewAcceptor(acceptAs("bob", "x"))
		negotiate, _ := client.Negotiate()
		challenge, _ := server.Challenge(negotiate)
		authenticate, err := client.Authenticate(challenge)
		if err != nil {
			t.Fatal(err)
		}
		edit(authenticate)
		var refused *LogonError
		if err := server.Accept(authenticate); !errors.As(err, &refused) || refused.Reason != ReasonMIC {
			t.Errorf("got %v", err)
		}
	}
}

func TestParseAccount(t *testing.T) {
	for name, want := range map[string]Account{
		`CORP\bob`:         {Domain: "CORP", User: "bob"},
		`bob`:              {User: "bob"},
		`bob@corp.example`: {User: "bob@corp.example"},
		`.\bob`:            {User: "bob", Local: true},
		`\bob`:             {User: "bob"},
		`a\b\c`:            {Domain: "a", User: `b\c`},
		`CORP\bob@x`:       {Domain: "CORP", User: "bob@x"},
	} {
		if got := ParseAccount(name); got != want {
			t.Errorf("%q: %+v, want %+v", name, got, want)
		}
	}
}

// FuzzMessages: whatever arrives is an error or a message, and a message that was decoded can be encoded.
func FuzzMessages(f *testing.F) {
	f.Add(unhex(f, specChallenge))
	f.Add(unhex(f, specAuthenticate))
	f.Add([]byte("NTLMSSP\x00\x01\x00\x00\x00\x97\x82\x08\xe2" + strings.Repeat("\x00", 24)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := ParseNegotiate(b); err == nil {
			if _, err := m.Bytes(); err != nil && m.Domain+m.Workstation == "" {
				t.Error(err)
			}
		}
		if m, err := ParseChallenge(b); err == nil {
			again, err := m.Bytes()
			if err != nil {
				return // a name of windows-1252 that has no way back
			}
			if _, err := ParseChallenge(again); err != nil {
				t.Error(err)
			}
			client := NewClient(ClientConfig{Account: ParseAccount("u"), Password: secret.New("p"), TargetName: "HTTP/x"})
			if _, err := client.Negotiate(); err != nil {
				t.Fatal(err)
			}
			if authenticate, err := client.Authenticate(b); err == nil {
				if _, err := ParseAuthenticate(authenticate); err != nil {
					t.Error(err)
				}
			}
		}
		if m, err := ParseAuthenticate(b); err == nil {
			if again, err := m.Bytes(); err == nil {
				if _, err := ParseAuthenticate(again); err != nil {
					t.Error(err)
				}
			}
			_, _ = ParseNTLMv2Response(m.NtChallengeResponse)
		}
	})
}
