package sandbox

import (
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
	"github.com/winrmctl/winrmctl/internal/auth/spnego"
	"github.com/winrmctl/winrmctl/internal/sealed"
)

// connection is the state of one TCP connection. http.Server serves its requests one after the other.
type connection struct {
	server   *Server
	mu       sync.Mutex
	exchange *ntlm.AcceptorExchange
	wrapped  bool          // the login travels within SPNEGO
	mechs    []byte        // the list of mechanisms that it began with, encoded
	codec    *sealed.Codec // set by an NTLM login
}

// offered is the header of a 401 in the spelling of http.sys, which net/http would change.
const offered = "WWW-Authenticate"

// framing is what sealing adds to a message at most, in bytes.
const framing = 1 << 10

// serve answers one HTTP request, as http.sys and WinRM do together.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	c := r.Context().Value(connectionKey{}).(*connection)
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Server", "Microsoft-HTTPAPI/2.0")
	if r.URL.Path != "/wsman" {
		page(w, http.StatusNotFound, "Not Found", "HTTP Error 404. The requested resource is not found.")
		return
	}
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(s.options.MaxEnvelope+framing)+1))
	if err != nil {
		return // the client is gone
	}
	if len(body) > s.options.MaxEnvelope+framing {
		// 3.1.4.1.20: without processing the message. What is left of it is not worth reading.
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if s.faults.has(FaultVia) {
		w.Header().Set("Via", "1.1 proxy.example")
	}
	if identifyAnonymously(r) {
		s.soap(c, w, r, body, nil)
		return
	}
	if len(body) == 0 {
		if s.instead(w, r, login) {
			return
		}
		if s.faults.take(FaultClose, login) != nil {
			w.Header().Set("Connection", "close")
		}
	}
	if !c.authenticate(w, r, body) {
		return
	}
	codec := c.codec
	switch {
	case len(body) == 0 && r.Header.Get("Authorization") != "":
		w.WriteHeader(http.StatusOK) // as recorded: the empty last request of a login gets an empty 200
		return
	case sealed.IsSealed(r.Header.Get("Content-Type")):
		if codec == nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		plain, err := codec.Open(r.Header.Get("Content-Type"), body)
		if err != nil {
			s.log("a sealed message does not open: %v", err)
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body = plain
	case !s.options.HTTPS && !s.options.AllowUnencrypted:
		s.log("a message in clear is refused (AllowUnencrypted=false)")
		c.refuse(w)
		return
	default:
		codec = nil
	}
	if len(body) > s.options.MaxEnvelope {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	s.soap(c, w, r, body, codec)
}

// identifyAnonymously reports a request that WinRM answers without a login.
func identifyAnonymously(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("WSMANIDENTIFY"), "unauthenticated")
}

// authenticate deals with the Authorization header. It returns false when it has answered the request itself.
func (c *connection) authenticate(w http.ResponseWriter, r *http.Request, body []byte) bool {
	s := c.server
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "Basic") && s.offers(AuthBasic):
		user, password, ok := r.BasicAuth()
		if ok && strings.EqualFold(user, s.options.User) && password == s.options.Password {
			s.logins.Add(1)
			return true
		}
		s.refused.Add(1)
		s.log("a Basic login of %q is refused", user)
		c.refuse(w)
		return false
	case strings.EqualFold(scheme, "Negotiate") && s.offers(AuthNegotiate):
		return c.negotiate(w, strings.TrimSpace(token), len(body) > 0)
	case scheme == certificateProfile && s.offers(AuthCertificate):
		return c.certificate(w, r)
	case c.codec != nil && c.exchange == nil:
		return true // logged in before
	}
	c.refuse(w)
	return false
}

func (s *Server) offers(scheme string) bool { return slices.Contains(s.options.Auth, scheme) }

// certificateProfile is what a request says to be authorized by its TLS session (DSP0226 annex C.3.5).
const certificateProfile = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"

