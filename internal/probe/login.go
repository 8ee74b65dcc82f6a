package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/transport"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// windows names what a challenge says of its sender.
func windows(v ntlm.Version) string {
	if name := v.Windows(); name != "" {
		return fmt.Sprintf("%s (%v)", name, v)
	}
	return "version " + v.String()
}

// loginData is how a login went.
type loginData struct {
	Mechanism string `json:"mechanism"`
	Sealed    bool   `json:"sealed"`
}

// logins logs in, each time on a connection of its own, and opens a shell.
func (p *prober) logins(ctx context.Context) bool {
	if len(p.options.Login) == 0 {
		p.step("login", func() (Status, string, any) { return Skipped, "there are no credentials", nil })
		return true
	}
	if !p.trusted {
		p.find(UntrustedNoLogin, true, "no login was tried, because the server's certificate is not trusted", "trust it first: see above")
		p.step("login", func() (Status, string, any) { return Skipped, "the certificate is not trusted", nil })
		return true
	}
	offered := p.offered()
	if len(offered) == 0 {
		p.step("login", func() (Status, string, any) { return Skipped, "what there are credentials for is not offered", nil })
		return true
	}
	p.report.Tried = true
	var first *transport.Dialer // of the first login that works
	for _, m := range offered {
		d := p.dialer(true, m)
		p.undecided = nil
		if p.step("login", func() (Status, string, any) { return p.login(ctx, d, m) }) != OK {
			if p.undecided != nil && p.shell(ctx, d) {
				p.report.LoggedIn = true // it was only the message that tries it out which the server does not take
				return true
			}
			continue
		}
		if first == nil {
			first = d
		}
		// Some clients know NTLM within SPNEGO only. The password is right: this can fail, but locks nobody out.
		if n, ok := m.(*auth.NTLM); ok && !p.wrapped {
			wrapped := n.Wrapped()
			p.step("spnego", func() (Status, string, any) { return p.tryOut(ctx, p.dialer(true, wrapped), wrapped) })
		}
	}
	if first == nil {
		return true
	}
	p.report.LoggedIn = true
	p.shell(ctx, first)
	return true
}

// offered are the mechanisms that there are credentials for and that the listener offers, in the form that it takes.
func (p *prober) offered() []auth.Mechanism {
	var all []auth.Mechanism
	for _, m := range p.options.Login {
		switch m := m.(type) {
		case *auth.NTLM:
			if _, ok := auth.Find(p.offers, "Negotiate"); !ok {
				continue
			}
			if p.wrapped {
				m = m.Wrapped()
			}
			all = append(all, m)
		case *auth.Basic:
			if _, ok := auth.Find(p.offers, "Basic"); !ok {
				p.find(BasicNotOffered, true, "the server does not offer Basic"+p.butOffers(),
					"on the target: winrm set winrm/config/service/auth @{Basic=\"true\"}; better, log in by NTLM")
				continue
			}
			all = append(all, m)
		default:
			all = append(all, m)
		}
	}
	return all
}

// butOffers lists what is offered, behind what is not.
func (p *prober) butOffers() string {
	if len(p.offers) == 0 {
		return ", nor anything else"
	}
	return ", only " + strings.Join(auth.Schemes(p.offers), ", ")
}

// login logs in and makes a round trip, and finds out why where that fails.
func (p *prober) login(ctx context.Context, d *transport.Dialer, m auth.Mechanism) (Status, string, any) {
	data := loginData{m.Name(), p.seals()}
	if err := p.roundTrip(ctx, d); err != nil {
		p.diagnose(ctx, m, err)
		return Failed, fmt.Sprintf("%s: %v", m.Name(), err), data
	}
	text := m.Name() + p.as(m)
	if data.Sealed {
		text += ", sealed with 128 bits, signatures verified both ways"
	}
	return OK, text, data
}

// tryOut is a login in a form that nothing depends on.
func (p *prober) tryOut(ctx context.Context, d *transport.Dialer, m auth.Mechanism) (Status, string, any) {
	data := loginData{m.Name(), p.seals()}
	if err := p.roundTrip(ctx, d); err != nil {
		return Failed, fmt.Sprintf("%s, which winrmctl does not need here: %v", m.Name(), err), data
	}
	return OK, m.Name() + p.as(m), data
}

// seals reports that messages are to be sealed.
func (p *prober) seals() bool {
	policy := p.options.Config.Encryption
	return policy == transport.EncryptionAlways || !p.https && policy != transport.EncryptionNever
}

func (p *prober) as(m auth.Mechanism) string {
	if c, ok := m.(*auth.Certificate); ok {
		return " of " + c.User()
	}
	return " as " + p.options.User
}

