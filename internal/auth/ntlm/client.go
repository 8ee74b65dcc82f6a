package ntlm

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/Azure/go-ntlmssp"

	"github.com/winrmctl/winrmctl/internal/secret"
)

// ClientConfig is what a client authenticates with. It may be shared by clients; nothing in it is changed.
type ClientConfig struct {
	Account  Account
	Password secret.Text

	// TargetName is the SPN of the service, such as HTTP/web1 (MsvAvTargetName); empty to send none.
	TargetName string

	// ChannelBindings is the value of MsvAvChannelBindings; nil where there is no TLS.
	ChannelBindings *[16]byte

	// Sealing makes a server that does not negotiate all that sealing needs an error.
	Sealing bool
}

// A ClientExchange is the client's side of one authentication on one connection: Negotiate, then Authenticate, then Session.
type ClientExchange struct {
	config    ClientConfig
	negotiate []byte
	challenge *ChallengeMessage
	flags     Flags
	exported  [16]byte
	done      bool
}

// NewClient starts an exchange.
func NewClient(config ClientConfig) *ClientExchange { return &ClientExchange{config: config} }

// clientFlags are added to those of the library: the target's name and a sealed session with a key of its own.
const clientFlags = RequestTarget | Sign | Seal | KeyExchange | NegotiateVersion

// Negotiate returns the NEGOTIATE_MESSAGE.
func (c *ClientExchange) Negotiate() ([]byte, error) {
	library, err := ntlmssp.NewNegotiateMessage("", "")
	if err != nil {
		return nil, fmt.Errorf("ntlm: NEGOTIATE_MESSAGE: %w", err)
	}
	m, err := ParseNegotiate(library)
	if err != nil {
		return nil, err
	}
	m.Flags |= clientFlags
	v := parseVersion(library[32:])
	m.Version = &v
	c.negotiate, err = m.Bytes()
	return c.negotiate, err
}

// errProof guards against a library that computes with another user, domain or challenge than the one that is sent.
var errProof = errors.New("ntlm: AUTHENTICATE_MESSAGE: the response does not fit the account")

// Authenticate answers a CHALLENGE_MESSAGE. Negotiate must have been called before.
func (c *ClientExchange) Authenticate(challenge []byte) ([]byte, error) {
	cm, err := ParseChallenge(challenge)
	if err != nil {
		return nil, err
	}
	c.challenge = cm
	own, err := ParseNegotiate(c.negotiate)
	if err != nil {
		return nil, err
	}
	// 2.2.2.5: the AUTHENTICATE_MESSAGE carries what both sides can do.
	c.flags = cm.Flags & own.Flags
	if !cm.Flags.Has(Unicode) {
		c.flags |= cm.Flags & OEM
	}
	if c.config.Sealing && !c.flags.Has(sealingFlags) {
		return nil, fmt.Errorf("ntlm: the server does not offer a sealed session: its flags %v lack %v", cm.Flags, sealingFlags&^c.flags)
	}

	account := c.config.Account
	domain := account.domainFor(cm.Pairs)
	nt, err := c.ntResponse(cm, domain)
	if err != nil {
		return nil, err
	}
	response, err := ParseNTLMv2Response(nt)
	if err != nil {
		return nil, err
	}
	key := NTOWFv2(c.config.Password.Reveal(), account.User, domain)
	proof := NTProofStr(key, cm.ServerChallenge, response.Temp)
	if subtle.ConstantTimeCompare(proof[:], response.NTProofStr[:]) != 1 {
		return nil, errProof
	}

	m := &AuthenticateMessage{Flags: c.flags, NtChallengeResponse: nt, Domain: domain, User: account.User, Version: own.Version}
	_, timed := cm.Pairs.Timestamp()
	if timed {
		// 3.1.5.1.2: with a timestamp the LM response is 24 zero bytes, and a MIC protects the three messages.
		m.LmChallengeResponse = make([]byte, 24)
		m.MIC = new([16]byte)
	} else {
		m.LmChallengeResponse = lmv2Response(key, cm.ServerChallenge, response.ChallengeFromClient)
	}
	c.exported = SessionBaseKey(key, proof)
	if c.flags.Has(KeyExchange) {
		exchange := c.exported
		if _, err := rand.Read(c.exported[:]); err != nil {
			return nil, fmt.Errorf("ntlm: session key: %w", err)
		}
		encrypted := exchangeKey(exchange, c.exported)
		m.EncryptedRandomSessionKey = encrypted[:]
	}
	message, err := m.Bytes()
	if err != nil {
		return nil, err
	}
	if timed {
		mic := MIC(c.exported, c.negotiate, challenge, message)
		copy(message[micOffset:], mic[:])
	}
	c.done = true
	return message, nil
}

