package config

import (
	"context"
	"fmt"
	"strings"
)

// KeyPassword is what decrypts the key of the client certificate: what tls.key_password_file holds, else
// what a flag gives, as a login by certificate needs no other password, else what a person says, once for
// all targets with that certificate; "" where nobody can be asked. The error is *SecretError.
func (t *Target) KeyPassword(ctx context.Context, s *Secrets) (string, error) {
	if file := t.Settings.TLS.KeyPasswordFile; file != "" {
		return t.inFile("tls.key_password_file", file)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.PasswordByFlag() {
		return t.given(ctx, s, t.secret.picked)
	}
	if s.Prompt == nil {
		return "", nil
	}
	what := "password for the key of " + show(t.Settings.TLS.Cert)
	return s.once(ctx, what, func() (string, error) {
		password, err := s.Prompt(ctx, strings.ToUpper(what[:1])+what[1:]+": ")
		if err != nil {
			return "", &SecretError{text: what, err: err}
		}
		return password, nil
	})
}

// ProxyPassword is that of the user in the proxy's URL, "" when no file for it is set. The error is *SecretError.
func (t *Target) ProxyPassword() (string, error) {
	if t.Settings.ProxyPasswordFile == "" {
		return "", nil
	}
	return t.inFile("proxy_password_file", t.Settings.ProxyPasswordFile)
}

// inFile reads the password in a file that a key names.
func (t *Target) inFile(key, file string) (string, error) {
	password, err := readSecret(file)
	if err == nil {
		err = checkPassword(password)
	}
	if err != nil {
		return "", &SecretError{text: fmt.Sprintf("%s (%s)", key, t.Origin(key)), err: err}
	}
	return password, nil
}
