package config

import (
	"errors"
	"fmt"
	"strings"
)

// Keyring is a place of the operating system that keeps secrets for a user. What is in it has the service "winrmctl", and
// as its account the name of the credential or the profile that says keyring: true. Where defaults or WINRMCTL_KEYRING
// say so, it is user@host in lower case.
type Keyring interface {
	Get(service, account string) (secret string, ok bool, err error)
	Set(service, account, secret string) error
	Delete(service, account string) (ok bool, err error)
}

const keyringService = "winrmctl"

// inKeyring gives a candidate the name of its entry in place of "true". One by user and host is for that user by itself.
func (c *candidate) inKeyring(place origin, account, host string) {
	_, name, ok := strings.Cut(place.name, ".")
	if !ok {
		name, c.owner = entryOf(account, host), ""
	}
	c.value.text = name
}

// entryOf has no case, because user names and hosts have none.
func entryOf(account, host string) string { return strings.ToLower(account + "@" + host) }

// checkKeyring finds a credential and a profile that would share an entry.
func (b *builder) checkKeyring(f *file) {
	owners := map[string]origin{}
	check := func(name string, l layer) {
		v := l.values["keyring"]
		if v.text != "true" {
			return
		}
		folded := strings.ToLower(name) // some keyrings see no difference
		if other, ok := owners[folded]; ok {
			text := fmt.Sprintf("would have the same place in the keyring as %s on line %d", other.name, other.line)
			b.add(v.origin.line, join(l.origin.name, "keyring"), text, "rename one of them")
		}
		owners[folded] = l.origin
	}
	for _, name := range f.credentials.names {
		check(name, f.credentials.by[name])
	}
	for _, name := range f.profiles.names {
		check(name, f.profiles.by[name])
	}
}

var errNotInKeyring = errors.New("there is no password for it in the keyring")

// keyringError is why the keyring gives nothing, with what to do.
type keyringError struct {
	err  error
	hint string
}

func (e *keyringError) Error() string { return e.err.Error() }
func (e *keyringError) Hint() string  { return e.hint }
func (e *keyringError) Unwrap() error { return e.err }

func noKeyring(err error) error {
	return &keyringError{err, "where there is no keyring, use password_command or password_file in place of keyring: true"}
}

// fromKeyring fetches an entry.
func (s *Secrets) fromKeyring(name string) (string, error) {
	password, ok, err := s.keyring().Get(keyringService, name)
	switch {
	case err != nil:
		return "", noKeyring(err)
	case !ok:
		return "", &keyringError{errNotInKeyring, "winrmctl config set-password " + name}
	}
	return password, nil
}

func (s *Secrets) keyring() Keyring {
	if s.Keyring == nil {
		return noneHere{}
	}
	return s.Keyring
}

// noneHere is the keyring of a machine without one.
type noneHere struct{}

var errNoneHere = errors.New("there is no keyring here")

func (noneHere) Get(string, string) (string, bool, error) { return "", false, errNoneHere }
func (noneHere) Set(string, string, string) error         { return errNoneHere }
func (noneHere) Delete(string, string) (bool, error)      { return false, errNoneHere }
