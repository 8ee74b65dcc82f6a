// Package auth authenticates one HTTP connection to a WS-Management listener: mechanisms, the challenges that a server
// offers, channel bindings; it does not dial, send or read.
package auth

import (
	"fmt"
	"strings"

	"github.com/winrmctl/winrmctl/internal/sealed"
)

// A Mechanism holds credentials. It is shared by connections and safe for concurrent use.
type Mechanism interface {
	// Name is what users and messages call it: ntlm, basic, ...
	Name() string
	// Begin starts the authentication of one connection.
	Begin(Peer) (Exchange, error)
}

// An Exchange authenticates one connection and is never used for another.
type Exchange interface {
	// Next takes what the server sent behind the mechanism's scheme in WWW-Authenticate, "" before it sent anything,
	// and returns the value of the next Authorization header; "" when nothing more is to be sent.
	Next(challenge string) (authorization string, err error)
	// Scheme is the HTTP scheme under which the exchange runs, such as Negotiate.
	Scheme() string
	// Done reports that the value that Next returned last is the final one.
	Done() bool
	// Sealing returns the codec for the messages on the connection, nil where the mechanism cannot seal. It is the same
	// codec at each call, and may be asked for as soon as the exchange is done.
	Sealing() *sealed.Codec
}

// Peer is the connection that is to be authenticated.
type Peer struct {
	Host            string // as the user wrote it, for the SPN HTTP/host
	TLS             bool
	ChannelBindings []byte // of the TLS session (see EndPointBindings); nil without TLS
	Sealing         bool   // the connection is of no use without a sealed session
}

// WithoutBindings is a mechanism that sends no channel bindings, for diagnosis.
func WithoutBindings(m Mechanism) Mechanism { return withoutBindings{m} }

type withoutBindings struct{ Mechanism }

func (m withoutBindings) Begin(p Peer) (Exchange, error) {
	p.ChannelBindings = nil
	return m.Mechanism.Begin(p)
}

// Kind says why a login failed, as far as the client's side can tell.
type Kind int

// The kinds.
const (
	// Rejected: a whole exchange, and the server said 401 to its end. User, password, and what an administrator may
	// have configured against both look the same from here.
	Rejected Kind = iota + 1
	// NotOffered: the server does not offer the mechanism's scheme.
	NotOffered
	// NoChallenge: the server offers the scheme, but answers its first message with no challenge.
	NoChallenge
	// ConnectionClosed: the server, or something before it, closes the connection in the middle of the login.
	ConnectionClosed
	// Unusable: the server's challenge cannot be used: malformed, or too weak to seal with.
	Unusable
	// Forgotten: a request on a connection that is logged in gets 401, as one does on another connection.
	Forgotten
	// Impossible: the mechanism cannot do what is asked of it. Nothing was sent.
	Impossible
)

// An Error is a login that failed.
type Error struct {
	Kind      Kind
	Mechanism string
	User      string   // as the user wrote it, "" where it plays no part
	Offered   []string // the schemes that the server offers, where that is known
	Err       error    // detail, or nil
}

func (e *Error) Error() string {
	text := ""
	switch e.Kind {
	case Rejected:
		if e.Mechanism == certificateName {
			if text = fmt.Sprintf("the server maps the certificate %s to no account (answered with 401)", e.User); e.Err != nil {
				text = fmt.Sprintf("the server refuses the certificate %s", e.User)
			}
			break
		}
		text = fmt.Sprintf("the server refuses user %s (%s login, answered with 401)", e.User, e.Mechanism)
	case NotOffered:
		text = fmt.Sprintf("the server does not offer a login by %s", e.Mechanism)
		if len(e.Offered) > 0 {
			text += ", only " + strings.Join(e.Offered, ", ")
		}
	case NoChallenge:
		text = fmt.Sprintf("the server answers the first %s message without a challenge", e.Mechanism)
	case ConnectionClosed:
		text = fmt.Sprintf("the connection is closed in the middle of the %s login, which needs one connection from beginning to end", e.Mechanism)
	case Forgotten:
		text = fmt.Sprintf("the server has forgotten the %s login of user %s (401 on a connection that was logged in): something in between takes another connection for some requests", e.Mechanism, e.User)
	case Impossible:
		text = fmt.Sprintf("a login by %s is not possible here", e.Mechanism)
	case Unusable:
		text = fmt.Sprintf("the server's %s challenge cannot be used", e.Mechanism)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }
