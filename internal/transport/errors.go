package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/sealed"
)

// Kind says what went wrong on the way.
type Kind int

// The kinds.
const (
	KindUnresolved      Kind = iota + 1 // the host name is unknown
	KindUnreachable                     // no TCP connection
	KindTLS                             // no TLS session: Err tells more
	KindPlainText                       // TLS was spoken to a port that answers in clear
	KindLost                            // the connection broke during a request
	KindTimeout                         // the context's deadline passed during a request
	KindStatus                          // an HTTP status that means nothing in particular here
	KindNotFound                        // 404: no WS-Management at this path
	KindNotWSMan                        // an answer that is no WS-Management, such as an HTML page
	KindProxy                           // a proxy answers instead of the server
	KindTunnel                          // the proxy of the configuration makes no tunnel
	KindNotReady                        // 503, 429, 425: try again later
	KindRequestTooLarge                 // 413: over the server's MaxEnvelopeSizekb
	KindBadRequest                      // 400 without a fault: the server could not open the sealed message
	KindTooLarge                        // the answer is larger than this package takes
	KindUnsealed                        // an answer in clear where a sealed one is due
	KindIntegrity                       // a sealed answer that does not open
)

// An Error is a request that got no answer from a WS-Management service.
type Error struct {
	Kind    Kind
	Address string // host:port
	Status  int    // HTTP status, 0 where there was no answer
	Detail  string // of the answer, such as its media type
	Login   bool   // it was one of the requests of a login, which may have failed for that reason
	Unsent  bool   // the server has not seen the request
	Err     error  // cause, or nil
}

func (e *Error) Error() string {
	switch e.Kind {
	case KindUnresolved:
		return fmt.Sprintf("connect to %s: the host name is unknown", e.Address)
	case KindUnreachable:
		return fmt.Sprintf("connect to %s: %s", e.Address, Cause(e.Err))
	case KindTunnel:
		return fmt.Sprintf("connect to %s: %v", e.Address, e.Err)
	case KindTLS:
		return fmt.Sprintf("TLS with %s: %s", e.Address, Cause(e.Err))
	case KindPlainText:
		return fmt.Sprintf("TLS with %s: the port answers in clear, it does not speak https", e.Address)
	case KindLost:
		if e.Login {
			return fmt.Sprintf("connection to %s lost in the middle of the login: %s", e.Address, Cause(e.Err))
		}
		return fmt.Sprintf("connection to %s lost: %s", e.Address, Cause(e.Err))
	case KindTimeout:
		return fmt.Sprintf("no answer from %s: %s", e.Address, Cause(e.Err))
	case KindNotFound:
		return fmt.Sprintf("%s has no WS-Management at this path (HTTP 404)", e.Address)
	case KindNotWSMan:
		if e.Status == 0 {
			return e.Address + " does not speak HTTP"
		}
		return fmt.Sprintf("%s does not speak WS-Management: HTTP %d with %s", e.Address, e.Status, e.Detail)
	case KindProxy:
		return fmt.Sprintf("a proxy answers instead of %s: HTTP %d %s", e.Address, e.Status, http.StatusText(e.Status))
	case KindNotReady:
		return fmt.Sprintf("%s is not ready: HTTP %d %s", e.Address, e.Status, http.StatusText(e.Status))
	case KindRequestTooLarge:
		return fmt.Sprintf("%s refuses the request: it is larger than the server's MaxEnvelopeSizekb (HTTP 413)", e.Address)
	case KindBadRequest:
		return fmt.Sprintf("%s cannot read the request (HTTP 400)", e.Address)
	case KindTooLarge:
		return fmt.Sprintf("the answer of %s is too large: %s", e.Address, Cause(e.Err))
	case KindUnsealed:
		return fmt.Sprintf("%s answers in clear within a sealed session (HTTP %d, %s): refused", e.Address, e.Status, e.Detail)
	case KindIntegrity:
		return fmt.Sprintf("a sealed message of %s does not open: %s", e.Address, Cause(e.Err))
	}
	return fmt.Sprintf("%s answers with HTTP %d %s", e.Address, e.Status, http.StatusText(e.Status))
}

func (e *Error) Unwrap() error { return e.Err }

// Lost reports that no answer came, that the server may have acted on the request all the same, and that it may answer on
// another connection.
func (e *Error) Lost() bool {
	switch e.Kind {
	case KindLost, KindTimeout, KindUnreachable, KindUnresolved, KindNotReady:
		return true
	}
	return false
}

// Astray reports that something else than the service has answered, and done nothing: what stands at the way there while a
// network is down or a host starts. Where the service has answered before, it may do so again.
func (e *Error) Astray() bool {
	switch e.Kind {
	case KindTLS, KindPlainText, KindTunnel, KindNotFound, KindNotWSMan, KindProxy, KindStatus:
		return true
	}
	return false
}

// NotSent reports that nothing of the request was sent.
func (e *Error) NotSent() bool {
	switch e.Kind {
	case KindUnresolved, KindUnreachable, KindTLS, KindPlainText, KindTunnel:
		return true
	}
	return e.Unsent
}

// RequestTooLarge reports that the server refused the request for its size, and did nothing.
func (e *Error) RequestTooLarge() bool { return e.Kind == KindRequestTooLarge }

// FingerprintError is a server certificate other than the pinned one.
type FingerprintError struct{ Got []byte }

func (e *FingerprintError) Error() string {
	return fmt.Sprintf("the certificate has another fingerprint: SHA-256 %X", e.Got)
}

