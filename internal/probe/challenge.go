package probe

import (
	"context"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
	"github.com/winrmctl/winrmctl/internal/auth/spnego"
	"github.com/winrmctl/winrmctl/internal/transport"
)

// challengeData is an NTLM challenge in words.
type challengeData struct {
	Computer    string     `json:"computer"`
	Domain      string     `json:"domain"`
	DNSComputer string     `json:"dns_computer"`
	DNSDomain   string     `json:"dns_domain"`
	Version     string     `json:"version,omitempty"`
	Time        *time.Time `json:"time,omitempty"`
	Flags       []string   `json:"flags"`
	SPNEGO      bool       `json:"spnego"`
	Sealing     bool       `json:"sealing"`
}

// received is a challenge with what came around it.
type received struct {
	*ntlm.ChallengeMessage
	closed bool
	at     time.Time // here, in the middle of the round trip
}

// challenges asks for NTLM challenges: one to look at, a second one on the same connection, and more on others, to see
// whether it is always the same computer that answers.
func (p *prober) challenges(ctx context.Context) bool {
	var first *received
	if _, ok := auth.Find(p.offers, "Negotiate"); !ok {
		p.step("challenge", func() (Status, string, any) { return Skipped, "Negotiate is not offered", nil })
		if p.wantsNTLM() {
			p.find(NegotiateNotOffered, true, "the server does not offer Negotiate"+p.butOffers()+p.impossible(),
				"on the target: winrm set winrm/config/service/auth @{Negotiate=\"true\"}; or use another --auth")
		}
		return true
	}
	if p.step("challenge", func() (status Status, text string, data any) {
		first, status, text, data = p.challenge(ctx)
		return status, text, data
	}) != OK {
		return true
	}
	p.clock(first)
	return true
}

