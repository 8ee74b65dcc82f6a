package probe

// Code names a kind of finding. Codes are stable: scripts rely on them, and docs/probe-auth.md lists each with cause and cure.
type Code string

// The codes.
const (
	Unresolved            Code = "unresolved"
	TCPRefused            Code = "tcp-refused"
	TCPTimeout            Code = "tcp-timeout"
	TCPUnreachable        Code = "tcp-unreachable"
	AddressDead           Code = "address-dead"
	ProxyTunnel           Code = "proxy-tunnel"
	HTTPSToHTTP           Code = "https-to-http-port"
	HTTPToHTTPS           Code = "http-to-https-port"
	TLSFailed             Code = "tls-failed"
	CertificateExpired    Code = "certificate-expired"
	CertificateNotYet     Code = "certificate-not-yet-valid"
	CertificateName       Code = "certificate-name"
	CertificateIssuer     Code = "certificate-issuer"
	CertificateInvalid    Code = "certificate-invalid"
	CertificatePin        Code = "certificate-fingerprint"
	NotWinRM              Code = "not-winrm"
	ProxyAnswers          Code = "proxy-answers"
	NotReady              Code = "not-ready"
	ConnectionCut         Code = "connection-cut"
	NoLoginAsked          Code = "no-login-asked"
	NegotiateNotOffered   Code = "negotiate-not-offered"
	BasicNotOffered       Code = "basic-not-offered"
	ChallengeUnusable     Code = "challenge-unusable"
	NoSealing             Code = "sealing-not-offered"
	LoginSplit            Code = "login-split"
	LoadBalancer          Code = "load-balancer"
	ClockSkew             Code = "clock-skew"
	ClockSkewNTLM         Code = "clock-skew-ntlm"
	Credentials           Code = "credentials"
	LocalAccount          Code = "local-account"
	SealingRequired       Code = "sealing-required"
	BindingsWrong         Code = "channel-bindings-wrong"
	BindingsSuspected     Code = "channel-bindings-suspected"
	CertificateNotMapped  Code = "certificate-not-mapped"
	CertificateRefused    Code = "certificate-refused"
	CertificateNotOffered Code = "certificate-not-offered"
	NotAdministrator      Code = "not-administrator"
	Refused               Code = "refused"
	UnsealedAnswer        Code = "unsealed-answer"
	UnexpectedAnswer      Code = "unexpected-answer"
	AnswerFalsified       Code = "answer-falsified"
	BasicOverHTTP         Code = "basic-over-http"
	LoginImpossible       Code = "login-impossible"
	UntrustedNoLogin      Code = "untrusted-no-login"
)

// Codes lists all of them, in the order in which a probe comes to them.
func Codes() []Code {
	return []Code{
		Unresolved, TCPRefused, TCPTimeout, TCPUnreachable, AddressDead, ProxyTunnel, HTTPSToHTTP, HTTPToHTTPS, TLSFailed,
		CertificateExpired, CertificateNotYet, CertificateName, CertificateIssuer, CertificateInvalid, CertificatePin, NotWinRM, ProxyAnswers, NotReady,
		ConnectionCut, NoLoginAsked, NegotiateNotOffered, BasicNotOffered, ChallengeUnusable, NoSealing, LoginSplit, LoadBalancer,
		ClockSkew, ClockSkewNTLM, UntrustedNoLogin, SealingRequired, BindingsWrong, Credentials, LocalAccount, BindingsSuspected,
		CertificateRefused, CertificateNotOffered, CertificateNotMapped, BasicOverHTTP, LoginImpossible, UnsealedAnswer, AnswerFalsified, UnexpectedAnswer, NotAdministrator, Refused,
	}
}

// Reason is the finding that says most of why no login works: the first one, but for what logins work with, and for a clock where
// something else than the credentials is found. nil for none.
func (r *Report) Reason() *Finding {
	var clock *Finding
	for i := range r.Findings {
		switch f := &r.Findings[i]; f.Code {
		case AddressDead, ClockSkew:
		case ClockSkewNTLM:
			clock = f
		default:
			if clock != nil && f.Code == Credentials {
				return clock
			}
			return f
		}
	}
	if len(r.Findings) > 0 {
		return &r.Findings[0]
	}
	return nil
}
