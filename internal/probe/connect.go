package probe

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/winrmctl/winrmctl/internal/transport"
)

// maxAddresses bounds how many addresses of a name are tried.
const maxAddresses = 8

// resolve finds the addresses of the host.
func (p *prober) resolve(ctx context.Context) bool {
	var addresses []string
	status := p.step("resolve", func() (Status, string, any) {
		if p.options.Config.Proxy != nil {
			return Skipped, "the proxy resolves the name", nil
		}
		if ip := net.ParseIP(p.host()); ip != nil {
			addresses = []string{ip.String()}
			return Skipped, "it is an address already", nil
		}
		ctx, cancel := p.connecting(ctx)
		defer cancel()
		found, err := p.options.Resolver.LookupHost(ctx, p.host())
		if err != nil {
			text := fmt.Sprintf("the name %s cannot be looked up: %s", p.host(), dnsText(err))
			if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
				text = fmt.Sprintf("the name %s is unknown", p.host())
			}
			p.find(Unresolved, true, text, "check the name, and which DNS server is asked")
			return Failed, dnsText(err), nil
		}
		addresses = found
		return OK, strings.Join(found, ", "), map[string]any{"addresses": found}
	})
	p.candidates = addresses
	return status != Failed
}

func dnsText(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.Err
	}
	return err.Error()
}

// connecting bounds a step by the connect timeout.
func (p *prober) connecting(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := p.options.Config.ConnectTimeout
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, limit, errors.New(p.silence()))
}

