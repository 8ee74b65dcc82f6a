package probe

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/transport"
)

func server(t *testing.T, o sandbox.Options, specs ...string) *sandbox.Server {
	t.Helper()
	o.Programs = sandbox.Builtin{}
	o.Log = func(text string) { t.Log("sandbox:", text) }
	for _, spec := range specs {
		f, err := sandbox.ParseFault(spec)
		if err != nil {
			t.Fatal(err)
		}
		o.Faults = append(o.Faults, f)
	}
	s, err := sandbox.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// codes are those of a report's findings, guesses with a question mark.
func codes(r *Report) string {
	var all []string
	for _, f := range r.Findings {
		code := string(f.Code)
		if !f.Certain {
			code += "?"
		}
		all = append(all, code)
	}
	return strings.Join(all, " ")
}

// statuses are the steps of a report.
func statuses(r *Report) string {
	var all []string
	for _, s := range r.Steps {
		all = append(all, s.Name+":"+string(s.Status))
	}
	return strings.Join(all, " ")
}

func run(t *testing.T, o Options) *Report {
	t.Helper()
	if o.Config.ConnectTimeout == 0 {
		o.Config.ConnectTimeout = 5 * time.Second
	}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if !slices.Contains(Codes(), f.Code) {
			t.Errorf("code %s is not in the list", f.Code)
		}
		if f.Text == "" {
			t.Errorf("finding %s has no text", f.Code)
		}
	}
	return r
}

func TestHealthy(t *testing.T) {
	s := server(t, sandbox.Options{})
	r := run(t, Options{Config: transport.Config{URL: s.URL()}, Login: []auth.Mechanism{auth.NewNTLM(s.User(), s.Password())}, User: s.User()})
	if got := statuses(r); got != "resolve:skipped tcp:ok tls:skipped identify:ok offers:ok challenge:ok clock:ok login:ok spnego:ok shell:ok" {
		t.Error(got)
	}
	if !r.Reached || !r.Tried || !r.LoggedIn || codes(r) != "" {
		t.Errorf("%+v", r)
	}
	r = run(t, Options{Config: transport.Config{URL: s.URL()}})
	if got := statuses(r); got != "resolve:skipped tcp:ok tls:skipped identify:ok offers:ok challenge:ok clock:ok login:skipped" || !r.Reached || r.Tried {
		t.Errorf("without credentials: %s", got)
	}
	secure := server(t, sandbox.Options{HTTPS: true, Bindings: sandbox.BindingsStrict})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(secure.CA())
	r = run(t, Options{Config: transport.Config{URL: secure.URL(), TLS: transport.TLS{RootCAs: roots}}, Login: []auth.Mechanism{auth.NewNTLM(secure.User(), secure.Password())}, User: secure.User()})
	if !r.LoggedIn || codes(r) != "" {
		t.Errorf("https: %s, %s", statuses(r), codes(r))
	}
}

// TestEachMechanism: every login that there are credentials for is tried on its own, and one that fails does not end it.
func TestEachMechanism(t *testing.T) {
	s := server(t, sandbox.Options{HTTPS: true, User: "bob", Auth: []string{sandbox.AuthNegotiate, sandbox.AuthCertificate}})
	o := Options{Config: transport.Config{URL: s.URL()}, User: "bob", Login: []auth.Mechanism{auth.NewCertificate("CN=client"), auth.NewNTLM("bob", s.Password())}}
	trusting(t, &o, s)
	o.Config.TLS.Certificate = selfSigned(t, "client")
	r := run(t, o)
	if got := statuses(r); !strings.HasSuffix(got, "login:failed login:ok spnego:ok shell:ok") || !r.LoggedIn || codes(r) != "certificate-not-mapped" {
		t.Errorf("%s, %s", got, codes(r))
	}
}

