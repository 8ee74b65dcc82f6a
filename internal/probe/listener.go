package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/transport"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

const soapType = "application/soap+xml;charset=UTF-8"

// ask sends one request on a new connection without a login.
func (p *prober) ask(ctx context.Context, header http.Header, body []byte) (*transport.Answer, error) {
	ctx, cancel := p.soon(ctx)
	defer cancel()
	c, err := p.dialer(false).Open(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	a, err := c.Exchange(ctx, header, body)
	p.heard = p.heard || err == nil
	return a, err
}

// soon bounds what a server answers at once, if it answers at all.
func (p *prober) soon(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := p.options.OperationTimeout
	if t := p.options.Config.ConnectTimeout; t > 0 {
		limit = min(limit, t)
	}
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("it takes connections, but does not answer within %v", limit))
}

// identify asks what the service is, which WinRM tells without a login.
func (p *prober) identify(ctx context.Context) bool {
	silent := false
	p.step("identify", func() (Status, string, any) {
		soap, err := (&wsman.Request{Body: wsman.Identify{}}).Encode()
		if err != nil {
			return Failed, err.Error(), nil
		}
		a, err := p.ask(ctx, http.Header{"Content-Type": {soapType}, "Wsmanidentify": {"unauthenticated"}}, soap)
		if err != nil {
			p.broken(ctx, err)
			way, ok := errors.AsType[*transport.Error](err)
			silent = ok && way.Kind == transport.KindTimeout
			return Failed, err.Error(), nil
		}
		if a.Status != http.StatusOK {
			return Skipped, fmt.Sprintf("HTTP %d: the listener does not tell", a.Status), nil
		}
		id, err := wsman.ParseIdentify(a.Body)
		if err != nil {
			return Skipped, "the answer is no WS-Management", nil
		}
		p.identified = true
		return OK, strings.TrimSpace(id.ProductVendor + " " + id.ProductVersion), id
	})
	return !silent
}

// broken finds out why a connection brings no HTTP answer.
func (p *prober) broken(ctx context.Context, err error) {
	if login, ok := errors.AsType[*auth.Error](err); ok {
		p.refusedCertificate(login)
		return
	}
	way, ok := errors.AsType[*transport.Error](err)
	if !ok {
		return
	}
	noHTTP := way.Kind == transport.KindNotWSMan && way.Status == 0 // perhaps an alert of TLS
	if (way.Kind == transport.KindLost || noHTTP) && !p.https && !p.heard && p.speaksTLS(ctx) {
		p.find(HTTPToHTTPS, true, fmt.Sprintf("port %s speaks TLS: http is spoken to an https port", p.port()), "use --https, or the port of the http listener, 5985 by default")
		return
	}
	switch {
	case noHTTP:
		p.find(NotWinRM, true, fmt.Sprintf("what answers at %s does not speak HTTP", p.url.Host), "WinRM listens at port 5985 (http) or 5986 (https), path /wsman")
	case way.Kind == transport.KindLost:
		p.find(ConnectionCut, true, err.Error(), "the service may be restarting, or something between cuts the connection")
	case way.Kind == transport.KindTimeout:
		p.find(NotReady, false, err.Error(), "the service hangs, or is very busy; a restart of WinRM on the target may help")
	}
}

