package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// ownResident is the largest resident set that this process had, in KiB. Unlike what its parent is told at its end, it does not
// count that of the parent, which a new process shares at first.
func ownResident() (kib int, ok bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	_, rest, _ := strings.Cut(string(status), "\nVmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	kib, err = strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(line, "kB")))
	return kib, err == nil
}

// maxResident is the largest resident set that a process had, in KiB.
func maxResident(s *os.ProcessState) (kib int, ok bool) {
	usage, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, false
	}
	return int(usage.Maxrss), true
}
