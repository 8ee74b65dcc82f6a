package ntlm

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// AcceptorConfig is what a server accepts logins with. It may be shared by exchanges; nothing in it is changed.
type AcceptorConfig struct {
	// Password returns the password of an account, with user and domain as the client wrote them; ok is false for an
	// account that does not exist.
	Password func(user, domain string) (password string, ok bool)

	ComputerName string // NetBIOS name; also used as the domain, as on a host of a workgroup
	DNSName      string
	Version      Version
	Now          func() time.Time // nil: time.Now

	// ChannelBindings is the hash of this server's own TLS end point, nil where there is no TLS. A client that sends
	// another one is refused; one that sends none only with RequireChannelBindings (CbtHardeningLevel Strict).
	ChannelBindings        *[16]byte
	RequireChannelBindings bool

	OEM         bool // answer with OEM strings although UNICODE was offered
	NoTimestamp bool // leave MsvAvTimestamp out, as servers before Windows Vista do: then clients send LMv2 and no MIC
}

// LogonReason says why an acceptor refused a login. Windows keeps it to itself; a sandbox can tell.
type LogonReason string

// The reasons of a [LogonError].
const (
	ReasonMalformed       LogonReason = "malformed message"
	ReasonNoAccount       LogonReason = "no such account"
	ReasonProof           LogonReason = "NTProofStr is wrong: another password, user, domain or challenge"
	ReasonKey             LogonReason = "EncryptedRandomSessionKey is missing or of a wrong length"
	ReasonMIC             LogonReason = "the MIC is missing or wrong"
	ReasonNoBindings      LogonReason = "channel bindings are required and missing"
	ReasonBindings        LogonReason = "channel bindings are those of another TLS end point"
	ReasonNoSuchChallenge LogonReason = "AUTHENTICATE_MESSAGE without a CHALLENGE_MESSAGE on this connection"
)

// LogonError is a refused login.
type LogonError struct {
	Reason LogonReason
	User   string
	Domain string
	Err    error // detail, or nil
}

