package main

import (
	"os"
	"syscall"
)

// maxResident is the largest resident set that a process had, in KiB.
func maxResident(s *os.ProcessState) (kib int, ok bool) {
	usage, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, false
	}
	return int(usage.Maxrss), true
}