// impossible names what is offered and cannot be used here.
func (p *prober) impossible() string {
	var names []string
	for _, name := range []string{"Kerberos", "CredSSP"} {
		if _, ok := auth.Find(p.offers, name); ok {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; a login by " + strings.Join(names, " or ") + " is not possible with this version of winrmctl"
}

// wantsNTLM reports that a login by NTLM is meant, or that none is.
func (p *prober) wantsNTLM() bool {
	for _, m := range p.options.Login {
		if _, ok := m.(*auth.NTLM); ok {
			return true
		}
	}
	return len(p.options.Login) == 0
}

// samples is how many connections are asked for a challenge.
const samples = 3

func (p *prober) challenge(ctx context.Context) (*received, Status, string, any) {
	all, err := p.onConnection(ctx, 2)
	if errors.Is(err, errNoChallenge) && len(all) == 0 {
		// No challenge for a raw message: the server may insist on SPNEGO.
		p.wrapped = true
		if all, err = p.onConnection(ctx, 2); len(all) == 0 {
			p.wrapped = false
		}
	}
	if len(all) == 0 && !p.wantsNTLM() {
		return nil, Failed, err.Error() + ", which does not matter for the login", nil
	}
	if len(all) == 0 {
		text := "the server offers Negotiate, but answers an NTLM message without a challenge that can be used: " + err.Error()
		p.find(ChallengeUnusable, true, text, "NTLM may be forbidden there by policy, so that only Kerberos is left, or something in between changes the login's header or takes it away")
		return nil, Failed, err.Error(), nil
	}
	first := all[0]
	if way, ok := errors.AsType[*transport.Error](err); ok && way.Kind == transport.KindLost {
		p.cut = true // evidence for a login that breaks there; alone it is none
	}
	if first.closed {
		p.find(LoginSplit, true, "the connection is closed behind the challenge (Connection: close), so that a login would be split over two connections",
			"a proxy, a load balancer or a broken server does not keep connections open: connect to the server itself")
	}
	p.computer, p.domain = first.Pairs.Text(ntlm.AvNbComputerName), first.Pairs.Text(ntlm.AvNbDomainName)
	for _, r := range all[1:] {
		if name := r.Pairs.Text(ntlm.AvNbComputerName); name != p.computer {
			p.find(LoadBalancer, true, fmt.Sprintf("requests of one connection are answered by different computers (%s, %s): a login is split between them", p.computer, name),
				"connect to one of the servers itself, or have the load balancer pin connections (layer 4)")
		}
	}
	for range samples - 1 {
		more, err := p.onConnection(ctx, 1)
		if err != nil || len(more) == 0 {
			break
		}
		if name := more[0].Pairs.Text(ntlm.AvNbComputerName); name != p.computer {
			p.find(LoadBalancer, true, fmt.Sprintf("connections are answered by different computers (%s, %s): a shell lives on one of them only", p.computer, name),
				"connect to one of the servers itself, or have the load balancer stick to one server for a client")
		}
	}
	const need = ntlm.Sign | ntlm.Seal | ntlm.ExtendedSessionSecurity | ntlm.Negotiate128
	p.sealable = first.Flags.Has(need)
	if !p.sealable {
		p.find(NoSealing, true, fmt.Sprintf("the challenge lacks %v, without which messages cannot be sealed", need&^first.Flags), "use https")
	}
	data := challengeData{
		Computer: p.computer, Domain: p.domain, DNSComputer: first.Pairs.Text(ntlm.AvDNSComputerName), DNSDomain: first.Pairs.Text(ntlm.AvDNSDomainName),
		Flags: first.Flags.Names(), SPNEGO: p.wrapped, Sealing: p.sealable,
	}
	text := "computer " + orNone(p.computer)
	if p.domain != "" && p.domain != p.computer {
		text += ", domain " + p.domain
		if data.DNSDomain != "" {
			text += " (" + data.DNSDomain + ")"
		}
	} else {
		text += ", no domain"
	}
	if first.Version != nil {
		data.Version = first.Version.String()
		text += ", " + windows(*first.Version)
	}
	if t, ok := first.Pairs.Timestamp(); ok {
		data.Time = &t
	}
	if p.wrapped {
		text += ", within SPNEGO"
	}
	return first, OK, text, data
}

func orNone(s string) string {
	if s == "" {
		return "without a name"
	}
	return s
}

// onConnection asks for n challenges on one new connection.
func (p *prober) onConnection(ctx context.Context, n int) ([]*received, error) {
	ctx, cancel := p.soon(ctx)
	defer cancel()
	c, err := p.dialer(false).Open(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var all []*received
	for range n {
		r, err := p.once(ctx, c)
		if err != nil {
			return all, err
		}
		all = append(all, r)
		if r.closed {
			break
		}
	}
	return all, nil
}

var errNoChallenge = errors.New("without a challenge")

// once sends one NEGOTIATE_MESSAGE.
func (p *prober) once(ctx context.Context, c *transport.Conn) (*received, error) {
	token, err := ntlm.NewClient(ntlm.ClientConfig{}).Negotiate()
	if err != nil {
		return nil, err
	}
	if p.wrapped {
		if token, err = (&spnego.Init{MechTypes: []asn1.ObjectIdentifier{spnego.NTLM()}, MechToken: token}).Bytes(); err != nil {
			return nil, err
		}
	}
	begin := p.options.Now()
	a, err := c.Exchange(ctx, http.Header{"Content-Type": {soapType}, "Authorization": {"Negotiate " + base64.StdEncoding.EncodeToString(token)}}, nil)
	if err != nil {
		return nil, err
	}
	end := p.options.Now()
	offer, ok := auth.Find(auth.Challenges(a.Header), "Negotiate")
	if a.Status != http.StatusUnauthorized || !ok || offer.Token == "" {
		return nil, fmt.Errorf("HTTP %d %w", a.Status, errNoChallenge)
	}
	answer, err := base64.StdEncoding.DecodeString(offer.Token)
	if err != nil {
		return nil, errors.New("the challenge is no base64")
	}
	if spnego.IsResp(answer) {
		r, err := spnego.ParseResp(answer)
		if err != nil {
			return nil, err
		}
		if answer = r.ResponseToken; len(answer) == 0 {
			return nil, fmt.Errorf("SPNEGO says %v %w", r.State, errNoChallenge)
		}
	}
	m, err := ntlm.ParseChallenge(answer)
	if err != nil {
		return nil, err
	}
	return &received{m, a.Closed, begin.Add(end.Sub(begin) / 2)}, nil
}

// Clocks: Kerberos refuses a login beyond five minutes (RFC 4120's usual limit); NTLM gives a response half an hour.
const (
	skewKerberos = 5 * time.Minute
	skewNTLM     = 30 * time.Minute
)

// clock compares the server's time with ours.
func (p *prober) clock(r *received) {
	p.step("clock", func() (Status, string, any) {
		server, ok := r.Pairs.Timestamp()
		if !ok {
			return Skipped, "the challenge has no time in it", nil
		}
		skew := server.Sub(r.at)
		data := map[string]any{"skew_seconds": skew.Seconds(), "server_time": server}
		off := skew.Abs()
		text := fmt.Sprintf("%s %s ours", span(off, 100*time.Millisecond), map[bool]string{true: "behind", false: "ahead of"}[skew < 0])
		if off < time.Second {
			text = "in step with ours"
		}
		switch {
		case off > skewNTLM:
			p.find(ClockSkewNTLM, true, fmt.Sprintf("the clocks differ by %s: more than half an hour, which can make NTLM logins fail too", span(off, time.Second)), "set the clocks; on Windows: w32tm /resync")
			return Failed, text, data
		case off > skewKerberos:
			p.find(ClockSkew, true, fmt.Sprintf("the clocks differ by %s: more than the five minutes that Kerberos allows; NTLM still works", span(off, time.Second)), "set the clocks; on Windows: w32tm /resync")
			return Failed, text, data
		}
		return OK, text, data
	})
}

// span writes how far apart clocks are: in days where that is more than anybody wants to count in hours.
func span(d, precision time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.Round(precision).String()
}
