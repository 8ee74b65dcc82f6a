package sandbox

import (
	"io"
	"os"
	"sync"
	"time"
)

// stream copies one output of a program, until its end or until nobody takes it.
type stream struct {
	from *os.File
	to   io.Writer
	busy sync.Mutex    // held while a piece is handed on
	done chan struct{} // closed at the end
}

// newStream starts to copy from a pipe. The program gets the other end of it, which the caller closes.
func newStream(to io.Writer) (s *stream, program *os.File, err error) {
	from, program, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	s = &stream{from: from, to: to, done: make(chan struct{})}
	go s.copy()
	return s, program, nil
}

func (s *stream) copy() {
	defer close(s.done)
	defer s.from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := s.from.Read(buffer)
		if err != nil {
			return
		}
		s.busy.Lock()
		_, err = s.to.Write(buffer[:n])
		s.busy.Unlock()
		if err != nil {
			return
		}
	}
}

// finish waits for the end after that of the program. What the program has started and left behind may keep its output
// open: there is no more than patience for that, beside the time that the reader takes.
func (s *stream) finish(patience time.Duration) {
	const tick = 10 * time.Millisecond
	for looked := time.Now(); patience > 0; {
		select {
		case <-s.done:
			return
		case <-time.After(tick):
		}
		passed := time.Since(looked)
		looked = looked.Add(passed)
		if s.busy.TryLock() {
			patience -= passed
			s.busy.Unlock()
		}
	}
	_ = s.from.Close()
	<-s.done
}
