package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/secret"
)

// refusedError is a login refused while its last request carried a message: it may be that the server wants that one empty.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// cutError is a connection that had ended when the next request of a login was due: that one was not sent.
type cutError struct{ err error }

func (e *cutError) Error() string { return e.err.Error() }
func (e *cutError) Unwrap() error { return e.err }

// maxCuts is how often a login may be cut between two requests until it counts as failed. Where our own side does it, on a
// machine that is busier than it can be (see roundTrip), that can happen several times in a row; a server does it each time.
const maxCuts = 4

// login makes a connection and authenticates it. first travels in the login's last request if carry is set, else in the
// request after it. A login that was cut between two requests is begun anew: nothing has been decided by then.
func (d *Dialer) login(ctx context.Context, m auth.Mechanism, first []byte, carry bool) (*Conn, []byte, error) {
	for cuts := 1; ; cuts++ {
		c, answer, err := d.loginOnce(ctx, m, first, carry)
		e, cut := errors.AsType[*cutError](err)
		switch {
		case !cut:
			return c, answer, err
		case cuts == maxCuts, ctx.Err() != nil:
			return nil, nil, e.err
		}
	}
}

// loginOnce is one try of login. On an error the connection is closed.
func (d *Dialer) loginOnce(ctx context.Context, m auth.Mechanism, first []byte, carry bool) (*Conn, []byte, error) {
	c, err := d.open(ctx, m)
	if err != nil {
		return nil, nil, err
	}
	answer, err := c.authenticate(ctx, first, carry)
	if err != nil {
		if way, ok := errors.AsType[*Error](err); ok {
			if way.Login = true; way.Unsent {
				err = &cutError{err}
			}
			way.Unsent = !c.begun
		}
		_ = c.Close()
		return nil, nil, err
	}
	c.loggedIn = true
	return c, answer, nil
}

func (c *Conn) authenticate(ctx context.Context, first []byte, carry bool) ([]byte, error) {
	d := c.dialer
	x, err := c.mechanism.Begin(c.peerOf())
	if err != nil {
		return nil, c.authError(auth.Impossible, nil, err)
	}
	authorization, err := x.Next("")
	legs := 1
	for ; err == nil && !x.Done(); authorization, err = x.Next(authorization) {
		if authorization, err = c.challenge(ctx, x.Scheme(), authorization); err != nil {
			return nil, err
		}
		legs++
	}
	if err != nil {
		return nil, c.authError(auth.Unusable, nil, err)
	}
	if d.sealing {
		if c.codec = x.Sealing(); c.codec == nil {
			return nil, c.authError(auth.Impossible, nil, fmt.Errorf("%s cannot seal messages", c.mechanism.Name()))
		}
	}
	if legs > 1 && c.client.Err() != nil {
		return nil, &cutError{c.fail(c.authError(auth.ConnectionClosed, nil, nil))}
	}
	c.exchange = x
	if every, ok := x.(interface{ EveryRequest() secret.Text }); ok {
		c.authorization = every.EveryRequest()
	}
	if carry || legs == 1 {
		answer, err := c.post(ctx, authorization, first)
		if legs > 1 {
			err = c.refused(err)
		}
		return answer, err
	}
	if err := c.lastLeg(ctx, authorization); err != nil {
		return nil, err
	}
	return c.post(ctx, c.authorization.Reveal(), first)
}

// challenge sends one of the login's requests before the last, with an empty body, and returns the server's token. The
// answer comes at once from any server that works, so that it is waited for no longer than for the connection.
func (c *Conn) challenge(ctx context.Context, scheme, authorization string) (string, error) {
	soon, cancel := c.dialer.soon(ctx)
	defer cancel()
	a, err := c.empty(soon, authorization)
	if err != nil {
		if ctx.Err() == nil && errors.Is(context.Cause(soon), errConnectTimeout) {
			return "", &Error{Kind: KindUnreachable, Address: c.dialer.address(), Err: errSilent}
		}
		return "", err
	}
	if a.status != http.StatusUnauthorized {
		if a.status < 300 {
			return "", c.fail(c.authError(auth.NoChallenge, nil, errors.New("it asks for no login")))
		}
		err := c.statusError(a)
		if way, ok := errors.AsType[*Error](err); ok && way.Kind == KindBadRequest {
			way.Kind = KindStatus // nothing that was sealed has been sent yet
		}
		return "", c.fail(err)
	}
	offers := auth.Challenges(a.header)
	offer, ok := auth.Find(offers, scheme)
	switch {
	case !ok:
		return "", c.fail(c.authError(auth.NotOffered, offers, nil))
	case offer.Token == "":
		return "", c.fail(c.authError(auth.NoChallenge, offers, nil))
	case a.closed:
		return "", c.fail(c.authError(auth.ConnectionClosed, offers, nil))
	}
	return offer.Token, nil
}