func (e *LogonError) Error() string {
	text := "ntlm: logon refused: " + string(e.Reason)
	if e.User != "" {
		text = fmt.Sprintf("ntlm: logon of %q (domain %q) refused: %s", e.User, e.Domain, e.Reason)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *LogonError) Unwrap() error { return e.Err }

// An AcceptorExchange is the server's side of one authentication on one connection: Challenge, then Accept, then Session.
type AcceptorExchange struct {
	config    AcceptorConfig
	negotiate []byte
	challenge []byte
	sent      *ChallengeMessage
	message   *AuthenticateMessage
	response  *NTLMv2Response
	exported  [16]byte
	accepted  bool
}

// NewAcceptor starts an exchange.
func NewAcceptor(config AcceptorConfig) *AcceptorExchange { return &AcceptorExchange{config: config} }

// serverFlags are what a Windows server agrees to when a client asks for it (3.2.5.1.1, and as recorded from Windows Server 2012 R2).
const serverFlags = RequestTarget | Sign | Seal | NTLM | AlwaysSign | ExtendedSessionSecurity | NegotiateVersion |
	Negotiate128 | KeyExchange | Negotiate56

// Challenge answers a NEGOTIATE_MESSAGE.
func (a *AcceptorExchange) Challenge(negotiate []byte) ([]byte, error) {
	m, err := ParseNegotiate(negotiate)
	if err != nil {
		return nil, &LogonError{Reason: ReasonMalformed, Err: err}
	}
	now := time.Now
	if a.config.Now != nil {
		now = a.config.Now
	}
	c := &ChallengeMessage{
		Flags:      m.Flags&serverFlags | NTLM | TargetInfo | TargetTypeServer,
		TargetName: a.config.ComputerName,
		Version:    &a.config.Version,
	}
	if m.Flags.Has(Unicode) && !a.config.OEM {
		c.Flags |= Unicode
	} else {
		c.Flags |= OEM
	}
	if _, err := rand.Read(c.ServerChallenge[:]); err != nil {
		return nil, fmt.Errorf("ntlm: challenge: %w", err)
	}
	name, dns := encodeUTF16(a.config.ComputerName), encodeUTF16(a.config.DNSName)
	c.Pairs = AVPairs{{AvNbDomainName, name}, {AvNbComputerName, name}, {AvDNSDomainName, dns}, {AvDNSComputerName, dns}}
	if !a.config.NoTimestamp {
		c.Pairs = append(c.Pairs, AVPair{AvTimestamp, binary.LittleEndian.AppendUint64(nil, fileTime(now()))})
	}
	c.TargetInfo = c.Pairs.Bytes()
	challenge, err := c.Bytes()
	if err != nil {
		return nil, err
	}
	a.negotiate, a.challenge, a.sent = append([]byte(nil), negotiate...), challenge, c
	return challenge, nil
}

// Accept checks an AUTHENTICATE_MESSAGE: the proof, the session key, the MIC where the client promises one, the channel
// bindings. It returns a [LogonError] for a login that is refused. An exchange accepts one message.
func (a *AcceptorExchange) Accept(authenticate []byte) error {
	if a.sent == nil || a.message != nil {
		return &LogonError{Reason: ReasonNoSuchChallenge}
	}
	m, err := ParseAuthenticate(authenticate)
	if err != nil {
		return &LogonError{Reason: ReasonMalformed, Err: err}
	}
	a.message = m
	refuse := func(reason LogonReason, err error) error {
		return &LogonError{Reason: reason, User: m.User, Domain: m.Domain, Err: err}
	}
	r, err := ParseNTLMv2Response(m.NtChallengeResponse)
	if err != nil {
		return refuse(ReasonMalformed, err)
	}
	a.response = r
	password, ok := a.config.Password(m.User, m.Domain)
	if !ok {
		return refuse(ReasonNoAccount, nil)
	}
	key := NTOWFv2(password, m.User, m.Domain)
	if proof := NTProofStr(key, a.sent.ServerChallenge, r.Temp); !hmac.Equal(proof[:], r.NTProofStr[:]) {
		return refuse(ReasonProof, nil)
	}
	a.exported = SessionBaseKey(key, r.NTProofStr)
	if m.Flags.Has(KeyExchange) {
		if len(m.EncryptedRandomSessionKey) != 16 {
			return refuse(ReasonKey, nil)
		}
		a.exported = exchangeKey(a.exported, [16]byte(m.EncryptedRandomSessionKey))
	}
	if r.Pairs.Flags()&AvFlagMICProvided != 0 {
		mic := MIC(a.exported, a.negotiate, a.challenge, authenticate)
		if m.MIC == nil || !hmac.Equal(m.MIC[:], mic[:]) {
			return refuse(ReasonMIC, nil)
		}
	}
	if err := a.checkBindings(r.Pairs); err != "" {
		return refuse(err, nil)
	}
	a.accepted = true
	return nil
}

// checkBindings compares MsvAvChannelBindings with this server's; all zero stands for none (2.2.2.1).
func (a *AcceptorExchange) checkBindings(pairs AVPairs) LogonReason {
	if a.config.ChannelBindings == nil {
		return ""
	}
	sent, _ := pairs.Get(AvChannelBindings)
	switch {
	case len(sent) != channelBindingsSize || [16]byte(sent) == [16]byte{}:
		if a.config.RequireChannelBindings {
			return ReasonNoBindings
		}
	case [16]byte(sent) != *a.config.ChannelBindings:
		return ReasonBindings
	}
	return ""
}

// Message returns the client's message once Accept has seen it, nil before.
func (a *AcceptorExchange) Message() *AuthenticateMessage { return a.message }

// Response returns the client's NTLMv2 response once Accept has seen it, nil before.
func (a *AcceptorExchange) Response() *NTLMv2Response { return a.response }

// Session returns the server's end of the sealed session. It may be called once, after Accept.
func (a *AcceptorExchange) Session() (*Session, error) {
	if !a.accepted {
		return nil, errors.New("ntlm: no session without an accepted login")
	}
	return NewSession(a.exported, a.message.Flags, Server)
}