// silence is what is said of a host that lets the connect timeout pass.
func (p *prober) silence() string {
	return fmt.Sprintf("no answer within %v", p.options.Config.ConnectTimeout)
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// tried is what became of one address.
type tried struct {
	Address    string  `json:"address"`
	DurationMS float64 `json:"duration_ms"`
	Error      string  `json:"error,omitempty"`
	err        error
}

// tcp connects to every address, and goes on with the first one that answers.
func (p *prober) tcp(ctx context.Context) bool {
	return p.step("tcp", func() (Status, string, any) {
		if p.options.Config.Proxy != nil {
			return p.tunnel(ctx)
		}
		all := make([]tried, min(len(p.candidates), maxAddresses))
		var wg sync.WaitGroup
		for i := range all {
			wg.Go(func() { all[i] = p.try(ctx, p.candidates[i]) })
		}
		wg.Wait()
		var good, bad []tried
		for _, t := range all {
			if t.err == nil {
				good = append(good, t)
			} else {
				bad = append(bad, t)
			}
		}
		data := map[string]any{"addresses": all}
		if len(good) == 0 {
			p.unreachable(bad)
			return Failed, bad[0].Address + ": " + bad[0].Error, data
		}
		p.address = good[0].Address
		if len(bad) > 0 {
			p.find(AddressDead, true, fmt.Sprintf("%s does not answer (%s), though %s does", bad[0].Address, bad[0].Error, p.address),
				"clients may try the dead address first: mend it, or take it out of DNS")
		}
		return OK, fmt.Sprintf("%s answers (%d of %d addresses)", p.address, len(good), len(all)), data
	}) == OK
}

// try connects to one address.
func (p *prober) try(ctx context.Context, ip string) tried {
	t := tried{Address: net.JoinHostPort(ip, p.port())}
	ctx, cancel := p.connecting(ctx)
	defer cancel()
	dial := p.options.Config.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	begin := time.Now()
	c, err := dial(ctx, "tcp", t.Address)
	t.DurationMS = float64(time.Since(begin).Microseconds()) / 1000
	if err != nil {
		t.err, t.Error = err, transport.Cause(err)
		if isTimeout(err) {
			t.Error = p.silence()
		}
		return t
	}
	_ = c.Close()
	return t
}

// unreachable says why no address answers, by that of the first.
func (p *prober) unreachable(bad []tried) {
	first := bad[0]
	switch {
	case transport.IsRefused(first.err):
		p.find(TCPRefused, true, fmt.Sprintf("%s refuses the connection: nothing listens at this port", first.Address),
			"on the target: winrm quickconfig starts the service and makes a listener; winrm enumerate winrm/config/listener shows its port")
	case isTimeout(first.err):
		p.find(TCPTimeout, true, fmt.Sprintf("%s gives %s: the host is down, or a firewall drops the packets", first.Address, first.Error),
			"is the host up, and does its firewall allow the port? On the target: winrm quickconfig makes the rule")
	default:
		p.find(TCPUnreachable, true, fmt.Sprintf("%s cannot be reached: %s", first.Address, first.Error), "is there a route to the host?")
	}
}

// tunnel checks that the proxy makes one.
func (p *prober) tunnel(ctx context.Context) (Status, string, any) {
	plain := p.options.Config
	plain.URL = "http://" + net.JoinHostPort(p.host(), p.port()) + "/"
	d, err := transport.NewDialer(plain)
	if err != nil {
		return Failed, err.Error(), nil
	}
	c, err := d.Open(ctx)
	if err != nil {
		text, hint := err.Error(), "--proxy has to name a proxy that allows CONNECT to the port of WinRM"
		switch refused, ok := errors.AsType[*transport.ProxyError](err); {
		case !ok:
			text += fmt.Sprintf(": either the proxy %s or, behind it, the host is silent", plain.Proxy.Host)
		case refused.Status == http.StatusProxyAuthRequired:
			hint = transport.ProxyLoginHint
		}
		p.find(ProxyTunnel, true, text, hint)
		return Failed, err.Error(), nil
	}
	_ = c.Close()
	return OK, "a tunnel through " + plain.Proxy.Host, map[string]any{"proxy": plain.Proxy.Redacted()}
}

// certificateData describes a certificate.
type certificateData struct {
	Version     string    `json:"version"`
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	Names       []string  `json:"names"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	Fingerprint string    `json:"fingerprint"`
	Signature   string    `json:"signature"`
	Trusted     bool      `json:"trusted"`
}

// tls makes a session without checking anything, to see what is there, and then checks all of it.
func (p *prober) tls(ctx context.Context) bool {
	return p.step("tls", func() (Status, string, any) {
		if !p.https {
			return Skipped, "http", nil
		}
		ctx, cancel := p.connecting(ctx)
		defer cancel()
		c, err := p.dialer(false).Open(ctx)
		if err != nil {
			way, ok := errors.AsType[*transport.Error](err)
			switch {
			case !ok:
				p.broken(ctx, err)
			case way.Kind == transport.KindPlainText:
				p.find(HTTPSToHTTP, true, fmt.Sprintf("port %s answers in clear: https is spoken to an http port", p.port()),
					"leave out --https, or use the port of the https listener, 5986 by default")
			default:
				p.find(TLSFailed, true, err.Error(), "the listener may have no certificate, or only old versions of TLS")
			}
			return Failed, err.Error(), nil
		}
		defer c.Close()
		leaf, chain, version := c.Server()
		fingerprint := sha256.Sum256(leaf.Raw)
		data := certificateData{
			Version: tls.VersionName(version), Subject: leaf.Subject.String(), Issuer: leaf.Issuer.String(), Names: names(leaf),
			NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, Fingerprint: strings.ToUpper(hex.EncodeToString(fingerprint[:])), Signature: leaf.SignatureAlgorithm.String(),
		}
		before := len(p.report.Findings)
		p.checkCertificate(leaf, chain, fingerprint[:])
		data.Trusted = len(p.report.Findings) == before
		p.trusted = data.Trusted || p.options.Config.TLS.Insecure
		text := fmt.Sprintf("%s, %s, valid until %s", data.Version, data.Subject, leaf.NotAfter.Format(time.DateOnly))
		switch {
		case data.Trusted:
			return OK, text + ", trusted", data
		case p.options.Config.TLS.Insecure:
			return OK, text + ", not trusted, which --insecure accepts", data
		}
		return Failed, text + ", not trusted", data
	}) != Failed || !p.trusted // what can be seen without a trusted certificate is worth seeing
}

func names(c *x509.Certificate) []string {
	all := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	return all
}

// checkCertificate holds the certificate to each requirement on its own.
func (p *prober) checkCertificate(leaf *x509.Certificate, chain []*x509.Certificate, fingerprint []byte) {
	t := p.options.Config.TLS
	if t.Fingerprint != nil {
		if hex.EncodeToString(t.Fingerprint) != hex.EncodeToString(fingerprint) {
			p.find(CertificatePin, true, fmt.Sprintf("the certificate has another fingerprint than the pinned one: SHA-256 %X", fingerprint),
				"if the certificate was renewed, put in the new fingerprint; if not, somebody may be in between")
		}
		return
	}
	now := p.options.Now()
	switch {
	case now.After(leaf.NotAfter):
		p.find(CertificateExpired, true, fmt.Sprintf("the certificate expired on %s", leaf.NotAfter.Format(time.RFC3339)), "renew it, and give the listener its new thumbprint")
	case now.Before(leaf.NotBefore):
		p.find(CertificateNotYet, true, fmt.Sprintf("the certificate is valid only from %s", leaf.NotBefore.Format(time.RFC3339)), "check the clocks of both hosts")
	}
	name := t.ServerName
	if name == "" {
		name = p.host()
	}
	if err := leaf.VerifyHostname(name); err != nil {
		p.find(CertificateName, true, fmt.Sprintf("the certificate is for %s, not for %s", orNobody(names(leaf)), name), nameHint(leaf, fingerprint))
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain {
		intermediates.AddCert(c)
	}
	// At a time when the leaf itself is valid: that it is not now is a finding of its own.
	at := now
	if at.After(leaf.NotAfter) || at.Before(leaf.NotBefore) {
		at = leaf.NotBefore.Add(time.Second)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: p.roots(), Intermediates: intermediates, CurrentTime: at})
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case err == nil:
	case unknown:
		p.find(CertificateIssuer, true, fmt.Sprintf("nobody that is trusted here has signed the certificate; its issuer is %s", leaf.Issuer),
			"--ca-file with the issuer's certificate trusts it; or "+pinHint(fingerprint))
	default:
		p.find(CertificateInvalid, true, "the certificate cannot be used: "+transport.Cause(err), "give the listener another certificate; until then "+pinHint(fingerprint))
	}
}

func nameHint(leaf *x509.Certificate, fingerprint []byte) string {
	if len(names(leaf)) == 0 {
		return "it has no subject alternative names, which count alone: " + pinHint(fingerprint)
	}
	return "use one of its names, or --server-name with one of them"
}

// pinHint gives the fingerprint to those who look whether it is the right one.
func pinHint(fingerprint []byte) string {
	return fmt.Sprintf("--fingerprint %X trusts just this one, once you have seen on the target that it is the listener's", fingerprint)
}

func orNobody(all []string) string {
	if len(all) == 0 {
		return "nobody (it has no names)"
	}
	return strings.Join(all, ", ")
}
