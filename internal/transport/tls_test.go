package transport

import (
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"testing"
)

// TestAlertBehindHandshake: who writes is told the alert that the peer has ended the session with, not that the pipe is broken.
func TestAlertBehindHandshake(t *testing.T) {
	unused := httptest.NewTLSServer(nil) // for its certificate
	defer unused.Close()
	certificate := unused.TLS.Certificates[0]
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		server := tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13})
		_ = server.HandshakeContext(t.Context())
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var shown session
	config := TLS{Insecure: true, Certificate: &certificate}.client("127.0.0.1", 0, &shown)
	c, err := handshake(t.Context(), nc, config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() { _, _ = io.Copy(io.Discard, c) }()
	for err == nil {
		_, err = c.Write([]byte("a request"))
	}
	if alert(err) == nil || !shown.asked {
		t.Errorf("%v, asked for a certificate: %t", err, shown.asked)
	}
}
