//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// interrupting are the signals that end a command in good order, so that no shell is left on a target. SIGPIPE is among what is
// caught, not ignored: a write to a closed pipe then fails instead of killing the process, and programs that are started do not
// inherit the ignoring.
func interrupting() []os.Signal {
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
}

// dieOf ends the process by a signal, as its parent expects of one that was ended by it; nothing for nil. It returns where
// the signal does not kill: then the exit code has to do.
func dieOf(status exitStatus) {
	number, ok := status.signal.(syscall.Signal)
	if !ok || number == syscall.SIGQUIT { // of which the runtime dies with a dump
		return
	}
	signal.Reset(number)
	if number == syscall.SIGPIPE {
		// The runtime ignores a SIGPIPE that is sent, but dies of one that a write to stdout or stderr raises.
		stream := map[string]*os.File{"stdout": os.Stdout, "stderr": os.Stderr}[status.stream]
		_, _ = stream.Write([]byte("\n")) // nobody reads it: that is why this is done
		return
	}
	_ = syscall.Kill(os.Getpid(), number)
	time.Sleep(100 * time.Millisecond) // the signal is delivered before this ends
}
