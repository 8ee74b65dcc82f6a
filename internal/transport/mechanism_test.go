package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/sandbox"
)

// TestMechanisms: each way to log in, on its own and as one of several.
func TestMechanisms(t *testing.T) {
	certificate := clientCertificate(t)
	both := []string{sandbox.AuthNegotiate, sandbox.AuthBasic}
	for _, tc := range []struct {
		name       string
		options    sandbox.Options
		encryption Encryption
		mechanisms func(user, password string) []auth.Mechanism
		requests   int       // for a login and three messages
		kind       auth.Kind // 0: it works
		text       string
	}{
		{name: "NTLM within SPNEGO", options: sandbox.Options{Faults: faults(t, "spnego")}, requests: 4,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewNTLM(u, p).Wrapped()} }},
		{name: "NTLM within SPNEGO with an empty login", options: sandbox.Options{Faults: faults(t, "spnego", "refuse-body")}, requests: 2 + 5,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewNTLM(u, p).Wrapped()} }},
		{name: "raw NTLM where SPNEGO is insisted on", options: sandbox.Options{Faults: faults(t, "spnego")}, kind: auth.NoChallenge,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewNTLM(u, p)} },
			text:       "the server answers the first NTLM message without a challenge"},
		{name: "raw NTLM, then within SPNEGO", options: sandbox.Options{Faults: faults(t, "spnego")}, requests: 1 + 4,
			mechanisms: func(u, p string) []auth.Mechanism {
				return []auth.Mechanism{auth.NewNTLM(u, p), auth.NewNTLM(u, p).Wrapped()}
			}},
		{name: "a refused login is not tried in another way", options: sandbox.Options{Auth: both, AllowUnencrypted: true}, encryption: EncryptionNever, kind: auth.Rejected,
			mechanisms: func(u, p string) []auth.Mechanism {
				return []auth.Mechanism{auth.NewNTLM(u, "wrong"), auth.NewBasic(u, p)}
			}},
		{name: "Basic over https", options: sandbox.Options{HTTPS: true, Auth: both}, requests: 3,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewBasic(u, p)} }},
		{name: `Basic of .\user`, options: sandbox.Options{HTTPS: true, Auth: both}, requests: 3,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewBasic(`.\`+u, p)} }},
		{name: "Basic over http in clear", options: sandbox.Options{Auth: both, AllowUnencrypted: true}, encryption: EncryptionNever, requests: 3,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewBasic(u, p)} }},
		{name: "Basic over http", options: sandbox.Options{Auth: both, AllowUnencrypted: true}, kind: auth.Impossible,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewBasic(u, p)} },
			text:       "Basic would send the password in clear: it needs https, or an explicit --encryption never"},
		{name: "Basic sealed", options: sandbox.Options{HTTPS: true, Auth: both}, encryption: EncryptionAlways, kind: auth.Impossible,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewBasic(u, p)} }, text: "Basic cannot seal"},
		{name: "Basic with a wrong password", options: sandbox.Options{HTTPS: true, Auth: both}, kind: auth.Rejected,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewBasic(u, "wrong")} }},
		{name: "Basic not offered", options: sandbox.Options{HTTPS: true}, kind: auth.NotOffered,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewBasic(u, p)} }, text: "only Negotiate"},
		{name: "Basic with a colon", options: sandbox.Options{HTTPS: true}, kind: auth.Impossible,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewBasic("a:b", p)} }, text: "a user name with a colon"},
		{name: "certificate", options: sandbox.Options{HTTPS: true, Auth: []string{sandbox.AuthCertificate}, ClientCertificates: []*x509.Certificate{certificate.Leaf}}, requests: 3,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewCertificate("CN=client")} }},
		{name: "certificate of nobody", options: sandbox.Options{HTTPS: true, Auth: []string{sandbox.AuthCertificate}}, kind: auth.Rejected,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewCertificate("CN=client")} },
			text:       "the server maps the certificate CN=client to no account"},
		{name: "certificate that nobody asks for", options: sandbox.Options{HTTPS: true}, kind: auth.NotOffered,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewCertificate("CN=client")} },
			text:       "the server does not offer a login by certificate, only Negotiate: it did not ask for the certificate"},
		{name: "certificate that nobody asks for, then NTLM", options: sandbox.Options{HTTPS: true}, requests: 1 + 4,
			mechanisms: func(u, p string) []auth.Mechanism {
				return []auth.Mechanism{auth.NewCertificate("CN=client"), auth.NewNTLM(u, p)}
			}},
		{name: "certificate of nobody, and never NTLM", options: sandbox.Options{HTTPS: true, Auth: []string{sandbox.AuthNegotiate, sandbox.AuthCertificate}}, kind: auth.Rejected,
			mechanisms: func(u, p string) []auth.Mechanism {
				return []auth.Mechanism{auth.NewCertificate("CN=client"), auth.NewNTLM(u, p)}
			}, text: "the server maps the certificate CN=client to no account"},
		{name: "certificate over http", options: sandbox.Options{}, encryption: EncryptionNever, kind: auth.Impossible,
			mechanisms: func(u, p string) []auth.Mechanism { return []auth.Mechanism{auth.NewCertificate("CN=client")} }, text: "a certificate needs https"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := server(t, tc.options)
			c := Config{URL: s.URL(), Encryption: tc.encryption, TLS: TLS{Insecure: true, Certificate: certificate}}
			d, err := NewDialer(c, tc.mechanisms(s.User(), s.Password())...)
			if err != nil {
				t.Fatal(err)
			}
			l := d.Lane()
			defer l.Close()
			for range 3 {
				if _, err = l.Post(t.Context(), identify(t)); err != nil {
					break
				}
			}
			if tc.kind == 0 {
				if err != nil || d.Requests() != tc.requests {
					t.Errorf("%v, %d requests", err, d.Requests())
				}
				return
			}
			var login *auth.Error
			if !errors.As(err, &login) || login.Kind != tc.kind || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v", err)
			}
			if logins := s.Stats().Logins; logins != 0 {
				t.Errorf("%d logins", logins)
			}
		})
	}
}

// TestStrictBindings: a server that insists on channel bindings takes ours, and refuses those of another certificate, as a
// box that ends TLS before the server makes them.
func TestStrictBindings(t *testing.T) {
	s := server(t, sandbox.Options{HTTPS: true, Bindings: sandbox.BindingsStrict})
	d, err := NewDialer(Config{URL: s.URL(), TLS: TLS{RootCAs: pool(t, s)}}, auth.NewNTLM(s.User(), s.Password()))
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := d.Dial(t.Context(), identify(t))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()

	// The middle box: another certificate, the same bytes behind it.
	u, _ := url.Parse(s.URL())
	box := listen(t, clientCertificate(t), func(in net.Conn) {
		if out, err := tls.Dial("tcp", u.Host, &tls.Config{InsecureSkipVerify: true}); err == nil {
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			_, _ = io.Copy(in, out)
		}
	})
	d, err = NewDialer(Config{URL: "https://" + box + "/wsman", TLS: TLS{Insecure: true}}, auth.NewNTLM(s.User(), s.Password()))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = d.Dial(t.Context(), identify(t))
	var login *auth.Error
	if !errors.As(err, &login) || login.Kind != auth.Rejected {
		t.Errorf("through a middle box: %v", err)
	}
}
