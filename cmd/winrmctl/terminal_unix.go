//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/winrmctl/winrmctl/internal/console"
)

// Suspend stops the process group, as Ctrl-Z does where a terminal is not raw. A group without a parent that would wake it
// is not stopped by the kernel.
func (t *localTerminal) Suspend() {
	awake := make(chan os.Signal, 1)
	signal.Notify(awake, syscall.SIGCONT)
	defer signal.Stop(awake)
	_ = syscall.Kill(0, syscall.SIGTSTP)
	stopped := time.NewTimer(200 * time.Millisecond) // it does not run while nothing does
	defer stopped.Stop()
	select {
	case <-awake:
	case <-stopped.C:
	}
}

// watch tells of what happens to the terminal, until stop is called.
func (t *localTerminal) watch() (events <-chan console.Event, stop func()) {
	signals, told := make(chan os.Signal, 4), make(chan console.Event, 4)
	done := make(chan struct{})
	signal.Notify(signals, syscall.SIGWINCH, syscall.SIGCONT)
	go func() {
		for {
			select {
			case s := <-signals:
				e := console.Resized
				if s == syscall.SIGCONT {
					e = console.Continued
				}
				select {
				case told <- e:
				default: // there is one to come already
				}
			case <-done:
				return
			}
		}
	}()
	return told, func() {
		signal.Stop(signals)
		close(done)
	}
}

// localShell is what runs a command line of this machine.
func localShell(line string) []string { return []string{"/bin/sh", "-c", line} }
