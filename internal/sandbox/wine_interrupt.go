//go:build linux && amd64

package sandbox

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// interruptBelow interrupts what the cmd.exe of a session has started, and spares cmd.exe: that of Windows minds no Ctrl-C,
// that of wine ends. entry marks the processes of the command; those that began after its first cmd.exe are meant. A program
// of wine that gets a SIGINT has a Ctrl-C of its own.
func interruptBelow(entry string) {
	names, _ := filepath.Glob("/proc/[0-9]*") // an error is that of a bad pattern
	began, first := map[string]uint64{}, uint64(math.MaxUint64)
	for _, name := range names {
		if !isMarked(name, entry) {
			continue
		}
		began[name] = beginning(name)
		line, _ := os.ReadFile(filepath.Join(name, "cmdline"))
		if program, _, _ := bytes.Cut(line, []byte{0}); bytes.HasSuffix(bytes.ToLower(program), []byte("cmd.exe")) {
			first = min(first, began[name])
		}
	}
	for name, at := range began {
		id, _ := strconv.Atoi(filepath.Base(name))
		if p, err := os.FindProcess(id); err == nil && at > first && isMarked(name, entry) {
			_ = p.Signal(syscall.SIGINT) // it has ended, or does not mind
		}
	}
}

// beginning is when a process began, in ticks: the 22nd field of its stat, of which the second is a name in brackets.
func beginning(proc string) uint64 {
	stat, _ := os.ReadFile(filepath.Join(proc, "stat"))
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return 0 // it has ended
	}
	ticks, _ := strconv.ParseUint(fields[19], 10, 64)
	return ticks
}
