package main

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/transport"
)

// connection is the way to one target, not dialled yet.
type connection struct {
	dialer  *transport.Dialer
	address string // as it stands in requests
	close   func() // ends what was started for it; never nil
}

// connect prepares the way to a target: the built-in server, the password, whom to trust.
func (a *app) connect(ctx context.Context, g *globals, t *config.Target, secrets *config.Secrets) (*connection, error) {
	s := t.Settings
	c := &connection{close: func() {}}
	user, password := "", ""
	if t.Sandbox {
		server, err := sandbox.Start(sandbox.Options{})
		if err != nil {
			return nil, err
		}
		c.close = func() { _ = server.Close() }
		s.Host, s.Port = "127.0.0.1", server.Port()
		user, password = server.User(), server.Password()
	} else {
		var err error
		if user, err = t.User(); err != nil {
			return nil, err
		}
		if password, err = t.Password(ctx, secrets); err != nil {
			return nil, err
		}
	}
	mechanism, err := mechanism(s, user, password)
	if err != nil {
		c.close()
		return nil, err
	}
	trust, err := trust(s)
	if err != nil {
		c.close()
		return nil, err
	}
	if s.TLS.Insecure && s.HTTPS {
		a.warn("the certificate of %s is not checked (%s)", s.Host, t.Origin("tls.insecure"))
	}
	observe, done, err := a.observer(g)
	if err != nil {
		c.close()
		return nil, err
	}
	end := c.close
	c.close = func() { end(); done() }
	c.address = s.Endpoint()
	c.dialer, err = transport.NewDialer(transport.Config{
		URL: c.address, Encryption: transport.Encryption(s.Encryption), TLS: trust, ConnectTimeout: s.ConnectTimeout,
		UserAgent: "winrmctl/" + version(), Observe: observe,
	}, mechanism)
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// mechanism chooses how to log in.
func mechanism(s config.Settings, user, password string) (auth.Mechanism, error) {
	switch s.Auth {
	case "auto", "ntlm", "":
		return auth.NewNTLM(user, password), nil
	}
	return nil, &usageError{fmt.Sprintf("a login by %s is not possible with this version", s.Auth), "use --auth ntlm"}
}

// trust makes the TLS settings.
func trust(s config.Settings) (transport.TLS, error) {
	t := transport.TLS{ServerName: s.TLS.ServerName, Insecure: s.TLS.Insecure}
	if s.TLS.Fingerprint != "" {
		fingerprint, err := hex.DecodeString(s.TLS.Fingerprint)
		if err != nil {
			return t, fmt.Errorf("fingerprint: %w", err)
		}
		t.Fingerprint = fingerprint
	}
	if s.TLS.CAFile != "" {
		pem, err := os.ReadFile(s.TLS.CAFile)
		if err != nil {
			return t, &fileError{"CA file", err}
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return t, &fileError{"CA file", fmt.Errorf("%s: no PEM certificate in it", s.TLS.CAFile)}
		}
	}
	return t, nil
}

// A fileError is a file of the configuration that cannot be used.
type fileError struct {
	what string
	err  error
}

func (e *fileError) Error() string { return e.what + ": " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }
