package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// reachable reports that there is a session bus to ask. The library would start one where there is none: a process that
// stays behind, and has no keyring anyway.
func reachable() error {
	if address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" && address != "autolaunch:" {
		return nil
	}
	for _, name := range []string{"bus", "dbus-session"} {
		if _, err := os.Stat(fmt.Sprintf("/run/user/%d/%s", os.Getuid(), name)); !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return errors.New("there is no keyring here: this session has no D-Bus")
}
