package main

import "github.com/winrmctl/winrmctl/internal/console"

// Suspend does nothing: there is no way to come back.
func (t *localTerminal) Suspend() {}

// watch has nothing to tell of.
func (t *localTerminal) watch() (events <-chan console.Event, stop func()) {
	return nil, func() {}
}

// localShell is what runs a command line of this machine.
func localShell(line string) []string { return []string{"cmd.exe", "/d", "/c", line} }
