package keyring

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNoBus(t *testing.T) {
	if _, err := os.Stat(fmt.Sprintf("/run/user/%d", os.Getuid())); err == nil {
		t.Skip("this session may have a D-Bus")
	}
	for _, address := range []string{"", "autolaunch:"} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		check(t, nil, "there is no keyring here: this session has no D-Bus")
	}
}

// TestSecretService keeps secrets in a real keyring, that of GNOME, on a bus of its own. In the process that is started on
// that bus, it is the test itself.
func TestSecretService(t *testing.T) {
	if os.Getenv("KEYRING_TEST_BUS") != "" {
		onBus(t)
		return
	}
	for _, program := range []string{"dbus-run-session", "dbus-send", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	dir := t.TempDir()
	// Nothing is asked for before the daemon is there: the bus would start another one, whose keyring is locked.
	script := `printf 'login\n' | gnome-keyring-daemon --foreground --unlock --components=secrets &
until dbus-send --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets | grep -q true; do sleep 0.05; done
timeout 20 "$1" -test.run '^TestSecretService$' -test.v; code=$?; kill $!; exit $code`
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dbus-run-session", "--", "sh", "-c", script, "sh", os.Args[0])
	cmd.Env = append(os.Environ(), "KEYRING_TEST_BUS=1", "HOME="+dir, "XDG_DATA_HOME="+filepath.Join(dir, "data"), "XDG_RUNTIME_DIR="+dir, "XDG_CONFIG_HOME="+dir)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS: TestSecretService") {
		t.Errorf("%v\n%s", err, out)
	}
}

func onBus(t *testing.T) {
	var s System
	const secret = "Pässwörd '\"$\\ 2"
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = s.Set("winrmctl-test", "ops", secret); err == nil {
			break // the daemon is up
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, ok, err := s.Get("winrmctl-test", "ops"); got != secret || !ok || err != nil {
		t.Errorf("%q %t %v", got, ok, err)
	}
	if _, ok, err := s.Get("winrmctl-test", "Ops"); ok || err != nil {
		t.Errorf("another account: %t %v", ok, err)
	}
	if ok, err := s.Delete("winrmctl-test", "ops"); !ok || err != nil {
		t.Errorf("delete: %t %v", ok, err)
	}
	if _, ok, err := s.Get("winrmctl-test", "ops"); ok || err != nil {
		t.Errorf("deleted: %t %v", ok, err)
	}
	if ok, err := s.Delete("winrmctl-test", "ops"); ok || err != nil {
		t.Errorf("deleted twice: %t %v", ok, err)
	}
}