// TestDiagnoses: each fault has its finding, by evidence, and as a guess where there is none.
func TestDiagnoses(t *testing.T) {
	for _, tc := range []struct {
		name    string
		options sandbox.Options
		faults  []string
		edit    edit
		codes   string
		text    string // of the first finding
		reached bool
		login   bool // a login works
		logins  int  // at most so many failed ones
	}{
		{name: "wrong password", edit: password("wrong"), codes: "credentials?", reached: true, logins: 1},
		{name: "account of a domain that the host is not in", edit: user(`CORP\bob`), codes: "credentials? local-account?", reached: true, logins: 1},
		{name: "split login", faults: []string{"split-login"}, codes: "login-split", reached: true},
		{name: "no connection is kept", faults: []string{"close,on=login"}, codes: "login-split", reached: true},
		{name: "cut behind the challenge", edit: cutting, codes: "login-split", reached: true},
		{name: "one server, another connection for each request", edit: front(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			pass.ServeHTTP(&keeping{w}, r)
		}), codes: "credentials?", reached: true},
		{name: "another connection behind the login", edit: pinning(3), codes: "login-split", reached: true},
		{name: "takes the login's header away", edit: front(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			r.Header.Del("Authorization")
			pass.ServeHTTP(&keeping{w}, r)
		}), codes: "challenge-unusable", reached: true},
		{name: "no HTTP", edit: greeting("SSH-2.0-OpenSSH_9.2\r\n"), codes: "not-winrm"},
		{name: "takes connections and says nothing", edit: both(greeting(""), func(_ *testing.T, o *Options, _ *sandbox.Server) { o.Config.ConnectTimeout = 50 * time.Millisecond }), codes: "not-ready?"},
		{name: "load balancer that spreads connections", edit: spread(false), codes: "load-balancer", text: "connections are answered by different computers", reached: true, login: true},
		{name: "load balancer that spreads requests", edit: spread(true), codes: "load-balancer credentials?", text: "requests of one connection are answered by different computers", reached: true, logins: 1},
		{name: "proxy that answers with 502", edit: front(status(http.StatusBadGateway, "text/html", "")), codes: "proxy-answers"},
		{name: "proxy that wants a login", edit: front(status(http.StatusProxyAuthRequired, "text/html", "")), codes: "proxy-answers"},
		{name: "proxy that says so", edit: front(nil), codes: "proxy-answers login-split", reached: true},
		{name: "a page", edit: front(status(http.StatusOK, "text/html", "<html>welcome</html>")), codes: "not-winrm"},
		{name: "IIS", edit: front(status(http.StatusNotFound, "text/html", "")), codes: "not-winrm"},
		{name: "503", edit: front(status(http.StatusServiceUnavailable, "text/html", "")), codes: "not-ready"},
		{name: "sealing is wanted", edit: func(_ *testing.T, o *Options, _ *sandbox.Server) { o.Config.Encryption = transport.EncryptionNever }, codes: "sealing-required", reached: true},
		{name: "Negotiate is not offered", options: sandbox.Options{Auth: []string{sandbox.AuthBasic}}, codes: "negotiate-not-offered", reached: true},
		{name: "Basic over http", options: sandbox.Options{Auth: []string{sandbox.AuthBasic}}, edit: basic, codes: "basic-over-http", reached: true},
		{name: "Basic with a wrong password", options: sandbox.Options{HTTPS: true, Auth: []string{sandbox.AuthBasic}}, edit: both(basicAs("bob", "wrong"), trusting), codes: "credentials?", reached: true, logins: 1},
		{name: "Basic for a domain", options: sandbox.Options{HTTPS: true, Auth: []string{sandbox.AuthBasic}}, edit: both(basicAs(`CORP\bob`, "x"), trusting), codes: "credentials? local-account?", reached: true, logins: 1},
		{name: "Basic cannot seal", options: sandbox.Options{HTTPS: true, Auth: []string{sandbox.AuthBasic}}, edit: both(basic, trusting, func(_ *testing.T, o *Options, _ *sandbox.Server) {
			o.Config.Encryption = transport.EncryptionAlways
		}), codes: "login-impossible", reached: true},
		{name: "Basic is not offered", options: sandbox.Options{HTTPS: true}, edit: both(basic, trusting), codes: "basic-not-offered", reached: true},
		{name: "SPNEGO is insisted on", faults: []string{"spnego"}, reached: true, login: true},
		{name: "no challenge at all", edit: front(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.Header().Set("WWW-Authenticate", "Negotiate")
			w.WriteHeader(http.StatusUnauthorized)
		}), codes: "challenge-unusable", reached: true},
		{name: "clock off by less than Kerberos minds", edit: clock(290 * time.Second), reached: true, login: true},
		{name: "clock off by more", edit: clock(-310 * time.Second), codes: "clock-skew", reached: true, login: true},
		{name: "clock off by less than NTLM minds", edit: clock(29 * time.Minute), codes: "clock-skew", reached: true, login: true},
		{name: "clock off by more than that", edit: clock(-31 * time.Minute), codes: "clock-skew-ntlm", reached: true, login: true},
		{name: "clock that has begun anew", edit: clock((1000*24 + 1) * time.Hour), codes: "clock-skew-ntlm", text: "the clocks differ by 1000 days", reached: true, login: true},
		{name: "https spoken to an http port", edit: func(_ *testing.T, o *Options, s *sandbox.Server) {
			o.Config.URL = strings.Replace(s.URL(), "http:", "https:", 1)
		}, codes: "https-to-http-port"},
		{name: "http spoken to an https port", options: sandbox.Options{HTTPS: true}, edit: func(_ *testing.T, o *Options, s *sandbox.Server) {
			o.Config.URL = strings.Replace(s.URL(), "https:", "http:", 1)
		}, codes: "http-to-https-port"},
		{name: "nothing there", edit: func(_ *testing.T, o *Options, s *sandbox.Server) { o.Config.URL = "http://127.0.0.1:1/wsman" }, codes: "tcp-refused"},
		{name: "silence", edit: func(_ *testing.T, o *Options, s *sandbox.Server) {
			o.Config.ConnectTimeout = 20 * time.Millisecond
			o.Config.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}, codes: "tcp-timeout"},
		{name: "proxy that makes no tunnel", edit: func(_ *testing.T, o *Options, s *sandbox.Server) { o.Config.Proxy, _ = url.Parse("http://127.0.0.1:1") }, codes: "proxy-tunnel"},
		{name: "another issuer", options: sandbox.Options{HTTPS: true}, codes: "certificate-issuer untrusted-no-login", reached: true},
		{name: "expired", options: sandbox.Options{HTTPS: true}, edit: both(trusting, at(48*time.Hour)), codes: "certificate-expired clock-skew-ntlm untrusted-no-login", reached: true},
		{name: "not yet valid", options: sandbox.Options{HTTPS: true}, edit: both(trusting, at(-48*time.Hour)), codes: "certificate-not-yet-valid clock-skew-ntlm untrusted-no-login", reached: true},
		{name: "not for servers", options: sandbox.Options{HTTPS: true}, edit: func(t *testing.T, o *Options, s *sandbox.Server) {
			boxWith(t, o, s, selfSigned(t, "box", x509.ExtKeyUsageClientAuth))
		}, codes: "certificate-invalid untrusted-no-login", reached: true},
		{name: "another name", options: sandbox.Options{HTTPS: true}, edit: both(trusting, func(_ *testing.T, o *Options, _ *sandbox.Server) { o.Config.TLS.ServerName = "web1.example" }),
			codes: "certificate-name untrusted-no-login", reached: true},
		{name: "another fingerprint", options: sandbox.Options{HTTPS: true}, edit: func(_ *testing.T, o *Options, _ *sandbox.Server) { o.Config.TLS.Fingerprint = make([]byte, 32) },
			codes: "certificate-fingerprint untrusted-no-login", reached: true},
		{name: "insecure", options: sandbox.Options{HTTPS: true}, edit: func(_ *testing.T, o *Options, _ *sandbox.Server) { o.Config.TLS.Insecure = true }, codes: "certificate-issuer", reached: true, login: true},
		{name: "a box ends TLS", options: sandbox.Options{HTTPS: true}, edit: middleBox, codes: "channel-bindings-wrong", reached: true, logins: 1},
		{name: "a box ends TLS, and the server is strict", options: sandbox.Options{HTTPS: true, Bindings: sandbox.BindingsStrict}, edit: middleBox, codes: "credentials? channel-bindings-suspected?", reached: true, logins: 2},
		{name: "wrong password over https", options: sandbox.Options{HTTPS: true}, edit: both(trusting, password("wrong")), codes: "credentials? channel-bindings-suspected?", reached: true, logins: 2},
		{name: "no Identify within a login", faults: []string{"status,code=500,on=Identify"}, reached: true, login: true},
		{name: "nothing but errors", faults: []string{"status,code=500"}, codes: "unexpected-answer", reached: true},
		{name: "no shells", faults: []string{"status,code=500,on=Create"}, codes: "unexpected-answer", reached: true, login: true},
		{name: "a login that is not one for a shell", faults: []string{"status,code=401,on=Create"}, codes: "login-split?", reached: true, login: true},
		{name: "a shell that is answered in clear", faults: []string{"unsealed,on=Create"}, codes: "unsealed-answer", reached: true, login: true},
		{name: "a shell that is falsified", faults: []string{"corrupt,on=Create"}, codes: "answer-falsified", reached: true, login: true},
		{name: "no time for shells", faults: []string{"status,code=503,on=Create"}, codes: "not-ready", reached: true, login: true},
		{name: "a shell that is cut off", faults: []string{"drop,on=Create"}, codes: "connection-cut", reached: true, login: true},
		{name: "not an administrator", faults: []string{"fault,code=5,on=Create"}, codes: "not-administrator", reached: true, login: true},
		{name: "a quota", options: sandbox.Options{}, faults: []string{"fault,code=2150859173,on=Create"}, codes: "refused", reached: true, login: true},
		{name: "answers in clear", options: sandbox.Options{AllowUnencrypted: true}, faults: []string{"unsealed,on=Identify,nth=2"}, codes: "unsealed-answer", reached: true},
		{name: "falsified", faults: []string{"corrupt,on=Identify"}, codes: "answer-falsified", reached: true},
		{name: "certificate of nobody", options: sandbox.Options{HTTPS: true, Auth: []string{sandbox.AuthNegotiate, sandbox.AuthCertificate}}, edit: both(trusting, func(t *testing.T, o *Options, _ *sandbox.Server) {
			o.Config.TLS.Certificate, o.User = selfSigned(t, "client"), ""
			o.Login = []auth.Mechanism{auth.NewCertificate("CN=client")}
		}), codes: "certificate-not-mapped", reached: true},
		{name: "certificate that nobody asks for", options: sandbox.Options{HTTPS: true}, edit: both(trusting, func(t *testing.T, o *Options, _ *sandbox.Server) {
			o.Config.TLS.Certificate, o.User = selfSigned(t, "client"), ""
			o.Login = []auth.Mechanism{auth.NewCertificate("CN=client")}
		}), codes: "certificate-not-offered", reached: true},
		{name: "a box ends TLS, and the server sees http", edit: middleBox, codes: "sealing-required", reached: true, logins: 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.options.User = "bob"
			s := server(t, tc.options, tc.faults...)
			o := Options{Config: transport.Config{URL: s.URL()}, Login: []auth.Mechanism{auth.NewNTLM("bob", s.Password())}, User: "bob"}
			if tc.edit != nil {
				tc.edit(t, &o, s)
			}
			r := run(t, o)
			if got := codes(r); got != tc.codes {
				t.Errorf("findings %q, want %q\n%s", got, tc.codes, statuses(r))
				for _, f := range r.Findings {
					t.Log(f.Code, f.Text)
				}
			}
			if r.Reached != tc.reached || r.LoggedIn != tc.login {
				t.Errorf("reached %v, logged in %v", r.Reached, r.LoggedIn)
			}
			if tc.text != "" && (len(r.Findings) == 0 || !strings.HasPrefix(r.Findings[0].Text, tc.text)) {
				t.Errorf("it says %+v", r.Findings)
			}
			if refused := s.Stats().Refused; refused > tc.logins {
				t.Errorf("%d logins were refused, which count towards a lockout", refused)
			}
		})
	}
}

