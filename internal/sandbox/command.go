package sandbox

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// command is a program that runs, with its output queued until it is asked for.
type command struct {
	id      string
	line    string
	program Program
	stdin   *queue
	output  *queue

	sending atomic.Bool // input is on its way to the program

	mu   sync.Mutex
	code *uint32 // set when the program has ended and all its output is queued
	sent bool    // Done was answered
}

// queueSize bounds what a program may be ahead of its reader, in bytes.
const queueSize = 1 << 20

// linger is how long an answer with output waits for more of it, and for the program's end: quick commands then cost one
// Receive.
const linger = 3 * time.Millisecond

func startCommand(programs Programs, id string, spec Spec) (*command, error) {
	c := &command{id: id, line: spec.Line, stdin: newQueue(), output: newQueue()}
	spec.Stdin = reader{c.stdin}
	spec.Stdout, spec.Stderr = writer{c.output, "stdout"}, writer{c.output, "stderr"}
	if spec.Refused != "" {
		c.program = refusal{spec}
	} else {
		var err error
		if c.program, err = programs.Start(spec); err != nil {
			c.stdin.close() // some of Start may read from it
			return nil, err
		}
	}
	go func() {
		code := c.program.Wait()
		c.mu.Lock()
		c.code = &code
		c.mu.Unlock()
		c.stdin.close()
		c.output.close()
	}()
	return c, nil
}

// receive waits for output, or for the end, and answers with at most size bytes.
func (c *command) receive(ctx context.Context, timeout time.Duration, size int) (wsman.ResponseBody, error) {
	c.mu.Lock()
	done := c.sent
	c.mu.Unlock()
	if done {
		f := sender("InvalidSelectors", wsman.CodeInvalidSelectors, "The WS-Management service cannot process the request because the request contained invalid selectors for the resource.")
		f.Message = "Either the command has completed execution or the client specified an invalid command identifier."
		return nil, f
	}
	expired := time.NewTimer(timeout)
	defer expired.Stop()
	leaving := func() bool { return errors.Is(context.Cause(ctx), errLeaving) }
	switch there := c.output.wait(ctx, expired.C, 1); {
	case there:
	case leaving():
		return nil, fault("InternalError", wsman.CodeShellDisconnected, "The shell was disconnected.")
	case ctx.Err() != nil:
		return nil, aborted()
	default:
		return nil, fault("TimedOut", wsman.CodeTimedOut, "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.")
	}
	more := time.NewTimer(linger)
	defer more.Stop()
	c.output.wait(ctx, more.C, size)
	if ctx.Err() != nil && !leaving() { // 3.1.4.15: what is there is delivered before the shell is disconnected
		return nil, aborted()
	}
	pieces, end := c.output.take(size)
	r := &wsman.ReceiveResponse{CommandID: c.id, State: wsman.StateRunning}
	for _, p := range pieces {
		r.Streams = append(r.Streams, wsman.Stream{Name: p.name, Data: p.data})
	}
	if end {
		c.mu.Lock()
		c.sent = true
		r.State, r.ExitCode = wsman.StateDone, c.code
		c.mu.Unlock()
		r.Streams = append(r.Streams, wsman.Stream{Name: "stdout", End: true}, wsman.Stream{Name: "stderr", End: true})
	}
	return r, nil
}

// send hands input to the program. Where that does not take what is there already, the input stays on its way to it, and more
// is refused meanwhile: as Ansible found on real hosts (plugins/connection/winrm.py).
func (c *command) send(ctx context.Context, timeout time.Duration, s *wsman.Send) (wsman.ResponseBody, error) {
	if s.Stream != "stdin" {
		return nil, sender("InvalidParameter", wsman.CodeInvalidParameter, "The parameter is incorrect.")
	}
	if !c.sending.CompareAndSwap(false, true) {
		return nil, fault("InternalError", wsman.CodeBusy, "The requested resource is in use.")
	}
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		c.stdin.put(context.Background(), nil, "stdin", s.Data) // until the program ends
		if s.End {
			c.stdin.close()
		}
		c.sending.Store(false)
	}()
	expired := time.NewTimer(timeout)
	defer expired.Stop()
	select {
	case <-taken:
		return wsman.SendResponse{}, nil
	case <-ctx.Done():
		return nil, aborted()
	case <-expired.C:
		return nil, fault("TimedOut", wsman.CodeTimedOut, "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.")
	}
}

