// Package enum is the client of WS-Enumeration: it streams the instances of CIM classes and of WinRM's own resources as typed
// items, gets single ones and invokes their methods; it does not know how messages travel.
//
// Section numbers in comments are those of MS-WSMV unless another document is named.
package enum

import (
	"context"
	"errors"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// A Conn carries requests, one at a time, and makes a new connection where the last one broke. An error whose chain has a
// method Lost() bool that reports true means that no answer came.
type Conn interface {
	Post(ctx context.Context, soap []byte) (answer []byte, err error)
	Close() error
}

// Client asks one server. Its fields are not changed while it is used. It is safe for concurrent use as far as its Conn is; the caller
// closes that.
type Client struct {
	Conn             Conn
	To               string        // the endpoint's address, as it stands in every request
	SessionID        string        // one for all requests of a client session; "" for none
	OperationTimeout time.Duration // how long the server holds a request; 0 for 60 s

	// Declare returns the declaration of a class, nil where there is none; nil for [Known].
	Declare func(class string) *wsman.Class

	// Grace is how long an answer that is under way is waited for when an enumeration is abandoned, so that its
	// connection can carry the Release; 0 for one second.
	Grace time.Duration

	// ReleaseTimeout bounds the Release of an enumeration that is abandoned; 0 for three seconds.
	ReleaseTimeout time.Duration
}

// Defaults of [Client] and [Query].
const (
	defaultOperationTimeout = time.Minute
	defaultGrace            = time.Second
	defaultReleaseTimeout   = 3 * time.Second
	defaultBatch            = 1000
)

// MaxBatch is the largest batch that Windows allows: MaxBatchItems (2.2.4.10).
const MaxBatch = 32000

// answerSize is what a request allows an answer to have: MaxEnvelopeSizekb's default (2.2.4.10) in bytes.
const answerSize = 500 << 10

// slack is what is added to OperationTimeout before an answer counts as lost: the way there and back.
const slack = 30 * time.Second

func (c *Client) operationTimeout() time.Duration {
	return either(c.OperationTimeout, defaultOperationTimeout)
}

func (c *Client) declare(class string) *wsman.Class {
	if c.Declare != nil {
		return c.Declare(class)
	}
	return Known(class)
}

func either(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// request makes a request with the headers of this client.
func (c *Client) request(action, resource string, selectors []wsman.Selector, body wsman.Body) *wsman.Request {
	return &wsman.Request{
		Action: action, To: c.To, ResourceURI: resource, MessageID: "uuid:" + wsman.NewID(), SessionID: c.SessionID, Selectors: selectors,
		OperationTimeout: c.operationTimeout(), MaxEnvelopeSize: answerSize, Locale: "en-US", Body: body,
	}
}

// errNoAnswer is the cause of a request's own deadline.
var errNoAnswer = errors.New("the server does not answer in time")

// post sends a request and waits for the answer, no longer than the server may take.
func (c *Client) post(ctx context.Context, q *wsman.Request) ([]byte, error) {
	soap, err := q.Encode()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.operationTimeout()+slack, errNoAnswer)
	defer cancel()
	return c.Conn.Post(ctx, soap)
}

// An OpError says which operation failed, and why.
type OpError struct {
	Op  string // such as "enumerate Win32_Service"
	Err error
}

func (e *OpError) Error() string { return e.Op + ": " + e.Err.Error() }

func (e *OpError) Unwrap() error { return e.Err }

// failed wraps an error that is not nil.
func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return &OpError{op, err}
}
