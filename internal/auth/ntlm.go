package auth

import (
	"encoding/base64"
	"errors"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
	"github.com/winrmctl/winrmctl/internal/sealed"
)

// NTLM logs in with raw NTLM messages under the scheme Negotiate, as WinRM takes them (recorded).
type NTLM struct {
	user     string
	password string
}

// NewNTLM takes the account as users write it: DOMAIN\user, user@realm, user or .\user.
func NewNTLM(user, password string) *NTLM {
	return &NTLM{user, password}
}

// Name implements [Mechanism].
func (*NTLM) Name() string { return "NTLM" }

// User returns the account as it was written.
func (n *NTLM) User() string { return n.user }

// Begin implements [Mechanism].
func (n *NTLM) Begin(p Peer) (Exchange, error) {
	config := ntlm.ClientConfig{Account: ntlm.ParseAccount(n.user), Password: n.password, Sealing: p.Sealing}
	if p.Host != "" {
		config.TargetName = "HTTP/" + p.Host
	}
	if p.ChannelBindings != nil {
		bindings := ntlm.ChannelBindings(p.ChannelBindings)
		config.ChannelBindings = &bindings
	}
	return &ntlmExchange{client: ntlm.NewClient(config)}, nil
}

type ntlmExchange struct {
	client *ntlm.ClientExchange
	begun  bool
	codec  *sealed.Codec
}

func (*ntlmExchange) Scheme() string { return "Negotiate" }

func (x *ntlmExchange) Next(challenge string) (string, error) {
	var message []byte
	var err error
	switch {
	case x.client.Done():
		// A raw NTLM login ends with the client's message.
		return "", nil
	case !x.begun:
		x.begun = true
		message, err = x.client.Negotiate()
	case challenge == "":
		return "", errors.New("the challenge is empty")
	default:
		var token []byte
		if token, err = base64.StdEncoding.DecodeString(challenge); err != nil {
			return "", errors.New("the challenge is no base64")
		}
		message, err = x.client.Authenticate(token)
	}
	if err != nil {
		return "", err
	}
	return x.Scheme() + " " + base64.StdEncoding.EncodeToString(message), nil
}

func (x *ntlmExchange) Done() bool { return x.client.Done() }

func (x *ntlmExchange) Sealing() *sealed.Codec {
	if x.codec == nil && x.client.Done() {
		if session, err := x.client.Session(); err == nil {
			x.codec = sealed.New(session, sealed.SPNEGO)
		}
	}
	return x.codec
}
