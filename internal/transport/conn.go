package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/sealed"
	"github.com/winrmctl/winrmctl/internal/secret"
	"github.com/winrmctl/winrmctl/internal/trace"
)

// A Conn is one authenticated TCP connection. It carries one request at a time, in the order of the calls, and never
// sends one again by itself; its first error is final. It is safe for concurrent use.
//
// NTLM authenticates a connection, not a request, and sealing numbers the messages of a connection: hence one Conn, one
// TCP connection, and no pool.
type Conn struct {
	dialer *Dialer
	number int // among the dialer's connections (see Config.Connections), for traces
	client *http.ClientConn
	codec  *sealed.Codec // nil where messages travel in clear

	mechanism     auth.Mechanism
	exchange      auth.Exchange // until the server's consent has been heard
	authorization secret.Text   // of every request, none where the login authenticates the connection
	begun         bool          // a message was sent, or a part of one
	loggedIn      bool          // the login has been done, and an answer has come

	turn     chan struct{} // held during a request
	err      error         // guarded by turn
	tls      session
	greeting *greeting // nil with TLS, which finds out itself whom it speaks to
	writes   atomic.Int64
}

// wire counts the writes to a connection that have sent something.
type wire struct {
	net.Conn
	writes *atomic.Int64
}

func (w *wire) Write(b []byte) (int, error) {
	w.writes.Add(1) // now, since the answer may be here before Write returns
	n, err := w.Conn.Write(b)
	if n == 0 && err != nil {
		w.writes.Add(-1)
	}
	return n, err
}

// open makes the TCP connection, and the TLS session on it. A login by another mechanism shows no client certificate: a server
// that maps it would look at nothing else. m is nil for no login.
func (d *Dialer) open(ctx context.Context, m auth.Mechanism) (*Conn, error) {
	c := &Conn{dialer: d, number: int(d.connections.Add(1)), mechanism: m, turn: make(chan struct{}, 1)}
	ctx, cancel := d.soon(ctx)
	defer cancel()
	err := c.connect(ctx, 0)
	if err == nil && c.tls.mustAsk() {
		// With TLS 1.3 a server can ask for a certificate later only by post-handshake authentication, which neither
		// http.sys nor Go's TLS does; with TLS 1.2 it renegotiates once it has seen what is requested.
		_ = c.client.Close()
		err = c.connect(ctx, tls.VersionTLS12)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// soon bounds a context by the connect timeout.
func (d *Dialer) soon(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.config.ConnectTimeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, d.config.ConnectTimeout, errConnectTimeout)
}

// connect makes the connection with at most this version of TLS; 0 for any.
func (c *Conn) connect(ctx context.Context, maxVersion uint16) error {
	d := c.dialer
	begin := time.Now()
	record := trace.Record{Time: begin, Connection: c.number, Event: "connect", Address: d.address()}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	dialled := false
	c.tls = session{}
	settings := d.config.TLS
	if _, ok := c.mechanism.(*auth.Certificate); !ok && c.mechanism != nil {
		settings.Certificate = nil
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := d.dialTCP(ctx, network, address)
		if err == nil {
			dialled, record.Address = true, nc.RemoteAddr().String()
		}
		return nc, err
	}
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			nc, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			c.greeting = &greeting{Conn: &wire{nc, &c.writes}}
			return c.greeting, nil
		},
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			nc, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			secured, err := handshake(ctx, nc, settings.client(d.url.Hostname(), maxVersion, &c.tls))
			if err != nil {
				return nil, err
			}
			return &wire{secured, &c.writes}, nil
		},
		Protocols:              protocols,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		ReadBufferSize:         64 << 10,
		WriteBufferSize:        64 << 10,
	}
	client, err := t.NewClientConn(ctx, d.url.Scheme, d.address())
	record.DurationMS, record.TLS = milliseconds(begin), c.tls.String()
	if err != nil {
		if refused := c.refusedCertificate(err); refused != nil {
			err = refused
		} else {
			err = connectError(ctx, d.address(), dialled, err)
		}
		record.Error = err.Error()
	}
	d.observe(record)
	c.client = client
	return err
}

// Post sends one SOAP message and returns the answer, opened where it was sealed. A fault is an answer too. The error is
// an [*Error], an [*auth.Error], or the context's cause.
func (c *Conn) Post(ctx context.Context, soap []byte) ([]byte, error) {
	if err := c.acquire(ctx); err != nil {
		return nil, err
	}
	defer c.release()
	return c.post(ctx, c.authorization.Reveal(), soap)
}

// Err returns the error that ended the connection, nil while it can be used. A connection that was closed by the server
// between two requests has one too.
func (c *Conn) Err() error {
	c.turn <- struct{}{}
	defer c.release()
	if c.err == nil && c.client.Err() != nil {
		c.err = &Error{Kind: KindLost, Address: c.dialer.address(), Err: c.client.Err()}
	}
	return c.err
}

// Close closes the connection; a request under way ends with an error.
func (c *Conn) Close() error {
	c.dialer.observe(trace.Record{Time: time.Now(), Connection: c.number, Event: "close"})
	return c.client.Close()
}

func (c *Conn) acquire(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Conn) release() { <-c.turn }

