// Package keyring keeps secrets in the keyring of the user's machine: Secret Service on Linux, Keychain on macOS,
// Credential Manager on Windows; it does not know what they are for.
package keyring

import (
	"errors"
	"fmt"

	"github.com/zalando/go-keyring"
)

// System is the keyring of this machine. Its methods may wait for a person who has to unlock it. Their errors say in one
// sentence why there is no using it, and never hold a secret.
type System struct{}

// Get is the secret of an account at a service, and whether there is one.
func (System) Get(service, account string) (secret string, ok bool, err error) {
	if err := reachable(); err != nil {
		return "", false, err
	}
	secret, err = keyring.Get(service, account)
	ok, err = found(err)
	return secret, ok, err
}

// Set keeps a secret, in place of an older one.
func (System) Set(service, account, secret string) error {
	if err := reachable(); err != nil {
		return err
	}
	err := keyring.Set(service, account, secret)
	if errors.Is(err, keyring.ErrSetDataTooBig) {
		return errors.New("the secret is too long for the keyring of this machine")
	}
	return unusable(err)
}

// Delete removes a secret, and reports whether there was one.
func (System) Delete(service, account string) (ok bool, err error) {
	if err := reachable(); err != nil {
		return false, err
	}
	return found(keyring.Delete(service, account))
}

func found(err error) (bool, error) {
	if errors.Is(err, keyring.ErrNotFound) {
		return false, nil
	}
	return err == nil, unusable(err)
}

func unusable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the keyring cannot be used: %w", err)
}