// speaksTLS tries a handshake on a port that does not speak HTTP.
func (p *prober) speaksTLS(ctx context.Context) bool {
	o := p.options
	o.Config.URL = "https://" + p.url.Host + p.url.Path
	secure := &prober{options: o, url: p.url, https: true, address: p.address}
	ctx, cancel := p.connecting(ctx)
	defer cancel()
	c, err := secure.dialer(false).Open(ctx)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// offersData is what a 401 tells.
type offersData struct {
	Status  int      `json:"status"`
	Schemes []string `json:"schemes"`
	Server  string   `json:"server,omitempty"`
	Via     string   `json:"via,omitempty"`
}

// listener asks which logins are offered: an empty request without one gets 401 with the list.
func (p *prober) listener(ctx context.Context) bool {
	return p.step("offers", func() (Status, string, any) {
		a, err := p.ask(ctx, http.Header{"Content-Type": {soapType}}, nil)
		if err != nil {
			p.broken(ctx, err)
			return Failed, err.Error(), nil
		}
		p.offers = auth.Challenges(a.Header)
		data := offersData{a.Status, auth.Schemes(p.offers), a.Header.Get("Server"), a.Header.Get("Via")}
		if data.Schemes == nil {
			data.Schemes = []string{}
		}
		if data.Via != "" {
			p.find(ProxyAnswers, true, fmt.Sprintf("a proxy is in between: Via: %s. NTLM needs one connection from end to end, which most proxies do not keep", data.Via),
				"connect to the server itself; winrmctl uses no proxy unless --proxy names one")
		}
		if a.Status == http.StatusUnauthorized {
			p.report.Reached = true
			text := strings.Join(data.Schemes, ", ")
			if text == "" {
				text = "nothing, as a server does that takes client certificates only"
			}
			return OK, text + serverText(data.Server), data
		}
		p.odd(a)
		return Failed, fmt.Sprintf("HTTP %d %s%s", a.Status, http.StatusText(a.Status), serverText(data.Server)), data
	}) == OK
}

func serverText(server string) string {
	if server == "" {
		return ""
	}
	return " (" + server + ")"
}

// odd says what an answer other than the expected 401 means.
func (p *prober) odd(a *transport.Answer) {
	server := a.Header.Get("Server")
	switch a.Status {
	case http.StatusProxyAuthRequired, http.StatusBadGateway, http.StatusGatewayTimeout:
		p.find(ProxyAnswers, true, fmt.Sprintf("a proxy answers instead of the server: HTTP %d %s%s", a.Status, http.StatusText(a.Status), serverText(server)),
			"connect to the server itself; winrmctl uses no proxy unless --proxy names one")
	case http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusTooEarly:
		p.find(NotReady, true, fmt.Sprintf("the service is not ready: HTTP %d %s", a.Status, http.StatusText(a.Status)), "try again later; on the target: Get-Service WinRM")
	case http.StatusNotFound:
		p.find(NotWinRM, true, fmt.Sprintf("there is no WinRM at %s%s: HTTP 404%s", p.url.Host, p.url.Path, serverText(server)),
			"WinRM listens at port 5985 (http) or 5986 (https), path /wsman; a web server such as IIS answers elsewhere")
	default:
		switch {
		case !p.https && a.Status == http.StatusBadRequest && bytes.Contains(bytes.ToUpper(a.Body), []byte("HTTPS")):
			p.find(HTTPToHTTPS, true, fmt.Sprintf("port %s speaks TLS: http is spoken to an https port", p.port()), "use --https, or the port of the http listener, 5985 by default")
		case a.Status < 300 && (p.identified && len(a.Body) == 0 || isSOAP(a.Header.Get("Content-Type"))):
			p.report.Reached = true
			p.find(NoLoginAsked, true, "the service answers without a login", "it is no WinRM service of Windows, or badly configured")
		case a.Header.Get("Via") != "":
			p.find(ProxyAnswers, true, fmt.Sprintf("a proxy answers instead of the server: HTTP %d, Via: %s", a.Status, a.Header.Get("Via")), "connect to the server itself")
		default:
			p.find(NotWinRM, true, fmt.Sprintf("what answers at %s is no WinRM: HTTP %d with %s%s", p.url.Host, a.Status, mediaType(a.Header), serverText(server)),
				"WinRM listens at port 5985 (http) or 5986 (https), path /wsman")
		}
	}
}

func isSOAP(contentType string) bool {
	return strings.HasPrefix(strings.ToLower(contentType), "application/soap+xml")
}

func mediaType(h http.Header) string {
	m, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	if m == "" {
		return "no content type"
	}
	return m
}
