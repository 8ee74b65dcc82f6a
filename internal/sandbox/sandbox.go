// Package sandbox is a WinRM server for tests and trials on a machine without Windows: real NTLM and sealing, answers and
// faults in the shape of Windows, commands run by the local shell; it shares codecs with the client, but none of its logic.
package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base32"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say how a server behaves. The zero value is that of a default Windows host on a random port of 127.0.0.1: only
// Negotiate, AllowUnencrypted=false.
type Options struct {
	Listen       string // "127.0.0.1:0" if empty
	NonLoopback  bool   // allow another address than a loopback one
	User         string // "sandbox" if empty
	Password     string // random if empty
	ComputerName string // "SANDBOX" if empty

	HTTPS    bool     // with a fresh certificate, see Server.CA
	Auth     []string // of AuthNegotiate, AuthBasic and AuthCertificate; only the first if empty
	Bindings Bindings // what NTLM logins over https have to bring; BindingsRelaxed if empty

	// ClientCertificates are mapped to the account for logins by certificate, which need HTTPS.
	ClientCertificates []*x509.Certificate

	AllowUnencrypted bool

	Programs    Programs // the local shell if nil
	MaxEnvelope int      // in bytes, of requests and answers; 512,000 if 0 (MaxEnvelopeSizekb 500)
	MaxShells   int      // per user; 30 if 0
	IdleTimeout time.Duration

	Dataset            *Dataset      // classes beside those of the sandbox; nil for none
	EnumerationTimeout time.Duration // after which an enumeration is forgotten; 4 minutes if 0 (EnumerationTimeoutms)

	Faults []Fault
	Log    func(string) // what happens, for people; nil for nobody
}

// The schemes that a server may offer.
const (
	AuthNegotiate   = "negotiate"
	AuthBasic       = "basic"
	AuthCertificate = "certificate"
)

// Bindings is how a server looks at channel bindings (CbtHardeningLevel).
type Bindings string

// The levels.
const (
	BindingsNone    Bindings = "none"    // not at all
	BindingsRelaxed Bindings = "relaxed" // those that are sent have to be right
	BindingsStrict  Bindings = "strict"  // they have to be sent, and to be right
)

// A Server is a running sandbox. Its methods are safe for concurrent use.
type Server struct {
	options      Options
	listener     net.Listener
	http         http.Server
	identity     *identity // of TLS, nil for http
	shells       registry
	repository   func() *repository // made when it is first asked for
	enumerations enumerations
	services     services
	created      created
	faults       injector
	served       chan struct{}

	requests, connections, logins, refused atomic.Int64
}

// Start starts a server. The caller closes it.
func Start(o Options) (*Server, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.User == "" {
		o.User = "sandbox"
	}
	if o.Password == "" {
		o.Password = randomPassword()
	}
	if o.ComputerName == "" {
		o.ComputerName = "SANDBOX"
	}
	if o.MaxEnvelope == 0 {
		o.MaxEnvelope = 500 << 10
	}
	if o.MaxEnvelope < minEnvelope {
		return nil, fmt.Errorf("sandbox: MaxEnvelope %d is below %d", o.MaxEnvelope, minEnvelope)
	}
	if o.MaxShells == 0 {
		o.MaxShells = 30
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 2 * time.Hour
	}
	if o.EnumerationTimeout == 0 {
		o.EnumerationTimeout = defaultEnumerations
	}
	if len(o.Auth) == 0 {
		o.Auth = []string{AuthNegotiate}
	}
	for _, a := range o.Auth {
		if a != AuthNegotiate && a != AuthBasic && a != AuthCertificate {
			return nil, fmt.Errorf("sandbox: authentication %q is unknown: need negotiate, basic or certificate", a)
		}
	}
	if slices.Contains(o.Auth, AuthCertificate) && !o.HTTPS {
		return nil, errors.New("sandbox: logins by certificate need https")
	}
	switch o.Bindings {
	case "", BindingsNone, BindingsRelaxed, BindingsStrict:
	default:
		return nil, fmt.Errorf("sandbox: channel bindings %q: need none, relaxed or strict", o.Bindings)
	}
	if o.Programs == nil {
		o.Programs = Host{}
	}
	if err := checkLoopback(o.Listen, o.NonLoopback); err != nil {
		return nil, err
	}
	s := &Server{options: o, served: make(chan struct{})}
	s.shells.server = s
	s.enumerations.server = s
	s.repository = sync.OnceValue(func() *repository { return newRepository(s, o.Dataset) })
	s.faults.faults = slices.Clone(o.Faults)
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	if o.HTTPS {
		if s.identity, err = newIdentity(listener.Addr(), time.Now(), &s.faults); err != nil {
			_ = listener.Close()
			return nil, err
		}
		listener = tls.NewListener(listener, s.identity.config(slices.Contains(o.Auth, AuthCertificate)))
	}
	s.listener = listener
	s.http = http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ConnContext:       s.newConnection,
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       2 * time.Minute, // as http.sys drops idle connections
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          nil,
	}
	s.http.ErrorLog = discardLog()
	go func() {
		defer close(s.served)
		_ = s.http.Serve(s.listener) // ends with http.ErrServerClosed
	}()
	return s, nil
}

// Close ends all commands and connections.
func (s *Server) Close() error {
	err := s.http.Close()
	s.shells.closeAll()
	s.enumerations.closeAll()
	s.created.closeAll()
	<-s.served
	return err
}

// URL returns the endpoint.
func (s *Server) URL() string {
	scheme := "http"
	if s.options.HTTPS {
		scheme = "https"
	}
	return scheme + "://" + s.listener.Addr().String() + "/wsman"
}

// User returns the name of the one account.
func (s *Server) User() string { return s.options.User }

// Password returns its password.
func (s *Server) Password() string { return s.options.Password }

// CA returns the PEM certificate that clients have to trust, nil without HTTPS.
func (s *Server) CA() []byte {
	if s.identity == nil {
		return nil
	}
	return s.identity.ca
}

// Stats is what a server has seen so far.
type Stats struct {
	Connections, Requests, Logins, Shells int

	Enumerations int // that are open now

	Refused int // logins with a wrong account or password, which Windows counts towards a lockout
}

// Stats returns the counts; Shells is how many exist now.
func (s *Server) Stats() Stats {
	return Stats{
		Connections: int(s.connections.Load()), Requests: int(s.requests.Load()), Logins: int(s.logins.Load()), Shells: s.shells.count(),
		Enumerations: s.enumerations.count(), Refused: int(s.refused.Load()),
	}
}

func (s *Server) log(format string, args ...any) {
	if s.options.Log != nil {
		s.options.Log(fmt.Sprintf(format, args...))
	}
}

// ErrNotLoopback is an address that others could reach: whoever logs in runs commands as this user.
var ErrNotLoopback = errors.New("sandbox: the address is not a loopback address")

func checkLoopback(listen string, allowed bool) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("sandbox: address %q: need HOST:PORT", listen)
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() || host == "localhost" || allowed {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrNotLoopback, listen)
}

// randomPassword has 128 bits.
func randomPassword() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return strings.ToLower(strings.TrimRight(base32.StdEncoding.EncodeToString(b[:]), "="))
}

type connectionKey struct{}

// newConnection gives every TCP connection its own state: NTLM authenticates connections.
func (s *Server) newConnection(ctx context.Context, _ net.Conn) context.Context {
	s.connections.Add(1)
	return context.WithValue(ctx, connectionKey{}, &connection{server: s})
}

// registry holds the shells.
type registry struct {
	server *Server
	mu     sync.Mutex
	shells map[string]*remoteShell
	closed bool
}

// Port returns the TCP port.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }
