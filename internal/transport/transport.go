// Package transport carries SOAP bytes over authenticated HTTP connections, one TCP connection a login, sealed where the
// mechanism seals; it does not know what the bytes say.
package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/trace"
)

// Encryption is the policy for sealing messages.
type Encryption string

// The policies. None of them ever falls back to another.
const (
	EncryptionAuto   Encryption = "auto"   // sealed over http, not within TLS
	EncryptionAlways Encryption = "always" // sealed within TLS too
	EncryptionNever  Encryption = "never"  // in clear, over http too
)

// Config says how to reach one endpoint. It is not changed.
type Config struct {
	URL            string // http://host:port/path or https://...
	Encryption     Encryption
	TLS            TLS
	ConnectTimeout time.Duration // for TCP and TLS together, and again for each challenge of a login; 0 for none
	UserAgent      string

	// EmptyLogin sends the last request of a login with an empty body from the start, instead of finding out that it has
	// to be: a wrong password then counts once on the server, not twice.
	EmptyLogin bool

	// Proxy is asked for a tunnel to the endpoint, for http too, so that a login keeps its connection: http://, https:// or
	// socks5://host:port, with user and password where it wants a login. nil for none; the environment is not asked.
	Proxy *url.URL

	// Dial makes TCP connections; nil for plain ones.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Connections numbers the connections of several dialers in one row; nil for a row of its own.
	Connections *atomic.Int64

	// Observe is called for every connection and exchange, also by several goroutines at once; nil for nobody. The
	// records hold no secrets of the login.
	Observe func(trace.Record)
}

// maxAnswer bounds an answer in bytes. Requests ask for at most 512,000, which UTF-16 and sealing can double.
const maxAnswer = 4 << 20

// A Dialer makes authenticated connections to one endpoint. It is safe for concurrent use.
type Dialer struct {
	config     Config
	mechanisms []auth.Mechanism
	url        *url.URL
	sealing    bool

	// chosen is the mechanism that the server took.
	chosen atomic.Int32

	// emptyLogin is set once the server has refused a login whose last request carried a message.
	emptyLogin  atomic.Bool
	connections *atomic.Int64
	requests    atomic.Int64
}

// NewDialer checks the configuration. Of several mechanisms the first one that the server offers is used: the next one is
// tried where it is not offered, never where it was refused.
func NewDialer(c Config, mechanisms ...auth.Mechanism) (*Dialer, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("transport: endpoint %q: need http://host:port/path or https://host:port/path", c.URL)
	}
	d := &Dialer{config: c, mechanisms: mechanisms, url: u, connections: c.Connections}
	if d.connections == nil {
		d.connections = new(atomic.Int64)
	}
	switch c.Encryption {
	case EncryptionAuto, "":
		d.sealing = u.Scheme == "http"
	case EncryptionAlways:
		d.sealing = true
	case EncryptionNever:
	default:
		return nil, fmt.Errorf("transport: encryption %q is unknown", c.Encryption)
	}
	d.emptyLogin.Store(c.EmptyLogin)
	return d, nil
}

// Requests returns how many HTTP requests were sent so far, those of logins included.
func (d *Dialer) Requests() int { return int(d.requests.Load()) }

// Dial makes a connection, logs in, and sends first, a SOAP message that must not be empty. The message travels in the
// last request of the login, as MS-WSMV 4.5 prints it; where a server refuses that, the login is done again on another
// connection with an empty body, now and from then on. The caller closes the Conn.
//
// Errors are [*Error] and [*auth.Error]; after one of [KindLost] or [KindTimeout] the server may have acted on first.
func (d *Dialer) Dial(ctx context.Context, first []byte) (*Conn, []byte, error) {
	var unoffered error
	for n := d.chosen.Load(); ; n++ {
		c, answer, err := d.dialBy(ctx, d.mechanisms[n], first)
		if err == nil {
			d.chosen.Store(n)
			return c, answer, nil
		}
		if !notOffered(err) {
			return nil, nil, err
		}
		if unoffered == nil {
			unoffered = err // what is said of the first choice says most
		}
		if int(n)+1 == len(d.mechanisms) {
			return nil, nil, unoffered
		}
	}
}

// notOffered reports that the server does not know a mechanism, which says nothing of the account.
func notOffered(err error) bool {
	login, ok := errors.AsType[*auth.Error](err)
	return ok && (login.Kind == auth.NotOffered || login.Kind == auth.NoChallenge)
}

func (d *Dialer) dialBy(ctx context.Context, m auth.Mechanism, first []byte) (*Conn, []byte, error) {
	c, answer, err := d.login(ctx, m, first, !d.emptyLogin.Load())
	if _, refused := errors.AsType[*refusedError](err); !refused {
		return c, answer, err
	}
	c, answer, err = d.login(ctx, m, first, false)
	if c != nil {
		d.emptyLogin.Store(true)
	}
	return c, answer, err
}

// address returns host:port of the endpoint.
func (d *Dialer) address() string {
	port := d.url.Port()
	if port == "" {
		port = map[string]string{"http": "5985", "https": "5986"}[d.url.Scheme]
	}
	return net.JoinHostPort(d.url.Hostname(), port)
}
