package transport

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/sandbox"
)

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