func (c *command) signal(code wsman.SignalCode) (wsman.ResponseBody, error) {
	switch code {
	case wsman.SignalCtrlC:
		c.program.Signal(CtrlC)
	case wsman.SignalCtrlBreak:
		c.program.Signal(CtrlBreak)
	default:
		return nil, sender("InvalidParameter", wsman.CodeInvalidParameter, "The parameter is incorrect.")
	}
	return wsman.SignalResponse{}, nil
}

// state is how far the command has come, in one word.
func (c *command) state() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.code != nil {
		return "Done"
	}
	return "Running"
}

// terminate ends the program; what it has not read and what nobody asked for is gone.
func (c *command) terminate() {
	c.stdin.abandon()
	c.output.abandon()
	c.program.Signal(Terminate)
}

// queue is a bounded queue of pieces of streams with a place to wait.
type queue struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
	pieces  []piece
	size    int
	closed  bool // nothing more comes
	gone    bool // nobody reads any more
	drops   bool // a full queue loses its oldest bytes, in place of waiting for room
}

type piece struct {
	name string
	data []byte
}

func newQueue() *queue { return &queue{changed: make(chan struct{})} }

func (q *queue) notify() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// until waits for a condition. It is false when the context or the timer ends first.
func (q *queue) until(ctx context.Context, expired <-chan time.Time, condition func() bool) bool {
	for {
		q.mu.Lock()
		ok, changed := condition(), q.changed
		q.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		case <-expired:
			return false
		}
	}
}

// wait waits until at least n bytes, or the end, are there.
func (q *queue) wait(ctx context.Context, expired <-chan time.Time, n int) bool {
	return q.until(ctx, expired, func() bool { return q.size >= n || q.closed || q.gone })
}

// put adds a piece as soon as the queue has room. Data for a program that has ended is discarded (3.1.4.13).
func (q *queue) put(ctx context.Context, expired <-chan time.Time, name string, data []byte) bool {
	return q.until(ctx, expired, func() bool {
		switch {
		case q.closed || q.gone || len(data) == 0:
			return true
		case q.size >= queueSize && !q.drops:
			return false
		}
		if n := len(q.pieces); n > 0 && q.pieces[n-1].name == name {
			q.pieces[n-1].data = append(q.pieces[n-1].data, data...)
		} else {
			q.pieces = append(q.pieces, piece{name, append([]byte(nil), data...)})
		}
		q.size += len(data)
		if q.drops && q.size > queueSize {
			q.remove(q.size - queueSize)
		}
		q.notify()
		return true
	})
}

// drop chooses what becomes of a full queue.
func (q *queue) drop(on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.drops = on
	q.notify()
}

// take removes up to n bytes. end tells that nothing is left and nothing more comes.
func (q *queue) take(n int) (taken []piece, end bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken = q.remove(n)
	q.notify()
	return taken, q.closed && len(q.pieces) == 0
}

// remove removes up to n bytes from the front of a queue that is locked.
func (q *queue) remove(n int) (removed []piece) {
	for n > 0 && len(q.pieces) > 0 {
		p := &q.pieces[0]
		if len(p.data) <= n {
			removed = append(removed, *p)
			n -= len(p.data)
			q.size -= len(p.data)
			q.pieces = q.pieces[1:]
			continue
		}
		removed = append(removed, piece{p.name, p.data[:n:n]})
		p.data = p.data[n:]
		q.size -= n
		n = 0
	}
	return removed
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.notify()
}

func (q *queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.gone, q.pieces, q.size = true, true, nil, 0
	q.notify()
}

// reader is the program's end of its stdin.
type reader struct{ queue *queue }

func (r reader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	r.queue.wait(context.Background(), nil, 1)
	taken, _ := r.queue.take(len(b))
	n := 0
	for _, p := range taken {
		n += copy(b[n:], p.data)
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// writer is the program's end of one of its output streams.
type writer struct {
	queue *queue
	name  string
}

func (w writer) Write(b []byte) (int, error) {
	w.queue.put(context.Background(), nil, w.name, b)
	w.queue.mu.Lock()
	defer w.queue.mu.Unlock()
	if w.queue.gone {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}
