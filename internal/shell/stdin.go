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
	if sleep(p.ctx, p.shell.options.EOFAfter) == nil {
		p.endOn(p.send(nil, true))
	}
}

// settle is how long a chunk waits for what follows it, so that the last one can carry the end with it.
const settle = 2 * time.Millisecond

// feed sends what a reader yields, and its end.
func (p *Process) feed(stdin io.Reader) {
	chunks := make(chan chunk)
	go p.read(stdin, chunks)
	t := time.NewTimer(0)
	defer t.Stop()
	var next *chunk
	for {
		var c chunk
		switch {
		case next != nil:
			c, next = *next, nil
		default:
			select {
			case c = <-chunks:
			case <-p.ctx.Done():
				return
			}
		}
		if !c.end {
			t.Reset(settle)
			select {
			case n := <-chunks:
				if n.end && n.err == nil {
					c.end = true
				} else {
					next = &n
				}
			case <-t.C:
			}
		}
		if c.err != nil {
			p.endOn(failed("read the local stdin", c.err))
			return
		}
		if err := p.send(c.data, c.end); err != nil || c.end {
			p.endOn(err)
			return
		}
	}
}

// chunk is a piece of stdin, or its end.
type chunk struct {
	data []byte
	end  bool
	err  error // why the end came, nil for end-of-file
}

// read reads stdin in pieces that fit into a request. A read that blocks is left behind when the command has ended.
func (p *Process) read(stdin io.Reader, chunks chan<- chunk) {
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
// refuses because it is busy is sent again. Nothing else is ever sent twice.
func (p *Process) send(data []byte, end bool) error {
	for wait := 50 * time.Millisecond; ; {
		err := p.shell.simple(p.ctx, p.side(), wsman.ActionSend, &wsman.Send{CommandID: p.id, Stream: "stdin", Data: data, End: end})
		fault, _ := errors.AsType[*wsman.Fault](err)
		switch {
		case err == nil:
			return nil
		case tooLarge(err) && len(data) > minChunk:
			half := len(data) / 2
			if err := p.send(data[:half], false); err != nil {
				return err
			}
			data = data[half:]
		case fault != nil && fault.Code == wsman.CodeBusy:
			if sleep(p.ctx, wait) != nil {
				return failed("send stdin", err)
			}
			wait = min(2*wait, time.Second)
		default:
			return failed("send stdin", err)
		}
	}
}

// endOn ends the process for an error of its stdin. A program that is done, or has closed its stdin, has no use for more:
// what it leaves is discarded (3.1.4.13), or the server answers that it does not know the command any more. The end of
// its output, which is on its way, decides then.
func (p *Process) endOn(err error) {
	if f, ok := errors.AsType[*wsman.Fault](err); ok {
		switch f.Code {
		case wsman.CodeInvalidSelectors, wsman.CodeOperationAborted, wsman.CodeBrokenPipe, wsman.CodeNoData:
			return
		}
	}
	if err != nil {
		p.cancel(err)
	}
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
