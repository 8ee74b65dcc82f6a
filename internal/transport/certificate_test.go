package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/sandbox"
)

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
