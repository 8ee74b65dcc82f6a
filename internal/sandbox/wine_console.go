//go:build linux && amd64

package sandbox

import (
	"bytes"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// consoleInput writes to the stdin of a program as a console gives its input: one line for each read. The cmd.exe of wine
// reads all that is in a pipe and takes only the first line of it (WCMD_fgets in wine's programs/cmd/batch.c: it seeks back
// to the second one, which pipes cannot), so each line waits here until the one before was read.
type consoleInput struct{ pipe *os.File }

// The times between looks at whether a line was read.
const (
	firstLook = 50 * time.Microsecond
	lastLook  = 20 * time.Millisecond
)

func (c consoleInput) Write(b []byte) (int, error) {
	written := 0
	for line := range bytes.Lines(b) {
		if err := c.waitUntilRead(); err != nil {
			return written, err
		}
		n, err := c.pipe.Write(line)
		if written += n; err != nil {
			return written, err
		}
	}
	return written, nil
}

// Close tells the program of the end after it has read all.
func (c consoleInput) Close() error { return c.pipe.Close() }

// waitUntilRead fails when the program has ended: then the pipe is closed on this side too.
func (c consoleInput) waitUntilRead() error {
	for look := firstLook; ; look = min(2*look, lastLook) {
		unread, err := c.unread()
		if err != nil || unread == 0 {
			return err
		}
		time.Sleep(look)
	}
}

// unread is how many bytes are in the pipe.
func (c consoleInput) unread() (n int, err error) {
	connection, err := c.pipe.SyscallConn()
	if err != nil {
		return 0, err
	}
	var number int32
	var errno syscall.Errno
	err = connection.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCINQ, uintptr(unsafe.Pointer(&number)))
	})
	if err == nil && errno != 0 {
		err = errno
	}
	return int(number), err
}
