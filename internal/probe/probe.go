// Package probe finds out, step by step, what a WS-Management listener offers and why a login to it fails; it does not know
// the command line, nor how its findings are shown.
package probe

import (
	"context"
	"crypto/x509"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/transport"
)

// Options say what to probe. They are not changed.
type Options struct {
	Config transport.Config // its Observe and Dial are used too

	// Login is what to log in with: each that is offered, on a connection of its own. Empty to stop after what a listener
	// tells anyone.
	Login []auth.Mechanism
	User  string // for which account, "" where there is a certificate only

	OperationTimeout time.Duration // bound on each request; 0 for 60 s
	Now              func() time.Time
	Resolver         *net.Resolver // nil for the system's
	Step             func(Step)    // is told of each step as it ends; nil for nobody
}

// Status is how a step ended.
type Status string

// The ways for a step to end.
const (
	OK      Status = "ok"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Step is one step with what it has shown.
type Step struct {
	Name       string  `json:"name"`
	Status     Status  `json:"status"`
	DurationMS float64 `json:"duration_ms"`
	Text       string  `json:"text"` // one line for people
	Data       any     `json:"data,omitempty"`
}

// Finding is something that is wrong, or worth to know, with the evidence in its text.
type Finding struct {
	Code    Code   `json:"code"`
	Certain bool   `json:"certain"` // false for a guess: other causes look the same from here
	Text    string `json:"text"`
	Hint    string `json:"hint,omitempty"`
}

// Report is all that a probe has found.
type Report struct {
	Endpoint string    `json:"endpoint"`
	Reached  bool      `json:"reached"` // a WS-Management listener answers
	Tried    bool      `json:"tried"`   // a login was tried
	LoggedIn bool      `json:"logged_in"`
	Steps    []Step    `json:"steps"`
	Findings []Finding `json:"findings"`
}

// prober is one probe under way.
type prober struct {
	options    Options
	url        *url.URL
	report     Report
	https      bool
	trusted    bool     // the server's certificate is acceptable, or none is needed
	candidates []string // addresses of the host
	address    string   // that answers
	identified bool     // the service has told what it is
	heard      bool     // an answer in HTTP has come
	offers     []auth.Challenge
	undecided  error  // an answer to a login that is neither consent nor refusal
	cut        bool   // the connection ends behind a challenge, without a word
	wrapped    bool   // the server insists on SPNEGO
	computer   string // as the challenge names it
	domain     string // NetBIOS, of the server
	sealable   bool   // the challenge allows sealing
}

// Run probes an endpoint. The error is that of a configuration which cannot be used, or the context's cause; what a
// listener does wrong is in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.OperationTimeout == 0 {
		o.OperationTimeout = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	o.Config.Connections = new(atomic.Int64)
	u, err := url.Parse(o.Config.URL)
	if err != nil {
		return nil, err
	}
	if _, err := transport.NewDialer(o.Config); err != nil {
		return nil, err
	}
	p := &prober{options: o, url: u, https: u.Scheme == "https", trusted: true}
	p.report.Endpoint = o.Config.URL
	p.report.Steps, p.report.Findings = []Step{}, []Finding{}
	for _, stage := range []func(context.Context) bool{
		p.resolve, p.tcp, p.tls, p.identify, p.listener, p.challenges, p.logins,
	} {
		if !stage(ctx) {
			break
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	return &p.report, nil
}

// step runs one step and reports it.
func (p *prober) step(name string, run func() (status Status, text string, data any)) Status {
	begin := time.Now()
	status, text, data := run()
	s := Step{name, status, float64(time.Since(begin).Microseconds()) / 1000, text, data}
	p.report.Steps = append(p.report.Steps, s)
	if p.options.Step != nil {
		p.options.Step(s)
	}
	return status
}

// find adds a finding; each code is reported once.
func (p *prober) find(code Code, certain bool, text, hint string) {
	for _, f := range p.report.Findings {
		if f.Code == code {
			return
		}
	}
	p.report.Findings = append(p.report.Findings, Finding{code, certain, text, hint})
}

// dialer makes connections to the address that answered, without the policy for certificates where that was checked before.
func (p *prober) dialer(check bool, mechanisms ...auth.Mechanism) *transport.Dialer {
	c := p.options.Config
	c.EmptyLogin = true
	if !check {
		c.TLS = transport.TLS{ServerName: c.TLS.ServerName, Insecure: true, Certificate: c.TLS.Certificate}
	}
	if p.address != "" && c.Proxy == nil {
		dial := c.Dial
		if dial == nil {
			dial = (&net.Dialer{}).DialContext
		}
		c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, p.address) }
	}
	d, err := transport.NewDialer(c, mechanisms...)
	if err != nil {
		panic("probe: " + err.Error()) // Run has checked the configuration
	}
	return d
}

// host and port of the endpoint.
func (p *prober) host() string { return p.url.Hostname() }

func (p *prober) port() string {
	switch {
	case p.url.Port() != "":
		return p.url.Port()
	case p.https:
		return "5986"
	}
	return "5985"
}

// roots are the authorities to check a certificate by.
func (p *prober) roots() *x509.CertPool { return p.options.Config.TLS.RootCAs }
