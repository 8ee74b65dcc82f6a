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
	ctx, cancel := context.WithTimeoutCause(ctx, p.options.OperationTimeout, fmt.Errorf("it takes longer than %v", p.options.OperationTimeout))
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
			p.noShell(ctx, err)
		}
		return Failed, err.Error(), nil
	})
	return accepted
}

// noShell is about a shell that was neither created nor refused, behind a login that worked.
func (p *prober) noShell(ctx context.Context, err error) {
	before := len(p.report.Findings)
	switch login, ok := errors.AsType[*auth.Error](err); {
	case ok && login.Kind == auth.Forgotten:
		p.forgotten()
	case ok:
		p.find(LoginSplit, false, "a login that worked before does not work for a shell: connections, or the requests of one, may go to different servers",
			"connect to the server itself, not through a proxy or a load balancer")
	default:
		p.onTheWay(ctx, err)
	}
	if len(p.report.Findings) == before {
		p.unexpected(err)
	}
}
