package transport

import (
	"context"
	"crypto/x509"
	"net/http"
	"time"
)

// Open makes a connection without a login, for diagnosis. The caller closes it.
func (d *Dialer) Open(ctx context.Context) (*Conn, error) { return d.open(ctx, nil) }

// An Answer is an HTTP answer as it came.
type Answer struct {
	Status int
	Header http.Header
	Closed bool // the server closes the connection behind it
	Body   []byte
}

// Exchange sends one HTTP request as it is, for diagnosis, and returns the answer whatever it says. Errors are [*Error] or
// the context's cause, and final.
func (c *Conn) Exchange(ctx context.Context, header http.Header, body []byte) (*Answer, error) {
	if err := c.acquire(ctx); err != nil {
		return nil, err
	}
	defer c.release()
	if c.err != nil {
		return nil, c.err
	}
	begin := time.Now()
	a, err := c.roundTrip(ctx, header, body)
	c.observe(begin, header.Get("Authorization"), body, a, err)
	if err != nil {
		return nil, c.fail(err)
	}
	return &Answer{a.status, a.header, a.closed, a.body}, nil
}

// Server returns the certificate that the server showed and the version of TLS, nil and 0 without TLS.
func (c *Conn) Server() (certificate *x509.Certificate, chain []*x509.Certificate, version uint16) {
	return c.tls.leaf, c.tls.chain, c.tls.version
}
