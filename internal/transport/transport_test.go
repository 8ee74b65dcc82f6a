package transport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/trace"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// identify is a message that every server answers.
func identify(t testing.TB) []byte {
	t.Helper()
	soap, err := (&wsman.Request{Body: wsman.Identify{}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return soap
}

func server(t *testing.T, o sandbox.Options) *sandbox.Server {
	t.Helper()
	o.Programs = sandbox.Builtin{}
	o.Log = func(text string) { t.Log("sandbox:", text) }
	s, err := sandbox.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// faults reads faults as users write them.
func faults(t *testing.T, specs ...string) (all []sandbox.Fault) {
	t.Helper()
	for _, spec := range specs {
		f, err := sandbox.ParseFault(spec)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

func dialer(t *testing.T, s *sandbox.Server, edit func(*Config)) *Dialer {
	t.Helper()
	c := Config{URL: s.URL(), ConnectTimeout: 5 * time.Second, UserAgent: "test"}
	if edit != nil {
		edit(&c)
	}
	d, err := NewDialer(c, auth.NewNTLM(s.User(), s.Password()))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestSealedLogin: two requests for a login that carries a message, one for each message after it, on one connection.
func TestSealedLogin(t *testing.T) {
	s := server(t, sandbox.Options{})
	d := dialer(t, s, nil)
	c, answer, err := d.Dial(t.Context(), identify(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 3 {
		if !bytes.Contains(answer, []byte("IdentifyResponse")) {
			t.Fatalf("answer %s", answer)
		}
		if answer, err = c.Post(t.Context(), identify(t)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Stats(); got.Connections != 1 || got.Logins != 1 || got.Requests != 5 || d.Requests() != 5 {
		t.Errorf("%+v, %d requests", got, d.Requests())
	}
}

// TestEmptyLogin: a server that refuses a message in the last request of a login is logged in to with an empty body, on a
// new connection, and from then on.
func TestEmptyLogin(t *testing.T) {
	for _, code := range []string{"", ",code=400", ",code=401", ",code=500"} {
		s := server(t, sandbox.Options{Faults: faults(t, "refuse-body"+code)})
		d := dialer(t, s, nil)
		for i, want := range []int{2 + 3, 3} {
			before := d.Requests()
			c, _, err := d.Dial(t.Context(), identify(t))
			if err != nil {
				t.Fatalf("%q: %v", code, err)
			}
			if got := d.Requests() - before; got != want {
				t.Errorf("%q: dial %d took %d requests, want %d", code, i, got, want)
			}
			_ = c.Close()
		}
	}
}

// TestLoginErrors: each way to fail a login has its kind.
func TestLoginErrors(t *testing.T) {
	for _, tc := range []struct {
		name     string
		options  sandbox.Options
		password string
		kind     auth.Kind
		text     string
	}{
		{"wrong password", sandbox.Options{Password: "right"}, "wrong", auth.Rejected, `the server refuses user sandbox (NTLM login, answered with 401)`},
		{"split login", sandbox.Options{Faults: faults(t, "split-login")}, "", auth.ConnectionClosed, "closed in the middle of the NTLM login"},
		{"not offered", sandbox.Options{Auth: []string{sandbox.AuthBasic}}, "", auth.NotOffered, "does not offer a login by NTLM, only Basic"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := server(t, tc.options)
			if tc.password == "" {
				tc.password = s.Password()
			}
			d, err := NewDialer(Config{URL: s.URL()}, auth.NewNTLM(s.User(), tc.password))
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = d.Dial(t.Context(), identify(t))
			var login *auth.Error
			if !errors.As(err, &login) || login.Kind != tc.kind || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// splitter is an HTTP client's transport that takes another connection for each request: the founding case.
type splitter struct{ http.RoundTripper }

// TestSplitLoginIsRefused: a client that sends the AUTHENTICATE_MESSAGE on another connection than the NEGOTIATE_MESSAGE
// gets 401, whatever it computes.
func TestSplitLoginIsRefused(t *testing.T) {
	s := server(t, sandbox.Options{})
	x, err := auth.NewNTLM(s.User(), s.Password()).Begin(auth.Peer{Sealing: true})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: splitter{&http.Transport{DisableKeepAlives: true}}}
	challenge, status := "", 0
	for range 2 {
		authorization, err := x.Next(challenge)
		if err != nil {
			t.Fatal(err)
		}
		request, _ := http.NewRequest(http.MethodPost, s.URL(), nil)
		request.Header.Set("Authorization", authorization)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		offer, _ := auth.Find(auth.Challenges(response.Header), "Negotiate")
		challenge, status = offer.Token, response.StatusCode
	}
	if status != http.StatusUnauthorized || challenge != "" || s.Stats().Logins != 0 {
		t.Errorf("status %d, challenge %q, %+v", status, challenge, s.Stats())
	}
}

// TestAnswers: what is no sealed SOAP answer has its kind and its sentence, and ends the connection.
func TestAnswers(t *testing.T) {
	for _, tc := range []struct {
		fault string
		kind  Kind
		text  string
	}{
		{"unsealed,on=Identify,nth=2", KindUnsealed, "answers in clear within a sealed session"},
		{"corrupt,on=Identify,nth=2", KindIntegrity, "does not open: ntlm: the signature does not verify"},
		{"drop,on=Identify,nth=2", KindLost, "lost: it was closed in place of an answer"},
		{"lose,on=Identify,nth=2", KindLost, "lost: it was closed in place of an answer"},
		{"truncate,on=Identify,nth=2", KindLost, "lost: it was closed in the middle of an answer"},
		{"status,on=Identify,nth=2,code=404", KindNotFound, "has no WS-Management at this path (HTTP 404)"},
		{"status,on=Identify,nth=2,code=413", KindRequestTooLarge, "larger than the server's MaxEnvelopeSizekb (HTTP 413)"},
		{"status,on=Identify,nth=2,code=502", KindProxy, "a proxy answers instead"},
		{"status,on=Identify,nth=2,code=503", KindNotReady, "is not ready: HTTP 503 Service Unavailable"},
		{"status,on=Identify,nth=2,code=200", KindNotWSMan, "does not speak WS-Management: HTTP 200 with text/html"},
		{"status,on=Identify,nth=2,code=500", KindNotWSMan, "does not speak WS-Management: HTTP 500 with text/html"},
		{"status,on=Identify,nth=2,code=400", KindBadRequest, "cannot read the request (HTTP 400)"},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			s := server(t, sandbox.Options{Faults: faults(t, tc.fault)})
			c, _, err := dialer(t, s, nil).Dial(t.Context(), identify(t))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = c.Post(t.Context(), identify(t))
			var e *Error
			if !errors.As(err, &e) || e.Kind != tc.kind || !strings.Contains(err.Error(), tc.text) {
				t.Fatalf("got %v", err)
			}
			if _, again := c.Post(t.Context(), identify(t)); again != err || c.Err() != err {
				t.Errorf("the error is not final: %v", again)
			}
		})
	}
}

// TestFaultsAreAnswers: a fault comes with HTTP 500, and is no error here.
func TestFaultsAreAnswers(t *testing.T) {
	s := server(t, sandbox.Options{Faults: faults(t, "fault,code=5")})
	_, answer, err := dialer(t, s, nil).Dial(t.Context(), identify(t))
	if err != nil || wsman.ParseEmpty(answer, "") == nil {
		t.Errorf("%v: %s", err, answer)
	}
}

// TestContext: a request that waits ends with its context, and says which end it was.
func TestContext(t *testing.T) {
	s := server(t, sandbox.Options{Faults: faults(t, "delay,for=1m,on=Identify,nth=2")})
	wrote := make(chan struct{}, 100)
	c, _, err := dialer(t, s, func(c *Config) {
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			nc, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return noticing{nc, wrote}, err
		}
	}).Dial(t.Context(), identify(t))
	if err != nil {
		t.Fatal(err)
	}
	for len(wrote) > 0 {
		<-wrote
	}
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-wrote
		cancel(why)
	}()
	if _, err := c.Post(ctx, identify(t)); !errors.Is(err, why) {
		t.Errorf("canceled: %v", err)
	}
	if c.Err() == nil {
		t.Error("the connection lives on")
	}

	s = server(t, sandbox.Options{Faults: faults(t, "delay,for=1m")})
	ctx2, cancel2 := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, why)
	defer cancel2()
	_, _, err = dialer(t, s, nil).Dial(ctx2, identify(t))
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindTimeout || !e.Lost() || !errors.Is(err, why) {
		t.Errorf("deadline: %v", err)
	}
}

// TestPostThrough: a message that is on its way is waited for a little when its context has ended; one that is not is not sent.
func TestPostThrough(t *testing.T) {
	why := errors.New("enough")
	post := func(fault string, grace time.Duration) (answer []byte, err error) {
		s := server(t, sandbox.Options{Faults: faults(t, fault)})
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		l := dialer(t, s, nil).Lane()
		defer l.Close()
		go func() {
			for s.Stats().Requests < 2 && t.Context().Err() == nil {
				time.Sleep(time.Millisecond)
			}
			cancel(why)
		}()
		return l.PostThrough(ctx, grace, identify(t))
	}
	if answer, err := post("delay,for=100ms,on=Identify", time.Minute); err != nil || !bytes.Contains(answer, []byte("IdentifyResponse")) {
		t.Errorf("a late answer: %q, %v", answer, err)
	}
	if _, err := post("delay,for=1m,on=Identify", 10*time.Millisecond); !errors.Is(err, why) {
		t.Errorf("an answer that is too late: %v", err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, why)
	defer cancel()
	d := dialer(t, server(t, sandbox.Options{}), func(c *Config) { c.URL = "http://" + silent.Addr().String() + "/wsman" })
	if _, err := d.Lane().PostThrough(ctx, time.Minute, identify(t)); !errors.Is(err, why) {
		t.Errorf("a login that hangs: %v", err)
	}
}

// noticing tells of every write.
type noticing struct {
	net.Conn
	wrote chan<- struct{}
}

func (n noticing) Write(b []byte) (int, error) {
	n.wrote <- struct{}{}
	return n.Conn.Write(b)
}

func TestConnectErrors(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := closed.Addr().String()
	_ = closed.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing on them
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for _, tc := range []struct {
		url  string
		kind Kind
		text string
	}{
		{"http://" + refused + "/wsman", KindUnreachable, "connect to " + refused + ": connection refused"},
		{"https://" + refused + "/wsman", KindUnreachable, "connect to " + refused + ": connection refused"},
		{"https://" + silent.Addr().String() + "/wsman", KindUnreachable, "no answer within the connect timeout"},
		{"http://" + silent.Addr().String() + "/wsman", KindUnreachable, "it takes connections, but does not answer within the connect timeout"},
		{"https://" + plain.Listener.Addr().String() + "/wsman", KindPlainText, "the port answers in clear, it does not speak https"},
		{"http://" + plain.Listener.Addr().String() + "/wsman", KindNotFound, "has no WS-Management at this path"},
	} {
		d, err := NewDialer(Config{URL: tc.url, ConnectTimeout: 200 * time.Millisecond}, auth.NewNTLM("u", "p"))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = d.Dial(t.Context(), identify(t))
		var e *Error
		if !errors.As(err, &e) || e.Kind != tc.kind || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v", tc.url, err)
		}
	}
	d, _ := NewDialer(Config{URL: "http://host.example:5985/wsman", Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "host.example", IsNotFound: true}
	}}, auth.NewNTLM("u", "p"))
	if _, _, err := d.Dial(t.Context(), identify(t)); err == nil || err.Error() != "connect to host.example:5985: the host name is unknown" {
		t.Error(err)
	}
	for _, bad := range []string{"", "web1:5985", "ftp://x/", "http:///wsman", "http://[::1/wsman"} {
		if _, err := NewDialer(Config{URL: bad}, nil); err == nil {
			t.Errorf("endpoint %q is taken", bad)
		}
	}
}

// pool trusts the sandbox's certificate authority.
func pool(t *testing.T, s *sandbox.Server) *x509.CertPool {
	t.Helper()
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(s.CA()) {
		t.Fatal("no certificate in the CA file")
	}
	return p
}

func TestTLS(t *testing.T) {
	s := server(t, sandbox.Options{HTTPS: true})
	other := server(t, sandbox.Options{HTTPS: true})
	var leaf []byte
	for _, tc := range []struct {
		name string
		edit func(*Config)
		text string // of the error, "" for none
	}{
		{"its CA", func(c *Config) { c.TLS.RootCAs = pool(t, s) }, ""},
		{"its CA, sealed", func(c *Config) { c.TLS.RootCAs, c.Encryption = pool(t, s), EncryptionAlways }, ""},
		{"its CA, another name of it", func(c *Config) { c.TLS.RootCAs, c.TLS.ServerName = pool(t, s), "localhost" }, ""},
		{"nothing is checked", func(c *Config) { c.TLS.Insecure = true }, ""},
		{"fingerprint", func(c *Config) { f := sha256.Sum256(leaf); c.TLS.Fingerprint = f[:] }, ""},
		{"another fingerprint", func(c *Config) { c.TLS.Fingerprint = make([]byte, 32) }, "the certificate has another fingerprint: SHA-256 "},
		{"another CA", func(c *Config) { c.TLS.RootCAs = pool(t, other) }, "certificate signed by unknown authority"},
		{"another name", func(c *Config) { c.TLS.RootCAs, c.TLS.ServerName = pool(t, s), "web1.example" }, "certificate is valid for localhost, not web1.example"},
	} {
		d := dialer(t, s, tc.edit)
		c, _, err := d.Dial(t.Context(), identify(t))
		if tc.text == "" {
			if err != nil {
				t.Errorf("%s: %v", tc.name, err)
				continue
			}
			leaf = c.tls.leaf.Raw
			if sealed := c.codec != nil; sealed != (d.config.Encryption == EncryptionAlways) {
				t.Errorf("%s: sealed %v", tc.name, sealed)
			}
			_ = c.Close()
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Kind != KindTLS || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// TestLane: dialled when it is used, dialled again after it broke, and never sends anything twice.
func TestLane(t *testing.T) {
	s := server(t, sandbox.Options{Faults: faults(t, "drop,on=Identify,nth=2", "close,on=Identify,nth=3")})
	l := dialer(t, s, nil).Lane()
	if s.Stats().Connections != 0 {
		t.Error("dialled before use")
	}
	post := func() error { _, err := l.Post(t.Context(), identify(t)); return err }
	if err := post(); err != nil {
		t.Fatal(err)
	}
	if err := post(); err == nil {
		t.Error("a dropped request has no error")
	}
	for i := range 3 {
		if err := post(); err != nil {
			t.Errorf("request %d after it broke: %v", i, err)
		}
	}
	if got := s.Stats(); got.Connections != 3 {
		t.Errorf("%+v", got)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := post(); !errors.Is(err, ErrLaneClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestUnsent: a connection that ended when it was about to be used is replaced, since the server has seen nothing. One that breaks
// later is not.
func TestUnsent(t *testing.T) {
	for _, https := range []bool{false, true} {
		s := server(t, sandbox.Options{HTTPS: https, Faults: faults(t, "drop,on=Identify,nth=3")})
		l := dialer(t, s, func(c *Config) { c.TLS.Insecure = true }).Lane()
		defer l.Close()
		if _, err := l.Post(t.Context(), identify(t)); err != nil {
			t.Fatal(err)
		}
		c, _, err := l.current()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.client.Close() // as net/http does behind the back of its callers
		if answer, broken, err := l.on(t.Context(), c, identify(t)); answer != nil || broken == nil || err != nil {
			t.Errorf("https %v: %q, %v, %v", https, answer, broken, err)
		}
		if answer, err := l.Post(t.Context(), identify(t)); err != nil || !bytes.Contains(answer, []byte("IdentifyResponse")) {
			t.Errorf("https %v: %q, %v", https, answer, err)
		}
		if n := s.Stats().Connections; n != 2 {
			t.Errorf("https %v: %d connections", https, n)
		}
		var e *Error
		if _, err := l.Post(t.Context(), identify(t)); !errors.As(err, &e) || e.Unsent {
			t.Errorf("https %v: what the server has seen is sent again: %v", https, err)
		}
	}
}

// TestPostSame: who wants to know hears that the connection is not there any more, and nothing was sent; a connection that the
// server announced to close counts for no such thing.
func TestPostSame(t *testing.T) {
	s := server(t, sandbox.Options{Faults: faults(t, "close,on=Identify,nth=2")})
	d := dialer(t, s, nil)
	l := d.Lane()
	defer l.Close()
	for i := range 3 {
		if _, err := l.PostSame(t.Context(), identify(t)); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	c, _, err := l.current()
	if err != nil {
		t.Fatal(err)
	}
	_ = c.client.Close()
	before := d.Requests()
	var e *Error
	if _, err := l.PostSame(t.Context(), identify(t)); !errors.As(err, &e) || !e.Unsent || !e.Lost() || d.Requests() != before {
		t.Errorf("%v, %d requests", err, d.Requests()-before)
	}
	if _, err := l.PostSame(t.Context(), identify(t)); err != nil || s.Stats().Connections != 3 {
		t.Errorf("%v, %+v", err, s.Stats())
	}
}

// TestAstray: what somebody else answers to a login says nothing of the message, which was not sent.
func TestAstray(t *testing.T) {
	s := server(t, sandbox.Options{Faults: faults(t, "status,on=Identify,nth=1,code=404")})
	page := httptest.NewServer(http.NotFoundHandler())
	defer page.Close()
	for _, tc := range []struct {
		url    string
		unsent bool
	}{{page.URL + "/wsman", true}, {s.URL(), false}} {
		var e *Error
		l := dialer(t, s, func(c *Config) { c.URL = tc.url }).Lane()
		if _, err := l.Post(t.Context(), identify(t)); !errors.As(err, &e) || e.Kind != KindNotFound || !e.Astray() || e.NotSent() != tc.unsent {
			t.Errorf("%s: %v, not sent: %v", tc.url, err, e.NotSent())
		}
	}
}

// TestCutLogin: a login whose connection has ended between two requests is begun anew, but not for ever.
func TestCutLogin(t *testing.T) {
	s := server(t, sandbox.Options{})
	d := dialer(t, s, nil)
	c, err := d.open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.mechanism = &hooked{Mechanism: d.mechanisms[0], hook: c.client.Close}
	var cut *cutError
	var login *auth.Error
	if _, err := c.authenticate(t.Context(), identify(t), true); !errors.As(err, &cut) || !errors.As(err, &login) || login.Kind != auth.ConnectionClosed {
		t.Errorf("between two requests: %v", err)
	}
	for cuts := range maxCuts + 1 {
		m := &hooked{Mechanism: d.mechanisms[0]}
		left := cuts
		m.hook = func() error {
			if left--; left >= 0 {
				return &cutError{io.EOF}
			}
			return nil
		}
		c, answer, err := d.login(t.Context(), m, identify(t), true)
		if ok := err == nil && bytes.Contains(answer, []byte("IdentifyResponse")); ok != (cuts < maxCuts) || !ok && errors.As(err, &cut) {
			t.Errorf("cut %d times: %q, %v", cuts, answer, err)
		}
		if c != nil {
			_ = c.Close()
		}
	}
}

// hooked runs something between two requests of a login.
type hooked struct {
	auth.Mechanism
	hook func() error
}

func (h *hooked) Begin(p auth.Peer) (auth.Exchange, error) {
	x, err := h.Mechanism.Begin(p)
	return &hookedExchange{x, h.hook}, err
}

type hookedExchange struct {
	auth.Exchange
	hook func() error
}

func (h *hookedExchange) Next(challenge string) (string, error) {
	authorization, err := h.Exchange.Next(challenge)
	if err == nil && challenge != "" {
		err = h.hook()
	}
	return authorization, err
}

// TestConcurrentLogins: many logins at once, each on a connection of its own, none refused.
func TestConcurrentLogins(t *testing.T) {
	s := server(t, sandbox.Options{})
	d := dialer(t, s, nil)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			c, _, err := d.Dial(t.Context(), identify(t))
			if err != nil {
				t.Error(err)
				return
			}
			_ = c.Close()
		})
	}
	wg.Wait()
	if got := s.Stats(); got.Logins != 200 || got.Connections != 200 {
		t.Errorf("%+v", got)
	}
}

// TestTraceHoldsNoSecrets: neither the password nor what it could be guessed from is observed.
func TestTraceHoldsNoSecrets(t *testing.T) {
	s := server(t, sandbox.Options{Password: "S3cret-Passw0rd"})
	var mu sync.Mutex
	var records []trace.Record
	d := dialer(t, s, func(c *Config) {
		c.Observe = func(r trace.Record) {
			mu.Lock()
			defer mu.Unlock()
			records = append(records, r)
		}
	})
	c, _, err := d.Dial(t.Context(), identify(t))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	text := fmt.Sprintf("%+v", records)
	for _, r := range records {
		for _, m := range []*trace.Message{r.Request, r.Answer} {
			if m != nil {
				text += fmt.Sprintf("%+v", *m)
			}
		}
	}
	if !strings.Contains(text, "AUTHENTICATE_MESSAGE of") || !strings.Contains(text, "IdentifyResponse") || !strings.Contains(text, "TlRMTVNTUAAB") {
		t.Errorf("the trace lacks something: %s", text)
	}
	for _, secret := range []string{"S3cret", "TlRMTVNTUAAD"} {
		if strings.Contains(text, secret) {
			t.Errorf("the trace holds %q", secret)
		}
	}
	if len(records) != 4 || records[0].Event != "connect" || records[3].Event != "close" {
		t.Errorf("%d records", len(records))
	}
}

// TestHeaders: a request has the headers that are meant, and no others; compressed answers are not asked for.
func TestHeaders(t *testing.T) {
	headers := make(chan http.Header, 10)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header
		w.Header().Set("Content-Type", "application/soap+xml")
		_, _ = io.WriteString(w, "<x/>")
	}))
	defer plain.Close()
	d, err := NewDialer(Config{URL: plain.URL + "/wsman", Encryption: EncryptionNever, UserAgent: "winrmctl/1"}, auth.NewBasic("u", "p"))
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := d.Dial(t.Context(), identify(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := http.Header{
		"Accept-Encoding": {"identity"}, "Authorization": {"Basic dTpw"}, "Content-Length": {fmt.Sprint(len(identify(t)))},
		"Content-Type": {"application/soap+xml;charset=UTF-8"}, "User-Agent": {"winrmctl/1"},
	}
	if got := <-headers; !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

// TestBounds: an endless answer is cut off.
func TestBounds(t *testing.T) {
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/soap+xml")
		block := make([]byte, 64<<10)
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	d, err := NewDialer(Config{URL: endless.URL}, auth.NewNTLM("u", "p"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = d.Dial(t.Context(), identify(t))
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindTooLarge {
		t.Error(err)
	}
}