// certificate accepts the certificates that are mapped to the account.
func (c *connection) certificate(w http.ResponseWriter, r *http.Request) bool {
	s := c.server
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		s.log("the client shows no certificate")
		c.refuse(w)
		return false
	}
	leaf := r.TLS.PeerCertificates[0]
	if !slices.ContainsFunc(s.options.ClientCertificates, leaf.Equal) {
		s.log("the client's certificate is mapped to no account: %s", leaf.Subject)
		c.refuse(w)
		return false
	}
	s.logins.Add(1)
	return true
}

// negotiate takes one token: an NTLM message, raw or within SPNEGO.
func (c *connection) negotiate(w http.ResponseWriter, token string, hasBody bool) bool {
	s := c.server
	message, err := base64.StdEncoding.DecodeString(token)
	var mic []byte
	if err == nil {
		message, mic, err = c.unwrap(message)
	}
	if err != nil {
		s.log("a Negotiate token cannot be read: %v", err)
		c.refuse(w)
		return false
	}
	if !c.wrapped && s.faults.take(FaultSPNEGO, login) != nil {
		c.refuse(w)
		return false
	}
	kind, err := ntlm.TypeOf(message)
	switch {
	case err != nil:
		s.log("a Negotiate token is no NTLM message: %v", err)
		c.refuse(w)
	case kind == ntlm.TypeNegotiate:
		c.codec = nil
		config := s.acceptor()
		if s.faults.take(FaultComputer, login) != nil {
			config.ComputerName, config.DNSName = "OTHER", "other.example"
		}
		if f := s.faults.take(FaultClock, login); f != nil {
			config.Now = func() time.Time { return time.Now().Add(f.For) }
		}
		c.exchange = ntlm.NewAcceptor(config)
		challenge, err := c.exchange.Challenge(message)
		if err == nil {
			challenge, err = c.wrap(&spnego.Resp{State: spnego.AcceptIncomplete, SupportedMech: spnego.NTLM(), ResponseToken: challenge})
		}
		if err != nil {
			s.log("%v", err)
			c.refuse(w)
			return false
		}
		c.token(w, challenge)
		if s.faults.take(FaultSplitLogin, login) != nil {
			w.Header().Set("Connection", "close")
		}
		w.WriteHeader(http.StatusUnauthorized)
	case c.exchange == nil:
		// The case that this tool was founded on: the challenge went out on another connection.
		s.log("an AUTHENTICATE_MESSAGE arrives on a connection that no challenge was sent on")
		c.refuse(w)
	default:
		return c.accept(w, message, mic, hasBody)
	}
	return false
}

// unwrap takes the mechanism's token out of SPNEGO, if it is in it.
func (c *connection) unwrap(token []byte) (message, mic []byte, err error) {
	switch {
	case spnego.IsInit(token):
		t, err := spnego.ParseInit(token)
		if err != nil {
			return nil, nil, err
		}
		c.wrapped, c.mechs = true, spnego.MechTypeList(t.MechTypes)
		return t.MechToken, nil, nil
	case spnego.IsResp(token):
		t, err := spnego.ParseResp(token)
		if err != nil {
			return nil, nil, err
		}
		return t.ResponseToken, t.MechListMIC, nil
	}
	c.wrapped = false
	return token, nil, nil
}

// wrap puts a token into SPNEGO where the client began with it.
func (c *connection) wrap(t *spnego.Resp) ([]byte, error) {
	if !c.wrapped {
		return t.ResponseToken, nil
	}
	return t.Bytes()
}

func (c *connection) token(w http.ResponseWriter, token []byte) {
	w.Header()[offered] = []string{"Negotiate " + base64.StdEncoding.EncodeToString(token)}
}

