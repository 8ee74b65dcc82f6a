package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
	"github.com/winrmctl/winrmctl/internal/auth/spnego"
	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/transport"
)

// TestReach: what can be wrong before there is a listener to speak to, or with one that is strange.
func TestReach(t *testing.T) {
	s := server(t, sandbox.Options{User: "bob"})
	for _, tc := range []struct {
		name    string
		edit    edit
		codes   string
		text    string // in that of the first finding
		reached bool
		login   bool
	}{
		{name: "through a proxy", edit: func(t *testing.T, o *Options, s *sandbox.Server) {
			target, _ := url.Parse(s.URL())
			o.Config.URL = "http://web1.example:5985/wsman" // which only the proxy knows
			o.Config.Proxy = &url.URL{Scheme: "http", Host: tunnelling(t, "web1.example:5985", target.Host)}
		}, reached: true, login: true},
		{name: "a silent proxy", edit: func(t *testing.T, o *Options, _ *sandbox.Server) {
			o.Config.Proxy = &url.URL{Scheme: "http", Host: listening(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })}
			o.Config.ConnectTimeout = 20 * time.Millisecond
		}, codes: "proxy-tunnel", text: "either the proxy 127.0.0.1:"},
		{name: "no name server", edit: func(_ *testing.T, o *Options, _ *sandbox.Server) {
			o.Config.URL = "http://web1.example:5985/wsman"
			o.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }}
		}, codes: "unresolved", text: "the name web1.example cannot be looked up"},
		{name: "unknown name", edit: func(_ *testing.T, o *Options, _ *sandbox.Server) {
			o.Config.URL = "http://web1.example:5985/wsman"
			o.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go answerNames(theirs)
				return ours, nil
			}}
		}, codes: "unresolved", text: "the name web1.example is unknown"},
		{name: "no route", edit: func(_ *testing.T, o *Options, _ *sandbox.Server) {
			o.Config.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, syscall.EHOSTUNREACH }
		}, codes: "tcp-unreachable"},
		{name: "one of two addresses", edit: func(_ *testing.T, o *Options, s *sandbox.Server) {
			o.Config.URL = strings.Replace(s.URL(), "127.0.0.1", "web1.example", 1)
			o.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go answerNames(theirs, [4]byte{192, 0, 2, 1}, [4]byte{127, 0, 0, 1})
				return ours, nil
			}}
			o.Config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if strings.HasPrefix(address, "192.") {
					return nil, syscall.ECONNREFUSED
				}
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}
		}, codes: "address-dead", reached: true, login: true},
		{name: "http to TLS that answers by an alert", edit: func(t *testing.T, o *Options, _ *sandbox.Server) {
			certificate := selfSigned(t, "server")
			o.Config.URL = "http://" + listening(t, func(c net.Conn) {
				secured := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*certificate}})
				if secured.Handshake() != nil {
					_, _ = c.Write([]byte{21, 3, 1, 0, 2, 2, 70})
				}
			}) + "/wsman"
		}, codes: "http-to-https-port"},
		{name: "old TLS", edit: secure(&tls.Config{MaxVersion: tls.VersionTLS11}, nil), codes: "tls-failed"},
		{name: "client certificate of an unknown issuer", edit: both(secure(&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}, nil), func(t *testing.T, o *Options, _ *sandbox.Server) {
			o.Config.TLS.Certificate, o.Config.TLS.Insecure = selfSigned(t, "client"), true
			o.Login = []auth.Mechanism{auth.NewCertificate("CN=client")}
		}), codes: "certificate-issuer certificate-refused", reached: true},
		{name: "no login asked", edit: front(status(http.StatusOK, "application/soap+xml", "<x/>")), codes: "no-login-asked", reached: true},
		{name: "a challenge that is cut short", edit: front(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			offer := "Negotiate"
			if r.Header.Get("Authorization") != "" {
				offer += " " + base64.StdEncoding.EncodeToString([]byte("NTLMSSP\x00\x02\x00\x00\x00"))
			}
			w.Header().Set("WWW-Authenticate", offer)
			w.WriteHeader(http.StatusUnauthorized)
		}), codes: "challenge-unusable", text: "malformed CHALLENGE_MESSAGE", reached: true},
		{name: "SPNEGO that refuses", edit: front(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			token, err := (&spnego.Resp{State: spnego.Reject}).Bytes()
			if err != nil {
				panic(err)
			}
			w.Header().Set("WWW-Authenticate", "Negotiate "+base64.StdEncoding.EncodeToString(token))
			w.WriteHeader(http.StatusUnauthorized)
		}), codes: "challenge-unusable", text: "SPNEGO says reject without a challenge", reached: true},
		{name: "a challenge without sealing", edit: front(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			challenge, err := (&ntlm.ChallengeMessage{Flags: ntlm.Unicode | ntlm.NTLM | ntlm.TargetInfo, TargetName: "OLD"}).Bytes()
			if err != nil {
				panic(err)
			}
			w.Header().Set("WWW-Authenticate", "Negotiate "+base64.StdEncoding.EncodeToString(challenge))
			w.WriteHeader(http.StatusUnauthorized)
		}), codes: "sealing-not-offered challenge-unusable", reached: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := Options{Config: transport.Config{URL: s.URL()}, Login: []auth.Mechanism{auth.NewNTLM("bob", s.Password())}, User: "bob"}
			tc.edit(t, &o, s)
			r := run(t, o)
			if got := codes(r); got != tc.codes || r.Reached != tc.reached || r.LoggedIn != tc.login {
				t.Errorf("findings %q, want %q; reached %v, logged in %v\n%s", got, tc.codes, r.Reached, r.LoggedIn, statuses(r))
				for _, f := range r.Findings {
					t.Log(f.Code, f.Text)
				}
			}
			if tc.text != "" && (len(r.Findings) == 0 || !strings.Contains(r.Findings[0].Text, tc.text)) {
				t.Errorf("it says %+v", r.Findings)
			}
		})
	}
}

