//go:build unix

package config

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// readableByOthers says why a file is no place for a password; nil if it is one: nobody but its
// owner may do anything with it, and the owner is this user or root.
func readableByOthers(path string, info fs.FileInfo) *flaw {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return &flaw{
			fmt.Sprintf("a password in a file that others can use: %s has mode %04o", info.Name(), mode),
			fmt.Sprintf("chmod 600 %s, or use password_command", path),
		}
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if ok && owner.Uid != 0 && int64(owner.Uid) != int64(os.Geteuid()) {
		return &flaw{
			fmt.Sprintf("a password in a file of someone else: %s belongs to user %d", info.Name(), owner.Uid),
			"use a file of your own, or password_command",
		}
	}
	return nil
}
