package probe

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/sandbox"
)

// edit changes what a test runs.
type edit func(*testing.T, *Options, *sandbox.Server)

func both(edits ...edit) edit {
	return func(t *testing.T, o *Options, s *sandbox.Server) {
		for _, e := range edits {
			e(t, o, s)
		}
	}
}

func password(p string) edit {
	return func(_ *testing.T, o *Options, _ *sandbox.Server) { o.Login = []auth.Mechanism{auth.NewNTLM("bob", p)} }
}

func user(name string) edit {
	return func(_ *testing.T, o *Options, _ *sandbox.Server) {
		o.Login, o.User = []auth.Mechanism{auth.NewNTLM(name, "wrong")}, name
	}
}

func basic(t *testing.T, o *Options, s *sandbox.Server) { basicAs("bob", s.Password())(t, o, s) }

func basicAs(user, password string) edit {
	return func(_ *testing.T, o *Options, _ *sandbox.Server) {
		o.Login, o.User = []auth.Mechanism{auth.NewBasic(user, password)}, user
	}
}

func trusting(_ *testing.T, o *Options, s *sandbox.Server) {
	o.Config.TLS.RootCAs = x509.NewCertPool()
	o.Config.TLS.RootCAs.AppendCertsFromPEM(s.CA())
}

func at(offset time.Duration) edit {
	return func(_ *testing.T, o *Options, _ *sandbox.Server) {
		o.Now = func() time.Time { return time.Now().Add(offset) }
	}
}

func clock(offset time.Duration) edit { return at(offset) }

// front puts an HTTP proxy before the sandbox that answers itself, or passes requests on without keeping connections.
func front(answer func(http.ResponseWriter, *http.Request, http.Handler)) edit {
	return func(t *testing.T, o *Options, s *sandbox.Server) {
		u, _ := url.Parse(s.URL())
		pass := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: u.Scheme, Host: u.Host})
		pass.Transport = &http.Transport{DisableKeepAlives: true}
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if answer != nil {
				answer(w, r, pass)
				return
			}
			w.Header().Set("Via", "1.1 proxy.example")
			w.Header().Set("Connection", "close")
			pass.ServeHTTP(w, r)
		})
		proxy := httptest.NewServer(h)
		t.Cleanup(proxy.Close)
		o.Config.URL = proxy.URL + "/wsman"
	}
}

// pinning keeps one connection to the server for a connection of a client, until so many requests have gone by.
func pinning(last int) edit {
	return func(t *testing.T, o *Options, s *sandbox.Server) {
		u, _ := url.Parse(s.URL())
		o.Config.URL = "http://" + listening(t, func(in net.Conn) {
			var out net.Conn
			var answers *bufio.Reader
			requests := bufio.NewReader(in)
			for n := range 100 {
				r, err := http.ReadRequest(requests)
				if err != nil {
					return
				}
				if out == nil || n == last {
					if out, err = net.Dial("tcp", u.Host); err != nil {
						return
					}
					defer out.Close()
					answers = bufio.NewReader(out)
				}
				if err := r.Write(out); err != nil {
					return
				}
				a, err := http.ReadResponse(answers, r)
				if err != nil {
					return
				}
				a.Close = false
				if a.Write(in) != nil {
					return
				}
			}
		}) + "/wsman"
	}
}

// keeping hides that the connection behind a proxy is closed, as proxies do.
type keeping struct{ http.ResponseWriter }

func (k *keeping) WriteHeader(code int) {
	k.Header().Del("Connection")
	k.ResponseWriter.WriteHeader(code)
}

// cutting passes on bytes, until a challenge has gone by.
func cutting(t *testing.T, o *Options, s *sandbox.Server) {
	u, _ := url.Parse(s.URL())
	o.Config.URL = "http://" + listening(t, func(in net.Conn) {
		out, err := net.Dial("tcp", u.Host)
		if err != nil {
			return
		}
		defer out.Close()
		go func() { _, _ = io.Copy(out, in) }()
		b := make([]byte, 64<<10)
		for {
			n, err := out.Read(b)
			if _, failed := in.Write(b[:n]); err != nil || failed != nil || strings.Contains(string(b[:n]), "Negotiate T") {
				return
			}
		}
	}) + "/wsman"
}

// greeting begins with a text, and answers nothing.
func greeting(text string) edit {
	return func(t *testing.T, o *Options, _ *sandbox.Server) {
		o.Config.URL = "http://" + listening(t, func(c net.Conn) {
			_, _ = io.WriteString(c, text)
			_, _ = io.Copy(io.Discard, c)
		}) + "/wsman"
	}
}

// listening serves connections until the test ends.
func listening(t *testing.T, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
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

func status(code int, contentType, body string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// spread puts a load balancer before two sandboxes: it changes the server with each connection, or with each request.
func spread(requests bool) edit {
	return func(t *testing.T, o *Options, s *sandbox.Server) {
		second, err := sandbox.Start(sandbox.Options{ComputerName: "OTHER", User: s.User(), Password: s.Password(), Programs: sandbox.Builtin{}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = second.Close() })
		var hosts []string
		for _, each := range []*sandbox.Server{s, second} {
			u, _ := url.Parse(each.URL())
			hosts = append(hosts, u.Host)
		}
		var n atomic.Int32
		if requests {
			balancer := httptest.NewServer(&httputil.ReverseProxy{
				Rewrite: func(r *httputil.ProxyRequest) {
					r.SetURL(&url.URL{Scheme: "http", Host: hosts[int(n.Add(1))%2]})
				},
				ModifyResponse: func(r *http.Response) error { r.Header.Del("Connection"); return nil },
			})
			t.Cleanup(balancer.Close)
			o.Config.URL = balancer.URL + "/wsman"
			return
		}
		o.Config.URL = "http://" + listening(t, func(in net.Conn) {
			if out, err := net.Dial("tcp", hosts[int(n.Add(1))%2]); err == nil {
				pipe(in, out)
			}
		}) + "/wsman"
	}
}

// pipe passes bytes on in both directions.
func pipe(in, out net.Conn) {
	go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
	_, _ = io.Copy(in, out)
}

// tunnelling is a proxy that knows one name.
func tunnelling(t *testing.T, name, address string) string {
	return listening(t, func(in net.Conn) {
		r, err := http.ReadRequest(bufio.NewReaderSize(in, 16))
		if err != nil || r.Method != http.MethodConnect || r.Host != name {
			return
		}
		if out, err := net.Dial("tcp", address); err == nil {
			_, _ = io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
			pipe(in, out)
		}
	})
}

// middleBox ends TLS before the server, and begins another session with it.
func middleBox(t *testing.T, o *Options, s *sandbox.Server) { boxWith(t, o, s, selfSigned(t, "box")) }

func boxWith(t *testing.T, o *Options, s *sandbox.Server, certificate *tls.Certificate) {
	u, _ := url.Parse(s.URL())
	dial := func() (net.Conn, error) {
		if u.Scheme == "http" {
			return net.Dial("tcp", u.Host)
		}
		return tls.Dial("tcp", u.Host, &tls.Config{InsecureSkipVerify: true})
	}
	o.Config.TLS.RootCAs = x509.NewCertPool()
	o.Config.TLS.RootCAs.AddCert(certificate.Leaf)
	o.Config.URL = "https://" + listening(t, func(in net.Conn) {
		if out, err := dial(); err == nil {
			pipe(tls.Server(in, &tls.Config{Certificates: []tls.Certificate{*certificate}}), out)
		}
	}) + "/wsman"
}

func selfSigned(t *testing.T, name string, usage ...x509.ExtKeyUsage) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: usage,
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