// TestDocumentation: docs/probe-auth.md has a row for each code.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "probe-auth.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range Codes() {
		if !strings.Contains(string(text), "\n| `"+string(code)+"`") {
			t.Errorf("%s is not documented", code)
		}
	}
}

// TestDocumentedKeys: docs/probe-auth.md has each key of the JSON form.
func TestDocumentedKeys(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "probe-auth.md"))
	if err != nil {
		t.Fatal(err)
	}
	secure := server(t, sandbox.Options{HTTPS: true}, "via")
	o := Options{Config: transport.Config{URL: strings.Replace(secure.URL(), "127.0.0.1", "localhost", 1)}, Login: []auth.Mechanism{auth.NewNTLM(secure.User(), secure.Password())}, User: secure.User()}
	trusting(t, &o, secure)
	reports := []*Report{run(t, o), run(t, Options{Config: transport.Config{URL: "http://127.0.0.1:1/wsman"}})}
	seen := map[string]bool{}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				seen[key] = true
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	for _, r := range reports {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		walk(v)
	}
	for key := range seen {
		if !strings.Contains(string(text), "`"+key+"`") {
			t.Errorf("the key %s is not documented", key)
		}
	}
	if len(seen) < 40 {
		t.Errorf("only %d keys", len(seen))
	}
}
