package transport

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"time"
)

// TLS says whom to trust, and who we are.
type TLS struct {
	RootCAs     *x509.CertPool   // nil for those of the system
	ServerName  string           // "" for the URL's host
	Fingerprint []byte           // SHA-256 of the server's certificate; where given, nothing else is asked of it
	Insecure    bool             // trust everyone
	Certificate *tls.Certificate // of the client; nil for none
}

// session is what a handshake has shown.
type session struct {
	leaf    *x509.Certificate   // of the server
	chain   []*x509.Certificate // behind it, as the server sent it
	version uint16
	suite   uint16
	ours    bool // a client certificate is there to be shown
	asked   bool // the server has asked for it
}

// mustAsk reports that a client certificate is there, and that the server has no way left to ask for it.
func (s *session) mustAsk() bool { return s.ours && !s.asked && s.version == tls.VersionTLS13 }

// String names version and cipher suite, "" without TLS.
func (s *session) String() string {
	if s.leaf == nil {
		return ""
	}
	return tls.VersionName(s.version) + " " + tls.CipherSuiteName(s.suite)
}

// client makes the configuration of one connection: TLS 1.2 and later, and the pinned certificate where there is one.
// What the handshake shows goes into s.
func (t TLS) client(host string, maxVersion uint16, s *session) *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12, MaxVersion: maxVersion, RootCAs: t.RootCAs, ServerName: t.ServerName,
		InsecureSkipVerify: t.Insecure || t.Fingerprint != nil,
	}
	if c.ServerName == "" {
		c.ServerName = host
	}
	if t.Certificate != nil {
		s.ours = true
		c.Renegotiation = tls.RenegotiateOnceAsClient
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			s.asked = true
			return t.Certificate, nil
		}
	}
	c.VerifyConnection = func(state tls.ConnectionState) error {
		got := sha256.Sum256(state.PeerCertificates[0].Raw)
		if t.Fingerprint != nil && subtle.ConstantTimeCompare(got[:], t.Fingerprint) != 1 {
			return &FingerprintError{Got: got[:]}
		}
		s.leaf, s.chain = state.PeerCertificates[0], state.PeerCertificates[1:]
		s.version, s.suite = state.Version, state.CipherSuite
		return nil
	}
	return c
}

// handshake makes a TLS session on a connection, which it closes when that fails.
func handshake(ctx context.Context, nc net.Conn, config *tls.Config) (net.Conn, error) {
	c := &tlsConn{Conn: tls.Client(nc, config), ended: make(chan struct{})}
	if err := c.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return c, nil
}

// tlsConn is a TLS session that tells why its peer has ended it, also to who writes. With TLS 1.3 a client certificate is
// refused behind the handshake (RFC 8446, 4.4.2.4 and 6): a request may be under way by then, and break before the alert is
// read.
type tlsConn struct {
	*tls.Conn
	once  sync.Once
	err   error         // of the first Read that failed, set before ended is closed
	ended chan struct{} // closed by it
}

// alertTime is how long an alert that is on its way is waited for.
const alertTime = 250 * time.Millisecond

func (c *tlsConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.once.Do(func() {
			c.err = err
			close(c.ended)
		})
	}
	return n, err
}

func (c *tlsConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err == nil {
		return n, nil
	}
	t := time.NewTimer(alertTime)
	defer t.Stop()
	select {
	case <-c.ended:
		if alert(c.err) != nil {
			err = c.err
		}
	case <-t.C:
	}
	return n, err
}