// ntResponse has the library compute the NTLMv2 response. It echoes the TargetInfo of the challenge that it is given, so
// it is given one of our making: the server's challenge, and the AV pairs that the client is to send.
func (c *ClientExchange) ntResponse(cm *ChallengeMessage, domain string) ([]byte, error) {
	info := cm.TargetInfo
	if len(info) > 0 {
		info = c.clientPairs(cm.Pairs).Bytes()
	}
	flags := cm.Flags&^(OEM|KeyExchange|LMKey|NegotiateVersion) | Unicode
	e := newEncoder(TypeChallenge, 48)
	e.fixed[20], e.fixed[21], e.fixed[22], e.fixed[23] = byte(flags), byte(flags>>8), byte(flags>>16), byte(flags>>24)
	copy(e.fixed[24:], cm.ServerChallenge[:])
	e.field(12, nil)
	e.field(40, info)
	// The library splits at the first backslash: with one always there, a user name never loses its own.
	library, err := ntlmssp.NewAuthenticateMessage(e.bytes(), domain+`\`+c.config.Account.User, c.config.Password.Reveal(), nil)
	if err != nil {
		return nil, fmt.Errorf("ntlm: AUTHENTICATE_MESSAGE: %w", err)
	}
	m, err := ParseAuthenticate(library)
	if err != nil {
		return nil, err
	}
	return m.NtChallengeResponse, nil
}

// clientPairs are the server's AV pairs and those that 3.1.5.1.2 has the client add. What a server has no business to
// send (flags apart) is replaced, not kept beside ours.
func (c *ClientExchange) clientPairs(server AVPairs) AVPairs {
	out := make(AVPairs, len(server), len(server)+3)
	copy(out, server)
	if _, timed := server.Timestamp(); timed {
		flags := server.Flags() | AvFlagMICProvided
		out = out.set(AvFlags, []byte{byte(flags), byte(flags >> 8), byte(flags >> 16), byte(flags >> 24)})
	}
	if c.config.ChannelBindings != nil {
		out = out.set(AvChannelBindings, c.config.ChannelBindings[:])
	}
	if c.config.TargetName != "" {
		out = out.set(AvTargetName, encodeUTF16(c.config.TargetName))
	}
	return out
}

// Done reports whether the AUTHENTICATE_MESSAGE has been made.
func (c *ClientExchange) Done() bool { return c.done }

// Challenge returns the server's message once Authenticate has seen it, nil before.
func (c *ClientExchange) Challenge() *ChallengeMessage { return c.challenge }

// ProvidesMIC reports whether the AUTHENTICATE_MESSAGE has a MIC: SPNEGO then wants a mechListMIC too (MS-SPNG 3.3.5.1).
func (c *ClientExchange) ProvidesMIC() bool {
	if c.challenge == nil {
		return false
	}
	_, timed := c.challenge.Pairs.Timestamp()
	return timed
}

// Flags returns what was negotiated, once Authenticate has seen the challenge.
func (c *ClientExchange) Flags() Flags { return c.flags }

// Session returns the client's end of the sealed session. It may be called once, after Authenticate.
func (c *ClientExchange) Session() (*Session, error) {
	if !c.done {
		return nil, errors.New("ntlm: no session before the AUTHENTICATE_MESSAGE")
	}
	return NewSession(c.exported, c.flags, Client)
}
