package transport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/sealed"
	"github.com/winrmctl/winrmctl/internal/trace"
)

// A Conn is one authenticated TCP connection. It carries one request at a time, in the order of the calls, and never
// sends one again by itself; its first error is final. It is safe for concurrent use.
//
// NTLM authenticates a connection, not a request, and sealing numbers the messages of a connection: hence one Conn, one
// TCP connection, and no pool.
type Conn struct {
	dialer *Dialer
	number int // among the dialer's connections, for traces
	client *http.ClientConn
	codec  *sealed.Codec // nil where messages travel in clear
	turn   chan struct{} // held during a request
	err    error         // guarded by turn
	peer   *x509.Certificate
}

// open makes the TCP connection, and the TLS session on it.
func (d *Dialer) open(ctx context.Context) (*Conn, error) {
	c := &Conn{dialer: d, number: int(d.connections.Add(1)), turn: make(chan struct{}, 1)}
	if d.config.ConnectTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d.config.ConnectTimeout, errConnectTimeout)
		defer cancel()
	}
	begin := time.Now()
	record := trace.Record{Time: begin, Connection: c.number, Event: "connect", Address: d.address()}
	dial := d.config.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	dialled := false
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			nc, err := dial(ctx, network, address)
			if err == nil {
				dialled, record.Address = true, nc.RemoteAddr().String()
			}
			return nc, err
		},
		Protocols:              protocols,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		ReadBufferSize:         64 << 10,
		WriteBufferSize:        64 << 10,
		TLSClientConfig: d.config.TLS.client(d.url.Hostname(), func(s tls.ConnectionState) {
			c.peer = s.PeerCertificates[0]
			record.TLS = tls.VersionName(s.Version) + " " + tls.CipherSuiteName(s.CipherSuite)
		}),
	}
	client, err := t.NewClientConn(ctx, d.url.Scheme, d.address())
	record.DurationMS = milliseconds(begin)
	if err != nil {
		err = connectError(ctx, d.address(), dialled, err)
		record.Error = err.Error()
	}
	d.observe(record)
	if err != nil {
		return nil, err
	}
	c.client = client
	return c, nil
}

// client makes the TLS configuration: TLS 1.2 and later, and the pinned certificate where there is one. established is
// told of a session that is otherwise acceptable.
func (t TLS) client(host string, established func(tls.ConnectionState)) *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: t.RootCAs, ServerName: t.ServerName, Certificates: t.Certificates,
		InsecureSkipVerify: t.Insecure || t.Fingerprint != nil,
	}
	if c.ServerName == "" {
		c.ServerName = host
	}
	c.VerifyConnection = func(s tls.ConnectionState) error {
		got := sha256.Sum256(s.PeerCertificates[0].Raw)
		if t.Fingerprint != nil && subtle.ConstantTimeCompare(got[:], t.Fingerprint) != 1 {
			return &FingerprintError{Got: got[:]}
		}
		established(s)
		return nil
	}
	return c
}

// Post sends one SOAP message and returns the answer, opened where it was sealed. A fault is an answer too. The error is
// an [*Error], an [*auth.Error], or the context's cause.
func (c *Conn) Post(ctx context.Context, soap []byte) ([]byte, error) {
	if err := c.acquire(ctx); err != nil {
		return nil, err
	}
	defer c.release()
	return c.post(ctx, "", soap)
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
	a, err := c.roundTrip(ctx, authorization, contentType, body)
	if err != nil {
		c.observe(begin, authorization, soap, nil, err)
		return nil, c.fail(err)
	}
	answer, err := c.read(a)
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
func (c *Conn) roundTrip(ctx context.Context, authorization, contentType string, body []byte) (*answer, error) {
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
	request.Header.Set("Content-Type", contentType)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	d.requests.Add(1)
	response, err := c.client.RoundTrip(request)
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	defer response.Body.Close()
	a := &answer{status: response.StatusCode, statusText: http.StatusText(response.StatusCode), header: response.Header, closed: response.Close}
	buffer := bytes.NewBuffer(make([]byte, 0, min(max(response.ContentLength, 0)+bytes.MinRead, maxAnswer)))
	if _, err := buffer.ReadFrom(io.LimitReader(response.Body, maxAnswer+1)); err != nil {
		return nil, c.lost(ctx, err)
	}
	if buffer.Len() > maxAnswer {
		return nil, &Error{Kind: KindTooLarge, Address: d.address(), Err: fmt.Errorf("more than %d bytes", maxAnswer)}
	}
	a.body = buffer.Bytes()
	return a, nil
}

// lost makes the error of a connection that broke during a request.
func (c *Conn) lost(ctx context.Context, err error) error {
	switch {
	case ctx.Err() == nil:
		return &Error{Kind: KindLost, Address: c.dialer.address(), Err: err}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &Error{Kind: KindTimeout, Address: c.dialer.address(), Err: context.Cause(ctx)}
	}
	return context.Cause(ctx)
}

// peerOf describes the connection to a mechanism.
func (c *Conn) peerOf() auth.Peer {
	p := auth.Peer{Host: c.dialer.url.Hostname(), Sealing: c.dialer.sealing}
	if c.peer != nil {
		p.ChannelBindings = auth.EndPointBindings(c.peer)
	}
	return p
}

func milliseconds(since time.Time) float64 {
	return float64(time.Since(since).Microseconds()) / 1000
}
