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

// grace is how long what has lost its job may take to end by itself.
const grace = time.Second

// endLeft waits until no process has an entry in its environment, and then kills those that still do, until there is none or
// something refuses to die.
//
// The job of a command (see outerProgram) is not enough: a process that wine's server kills while it is starting, before the
// two have spoken, is out of the server's books but still there, and waits for an answer for ever. (In server_init_process of
// wine 8's dlls/ntdll/unix/server.c it reads from a pipe whose other end it has open itself.)
//
// Nor should a signal be first: the server of wine 8 crashes when it finds the processes of a console dead one by the other. To
// tell a thread of the end of another one it writes to a pipe that is broken, so that it takes that process out too, and so
// on, in the middle of a list (wake_up in server/thread.c, below disconnect_console_server in server/console.c).
func endLeft(entry string) {
	begin := time.Now()
	for look := firstLook; ; look = min(2*look, lastLook) {
		waited := time.Since(begin)
		if !anyMarked(entry, waited > grace) || waited > grace+orphans {
			return
		}
		time.Sleep(look)
	}
}

// anyMarked reports whether there are processes that have the entry, and kills them if that is wanted.
func anyMarked(entry string, kill bool) (found bool) {
	names, _ := filepath.Glob("/proc/[0-9]*") // an error is that of a bad pattern
	for _, name := range names {
		if !isMarked(name, entry) {
			continue
		}
		if found = true; !kill {
			return
		}
		id, _ := strconv.Atoi(filepath.Base(name))
		p, err := os.FindProcess(id)
		if err != nil {
			continue
		}
		// Once more, because p cannot become another process any more, as its number can.
		if isMarked(name, entry) {
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