// roundTrip logs in with a message that every service answers.
func (p *prober) roundTrip(ctx context.Context, d *transport.Dialer) error {
	soap, err := (&wsman.Request{Body: wsman.Identify{}}).Encode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.options.OperationTimeout)
	defer cancel()
	c, answer, err := d.Dial(ctx, soap)
	if err != nil {
		return err
	}
	defer c.Close()
	// A second message, on the connection that is logged in.
	if _, err := c.Post(ctx, soap); err != nil {
		return err
	}
	_, err = wsman.ParseIdentify(answer)
	if _, refused := errors.AsType[*wsman.Fault](err); refused {
		return nil // the login was right; that this is refused shows with the shell
	}
	return err
}

// diagnose says why a login failed, with at most one more login as evidence: every wrong one counts towards a lockout.
func (p *prober) diagnose(ctx context.Context, m auth.Mechanism, err error) {
	if login, ok := errors.AsType[*auth.Error](err); ok {
		p.refused(ctx, m, login)
		return
	}
	way, ok := errors.AsType[*transport.Error](err)
	if !ok {
		return
	}
	switch way.Kind {
	case transport.KindLost:
		if !p.cut {
			p.broken(ctx, err)
			return
		}
		p.split()
	case transport.KindUnsealed:
		p.find(UnsealedAnswer, true, err.Error(), "the server does not seal, or somebody in between takes the sealing away; only --encryption never accepts that")
	case transport.KindIntegrity:
		p.find(AnswerFalsified, true, err.Error(), "something in between changes the messages")
	case transport.KindProxy:
		p.find(ProxyAnswers, true, err.Error(), "connect to the server itself")
	case transport.KindNotReady:
		p.find(NotReady, true, err.Error(), "try again later")
	case transport.KindBadRequest:
		p.find(LoginSplit, false, "the server does not know the connection that was logged in on: something in between uses another one for each request", "connect to the server itself")
	default:
		if way.Status != 0 {
			p.undecided = err // no 401
			return
		}
		p.broken(ctx, err)
	}
}

// unexpected is about an answer to a login that means nothing in particular.
func (p *prober) unexpected(err error) {
	p.find(UnexpectedAnswer, true, err.Error(), "on the target the event log Microsoft-Windows-WinRM/Operational may tell more")
}

// split is about a connection that does not last for a login.
func (p *prober) split() {
	p.find(LoginSplit, true, "the connection is closed in the middle of the login, so that it is split over two connections",
		"a proxy, a load balancer or a broken server does not keep connections open: connect to the server itself")
}

// refused looks into a login that the server did not take.
func (p *prober) refused(ctx context.Context, m auth.Mechanism, login *auth.Error) {
	switch login.Kind {
	case auth.ConnectionClosed:
		p.split()
		return
	case auth.Forgotten:
		p.find(LoginSplit, true, "the login works, and the next message on the same connection gets 401: something in between takes another connection for it",
			"a proxy or a load balancer does not keep connections together: connect to the server itself")
		return
	case auth.Impossible:
		p.impossibleLogin(m, login)
		return
	case auth.Unusable:
		p.find(ChallengeUnusable, true, login.Error(), "")
		return
	case auth.NotOffered:
		if _, ok := m.(*auth.Certificate); ok {
			p.find(CertificateNotOffered, true, "the server did not ask for the certificate: it takes no logins by certificate, or something ends TLS before it",
				"on the target: winrm set winrm/config/service/auth @{Certificate=\"true\"}")
			return
		}
		fallthrough
	case auth.NoChallenge:
		p.find(ChallengeUnusable, true, login.Error(), "NTLM may be forbidden there by policy; Kerberos would be needed")
		return
	}
	switch m := m.(type) {
	case *auth.Certificate:
		if login.Err != nil {
			p.refusedCertificate(login)
			return
		}
		p.find(CertificateNotMapped, true, fmt.Sprintf("the server maps the certificate %s to no account", m.User()), "on the target: winrm enumerate winrm/config/service/certmapping lists what it maps")
		return
	case *auth.NTLM:
		if p.evidence(ctx, m) {
			return
		}
	}
	p.find(Credentials, false, fmt.Sprintf("the whole exchange was made and the server answers it with a bare 401: user %s or the password is wrong, or the account is locked, expired or not allowed to log on over the network; a proxy that does not keep connections together looks the same. Which of these it is, the server does not tell", p.options.User),
		"the Security log of the target has event 4625 with the reason; winrmctl probe-auth decode --password-stdin verifies a captured exchange")
	p.localAccount()
	if _, ok := m.(*auth.NTLM); ok && p.https {
		p.find(BindingsSuspected, false, "if the password is right, the server may insist on channel bindings (CbtHardeningLevel Strict) while something ends TLS before it: a login looks the same then",
			"connect to the server itself; on the target: winrm get winrm/config/service/auth shows CbtHardeningLevel")
	}
}

// refusedCertificate is about one that does not come as far as to be mapped.
func (p *prober) refusedCertificate(login *auth.Error) {
	p.report.Reached = true // by something that cares about logins
	p.find(CertificateRefused, true, login.Error()+": it has expired, is no client certificate, or is signed by nobody whom the server trusts",
		"on the target its issuer belongs into the machine's Trusted Root Certification Authorities")
}

