//go:build linux && amd64

package sandbox

import (
	"encoding/binary"
	"io"
	"os"
	"syscall"
	"time"
)

// status is a FIFO of numbers that a Windows program writes.
type status struct {
	writer  *os.File // kept open, or there would be an end before the program opens it
	reader  *os.File
	numbers chan uint32 // closed at the end
}

// statusNumbers is how many numbers a program writes at most.
const statusNumbers = 4

func newStatus(name string) (*status, error) {
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		return nil, &os.PathError{Op: "mkfifo", Path: name, Err: err}
	}
	reader, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // does not wait for a writer
	if err != nil {
		return nil, err
	}
	writer, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		_ = reader.Close()
		return nil, err
	}
	s := &status{writer: writer, reader: reader, numbers: make(chan uint32, statusNumbers)}
	go s.read()
	return s, nil
}

func (s *status) read() {
	defer s.reader.Close()
	defer close(s.numbers)
	for range statusNumbers {
		var b [4]byte
		if _, err := io.ReadFull(s.reader, b[:]); err != nil {
			return
		}
		s.numbers <- binary.LittleEndian.Uint32(b[:])
	}
}

// next waits for a number. It is false when none comes any more.
func (s *status) next() (uint32, bool) {
	n, ok := <-s.numbers
	return n, ok
}

// close is called when the program has ended. What it has written is still there to be read.
func (s *status) close() {
	_ = s.writer.Close()
	_ = s.reader.SetReadDeadline(time.Now().Add(orphans)) // wine lets go of it soon after
}
