package config

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// entry is a place in the keyring that someone named.
type entry struct {
	name string
	path string // of what it belongs to: "credentials.ops", or the user and host
	used bool   // the configuration says that it is read
}

// findEntry finds a credential, a profile or user@host by its name. The error is *UsageError.
func (c *Config) findEntry(name string) (entry, error) {
	if strings.Contains(name, "@") {
		t, err := c.Resolve(name, nil)
		if err != nil {
			return entry{}, err
		}
		e := entry{name: entryOf(t.Settings.Username, t.Settings.Host), path: t.Settings.Username + " on " + t.label()}
		p := t.secret.picked
		e.used = p != nil && p.key == "keyring" && p.value.text == e.name
		return e, nil
	}
	var found []entry
	for _, table := range []struct {
		name string
		in   section[layer]
	}{{"credentials", c.file.credentials}, {"profiles", c.file.profiles}} {
		if l, ok := table.in.by[name]; ok {
			e := entry{name, join(table.name, name), l.values["keyring"].text == "true"}
			if e.used {
				return e, nil
			}
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		known := append(c.Profiles(), c.file.credentials.names...)
		hint := didYouMean(name, known)
		if hint == "" {
			hint = "name an entry of credentials or profiles, or user@host"
		}
		return entry{}, &UsageError{"unknown credential or profile " + show(name), hint}
	}
	return found[0], nil
}

// SetPassword keeps a password in the keyring: for the credential or the profile of a name, or for user@host. It comes
// from over, as Resolve has it: password_stdin or password_file; without them a person is asked twice. unused is a
// sentence when nothing in the configuration has the password read, else empty. The error is *UsageError where the name or
// the flags are wrong, *SecretError for all that concerns the password.
func (c *Config) SetPassword(ctx context.Context, name string, over map[string]string, s *Secrets) (unused string, err error) {
	e, err := c.findEntry(name)
	if err != nil {
		return "", err
	}
	password, err := c.newPassword(ctx, e, over, s)
	if err != nil {
		return "", err
	}
	_, err = await(ctx, func() (string, error) { return "", s.keyring().Set(keyringService, e.name, password) })
	if err != nil {
		return "", e.failed(noKeyring(err))
	}
	if e.used {
		return "", nil
	}
	return fmt.Sprintf("nothing says keyring: true for %s, so that this password is not used yet", e.path), nil
}

// DeletePassword removes what SetPassword has kept, also for a name that the configuration does not have any more. Errors
// are those of SetPassword.
func (c *Config) DeletePassword(ctx context.Context, name string, s *Secrets) error {
	e := entry{name: name, path: name}
	if strings.Contains(name, "@") {
		var err error
		if e, err = c.findEntry(name); err != nil {
			return err
		}
	}
	_, err := await(ctx, func() (string, error) {
		switch ok, err := s.keyring().Delete(keyringService, e.name); {
		case err != nil:
			return "", noKeyring(err)
		case !ok:
			return "", errNotInKeyring
		}
		return "", nil
	})
	if err != nil {
		return e.failed(err)
	}
	return nil
}

func (e entry) failed(err error) error {
	return &SecretError{text: "password for " + e.path, err: err, hint: hintOf(err)}
}

// newPassword gets a password that is to be kept.
func (c *Config) newPassword(ctx context.Context, e entry, over map[string]string, s *Secrets) (string, error) {
	given := map[string]string{}
	for name, text := range over {
		if isSecret(name) {
			given[name] = text
		}
	}
	flags, err := c.flags(given)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var password string
	if names := flags.secrets(); len(names) > 0 {
		source := &candidate{key: names[0], value: flags.values[names[0]]}
		password, err = (&Target{env: c.env}).fetch(ctx, s, source)
		if err == nil {
			err = checkPassword(password)
		}
		if err != nil {
			return "", source.failed(err)
		}
		return password, nil
	}
	if s.Prompt == nil {
		return "", &SecretError{text: "no password for " + e.path + ", and no terminal to ask on", hint: "use --password-stdin or --password-file"}
	}
	if password, err = s.Prompt(ctx, fmt.Sprintf("New password for %s: ", e.path)); err == nil {
		err = checkPassword(password)
	}
	if err != nil {
		return "", e.failed(err)
	}
	switch again, err := s.Prompt(ctx, "Again: "); {
	case err != nil:
		return "", e.failed(err)
	case again != password:
		return "", e.failed(errors.New("the two are not the same: nothing was kept"))
	}
	return password, nil
}
