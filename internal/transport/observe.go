package transport

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
	"github.com/winrmctl/winrmctl/internal/sealed"
	"github.com/winrmctl/winrmctl/internal/trace"
)

func (d *Dialer) observe(r trace.Record) {
	if d.config.Observe != nil {
		d.config.Observe(r)
	}
}

// observe reports one exchange, without what would help to guess a password.
func (c *Conn) observe(begin time.Time, authorization string, soap []byte, a *answer, err error) {
	if c.dialer.config.Observe == nil {
		return
	}
	r := trace.Record{Time: begin, Connection: c.number, Event: "exchange", DurationMS: milliseconds(begin)}
	r.Request = &trace.Message{Line: "POST " + c.dialer.url.RequestURI() + " HTTP/1.1", Sealed: c.codec != nil && len(soap) > 0, Body: string(soap)}
	if authorization != "" {
		r.Request.Header = http.Header{"Authorization": {redact(authorization)}}
	}
	if a != nil {
		r.Answer = &trace.Message{
			Line: fmt.Sprintf("HTTP/1.1 %d %s", a.status, a.statusText), Header: a.header,
			Sealed: sealed.IsSealed(a.header.Get("Content-Type")),
		}
		switch {
		case len(a.plain) > 0:
			r.Answer.Body = string(a.plain)
		case !r.Answer.Sealed:
			r.Answer.Body = string(a.body)
		}
	}
	if err != nil {
		r.Error = err.Error()
	}
	c.dialer.observe(r)
}

// redact leaves of an Authorization header what is no secret: the scheme, and an NTLM message without a response in it.
func redact(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	message, err := base64.StdEncoding.DecodeString(token)
	if err == nil {
		if kind, err := ntlm.TypeOf(message); err == nil {
			if kind == ntlm.TypeNegotiate {
				return authorization
			}
			return fmt.Sprintf("%s (%v of %d bytes, withheld)", scheme, kind, len(message))
		}
	}
	return scheme + " (withheld)"
}
