package keyring

import (
	"errors"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"
)

func TestSystem(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	keyring.MockInit() // in memory: it replaces what the library would ask
	var s System
	if secret, ok, err := s.Get("winrmctl", "ops"); secret != "" || ok || err != nil {
		t.Errorf("before: %q %t %v", secret, ok, err)
	}
	if ok, err := s.Delete("winrmctl", "ops"); ok || err != nil {
		t.Errorf("deleted nothing: %t %v", ok, err)
	}
	for _, want := range []string{"first", "Pässwörd '\"$\\ 2"} {
		if err := s.Set("winrmctl", "ops", want); err != nil {
			t.Fatal(err)
		}
		if secret, ok, err := s.Get("winrmctl", "ops"); secret != want || !ok || err != nil {
			t.Errorf("%q %t %v, want %q", secret, ok, err, want)
		}
	}
	if _, ok, _ := s.Get("winrmctl", "other"); ok {
		t.Error("another account has it")
	}
	if ok, err := s.Delete("winrmctl", "ops"); !ok || err != nil {
		t.Errorf("delete: %t %v", ok, err)
	}
	if _, ok, _ := s.Get("winrmctl", "ops"); ok {
		t.Error("still there")
	}
}

func TestSystemFails(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	cause := errors.New("prompt dismissed")
	keyring.MockInitWithError(cause)
	check(t, cause, "the keyring cannot be used: prompt dismissed")
	keyring.MockInitWithError(keyring.ErrSetDataTooBig)
	if err := (System{}).Set("winrmctl", "ops", "hunter2"); err == nil || err.Error() != "the secret is too long for the keyring of this machine" {
		t.Errorf("too long: %v", err)
	}
}

// check asks for everything and expects an error that wraps a cause.
func check(t *testing.T, cause error, want string) {
	t.Helper()
	var s System
	_, ok, err := s.Get("winrmctl", "ops")
	deleted, err2 := s.Delete("winrmctl", "ops")
	for _, err := range []error{err, s.Set("winrmctl", "ops", "hunter2"), err2} {
		if err == nil || !strings.HasPrefix(err.Error(), want) || cause != nil && !errors.Is(err, cause) || strings.Contains(err.Error(), "hunter2") || ok || deleted {
			t.Errorf("error %v", err)
		}
	}
}