var (
	errConnectTimeout = errors.New("no answer within the connect timeout")
	errSilent         = errors.New("it takes connections, but does not answer within the connect timeout")
)

// connectError classifies what went wrong before the first request; dialled tells that there was a TCP connection.
func connectError(ctx context.Context, address string, dialled bool, err error) error {
	e := &Error{Kind: KindUnreachable, Address: address, Err: err}
	var dns *net.DNSError
	var header tls.RecordHeaderError
	var tunnel *ProxyError
	switch {
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return context.Cause(ctx)
	case ctx.Err() != nil:
		e.Err = context.Cause(ctx)
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Kind = KindUnresolved
	case errors.As(err, &header):
		e.Kind = KindPlainText
	case errors.As(err, &tunnel):
		e.Kind, e.Err = KindTunnel, tunnel
	case dialled:
		e.Kind = KindTLS
	}
	return e
}

// alert returns what the peer ended the TLS session with, nil where it was something else that failed.
func alert(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return op.Err
	}
	return nil
}

// refusedCertificate makes the error of a server that asked for our certificate and ended the TLS session over it, in the
// handshake or in the first read behind it (TLS 1.3, and 1.2 where it asks later); nil where that is not what happened.
func (c *Conn) refusedCertificate(err error) error {
	ours := c.dialer.config.TLS.Certificate
	cause := alert(err)
	if cause == nil || !c.tls.asked || ours == nil {
		return nil
	}
	subject := ""
	if ours.Leaf != nil {
		subject = ours.Leaf.Subject.String()
	}
	m := auth.NewCertificate(subject)
	return &auth.Error{Kind: auth.Rejected, Mechanism: m.Name(), User: m.User(), Err: cause}
}

// IsRefused reports that a host answered that nothing listens at the port.
func IsRefused(err error) bool {
	const winsock = 10061 // WSAECONNREFUSED
	number, ok := errors.AsType[syscall.Errno](err)
	return ok && (number == syscall.ECONNREFUSED || number == winsock)
}

// Cause writes the cause that is worth reading, without the layers of Go's net package.
func Cause(err error) string {
	var syscallError *os.SyscallError
	var verification *tls.CertificateVerificationError
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return "unknown cause"
	case errors.As(err, &syscallError):
		return syscallError.Err.Error()
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it was closed in the middle of an answer"
	case errors.Is(err, io.EOF):
		return "it was closed in place of an answer"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate has expired or is not valid yet: " + invalid.Detail
	case alert(err) != nil:
		return "the server ends the session: " + strings.TrimPrefix(alert(err).Error(), "tls: ")
	case errors.As(err, &verification):
		return strings.TrimPrefix(verification.Err.Error(), "x509: ")
	}
	text := err.Error()
	for _, layer := range []string{"sealed: ", "net/http: HTTP/1.x transport connection broken: ", "net/http: "} {
		text = strings.TrimPrefix(text, layer)
	}
	return text
}

// read takes the SOAP message out of an HTTP answer, or says why there is none.
func (c *Conn) read(a *answer) ([]byte, error) {
	contentType := a.header.Get("Content-Type")
	if c.codec == nil {
		if len(a.body) > 0 && isSOAP(contentType) {
			return a.body, nil
		}
		return nil, c.statusError(a)
	}
	if sealed.IsSealed(contentType) {
		plain, err := c.codec.Open(contentType, a.body)
		if err != nil {
			return nil, &Error{Kind: KindIntegrity, Address: c.dialer.address(), Status: a.status, Err: err}
		}
		return plain, nil
	}
	if len(a.body) > 0 && isSOAP(contentType) {
		return nil, &Error{Kind: KindUnsealed, Address: c.dialer.address(), Status: a.status, Detail: mediaType(contentType)}
	}
	return nil, c.statusError(a)
}

// statusError makes the error of an answer without a SOAP message.
func (c *Conn) statusError(a *answer) error {
	e := &Error{Kind: KindStatus, Address: c.dialer.address(), Status: a.status, Detail: mediaType(a.header.Get("Content-Type"))}
	switch a.status {
	case http.StatusUnauthorized:
		return c.rejected(a)
	case http.StatusBadRequest:
		e.Kind = KindBadRequest
	case http.StatusForbidden: // what http.sys and IIS say of a client certificate that they do not trust (403.16)
		if _, ok := c.mechanism.(*auth.Certificate); ok {
			return c.authError(auth.Rejected, nil, errForbidden)
		}
		e.page(a)
	case http.StatusNotFound:
		e.Kind = KindNotFound
	case http.StatusRequestEntityTooLarge:
		e.Kind = KindRequestTooLarge
	case http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusTooEarly:
		e.Kind = KindNotReady
	case http.StatusProxyAuthRequired, http.StatusBadGateway, http.StatusGatewayTimeout:
		e.Kind = KindProxy
	default:
		e.page(a)
	}
	return e
}

var errForbidden = errors.New("HTTP 403")

// page tells an answer with something else in it from a bare status.
func (e *Error) page(a *answer) {
	if a.status < 300 || len(a.body) > 0 {
		e.Kind = KindNotWSMan
	}
	if len(a.body) == 0 {
		e.Detail = "an empty body"
	}
}

func isSOAP(contentType string) bool {
	m := mediaType(contentType)
	return m == "application/soap+xml" || m == "text/xml" || m == "application/xml"
}

// mediaType is a content type without its parameters.
func mediaType(contentType string) string {
	m, _, _ := strings.Cut(contentType, ";")
	if m = strings.ToLower(strings.TrimSpace(m)); m == "" {
		return "no content type"
	}
	return m
}