// evidence logs in once more in the way that a server takes which minds what the first login did, and tells what that was.
func (p *prober) evidence(ctx context.Context, m *auth.NTLM) bool {
	const required = "the login works with sealed messages and fails without: the server wants them sealed (AllowUnencrypted=false)"
	given := p.options.Config
	sealed := given
	if p.sealable {
		sealed.Encryption = transport.EncryptionAlways
	}
	switch {
	case !p.https && given.Encryption != transport.EncryptionNever:
		return false // it was sealed
	case !p.https:
		if !p.works(ctx, sealed, m) {
			return false
		}
		p.find(SealingRequired, true, required, "leave out --encryption never")
		return true
	case !p.works(ctx, sealed, auth.WithoutBindings(m)):
		return false
	}
	// The password is right: what comes now does not count towards a lockout.
	if given.Encryption != transport.EncryptionAlways && !p.works(ctx, given, auth.WithoutBindings(m)) {
		p.find(SealingRequired, true, required+". It does not see TLS, so that something ends TLS before it",
			"connect to the server itself, or use --encryption always")
		return true
	}
	p.find(BindingsWrong, true, "the login works without channel bindings and fails with ours: another certificate than the server's own is shown here",
		"something ends TLS before the server (a load balancer, an inspecting proxy): connect to the server itself")
	return true
}

// localAccount guesses at a name that the server looks up in the wrong place.
func (p *prober) localAccount() {
	account := ntlm.ParseAccount(p.options.User)
	workgroup := p.computer != "" && (p.domain == "" || strings.EqualFold(p.domain, p.computer))
	switch {
	case account.Local || p.options.User == "":
	case workgroup && (account.Domain != "" && !strings.EqualFold(account.Domain, p.computer) || strings.Contains(account.User, "@")):
		p.find(LocalAccount, false, fmt.Sprintf("%s is in no domain, and %s is written as an account of one", p.computer, p.options.User), fmt.Sprintf(`an account of the host itself is written .\%s`, bare(account.User)))
	case !workgroup && p.domain != "" && account.Domain == "" && !strings.Contains(account.User, "@"):
		p.find(LocalAccount, false, fmt.Sprintf("%s is in the domain %s, and %s names none", p.computer, p.domain, p.options.User),
			fmt.Sprintf(`an account of the host itself is written .\%s, one of the domain %s\%s`, account.User, p.domain, account.User))
	}
}

func bare(user string) string {
	name, _, _ := strings.Cut(user, "@")
	return name
}

// impossibleLogin is about what a mechanism cannot do.
func (p *prober) impossibleLogin(m auth.Mechanism, login *auth.Error) {
	if _, ok := m.(*auth.Basic); ok && !p.https {
		p.find(BasicOverHTTP, true, "Basic would send the password in clear, and is not used over http", "use https; --encryption never sends it all the same")
		return
	}
	p.find(LoginImpossible, true, login.Error(), "another --auth or --encryption is needed")
}

// works logs in once more, for evidence.
func (p *prober) works(ctx context.Context, c transport.Config, m auth.Mechanism) bool {
	o := p.options
	o.Config = c
	other := &prober{options: o, url: p.url, https: p.https, address: p.address}
	return other.roundTrip(ctx, other.dialer(true, m)) == nil
}

// shell creates a shell and deletes it: what the account may do shows only there. It reports whether the server speaks to
// the account at all.
func (p *prober) shell(ctx context.Context, d *transport.Dialer) (accepted bool) {
	p.step("shell", func() (Status, string, any) {
		main, side := d.Lane(), d.Lane()
		defer main.Close()
		defer side.Close()
		s, err := shell.Open(ctx, shell.Options{Main: main, Side: side, To: p.options.Config.URL, OperationTimeout: p.options.OperationTimeout})
		if err == nil {
			err = s.Close(ctx)
		}
		if err == nil {
			accepted = true
			return OK, "can be created and deleted", nil
		}
		fault, ok := errors.AsType[*wsman.Fault](err)
		switch {
		case ok && fault.Code.IsAccessDenied():
			p.find(NotAdministrator, true, fmt.Sprintf("the login was right, but the account may not create a shell (code %d): it is neither an administrator of the target nor a member of Remote Management Users", uint32(fault.Code)),
				"add it to one of these groups; a local administrator other than the built-in one also needs LocalAccountTokenFilterPolicy=1")
			accepted = true
		case ok:
			accepted = true
			p.find(Refused, true, fmt.Sprintf("the login was right, but the server refuses a shell: %v", fault), "")
		case p.undecided != nil:
			p.unexpected(p.undecided)
		default:
			before := len(p.report.Findings)
			if p.broken(ctx, err); len(p.report.Findings) == before {
				p.unexpected(err)
			}
		}
		return Failed, err.Error(), nil
	})
	return accepted
}
