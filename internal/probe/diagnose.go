package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
	"github.com/winrmctl/winrmctl/internal/transport"
)

// diagnose says why a login failed, with at most one more login as evidence: every wrong one counts towards a lockout.
func (p *prober) diagnose(ctx context.Context, m auth.Mechanism, err error) {
	if login, ok := errors.AsType[*auth.Error](err); ok {
		p.refused(ctx, m, login)
		return
	}
	p.onTheWay(ctx, err)
}

// onTheWay says what came in place of an answer.
func (p *prober) onTheWay(ctx context.Context, err error) {
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

// forgotten is about a login that is void for the message behind it.
func (p *prober) forgotten() {
	p.find(LoginSplit, true, "the login works, and the next message on the same connection gets 401: something in between takes another connection for it",
		"a proxy or a load balancer does not keep connections together: connect to the server itself")
}

// refused looks into a login that the server did not take.
func (p *prober) refused(ctx context.Context, m auth.Mechanism, login *auth.Error) {
	switch login.Kind {
	case auth.ConnectionClosed:
		p.split()
		return
	case auth.Forgotten:
		p.forgotten()
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
	case *auth.Basic:
		p.refusedBasic()
		return
	case *auth.NTLM:
		if p.evidence(ctx, m) {
			return
		}
	}
	p.find(Credentials, false, fmt.Sprintf("the whole exchange was made and the server answers it with a bare 401: user %s or the password is wrong, or the account is locked, expired, not allowed to log on over the network or, with some servers, no administrator; a proxy that does not keep connections together looks the same. Which of these it is, the server does not tell", p.options.User),
		"the Security log of the target has event 4625 with the reason; winrmctl probe-auth decode --password-stdin verifies a captured exchange")
	p.localAccount()
	if p.https {
		p.find(BindingsSuspected, false, "if the password is right, the server may insist on channel bindings (CbtHardeningLevel Strict) while something ends TLS before it: a login looks the same then",
			"connect to the server itself; on the target: winrm get winrm/config/service/auth shows CbtHardeningLevel")
	}
}

// refusedBasic is about a user and password that were sent as they are: neither connections nor bindings play a part. Windows
// looks them up among its own accounts only.
func (p *prober) refusedBasic() {
	p.find(Credentials, false, fmt.Sprintf("the server answers a login by Basic with 401: user %s or the password is wrong, or the account is locked, expired, not allowed to log on over the network or, with some servers, no administrator. Which of these it is, the server does not tell", p.options.User),
		"the Security log of the target has event 4625 with the reason")
	if account := ntlm.ParseAccount(p.options.User); account.Domain != "" || strings.Contains(account.User, "@") {
		p.find(LocalAccount, false, fmt.Sprintf("Basic is for accounts of the target itself, and %s is written as one of a domain", p.options.User),
			fmt.Sprintf(`an account of the target itself is written .\%s; NTLM logs in to those of a domain`, bare(account.User)))
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