// accept takes the AUTHENTICATE_MESSAGE.
func (c *connection) accept(w http.ResponseWriter, message, mic []byte, hasBody bool) bool {
	s := c.server
	exchange := c.exchange
	c.exchange = nil
	if err := exchange.Accept(message); err != nil {
		s.refused.Add(1)
		s.log("%v", err)
		c.refuse(w)
		return false
	}
	session, err := exchange.Session()
	switch {
	case err == nil:
		c.codec = sealed.New(session, sealed.SPNEGO)
	case !s.options.AllowUnencrypted && !s.options.HTTPS:
		s.log("%v", err)
		c.refuse(w)
		return false
	default:
		c.codec = sealed.New(noSession{}, sealed.SPNEGO)
	}
	consent := &spnego.Resp{State: spnego.AcceptCompleted}
	if mic != nil && session != nil {
		if err := session.VerifyMechList(c.mechs, mic); err != nil {
			s.log("mechListMIC: %v", err)
			c.refuse(w)
			return false
		}
		consent.MechListMIC = session.SignMechList(c.mechs)
	}
	if f := s.faults.take(FaultRefuseBody, login); f != nil && hasBody {
		w.Header().Set("Connection", "close")
		c.codec = nil
		w.WriteHeader(f.code(http.StatusBadRequest))
		return false
	}
	if c.wrapped {
		final, err := consent.Bytes()
		if err != nil {
			s.log("%v", err)
			c.refuse(w)
			return false
		}
		c.token(w, final)
	}
	s.logins.Add(1)
	s.log("login of %q (domain %q) by NTLM, flags %v", exchange.Message().User, exchange.Message().Domain, exchange.Message().Flags)
	return true
}

// noSession stands for a login that negotiated no sealing.
type noSession struct{}

var errNoSession = errors.New("the login negotiated no sealing")

func (noSession) Seal([]byte) ([]byte, []byte, int, error) { return nil, nil, 0, errNoSession }
func (noSession) Open(_, _ []byte) ([]byte, error)         { return nil, errNoSession }

// acceptor is what logins are checked against.
func (s *Server) acceptor() ntlm.AcceptorConfig {
	config := ntlm.AcceptorConfig{
		ComputerName: s.options.ComputerName, DNSName: strings.ToLower(s.options.ComputerName) + ".example",
		Version: ntlm.Version{Major: 10, Minor: 0, Build: 20348, Revision: 15},
		Password: func(user, _ string) (string, bool) {
			return s.options.Password, strings.EqualFold(user, s.options.User)
		},
	}
	if s.identity != nil && s.options.Bindings != BindingsNone {
		bindings := ntlm.ChannelBindings(auth.EndPointBindings(s.identity.leaf))
		config.ChannelBindings = &bindings
		config.RequireChannelBindings = s.options.Bindings == BindingsStrict
	}
	return config
}

// refuse answers 401 with what is offered. As recorded, only a 401 that carries a challenge keeps the connection, and
// whatever login there was is void.
func (c *connection) refuse(w http.ResponseWriter) {
	c.exchange, c.codec, c.wrapped = nil, nil, false
	for _, a := range c.server.options.Auth {
		switch a {
		case AuthNegotiate:
			w.Header()[offered] = append(w.Header()[offered], "Negotiate")
		case AuthBasic:
			w.Header()[offered] = append(w.Header()[offered], `Basic realm="WSMAN"`)
		}
	}
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusUnauthorized)
}

// page writes an error page in the manner of http.sys.
func page(w http.ResponseWriter, status int, title, text string) {
	w.Header().Set("Content-Type", "text/html; charset=us-ascii")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"\"http://www.w3.org/TR/html4/strict.dtd\">\r\n<HTML><HEAD><TITLE>"+
		title+"</TITLE></HEAD>\r\n<BODY><h2>"+title+"</h2>\r\n<hr><p>"+text+"</p>\r\n</BODY></HTML>\r\n")
}

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

// drop cuts the connection without an answer.
func drop(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		return
	}
	if nc, _, err := hijacker.Hijack(); err == nil {
		_ = nc.SetDeadline(time.Now())
		_ = nc.Close()
	}
}
