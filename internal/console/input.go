package console

import (
	"errors"
	"io"
	"sync"
)

// input is what was typed and not sent yet.
type input struct {
	mu    sync.Mutex
	more  chan struct{} // has a token when something has changed
	bytes []byte
	ended bool
}

// inputSize bounds what may wait to be sent.
const inputSize = 1 << 20

var (
	errFull  = errors.New("too much input waits")
	errEnded = errors.New("the end of input was sent")
)

func newInput() *input { return &input{more: make(chan struct{}, 1)} }

func (i *input) put(b []byte) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.ended:
		return errEnded
	case len(i.bytes)+len(b) > inputSize:
		return errFull
	}
	i.bytes = append(i.bytes, b...)
	i.notify()
	return nil
}

// discard forgets what was not sent, as a terminal does on Ctrl-C.
func (i *input) discard() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.bytes = nil
}

func (i *input) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ended = true
	i.notify()
}

func (i *input) notify() {
	select {
	case i.more <- struct{}{}:
	default:
	}
}

// Read waits for input. Only one goroutine reads.
func (i *input) Read(b []byte) (int, error) {
	for {
		i.mu.Lock()
		n := copy(b, i.bytes)
		i.bytes = i.bytes[n:]
		ended := i.ended
		i.mu.Unlock()
		switch {
		case n > 0 || len(b) == 0:
			return n, nil
		case ended:
			return 0, io.EOF
		}
		<-i.more
	}
}