// post sends soap, sealed if the connection seals, in a request that may also be the last of a login.
func (c *Conn) post(ctx context.Context, authorization string, soap []byte) ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	contentType, body := "application/soap+xml;charset=UTF-8", soap
	if c.codec != nil && len(soap) > 0 {
		var err error
		if contentType, body, err = c.codec.Seal(soap); err != nil {
			return nil, c.fail(&Error{Kind: KindIntegrity, Address: c.dialer.address(), Err: err})
		}
	}
	begin := time.Now()
	sent, cancel := through(ctx)
	defer cancel()
	a, err := c.roundTrip(sent, headers(authorization, contentType), body)
	if way, ok := err.(*Error); !ok || !way.Unsent {
		c.begun = true
	}
	if err != nil {
		c.observe(begin, authorization, soap, nil, err)
		return nil, c.fail(err)
	}
	var answer []byte
	if err = c.consent(a); err == nil {
		answer, err = c.read(a)
	}
	a.plain = answer
	c.observe(begin, authorization, soap, a, err)
	if err != nil {
		// Also where the server only wants to be asked later: it may not have opened the message, and then its sealing
		// state is no longer ours.
		return nil, c.fail(err)
	}
	if a.closed {
		_ = c.fail(&Error{Kind: KindLost, Address: c.dialer.address(), Err: errClosedBehind}) // for the next request
	}
	return answer, nil
}

var errClosedBehind = errors.New("the server closed it behind its last answer")

// fail makes err final.
func (c *Conn) fail(err error) error {
	c.err = err
	_ = c.client.Close()
	return err
}

// answer is an HTTP answer, read whole.
type answer struct {
	status     int
	statusText string
	header     http.Header
	closed     bool // the server closes the connection after it
	body       []byte
	plain      []byte // the body, opened
}

// roundTrip sends one HTTP request and reads the answer.
func (c *Conn) roundTrip(ctx context.Context, header http.Header, body []byte) (*answer, error) {
	d := c.dialer
	var reader io.Reader = http.NoBody
	if len(body) > 0 {
		reader = bytes.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url.String(), reader)
	if err != nil {
		return nil, &Error{Kind: KindStatus, Address: d.address(), Err: err}
	}
	request.Host = d.url.Host
	request.Header.Set("User-Agent", d.config.UserAgent)
	request.Header.Set("Accept-Encoding", "identity") // Exchange compresses otherwise
	for name, values := range header {
		request.Header[name] = values
	}
	d.requests.Add(1)
	before := c.writes.Load()
	response, err := c.client.RoundTrip(request)
	if err != nil {
		err = c.lost(ctx, err)
		// net/http ends a connection behind an answer where its own goroutines get no time for 50 ms, which shows only now. When
		// RoundTrip has failed, nothing writes any more.
		if e, ok := err.(*Error); ok && e.Kind == KindLost {
			e.Unsent = c.writes.Load() == before
		}
		return nil, err
	}
	defer response.Body.Close()
	a := &answer{status: response.StatusCode, statusText: http.StatusText(response.StatusCode), header: response.Header, closed: response.Close}
	if a.status == http.StatusUnauthorized && response.ContentLength < 0 && a.closed {
		// Its body lasts until the server closes the connection, which some forget. There is nothing in it for us.
		return a, nil
	}
	tooLarge := &Error{Kind: KindTooLarge, Address: d.address(), Status: a.status, Err: fmt.Errorf("more than %d bytes", maxAnswer)}
	if response.ContentLength > maxAnswer {
		return nil, tooLarge
	}
	buffer := bytes.NewBuffer(make([]byte, 0, max(response.ContentLength, 0)+bytes.MinRead))
	if _, err := buffer.ReadFrom(io.LimitReader(response.Body, maxAnswer+1)); err != nil {
		return nil, c.lost(ctx, err)
	}
	if buffer.Len() > maxAnswer {
		return nil, tooLarge
	}
	a.body = buffer.Bytes()
	return a, nil
}

// headers are those of a request that vary.
func headers(authorization, contentType string) http.Header {
	h := http.Header{"Content-Type": {contentType}}
	if authorization != "" {
		h.Set("Authorization", authorization)
	}
	return h
}

// lost makes the error of a connection that broke during a request.
func (c *Conn) lost(ctx context.Context, err error) error {
	switch {
	case ctx.Err() == nil:
		if refused := c.refusedCertificate(err); refused != nil {
			return refused
		}
		if c.greeting != nil && !c.greeting.isHTTP() {
			return &Error{Kind: KindNotWSMan, Address: c.dialer.address()}
		}
		return &Error{Kind: KindLost, Address: c.dialer.address(), Err: err}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &Error{Kind: KindTimeout, Address: c.dialer.address(), Err: context.Cause(ctx)}
	}
	return context.Cause(ctx)
}

// peerOf describes the connection to a mechanism.
func (c *Conn) peerOf() auth.Peer {
	p := auth.Peer{Host: c.dialer.url.Hostname(), TLS: c.dialer.url.Scheme == "https", Sealing: c.dialer.sealing}
	if c.tls.leaf != nil {
		p.ChannelBindings = auth.EndPointBindings(c.tls.leaf)
	}
	return p
}

func milliseconds(since time.Time) float64 {
	return float64(time.Since(since).Microseconds()) / 1000
}
