package shell

import (
	"encoding/base64"
	"errors"
	"io"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// endOfFile tells a program that still runs after a while that its stdin is at its end. A command that ends quickly costs
// no request, and no connection, for that.
func (p *Process) endOfFile() {
	defer p.shell.guard()
	if sleep(p.ctx, p.shell.options.EOFAfter) == nil {
		p.endOn(p.send(p.side(), nil, true))
	}
}

// settle is how long a chunk waits for what follows it, so that the last one can carry the end with it.
const settle = 2 * time.Millisecond

// A feeder sends what a reader yields, and its end.
type feeder struct {
	process *Process
	chunks  chan chunk
	ahead   *chunk // read already, behind the one that was taken last
}

// chunk is a piece of stdin, or its end.
type chunk struct {
	data []byte
	end  bool
	err  error // why the end came, nil for end-of-file
}

// newFeeder starts to read, so that input is there when the command is.
func (p *Process) newFeeder(stdin io.Reader) *feeder {
	f := &feeder{process: p, chunks: make(chan chunk)}
	go p.read(stdin, f.chunks)
	return f
}

// take returns the next chunk, with the end if that follows at once. Without a deadline it waits; ok is false when
// nothing came in time, or the process has ended.
func (f *feeder) take(deadline <-chan time.Time) (c chunk, ok bool) {
	if f.ahead != nil {
		c, f.ahead = *f.ahead, nil
	} else {
		select {
		case c = <-f.chunks:
		case <-deadline:
			return c, false
		case <-f.process.ctx.Done():
			return c, false
		}
	}
	if c.end {
		return c, true
	}
	t := time.NewTimer(settle)
	defer t.Stop()
	select {
	case n := <-f.chunks:
		if n.end && n.err == nil {
			c.end = true
		} else {
			f.ahead = &n
		}
	case <-t.C:
	}
	return c, true
}

// Bounds of what feeding may delay the first Receive by.
const (
	small  = 4 << 10     // bytes of input that fit into any pipe, so that sending them cannot block
	primed = time.Second // for the first piece of other input
)

// prime sends the input that is there already before output is asked for: all of it on the main lane where it is small,
// which saves the second connection; else its first piece. Most programs say nothing before they have read.
func (f *feeder) prime() {
	t := time.NewTimer(settle)
	defer t.Stop()
	c, ok := f.take(t.C)
	switch p := f.process; {
	case !ok:
		go f.run()
	case c.end && c.err == nil && len(c.data) <= small:
		p.endOn(p.send(p.shell.options.Main, c.data, true))
	default:
		started := make(chan struct{})
		go func() {
			defer p.shell.guard()
			more := f.pass(c)
			close(started)
			if more {
				f.run()
			}
		}()
		wait := time.NewTimer(primed)
		defer wait.Stop()
		select {
		case <-started:
		case <-wait.C:
		case <-p.ctx.Done():
		}
	}
}

// run sends everything that comes.
func (f *feeder) run() {
	defer f.process.shell.guard()
	for {
		c, ok := f.take(nil)
		if !ok || !f.pass(c) {
			return
		}
	}
}

// pass sends one chunk and reports whether more may follow.
func (f *feeder) pass(c chunk) bool {
	p := f.process
	if c.err != nil {
		p.endOn(&ReadError{c.err})
		return false
	}
	err := p.send(p.side(), c.data, c.end)
	p.endOn(err)
	return err == nil && !c.end
}

// read reads stdin in pieces that fit into a request. A read that blocks is left behind when the command has ended.
func (p *Process) read(stdin io.Reader, chunks chan<- chunk) {
	defer p.shell.guard()
	hand := func(c chunk) bool {
		select {
		case chunks <- c:
			return true
		case <-p.ctx.Done():
			return false
		}
	}
	size := p.chunkSize()
	for {
		buffer := make([]byte, size)
		n, err := stdin.Read(buffer)
		if n > 0 && !hand(chunk{data: buffer[:n]}) {
			return
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			hand(chunk{end: true, err: err})
			return
		}
	}
}

// minChunk is where making requests smaller ends, in bytes.
const minChunk = 1 << 10

// chunkSize is how many bytes of stdin fit into a request, base64 and the rest of the envelope included.
func (p *Process) chunkSize() int {
	const margin = 4 << 10 // the envelope around the data has about 2 KiB; sealing adds 300 bytes
	n := base64.StdEncoding.DecodedLen(p.shell.options.RequestSize - margin)
	return max(n/3*3, minChunk)
}

// send sends one chunk. A chunk that the server refuses for its size, having done nothing, is cut in halves; one that it
// refuses because it is busy is sent again. One that it takes longer over than OperationTimeout, since the program does not
// read, is still on its way to the program, and what follows it meets a busy server until then: so Ansible found on real hosts
// (plugins/connection/winrm.py). An end alone whose answer is lost is sent again: stdin ends but once. Nothing else is ever sent
// twice; what could not be sent at all waits for the connection as a Receive does, in a session.
func (p *Process) send(lane Conn, data []byte, end bool) error {
	p.sending.Add(1)
	defer p.sending.Add(-1)
	patience := time.Now().Add(p.shell.options.Reconnect)
	for wait := 50 * time.Millisecond; ; {
		err := p.shell.simple(p.ctx, lane, wsman.ActionSend, &wsman.Send{CommandID: p.id, Stream: "stdin", Data: data, End: end})
		fault, _ := errors.AsType[*wsman.Fault](err)
		switch {
		case err == nil, fault != nil && fault.TimedOut():
			return nil
		case tooLarge(err) && len(data) > minChunk:
			half := len(data) / 2
			if err := p.send(lane, data[:half], false); err != nil {
				return err
			}
			data = data[half:]
		case fault != nil && fault.Code == wsman.CodeBusy,
			time.Now().Before(patience) && (p.shell.options.Reconnected != nil && unsent(err) || len(data) == 0 && lost(err)):
			if sleep(p.ctx, wait) != nil {
				return failed(OpSend, err)
			}
			wait = min(2*wait, time.Second)
		default:
			return failed(OpSend, err)
		}
	}
}

// endOn ends the process for an error of its stdin. A program that is done, or has closed its stdin, has no use for more:
// what it leaves is discarded (3.1.4.13), or the server answers that it does not know the command any more. The end of
// its output, which is on its way, decides then.
func (p *Process) endOn(err error) {
	if err != nil && !unwanted(err) {
		p.cancel(err)
	}
}

// unwanted reports that a program takes no more input, or that its shell was disconnected meanwhile.
func unwanted(err error) bool {
	f, ok := errors.AsType[*wsman.Fault](err)
	if !ok {
		return false
	}
	switch f.Code {
	case wsman.CodeInvalidSelectors, wsman.CodeOperationAborted, wsman.CodeBrokenPipe, wsman.CodeNoData, wsman.CodeShellDisconnected:
		return true
	}
	return false
}

// unsent reports that nothing of a request was sent.
func unsent(err error) bool {
	u, ok := errors.AsType[interface {
		error
		NotSent() bool
	}](err)
	return ok && u.NotSent()
}

// tooLarge reports that the server refused a request for its size: HTTP 413 (3.1.4.1.20), or the fault for it.
func tooLarge(err error) bool {
	if f, ok := errors.AsType[*wsman.Fault](err); ok {
		return f.Code == wsman.CodeRequestTooLarge
	}
	t, ok := errors.AsType[interface {
		error
		RequestTooLarge() bool
	}](err)
	return ok && t.RequestTooLarge()
}
