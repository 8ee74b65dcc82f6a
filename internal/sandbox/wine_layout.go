//go:build linux && amd64

package sandbox

import (
	"runtime"
	"syscall"
)

// Of personality(2).
const (
	personalityAsIs = 0xffffffff
	addrNoRandomize = 0x0040000
)

// withFixedLayout starts a program with an address space that is not laid out at random, for itself and all that it starts.
//
// Debian's wine64 is linked to 0x7d000000 and has no preloader, so that Linux puts the heap anywhere in the gigabyte behind
// (arch_randomize_brk in arch/x86/kernel/process.c). Where that covers 0x7ffe0000, which belongs to Windows, the process ends
// at once with 1 and, with WINEDEBUG=-all, without a word (virtual_alloc_first_teb in dlls/ntdll/unix/virtual.c of wine 8).
// That is one in some thousands of processes, of which a command has four. Some containers forbid personality: there the
// layout stays random.
func withFixedLayout(start func() error) error {
	runtime.LockOSThread() // a personality is that of a thread, and a new process has that of the thread that forks it
	defer runtime.UnlockOSThread()
	before, errno := personality(personalityAsIs)
	if errno != 0 || before&addrNoRandomize != 0 {
		return start()
	}
	if _, errno = personality(before | addrNoRandomize); errno == 0 {
		defer func() { _, _ = personality(before) }() // it was in force until now, so it is allowed
	}
	return start()
}

// personality sets the personality of the thread and returns the one before.
func personality(p uintptr) (uintptr, syscall.Errno) {
	before, _, errno := syscall.RawSyscall(syscall.SYS_PERSONALITY, p, 0, 0)
	return before, errno
}
