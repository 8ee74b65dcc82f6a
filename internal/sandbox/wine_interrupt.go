//go:build linux && amd64

package sandbox

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// starting is how long a process is waited for that is starting when a Ctrl-C comes.
const starting = 2 * time.Second

// interruptBelow interrupts what the cmd.exe of a session has started, and spares cmd.exe: that of Windows minds no Ctrl-C,
// that of wine ends. entry marks the processes of the command; those that began after its first cmd.exe are meant. A program
// of wine that gets a SIGINT has a Ctrl-C of its own.
//
// One that is starting gets it when it can handle it. A SIGINT before its exec would make the Ctrl-C one of cmd.exe, whose
// handler and whose connection to wine's server it still has; one before it has a handler would end it, and cmd.exe would
// not recognize its name.
func interruptBelow(entry string) {
	waiting := below(entry)
	for deadline := time.Now().Add(starting); len(waiting) > 0; time.Sleep(firstLook) {
		late := time.Now().After(deadline)
		waiting = slices.DeleteFunc(waiting, func(proc string) bool {
			s, there := readStat(proc)
			ready := !s.forked && (late || handlesInterrupt(proc)) // one of Unix may never handle it
			if !there || s.state == "Z" {
				return true
			}
			if p, err := os.FindProcess(s.id()); ready && err == nil && isMarked(proc, entry) {
				_ = p.Signal(syscall.SIGINT) // it has ended, or does not mind
			}
			return ready || late
		})
	}
}

// below lists the processes of a command that began after its first cmd.exe.
func below(entry string) (procs []string) {
	var all []procStat
	first := uint64(math.MaxUint64)
	for _, s := range procStats() {
		if !isMarked(s.proc, entry) {
			continue
		}
		all = append(all, s)
		line, _ := os.ReadFile(filepath.Join(s.proc, "cmdline"))
		if program, _, _ := bytes.Cut(line, []byte{0}); bytes.HasSuffix(bytes.ToLower(program), []byte("cmd.exe")) {
			first = min(first, s.began)
		}
	}
	for _, s := range all {
		if s.began > first && s.state != "Z" {
			procs = append(procs, s.proc)
		}
	}
	return procs
}

// handlesInterrupt reports whether a process has a handler for SIGINT.
func handlesInterrupt(proc string) bool {
	status, _ := os.ReadFile(filepath.Join(proc, "status"))
	_, caught, _ := strings.Cut(string(status), "\nSigCgt:\t")
	caught, _, _ = strings.Cut(caught, "\n")
	mask, _ := strconv.ParseUint(caught, 16, 64)
	return mask&(1<<(syscall.SIGINT-1)) != 0
}

// The times of a look-out for processes that a Ctrl-C has left half dead.
const (
	vigil     = 10 * time.Second
	halfAlive = 200 * time.Millisecond // how long a process may have lost its first thread
)

// lookOut has the processes of the command killed whose first thread has ended and others have not, for a while after a Ctrl-C
// or until the command has ended. It is called within an enter of [Wine].
//
// Wine 8 runs ExitProcess for a Ctrl-C in a thread of its own. That kills the other ones by SIGQUIT, which nothing blocks
// (server_block_set in dlls/ntdll/unix/server.c): one that is just starting a program or mapping memory dies with the mutex
// that it holds, for which the last thread then waits without end (abort_thread, server_enter_uninterrupted_section).
func (p *wineProcess) lookOut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	watched := time.Now().Before(p.watch)
	p.watch = time.Now().Add(vigil)
	if !watched {
		p.wine.users.Add(1)
		go p.endHalfDead()
	}
}

func (p *wineProcess) endHalfDead() {
	defer p.wine.users.Done()
	before := map[string]bool{}
	for p.watched() {
		now := map[string]bool{}
		for _, s := range procStats() {
			if s.state != "Z" || s.threads < 2 || !isMarked(s.proc, p.mark()) {
				continue
			}
			now[s.proc] = true
			if process, err := os.FindProcess(s.id()); before[s.proc] && err == nil {
				_ = process.Kill()
			}
		}
		before = now
		select {
		case <-p.ended:
			return
		case <-time.After(halfAlive):
		}
	}
}

// watched reports whether the look-out goes on.
func (p *wineProcess) watched() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.watch) {
		return true
	}
	p.watch = time.Time{}
	return false
}

// procStat is a process, by its stat.
type procStat struct {
	proc    string // its directory
	state   string
	forked  bool // has not called exec yet
	threads int
	began   uint64 // in ticks
}

func (s procStat) id() int {
	id, _ := strconv.Atoi(filepath.Base(s.proc))
	return id
}

// procStats reads the stat of all processes.
func procStats() (all []procStat) {
	names, _ := filepath.Glob("/proc/[0-9]*") // an error is that of a bad pattern
	for _, name := range names {
		if s, there := readStat(name); there {
			all = append(all, s)
		}
	}
	return all
}

// readStat reads a stat as proc_pid_stat(5) has it: the second field is a name in brackets.
func readStat(proc string) (s procStat, there bool) {
	const state, flags, threads, began = 0, 6, 17, 19 // behind the name
	const forkNoExec = 0x40                           // PF_FORKNOEXEC in include/linux/sched.h
	stat, _ := os.ReadFile(filepath.Join(proc, "stat"))
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) <= began {
		return procStat{proc: proc}, false
	}
	number := func(i int) uint64 { n, _ := strconv.ParseUint(fields[i], 10, 64); return n }
	return procStat{
		proc: proc, state: fields[state], forked: number(flags)&forkNoExec != 0, threads: int(number(threads)), began: number(began),
	}, true
}
