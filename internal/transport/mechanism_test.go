package transport

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

// clientCertificate makes a self-signed certificate.
func clientCertificate(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "client"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// TestCertificateAskedLater: a server that speaks TLS 1.3 and did not ask in the handshake is connected to again with TLS
// 1.2, where it can ask once it has seen what is requested.
func TestCertificateAskedLater(t *testing.T) {
	certificate := clientCertificate(t)
	var versions []uint16
	var connections atomic.Int32
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*certificate}, NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		versions = append(versions, r.TLS.Version)
		w.WriteHeader(http.StatusUnauthorized)
	}), ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	d, err := NewDialer(Config{URL: "https://" + listener.Addr().String(), TLS: TLS{Insecure: true, Certificate: certificate}}, auth.NewCertificate("CN=client"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Dial(t.Context(), identify(t)); err == nil {
		t.Error("no error")
	}
	if len(versions) != 1 || versions[0] != tls.VersionTLS12 || connections.Load() != 2 {
		t.Errorf("versions %x, %d connections", versions, connections.Load())
	}
}

// TestCertificateOfNoOtherLogin: a server that asks for a certificate is shown it by a login by certificate, and by nobody's
// login, but not by one with a password.
func TestCertificateOfNoOtherLogin(t *testing.T) {
	s := server(t, sandbox.Options{HTTPS: true, Auth: []string{sandbox.AuthNegotiate, sandbox.AuthCertificate}})
	d, err := NewDialer(Config{URL: s.URL(), TLS: TLS{Insecure: true, Certificate: clientCertificate(t)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		login auth.Mechanism
		shown bool
	}{{auth.NewCertificate("CN=client"), true}, {nil, true}, {auth.NewNTLM("bob", "x"), false}, {auth.NewBasic("bob", "x"), false}} {
		c, err := d.open(t.Context(), tc.login)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		if c.tls.asked != tc.shown {
			t.Errorf("%T: shown: %v", tc.login, c.tls.asked)
		}
	}
}

// TestCertificateRefused: a server that ends the TLS session over the certificate, in the handshake (TLS 1.2) or behind it.
func TestCertificateRefused(t *testing.T) {
	certificate := clientCertificate(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
			Certificates: []tls.Certificate{*certificate}, MinVersion: version, MaxVersion: version, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool(),
		})
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{ErrorLog: log.New(io.Discard, "", 0)}
		go func() { _ = server.Serve(listener) }()
		defer server.Close()
		d, err := NewDialer(Config{URL: "https://" + listener.Addr().String(), TLS: TLS{Insecure: true, Certificate: certificate}}, auth.NewCertificate("CN=client"))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = d.Dial(t.Context(), identify(t))
		var login *auth.Error
		if !errors.As(err, &login) || login.Kind != auth.Rejected || !strings.HasPrefix(err.Error(), "the server refuses the certificate CN=client: tls: ") {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

// TestCertificateForbidden: what http.sys and IIS say of a certificate that they do not trust.
func TestCertificateForbidden(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer s.Close()
	d, err := NewDialer(Config{URL: s.URL, TLS: TLS{Insecure: true, Certificate: clientCertificate(t)}}, auth.NewCertificate("CN=client"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = d.Dial(t.Context(), identify(t))
	var login *auth.Error
	if !errors.As(err, &login) || login.Kind != auth.Rejected || err.Error() != "the server refuses the certificate CN=client: HTTP 403" {
		t.Error(err)
	}
}

// TestProxies: a tunnel for http as well as for https, by each kind of proxy; the environment is not asked.
func TestProxies(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("ALL_PROXY", "http://127.0.0.1:1")
	plain, secure := server(t, sandbox.Options{}), server(t, sandbox.Options{HTTPS: true})
	asked := make(chan string, 100)
	web := listen(t, nil, func(c net.Conn) { connectProxy(c, asked, http.StatusOK) })
	certificate := clientCertificate(t)
	webs := listen(t, certificate, func(c net.Conn) { connectProxy(c, asked, http.StatusOK) })
	forbidding := listen(t, nil, func(c net.Conn) { connectProxy(c, asked, http.StatusForbidden) })
	socks := listen(t, nil, func(c net.Conn) { socksProxy(c, asked) })
	guarded := listen(t, nil, func(c net.Conn) { connectProxy(c, asked, http.StatusProxyAuthRequired) })
	silent := listen(t, nil, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	for _, tc := range []struct {
		name, proxy string
		server      *sandbox.Server
		text        string // of the error
	}{
		{"none", "", plain, ""},
		{"http to http", "http://" + web, plain, ""},
		{"http to https", "http://" + web, secure, ""},
		{"https to http", "https://" + webs, plain, ""},
		{"socks5 to http", "socks5://" + socks, plain, ""},
		{"socks5 to https", "socks5://" + socks, secure, ""},
		{"http with a login", "http://b%40b:s3%3Acret@" + guarded, plain, ""},
		{"http with another login", "http://bob:wrong@" + guarded, plain, "the proxy " + guarded + " refuses the tunnel: HTTP 407 Proxy Authentication Required"},
		{"http without a login", "http://" + guarded, plain, "refuses the tunnel: HTTP 407"},
		{"socks5 with a login", "socks5://b%40b:s3%3Acret@" + socks, plain, ""},
		{"socks5 with another login", "socks5://bob:wrong@" + socks, plain, "the proxy " + socks},
		{"refused", "http://" + forbidding, plain, "the proxy " + forbidding + " refuses the tunnel: HTTP 403 Forbidden"},
		{"not there", "http://127.0.0.1:1", plain, "the proxy 127.0.0.1:1: connection refused"},
		{"silent", "http://" + silent, plain, "no answer within the connect timeout"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			roots := x509.NewCertPool()
			roots.AddCert(certificate.Leaf)
			roots.AppendCertsFromPEM(secure.CA())
			c := Config{URL: tc.server.URL(), TLS: TLS{RootCAs: roots}, ConnectTimeout: time.Second}
			if tc.name == "silent" {
				c.ConnectTimeout = 50 * time.Millisecond
			}
			if tc.proxy != "" {
				c.Proxy, _ = url.Parse(tc.proxy)
			}
			d, err := NewDialer(c, auth.NewNTLM(tc.server.User(), tc.server.Password()))
			if err != nil {
				t.Fatal(err)
			}
			conn, _, err := d.Dial(t.Context(), identify(t))
			if tc.text != "" {
				if err == nil || !strings.Contains(err.Error(), tc.text) || strings.Contains(err.Error(), "wrong") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
			u, _ := url.Parse(tc.server.URL())
			if tc.proxy != "" && <-asked != u.Host {
				t.Error("the proxy was asked for another address")
			}
		})
	}
}

// listen runs a server of connections until the test ends.
func listen(t *testing.T, certificate *tls.Certificate, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if certificate != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*certificate}})
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

// connectProxy opens a tunnel or answers with a status: with 407, whoever is not b@b.
func connectProxy(c net.Conn, asked chan<- string, status int) {
	in := bufio.NewReader(c)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	if status == http.StatusProxyAuthRequired && r.Header.Get("Proxy-Authorization") == "Basic "+base64.StdEncoding.EncodeToString([]byte("b@b:s3:cret")) {
		status = http.StatusOK
	}
	if r.Method != http.MethodConnect || status != http.StatusOK {
		_, _ = io.WriteString(c, "HTTP/1.1 "+strconv.Itoa(status)+" no\r\nContent-Length: 0\r\n\r\n")
		return
	}
	asked <- r.Host
	out, err := net.Dial("tcp", r.Host)
	if err != nil {
		return
	}
	defer out.Close()
	_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(out, in) }()
	_, _ = io.Copy(c, out)
}

// socksProxy is as much of RFC 1928 as one CONNECT to an IPv4 address takes, and of RFC 1929 for who offers a login.
func socksProxy(c net.Conn, asked chan<- string) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(c, head); err != nil || head[0] != 5 {
		return
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(c, methods); err != nil {
		return
	}
	if bytes.IndexByte(methods, 2) < 0 {
		_, _ = c.Write([]byte{5, 0})
	} else {
		_, _ = c.Write([]byte{5, 2})
		login := make([]byte, len("\x01\x03b@b\x07s3:cret"))
		if n, _ := io.ReadAtLeast(c, login, 5); string(login[:n]) != "\x01\x03b@b\x07s3:cret" {
			_, _ = c.Write([]byte{1, 1})
			return
		}
		_, _ = c.Write([]byte{1, 0})
	}
	request := make([]byte, 10)
	if _, err := io.ReadFull(c, request); err != nil || request[1] != 1 || request[3] != 1 {
		return
	}
	address := net.JoinHostPort(net.IP(request[4:8]).String(), strconv.Itoa(int(binary.BigEndian.Uint16(request[8:]))))
	asked <- address
	out, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer out.Close()
	_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	go func() { _, _ = io.Copy(out, c) }()
	_, _ = io.Copy(c, out)
}
