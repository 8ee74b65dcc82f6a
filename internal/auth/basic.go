package auth

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/winrmctl/winrmctl/internal/sealed"
	"github.com/winrmctl/winrmctl/internal/secret"
)

// Basic logs in with user and password in every request (RFC 7617): over https, or over http where the user has asked for
// messages in clear.
type Basic struct {
	user     string
	password secret.Text
}

// NewBasic takes a local account; Windows knows no others here. A ".\" before it is taken off.
func NewBasic(user, password string) *Basic {
	return &Basic{user, secret.New(password)}
}

// Name implements [Mechanism].
func (*Basic) Name() string { return "Basic" }

// User returns the account as it was written.
func (b *Basic) User() string { return b.user }

// Begin implements [Mechanism].
func (b *Basic) Begin(p Peer) (Exchange, error) {
	user := strings.TrimPrefix(b.user, `.\`)
	switch {
	case p.Sealing && !p.TLS:
		return nil, errors.New("Basic would send the password in clear: it needs https, or an explicit --encryption never")
	case p.Sealing:
		return nil, errors.New("Basic cannot seal messages")
	case strings.Contains(user, ":"):
		return nil, errors.New("Basic cannot carry a user name with a colon")
	}
	return &everyRequest{"Basic", secret.New("Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+b.password.Reveal())))}, nil
}

// everyRequest is an exchange that says the same in every request, and has no challenge.
type everyRequest struct {
	scheme        string
	authorization secret.Text
}

func (x *everyRequest) Scheme() string { return x.scheme }

func (x *everyRequest) Next(challenge string) (string, error) {
	if challenge != "" {
		return "", nil
	}
	return x.authorization.Reveal(), nil
}

func (*everyRequest) Done() bool { return true }

func (*everyRequest) Sealing() *sealed.Codec { return nil }

// EveryRequest implements the ability to authorize each request of a connection.
func (x *everyRequest) EveryRequest() secret.Text { return x.authorization }

// Certificate logs in with a TLS client certificate, which the server maps to an account (MS-WSMV 3.1.4.1.35). The
// certificate itself is part of the TLS configuration.
type Certificate struct{ subject string }

// NewCertificate takes the certificate's subject, for messages.
func NewCertificate(subject string) *Certificate { return &Certificate{subject} }

// Name implements [Mechanism].
func (*Certificate) Name() string { return certificateName }

const certificateName = "certificate"

// User returns the certificate's subject.
func (c *Certificate) User() string { return c.subject }

// certificateProfile is what a request says to be authorized by its TLS session (DSP0226 annex C.3.5).
const certificateProfile = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"

// Begin implements [Mechanism].
func (*Certificate) Begin(p Peer) (Exchange, error) {
	switch {
	case !p.TLS:
		return nil, errors.New("a certificate needs https")
	case p.Sealing:
		return nil, errors.New("a login by certificate cannot seal messages")
	}
	return &everyRequest{certificateProfile, secret.New(certificateProfile)}, nil
}
