//go:build unix

package config

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// readableByOthers says why a file is no place for a password; "" if it is one: nobody but its
// owner may do anything with it, and the owner is this user or root.
func readableByOthers(info fs.FileInfo) string {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Sprintf("a password in a file that others can use: %s has mode %04o", info.Name(), mode)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if ok && owner.Uid != 0 && int64(owner.Uid) != int64(os.Geteuid()) {
		return fmt.Sprintf("a password in a file of someone else: %s belongs to user %d", info.Name(), owner.Uid)
	}
	return ""
}
