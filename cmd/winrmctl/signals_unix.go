//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// interrupting are the signals that end a command in good order. SIGPIPE is among what is caught, not ignored: a write to a
// closed pipe then fails instead of killing the process, and programs that are started do not inherit the ignoring.
func interrupting() []os.Signal {
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
}

// dieOf ends the process by a signal, as its parent expects of one that was ended by it; nothing for nil.
func dieOf(s os.Signal) {
	number, ok := s.(syscall.Signal)
	if !ok {
		return
	}
	signal.Reset(number)
	_ = syscall.Kill(os.Getpid(), number)
	time.Sleep(time.Second) // the signal is delivered before this ends
}