// TestLoginTakesTooLong: it is said in words.
func TestLoginTakesTooLong(t *testing.T) {
	s := server(t, sandbox.Options{})
	u, _ := url.Parse(s.URL())
	p := &prober{options: Options{Config: transport.Config{URL: s.URL()}, OperationTimeout: time.Nanosecond}, url: u}
	err := p.roundTrip(t.Context(), p.dialer(true, auth.NewNTLM(s.User(), s.Password())))
	if err == nil || !strings.HasSuffix(err.Error(), ": it takes longer than 1ns") {
		t.Error(err)
	}
}

// TestReason: what is said in one sentence is what most likely prevents a login.
func TestReason(t *testing.T) {
	for _, tc := range []struct {
		codes []Code
		want  Code
	}{
		{[]Code{AddressDead, ClockSkew, Credentials}, Credentials},
		{[]Code{ClockSkewNTLM, Credentials, LocalAccount}, ClockSkewNTLM},
		{[]Code{ClockSkewNTLM, SealingRequired}, SealingRequired},
		{[]Code{ClockSkewNTLM}, ClockSkewNTLM},
		{[]Code{LoadBalancer, Credentials}, LoadBalancer},
	} {
		r := &Report{}
		for _, code := range tc.codes {
			r.Findings = append(r.Findings, Finding{Code: code})
		}
		if got := r.Reason(); got.Code != tc.want {
			t.Errorf("%v: %s", tc.codes, got.Code)
		}
	}
	if got := (&Report{}).Reason(); got != nil {
		t.Errorf("nothing found: %v", got)
	}
}

// secure is an https server with these settings.
func secure(c *tls.Config, h http.Handler) edit {
	return func(t *testing.T, o *Options, _ *sandbox.Server) {
		c.Certificates = []tls.Certificate{*selfSigned(t, "server")}
		c.MinVersion = tls.VersionTLS10
		l, err := tls.Listen("tcp", "127.0.0.1:0", c)
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
		go func() { _ = s.Serve(l) }()
		t.Cleanup(func() { _ = s.Close() })
		o.Config.URL = "https://" + l.Addr().String() + "/wsman"
	}
}

// answerNames is a name server on a stream (RFC 1035 4.2.2), which knows one host, or none.
func answerNames(c net.Conn, addresses ...[4]byte) {
	defer c.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		raw := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, raw); err != nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(raw); err != nil || len(m.Questions) != 1 {
			return
		}
		m.Response, m.Additionals = true, nil
		if len(addresses) == 0 {
			m.RCode = dnsmessage.RCodeNameError
		}
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			for _, a := range addresses {
				m.Answers = append(m.Answers, dnsmessage.Resource{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: a},
				})
			}
		}
		out, err := m.Pack()
		if err != nil {
			return
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)); err != nil {
			return
		}
	}
}
