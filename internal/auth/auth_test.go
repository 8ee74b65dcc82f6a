package auth

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
	"github.com/winrmctl/winrmctl/internal/auth/spnego"
	"github.com/winrmctl/winrmctl/internal/recorded"
)

func TestChallenges(t *testing.T) {
	for _, tc := range []struct {
		lines []string
		want  []Challenge
	}{
		{nil, nil},
		{[]string{"Negotiate"}, []Challenge{{Scheme: "Negotiate"}}},
		{[]string{"Negotiate", `Basic realm="WSMAN"`, "CredSSP"}, []Challenge{{Scheme: "Negotiate"}, {Scheme: "Basic", Params: `realm="WSMAN"`}, {Scheme: "CredSSP"}}},
		{[]string{`Negotiate, Basic realm="a, \"b\"", charset="UTF-8",Kerberos`}, []Challenge{{Scheme: "Negotiate"}, {Scheme: "Basic", Params: `realm="a, \"b\"", charset="UTF-8"`}, {Scheme: "Kerberos"}}},
		{[]string{"negotiate TlRMTVNTUAA="}, []Challenge{{Scheme: "negotiate", Token: "TlRMTVNTUAA="}}},
		{[]string{"Negotiate  oYGW+/==  , NTLM"}, []Challenge{{Scheme: "Negotiate", Token: "oYGW+/=="}, {Scheme: "NTLM"}}},
		{[]string{`realm="lost"`, ",,", " "}, nil},
	} {
		h := http.Header{"Www-Authenticate": tc.lines}
		if got := Challenges(h); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%q: %+v", tc.lines, got)
		}
	}
	all := []Challenge{{Scheme: "Negotiate"}, {Scheme: "NEGOTIATE", Token: "x"}, {Scheme: "Basic"}}
	if c, ok := Find(all, "negotiate"); !ok || c.Token != "x" {
		t.Errorf("found %+v", c)
	}
	if got := Schemes(all); !reflect.DeepEqual(got, []string{"Negotiate", "Basic"}) {
		t.Error(got)
	}
}

// TestNoPrint: no print of a login shows its password.
func TestNoPrint(t *testing.T) {
	for _, m := range []Mechanism{NewBasic("bob", "hunter2"), NewNTLM("bob", "hunter2")} {
		x, err := m.Begin(Peer{Host: "web1"})
		if err != nil {
			t.Fatal(err)
		}
		authorization, err := x.Next("")
		if err != nil {
			t.Fatal(err)
		}
		shown := fmt.Sprintf("%+v %#v", m, x)
		if n, ok := x.(*ntlmExchange); ok {
			shown += fmt.Sprintf("%+v %#v", n.client, n.client)
		}
		if strings.Contains(shown, "hunter2") || strings.Contains(shown, strings.TrimPrefix(authorization, "Basic ")) {
			t.Errorf("%s: %s", m.Name(), shown)
		}
	}
}

// TestRecordedBindings computes channel bindings of real certificates of every signature algorithm.
func TestRecordedBindings(t *testing.T) {
	var f struct {
		Vectors []struct {
			Name, Hash  string
			Certificate string `json:"certificate_der_b64"`
			EndPoint    string `json:"tls_server_end_point"`
		}
	}
	recorded.JSON(t, "recordings/ntlm/channel-bindings-certificates.json", &f)
	for _, v := range f.Vectors {
		der, err := base64.StdEncoding.DecodeString(v.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		got, _ := strings.CutPrefix(string(EndPointBindings(certificate)), "tls-server-end-point:")
		if hex.EncodeToString([]byte(got)) != v.EndPoint {
			t.Errorf("%s (%v): %x, want %s", v.Name, certificate.SignatureAlgorithm, got, v.EndPoint)
		}
	}
	if len(f.Vectors) < 8 {
		t.Errorf("only %d certificates", len(f.Vectors))
	}
}

func TestNTLM(t *testing.T) {
	acceptor := ntlm.NewAcceptor(ntlm.AcceptorConfig{ComputerName: "H", Password: func(string, string) (string, bool) { return "x", true }})
	x, err := NewNTLM(`CORP\bob`, "x").Begin(Peer{Host: "web1", Sealing: true, ChannelBindings: []byte("tls-server-end-point:1")})
	if err != nil {
		t.Fatal(err)
	}
	message := func(authorization string, err error) []byte {
		t.Helper()
		token, ok := strings.CutPrefix(authorization, "Negotiate ")
		b, decode := base64.StdEncoding.DecodeString(token)
		if err != nil || !ok || decode != nil {
			t.Fatal(authorization, err, decode)
		}
		return b
	}
	challenge, err := acceptor.Challenge(message(x.Next("")))
	if err != nil || x.Done() || x.Sealing() != nil {
		t.Fatal(err, x.Done())
	}
	if err := acceptor.Accept(message(x.Next(base64.StdEncoding.EncodeToString(challenge)))); err != nil || !x.Done() {
		t.Fatal(err)
	}
	if got := acceptor.Response().Pairs.Text(ntlm.AvTargetName); got != "HTTP/web1" {
		t.Errorf("SPN %q", got)
	}
	if sent, _ := acceptor.Response().Pairs.Get(ntlm.AvChannelBindings); len(sent) != 16 {
		t.Errorf("channel bindings %x", sent)
	}
	if c := x.Sealing(); c == nil || c != x.Sealing() {
		t.Error("no codec, or another one at the second call")
	}
	if more, err := x.Next("late"); more != "" || err != nil {
		t.Errorf("after the end: %q, %v", more, err)
	}
	for _, bad := range []string{"", "***", "TlRMTVNTUAA="} {
		y, _ := NewNTLM("bob", "x").Begin(Peer{})
		_, _ = y.Next("")
		if got, err := y.Next(bad); err == nil {
			t.Errorf("challenge %q: %q", bad, got)
		}
	}
}

// TestMechListMIC: within SPNEGO the list of mechanisms is signed where the login has a MIC (MS-SPNG 3.3.5.1), and where a
// server asks for that (RFC 4178 5); a server's signature that does not fit ends the login.
func TestMechListMIC(t *testing.T) {
	for _, tc := range []struct {
		timed  bool // the login has a MIC
		state  spnego.State
		signed bool
	}{{true, spnego.AcceptIncomplete, true}, {false, spnego.AcceptIncomplete, false}, {false, spnego.RequestMIC, true}} {
		c := &ntlm.ChallengeMessage{Flags: ntlm.Unicode | ntlm.RequestTarget | ntlm.NTLM | ntlm.TargetInfo | ntlm.Sign | ntlm.Seal |
			ntlm.ExtendedSessionSecurity | ntlm.Negotiate128 | ntlm.KeyExchange}
		c.Pairs = ntlm.AVPairs{{ID: ntlm.AvNbComputerName, Value: []byte("H\x00")}}
		if tc.timed {
			c.Pairs = append(c.Pairs, ntlm.AVPair{ID: ntlm.AvTimestamp, Value: make([]byte, 8)})
		}
		c.TargetInfo = c.Pairs.Bytes()
		challenge, err := c.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		token, err := (&spnego.Resp{State: tc.state, SupportedMech: spnego.NTLM(), ResponseToken: challenge}).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		x, err := NewNTLM("bob", "x").Wrapped().Begin(Peer{Sealing: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.Next(""); err != nil {
			t.Fatal(err)
		}
		authorization, err := x.Next(base64.StdEncoding.EncodeToString(token))
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(authorization, "Negotiate "))
		answer, err := spnego.ParseResp(raw)
		if err != nil || len(answer.ResponseToken) == 0 || (answer.MechListMIC != nil) != tc.signed {
			t.Errorf("%+v: %v, %+v", tc, err, answer)
		}
		end, err := (&spnego.Resp{State: spnego.AcceptCompleted, MechListMIC: make([]byte, 16)}).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.Next(base64.StdEncoding.EncodeToString(end)); (err != nil) != tc.signed {
			t.Errorf("%+v: a signature of nobody: %v", tc, err)
		}
	}
}
