package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"
)

// ProxyLoginHint says what a proxy that answers 407 wants.
const ProxyLoginHint = "name a user, as in --proxy http://user@host:port, and a file with the password: proxy_password_file (WINRMCTL_PROXY_PASSWORD_FILE)"

// A ProxyError is a proxy that makes no tunnel.
type ProxyError struct {
	Proxy  string // host:port
	Status int    // of its answer to CONNECT, 0 where it has none
	Err    error  // cause, or nil
}

func (e *ProxyError) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("the proxy %s refuses the tunnel: HTTP %d %s", e.Proxy, e.Status, http.StatusText(e.Status))
	}
	return fmt.Sprintf("the proxy %s: %s", e.Proxy, Cause(e.Err))
}

func (e *ProxyError) Unwrap() error { return e.Err }

// dialTCP makes a TCP connection to the endpoint, through the proxy where there is one.
func (d *Dialer) dialTCP(ctx context.Context, network, address string) (net.Conn, error) {
	plain := d.config.Dial
	if plain == nil {
		plain = (&net.Dialer{}).DialContext
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := plain(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return acknowledging(nc), nil
	}
	p := d.config.Proxy
	if p == nil {
		return dial(ctx, network, address)
	}
	nc, err := tunnel(ctx, p, d.config.TLS.RootCAs, dial, network, address)
	if err == nil {
		return nc, nil
	}
	if e, ok := errors.AsType[*ProxyError](err); ok {
		return nil, e
	}
	return nil, &ProxyError{Proxy: p.Host, Err: err}
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Dial and DialContext implement the interfaces of package proxy.
func (f dialFunc) Dial(network, address string) (net.Conn, error) {
	return f(context.Background(), network, address)
}

func (f dialFunc) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return f(ctx, network, address)
}

// tunnel asks the proxy for a connection to address. roots are those that the endpoint is held to, nil for the system's.
func tunnel(ctx context.Context, p *url.URL, roots *x509.CertPool, dial dialFunc, network, address string) (net.Conn, error) {
	if p.Scheme == "socks5" {
		s, err := proxy.SOCKS5("tcp", p.Host, socksLogin(p), dial)
		if err != nil {
			return nil, err
		}
		return s.(proxy.ContextDialer).DialContext(ctx, network, address)
	}
	nc, err := dial(ctx, "tcp", p.Host)
	if err != nil {
		return nil, err
	}
	if p.Scheme == "https" {
		secured := tls.Client(nc, &tls.Config{ServerName: p.Hostname(), RootCAs: roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = nc.Close()
			return nil, err
		}
		nc = secured
	}
	if err := connectThrough(ctx, nc, p, address); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return nc, nil
}

// socksLogin is who logs in to a SOCKS5 proxy (RFC 1929), nil for nobody.
func socksLogin(p *url.URL) *proxy.Auth {
	if p.User == nil {
		return nil
	}
	password, _ := p.User.Password()
	return &proxy.Auth{User: p.User.Username(), Password: password}
}

// connectThrough asks an HTTP proxy for a tunnel (RFC 9110 9.3.6), for http endpoints too: a proxy that forwards requests
// does not keep one connection to the server for one of ours, which NTLM needs.
func connectThrough(ctx context.Context, nc net.Conn, p *url.URL, address string) error {
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if p.User != nil {
		password, _ := p.User.Password()
		request.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(p.User.Username()+":"+password)))
	}
	if err := request.Write(nc); err != nil {
		return err
	}
	// Byte by byte: what follows the answer belongs to the tunnel.
	response, err := http.ReadResponse(bufio.NewReaderSize(&slow{nc, 64 << 10}, 16), request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return &ProxyError{Proxy: p.Host, Status: response.StatusCode}
	}
	return nil
}

// slow reads one byte at a time, up to a bound.
type slow struct {
	r    io.Reader
	left int
}

func (s *slow) Read(b []byte) (int, error) {
	if s.left--; s.left < 0 {
		return 0, errors.New("its answer is too long")
	}
	return s.r.Read(b[:min(1, len(b))])
}
