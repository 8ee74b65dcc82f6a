package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/keypair"
	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/secret"
	"github.com/winrmctl/winrmctl/internal/transport"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// connection is the way to one target, not dialled yet.
type connection struct {
	*way
	dialer *transport.Dialer
}

// way is how to reach a target.
type way struct {
	configuration transport.Config
	address       string       // as it stands in requests
	account       *credentials // of the built-in server; nil where the user has to give them
	close         func()       // ends what was started for it; never nil
}

// credentials are who logs in.
type credentials struct {
	user        string
	password    secret.Text
	certificate *tls.Certificate // instead of both
	otherwise   *auth.NTLM       // where the server does not take certificates; nil for nothing
}

// connect prepares the way to a target, with the credentials for it.
func (a *app) connect(ctx context.Context, g *globals, t *config.Target, secrets *config.Secrets) (*connection, error) {
	w, err := a.wayTo(g, t)
	if err != nil {
		return nil, err
	}
	c := &connection{way: w}
	if w.account == nil {
		w.account, err = a.account(ctx, t, secrets)
	}
	if err == nil {
		w.configuration.TLS.Certificate = w.account.certificate
		c.dialer, err = transport.NewDialer(w.configuration, inEachForm(mechanisms(t.Settings, w.account))...)
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return c, nil
}

// wayTo finds out how to reach a target, and starts the built-in server where that is the target.
func (a *app) wayTo(g *globals, t *config.Target) (*way, error) {
	s := t.Settings
	trusted, err := trust(s)
	if err != nil {
		return nil, err
	}
	if s.TLS.Insecure && s.HTTPS {
		a.warn("the certificate of %s is not checked (%s)", s.Host, t.Origin("tls.insecure"))
	}
	proxy, err := proxyOf(t)
	if err != nil {
		return nil, err
	}
	observe, err := a.observe(g, t.Name)
	if err != nil {
		return nil, err
	}
	w := &way{close: func() {}}
	if t.Sandbox {
		server, err := sandbox.Start(sandbox.Options{})
		if err != nil {
			return nil, err
		}
		w.close = func() { _ = server.Close() }
		s.Host, s.Port = "127.0.0.1", server.Port()
		w.account = &credentials{user: server.User(), password: secret.New(server.Password())}
	}
	w.address = s.Endpoint()
	w.configuration = transport.Config{
		URL: w.address, Encryption: transport.Encryption(s.Encryption), TLS: trusted, Proxy: proxy, ConnectTimeout: s.ConnectTimeout,
		UserAgent: "winrmctl/" + version(), Observe: observe,
	}
	return w, nil
}

// proxyOf is the proxy of a target, nil for none.
func proxyOf(t *config.Target) (*url.URL, error) {
	if t.Settings.Proxy == "" {
		return nil, nil
	}
	proxy, err := url.Parse(t.Settings.Proxy)
	if err != nil {
		return nil, &usageError{"proxy: " + err.Error(), ""}
	}
	if proxy.User == nil {
		return proxy, nil
	}
	password, err := t.ProxyPassword()
	switch {
	case err != nil:
		return nil, err
	case password == "":
		return nil, &usageError{"there is no password for " + proxy.User.Username() + " at the proxy " + proxy.Host, "proxy_password_file (WINRMCTL_PROXY_PASSWORD_FILE) names a file with it"}
	}
	proxy.User = url.UserPassword(proxy.User.Username(), password)
	return proxy, nil
}

// account fetches what the login of a target needs.
func (a *app) account(ctx context.Context, t *config.Target, secrets *config.Secrets) (*credentials, error) {
	s := t.Settings
	if s.Auth == "kerberos" {
		return nil, &usageError{"a login by kerberos is not possible with this version", "--auth ntlm logs in with user and password"}
	}
	if byCertificate(s) {
		ofKey := false // the password that a flag gives
		certificate, err := keypair.Load(s.TLS.Cert, s.TLS.Key, func() (string, error) {
			ofKey = s.TLS.KeyPasswordFile == "" && t.PasswordByFlag()
			password, err := t.KeyPassword(ctx, secrets)
			if err == nil && password == "" {
				err = &hintedError{&keypair.Error{File: s.TLS.Cert, Text: "its key is encrypted, and there is no password for it"},
					"use --password-file, --password-stdin, or tls.key_password_file in the configuration"}
			}
			return password, err
		})
		account := &credentials{certificate: certificate}
		if s.Auth == "auto" && s.Username != "" && t.GivesPassword() && !ofKey {
			// Once, since shells are deleted after ctx is done, perhaps on a new connection.
			account.otherwise = auth.NewNTLMWith(s.Username, sync.OnceValues(func() (string, error) { return t.Password(ctx, secrets) }))
		}
		return account, err
	}
	user, err := t.User()
	if err != nil {
		return nil, err
	}
	password, err := t.Password(ctx, secrets)
	return &credentials{user: user, password: secret.New(password)}, err
}

// byCertificate reports that a target is logged in to by certificate: where that is said, and where one is given over https.
func byCertificate(s config.Settings) bool {
	return s.Auth == "certificate" || s.Auth == "auto" && s.HTTPS && s.TLS.Cert != ""
}

// mechanisms are the ways to log in, the one to be tried first at the front. auto is the strongest that is offered and that there
// are credentials for, and never Basic.
func mechanisms(s config.Settings, account *credentials) []auth.Mechanism {
	switch {
	case account.certificate != nil:
		all := []auth.Mechanism{auth.NewCertificate(account.certificate.Leaf.Subject.String())}
		if account.otherwise != nil {
			all = append(all, account.otherwise)
		}
		return all
	case s.Auth == "basic":
		return []auth.Mechanism{auth.NewBasic(account.user, account.password.Reveal())}
	}
	return []auth.Mechanism{auth.NewNTLM(account.user, account.password.Reveal())}
}

// inEachForm adds the forms in which a server may insist on a mechanism.
func inEachForm(mechanisms []auth.Mechanism) []auth.Mechanism {
	var all []auth.Mechanism
	for _, m := range mechanisms {
		all = append(all, m)
		if raw, ok := m.(*auth.NTLM); ok {
			all = append(all, raw.Wrapped())
		}
	}
	return all
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

// A hintedError is a failure with what to do about it.
type hintedError struct {
	err  error
	hint string
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }
func (e *hintedError) Hint() string  { return e.hint }

// explain adds to a failed login where its reason can be found.
func explain(t *config.Target, err error) error {
	if _, left := errors.AsType[*leftError](err); left {
		return err // how to come back to what goes on there matters more
	}
	if _, failed := errors.AsType[*auth.Error](err); failed {
		return &hintedError{err, "winrmctl probe-auth " + t.Name + " finds out why, step by step" + sameFlags(t)}
	}
	if way, ok := errors.AsType[*transport.Error](err); ok && (way.Login || way.Kind == transport.KindTLS) && wayHint(way) == "" {
		return &hintedError{err, "winrmctl probe-auth " + t.Name + " finds out what is in the way, step by step" + sameFlags(t)}
	}
	if fault, refused := errors.AsType[*wsman.Fault](err); refused && fault.Code.IsAccessDenied() && byCertificate(t.Settings) {
		return &hintedError{err, "the account that the target maps the certificate to may not do this: winrm enumerate winrm/config/service/certmapping, run there, tells which it is"}
	}
	return err
}

// sameFlags reminds of flags without which a target is spoken to in another way.
func sameFlags(t *config.Target) string {
	for _, row := range t.Rows() {
		name, _, _ := strings.Cut(row.Key, ".")
		name, _, _ = strings.Cut(name, "_")
		ofLogin := slices.Contains([]string{"username", "password", "auth", "https", "port", "tls", "encryption", "proxy"}, name)
		if ofLogin && strings.HasPrefix(row.Origin, "flag ") {
			return " (with the same flags)"
		}
	}
	return ""
}
