package auth

import (
	"encoding/asn1"
	"encoding/base64"
	"errors"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
	"github.com/winrmctl/winrmctl/internal/auth/spnego"
	"github.com/winrmctl/winrmctl/internal/sealed"
	"github.com/winrmctl/winrmctl/internal/secret"
)

// NTLM logs in with NTLM messages under the scheme Negotiate: raw, as WinRM takes them (recorded), or wrapped in SPNEGO,
// which some servers insist on.
type NTLM struct {
	user     string
	password func() (string, error)
	wrapped  bool
}

// NewNTLM takes the account as users write it: DOMAIN\user, user@realm, user or .\user.
func NewNTLM(user, password string) *NTLM {
	return NewNTLMWith(user, func() (string, error) { return password, nil })
}

// NewNTLMWith is [NewNTLM] with a password that is asked for only when it comes to a login.
func NewNTLMWith(user string, password func() (string, error)) *NTLM {
	return &NTLM{user: user, password: password}
}

// Wrapped returns the same login with its messages wrapped in SPNEGO.
func (n *NTLM) Wrapped() *NTLM { return &NTLM{n.user, n.password, true} }

// Name implements [Mechanism].
func (n *NTLM) Name() string {
	if n.wrapped {
		return "NTLM within SPNEGO"
	}
	return "NTLM"
}

// User returns the account as it was written.
func (n *NTLM) User() string { return n.user }

// Begin implements [Mechanism].
func (n *NTLM) Begin(p Peer) (Exchange, error) {
	password, err := n.password()
	if err != nil {
		return nil, err
	}
	config := ntlm.ClientConfig{Account: ntlm.ParseAccount(n.user), Password: secret.New(password), Sealing: p.Sealing}
	if p.Host != "" {
		config.TargetName = "HTTP/" + p.Host
	}
	if p.ChannelBindings != nil {
		bindings := ntlm.ChannelBindings(p.ChannelBindings)
		config.ChannelBindings = &bindings
	}
	return &ntlmExchange{client: ntlm.NewClient(config), wrapped: n.wrapped, listed: n.wrapped}, nil
}

type ntlmExchange struct {
	client  *ntlm.ClientExchange
	begun   bool
	wrapped bool // messages travel within SPNEGO
	listed  bool // a list of mechanisms was sent, which a mechListMIC can sign
	session *ntlm.Session
	codec   *sealed.Codec
}

func (*ntlmExchange) Scheme() string { return "Negotiate" }

func (x *ntlmExchange) Next(challenge string) (string, error) {
	var token []byte
	var err error
	if !x.begun {
		x.begun = true
		token, err = x.first()
	} else if challenge == "" && x.client.Done() {
		return "", nil
	} else {
		if token, err = base64.StdEncoding.DecodeString(challenge); err != nil || len(token) == 0 {
			return "", errors.New("the challenge is no base64")
		}
		token, err = x.answer(token)
	}
	if err != nil || token == nil {
		return "", err
	}
	return x.Scheme() + " " + base64.StdEncoding.EncodeToString(token), nil
}

func (x *ntlmExchange) first() ([]byte, error) {
	message, err := x.client.Negotiate()
	if err != nil || !x.wrapped {
		return message, err
	}
	return (&spnego.Init{MechTypes: mechanisms(), MechToken: message}).Bytes()
}

// answer takes one of the server's tokens. A server may answer a raw message with a wrapped one.
func (x *ntlmExchange) answer(token []byte) ([]byte, error) {
	r := &spnego.Resp{State: spnego.StateNone, ResponseToken: token}
	if spnego.IsResp(token) {
		var err error
		if r, err = spnego.ParseResp(token); err != nil {
			return nil, err
		}
		x.wrapped = true
	}
	if x.client.Done() {
		return nil, x.finish(r)
	}
	if r.State == spnego.Reject || len(r.ResponseToken) == 0 {
		return nil, errors.New("SPNEGO does not agree on NTLM: " + r.State.String())
	}
	message, err := x.client.Authenticate(r.ResponseToken)
	if err != nil || !x.wrapped {
		return message, err
	}
	out := &spnego.Resp{State: spnego.AcceptIncomplete, ResponseToken: message}
	// RFC 4178 5, MS-SPNG 3.3.5.1: an NTLM login with a MIC signs the list of mechanisms.
	if x.listed && (x.client.ProvidesMIC() || r.State == spnego.RequestMIC) {
		if x.session, err = x.client.Session(); err != nil {
			return nil, err
		}
		out.MechListMIC = x.session.SignMechList(spnego.MechTypeList(mechanisms()))
	}
	return out.Bytes()
}

// finish takes the token that comes with the server's consent.
func (x *ntlmExchange) finish(r *spnego.Resp) error {
	if r.State == spnego.Reject {
		return errors.New("SPNEGO ends with " + r.State.String())
	}
	if r.MechListMIC == nil || x.session == nil {
		return nil
	}
	return x.session.VerifyMechList(spnego.MechTypeList(mechanisms()), r.MechListMIC)
}

func mechanisms() []asn1.ObjectIdentifier { return []asn1.ObjectIdentifier{spnego.NTLM()} }

func (x *ntlmExchange) Done() bool { return x.client.Done() }

func (x *ntlmExchange) Sealing() *sealed.Codec {
	if x.codec == nil && x.client.Done() {
		if x.session == nil {
			var err error
			if x.session, err = x.client.Session(); err != nil {
				return nil
			}
		}
		x.codec = sealed.New(x.session, sealed.SPNEGO)
	}
	return x.codec
}
