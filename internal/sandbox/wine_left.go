//go:build linux && amd64

package sandbox

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// commandVariable marks the processes of Unix that belong to a command: its value is the command's directory. All that
// wine starts inherits it, whatever becomes of the variables of Windows.
const commandVariable = "WINRMCTL_WINE_COMMAND"

// endLeft kills all processes with an entry in their environment, until there is none or something refuses to die.
//
// The job of a command (see outerProgram) is not enough: a process that wine's server kills while it is starting, before the
// two have spoken, is out of the server's books but still there, and waits for an answer for ever. (In server_init_process of
// wine 8's dlls/ntdll/unix/server.c it reads from a pipe whose other end it has open itself.)
func endLeft(entry string) {
	for deadline := time.Now().Add(orphans); killMarked(entry) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
}

// killMarked kills the processes that have the entry, and reports whether there were any.
func killMarked(entry string) (found bool) {
	names, _ := filepath.Glob("/proc/[0-9]*") // an error is that of a bad pattern
	for _, name := range names {
		if !isMarked(name, entry) {
			continue
		}
		id, _ := strconv.Atoi(filepath.Base(name))
		p, err := os.FindProcess(id)
		if err != nil {
			continue
		}
		// Once more, because p cannot become another process any more, as its number can.
		if isMarked(name, entry) {
			found = true
			_ = p.Kill()
		}
		_ = p.Release()
	}
	return found
}

// isMarked reports whether a process has the entry. One that has ended has no environment; of one whose first thread has ended
// the others show it.
func isMarked(proc, entry string) bool {
	environ, err := os.ReadFile(filepath.Join(proc, "environ"))
	if errors.Is(err, syscall.ESRCH) {
		threads, _ := filepath.Glob(filepath.Join(proc, "task", "*")) // an error is that of a bad pattern
		for _, thread := range threads {
			if environ, err = os.ReadFile(filepath.Join(thread, "environ")); err == nil {
				break
			}
		}
	}
	return err == nil && bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+entry+"\x00"))
}