// lastLeg sends the login's last request with an empty body.
func (c *Conn) lastLeg(ctx context.Context, authorization string) error {
	a, err := c.empty(ctx, authorization)
	switch {
	case err != nil:
		return err
	case a.status == http.StatusUnauthorized:
		return c.fail(c.rejected(a))
	case a.status >= 300:
		return c.fail(c.statusError(a))
	case a.closed:
		return c.fail(c.authError(auth.ConnectionClosed, nil, nil))
	}
	return c.consent(a)
}

// consent hands the mechanism the token that may come with the server's consent to a login.
func (c *Conn) consent(a *answer) error {
	if c.exchange == nil || a.status == http.StatusUnauthorized {
		return nil
	}
	x := c.exchange
	c.exchange = nil
	offer, ok := auth.Find(auth.Challenges(a.header), x.Scheme())
	if !ok || offer.Token == "" {
		return nil
	}
	if _, err := x.Next(offer.Token); err != nil {
		return c.fail(c.authError(auth.Unusable, nil, err))
	}
	return nil
}

// rejected makes the error of a 401 at the end of a login.
func (c *Conn) rejected(a *answer) *auth.Error {
	offers := auth.Challenges(a.header)
	if c.loggedIn && c.authorization.IsZero() {
		return c.authError(auth.Forgotten, offers, nil)
	}
	kind := auth.Rejected
	if strings.HasPrefix(c.authorization.Reveal(), "Basic ") { // without a challenge this is the first that is heard of what is offered
		if _, ok := auth.Find(offers, "Basic"); !ok && len(offers) > 0 {
			kind = auth.NotOffered
		}
	}
	if _, ok := c.mechanism.(*auth.Certificate); ok && !c.tls.asked {
		return c.authError(auth.NotOffered, offers, errNotAsked)
	}
	if c.dialer.url.Scheme == "http" && !c.dialer.sealing && kind == auth.Rejected {
		return c.authError(kind, offers, errClear)
	}
	return c.authError(kind, offers, nil)
}

// errClear is the other reason for a 401, as recorded of AllowUnencrypted=false.
var errClear = errors.New("by default a server refuses messages in clear in the same way (AllowUnencrypted=false)")

// errNotAsked tells a server that takes no certificates from one that does not know ours.
var errNotAsked = errors.New("it did not ask for the certificate")

// empty sends a request of the login without a body.
func (c *Conn) empty(ctx context.Context, authorization string) (*answer, error) {
	begin := time.Now()
	a, err := c.roundTrip(ctx, headers(authorization, "application/soap+xml;charset=UTF-8"), nil)
	c.observe(begin, authorization, nil, a, err)
	if err != nil {
		return nil, c.fail(err)
	}
	return a, nil
}

// refused marks the errors after which a login is worth another try with an empty body: 400, 401, and 5xx without a SOAP
// answer. After a 200 the server may have done what the message asks for, so that is never tried again.
func (c *Conn) refused(err error) error {
	var e *Error
	var login *auth.Error
	switch {
	case errors.As(err, &login) && login.Kind == auth.Rejected:
		return &refusedError{err}
	case errors.As(err, &e) && e.Status == http.StatusBadRequest,
		errors.As(err, &e) && e.Status >= 500 && e.Kind != KindUnsealed && e.Kind != KindNotReady && e.Kind != KindProxy:
		return &refusedError{err}
	}
	return err
}

// authError makes the error of a login.
func (c *Conn) authError(kind auth.Kind, offers []auth.Challenge, err error) *auth.Error {
	e := &auth.Error{Kind: kind, Mechanism: c.mechanism.Name(), Offered: auth.Schemes(offers), Err: err}
	if u, ok := c.mechanism.(interface{ User() string }); ok {
		e.User = u.User()
	}
	return e
}
