package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// Command is what to run.
type Command struct {
	Line    string   // sent as it is
	Args    []string // each sent as an argument of its own; the server joins them to the line with spaces
	Direct  bool     // without cmd.exe (WINRS_SKIP_CMD_SHELL)
	Console bool     // the program's stdin counts as a console, not as a pipe (WINRS_CONSOLEMODE_STDIN)
}

// Streams are the local ends of a command's streams. A nil writer discards; a nil Stdin lets the program see end-of-file.
type Streams struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// A Process is a command that runs. Its methods are safe for concurrent use.
type Process struct {
	shell   *Shell
	id      string
	streams Streams
	ctx     context.Context
	cancel  context.CancelCauseFunc
	done    chan struct{}
	err     error        // set before done is closed
	sending atomic.Int32 // Sends under way
	rivals  int          // how often another process may have asked for the same output, after it was taken over
}

// Run starts a command and waits for its end; see [Process.Wait] for the error.
func (s *Shell) Run(ctx context.Context, c Command, st Streams) error {
	p, err := s.Start(ctx, c, st)
	if err != nil {
		return err
	}
	return p.Wait()
}

// Start starts a command and pumps its streams. When ctx ends, pumping ends too; the command goes on until the shell is closed.
func (s *Shell) Start(ctx context.Context, c Command, st Streams) (*Process, error) {
	if err := s.discard(ctx); err != nil {
		return nil, err
	}
	p := s.newProcess(ctx, st)
	var input *feeder
	if st.Stdin != nil {
		input = p.newFeeder(st.Stdin)
	}
	if err := p.command(c); err != nil {
		return nil, err
	}
	s.running.Store(p)
	if input == nil {
		go p.endOfFile()
	}
	go p.run(input)
	return p, nil
}

// discard has the server forget the last command, as it has to before the next one (3.1.4.14).
func (s *Shell) discard(ctx context.Context) error {
	if s.last == "" {
		return nil
	}
	if err := s.simple(ctx, s.options.Main, wsman.ActionSignal, &wsman.Signal{CommandID: s.last, Code: wsman.SignalTerminate}); err != nil {
		return failed("discard the last command", err)
	}
	s.last = ""
	return nil
}

func (s *Shell) newProcess(ctx context.Context, st Streams) *Process {
	p := &Process{shell: s, streams: st, done: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	return p
}

// command posts the Command.
func (p *Process) command(c Command) error {
	s := p.shell
	line := &wsman.CommandLine{Command: c.Line, Arguments: c.Args}
	if s.options.Detachable {
		line.ID = wsman.NewID()
	}
	q := s.request(wsman.ActionCommand, line)
	q.Options = []wsman.Option{
		{Name: "WINRS_CONSOLEMODE_STDIN", Value: upper(c.Console)}, {Name: "WINRS_SKIP_CMD_SHELL", Value: upper(c.Direct)},
	}
	answer, err := s.post(p.ctx, s.options.Main, q)
	if err == nil {
		p.id, err = wsman.ParseCommandResponse(answer, q.MessageID)
	} else {
		s.mainCut.Store(true)
	}
	if err != nil {
		p.cancel(err)
		return failed("start the command", err)
	}
	s.last = p.id
	return nil
}

// ID returns the command's id.
func (p *Process) ID() string { return p.id }

// Signal sends a signal to the program, such as [wsman.SignalCtrlC].
func (p *Process) Signal(ctx context.Context, code wsman.SignalCode) error {
	return failed("signal the command", p.shell.simple(ctx, p.free(), wsman.ActionSignal, &wsman.Signal{CommandID: p.id, Code: code}))
}

// unblock is how long Wait gives a local stream that blocks after the context has ended.
const unblock = time.Second

// Wait waits until the command has ended and all its output is written. It returns nil for exit code 0, and else
//   - an [*ExitError] for another exit code;
//   - [ErrNoExitCode] where the server does not tell;
//   - a [*WriteError] when a local stream takes no more output, and a [*ReadError] when stdin cannot be read;
//   - the context's cause when that has ended: the command may still run;
//   - [ErrDisconnected] when the shell was disconnected;
//   - an [*OpError] with a [*wsman.Fault] or the error of the connection.
func (p *Process) Wait() error {
	select {
	case <-p.done:
		return p.err
	case <-p.ctx.Done():
	}
	t := time.NewTimer(unblock)
	defer t.Stop()
	select {
	case <-p.done:
		return p.err
	case <-t.C: // a writer that blocks is left behind
		return context.Cause(p.ctx)
	}
}

// Done is closed when the command has ended and all its output is written.
func (p *Process) Done() <-chan struct{} { return p.done }

// side returns the second lane, of which Close has to know that it was used.
func (p *Process) side() Conn {
	p.shell.sideUsed.Store(true)
	return p.shell.options.Side
}

// free returns a lane that nothing is parked on.
func (p *Process) free() Conn {
	if spare := p.shell.options.Spare; spare != nil && p.sending.Load() > 0 {
		return spare
	}
	return p.side()
}

// run pumps the streams until the command is done.
func (p *Process) run(input *feeder) {
	defer p.shell.guard()
	if input != nil {
		input.prime()
	}
	err := p.receiveAll()
	if _, exited := errors.AsType[*ExitError](err); err != nil && !exited {
		if cause := context.Cause(p.ctx); cause != nil {
			err = cause // also where stdin could not be sent
		}
		p.shell.mainCut.Store(true)
	}
	p.err = err
	p.cancel(nil)
	close(p.done)
}

func (p *Process) receiveAll() error {
	var idle pacer
	for {
		r, err := p.receiveOnce()
		if err != nil {
			return failed("receive output", err)
		}
		for _, stream := range r.Streams {
			if err := p.write(stream); err != nil {
				return err
			}
		}
		if r.State == wsman.StateDone {
			switch {
			case r.ExitCode == nil:
				return failed("run the command", ErrNoExitCode)
			case *r.ExitCode != 0:
				return &ExitError{*r.ExitCode}
			}
			return nil
		}
		if err := idle.pace(p.ctx, len(r.Streams) > 0); err != nil {
			return err
		}
	}
}

// receiveOnce asks for output once. An operation timeout is an answer without output. Where the answer is lost, the same
// bytes are sent again over another connection: the server repeats its last answer for a MessageID that it knows, as
// pypsrp relies on.
func (p *Process) receiveOnce() (*wsman.ReceiveResponse, error) {
	q := p.shell.request(wsman.ActionReceive, &wsman.Receive{CommandID: p.id, Streams: "stdout stderr"})
	answer, _, err := p.shell.insist(p.ctx, p.shell.options.Main, q)
	if err != nil {
		return nil, err
	}
	r, err := wsman.ParseReceive(answer, q.MessageID)
	if f, ok := errors.AsType[*wsman.Fault](err); ok {
		switch {
		case f.TimedOut():
			return &wsman.ReceiveResponse{}, nil
		case f.Code == wsman.CodeShellDisconnected, f.Code == wsman.CodeStreamDisconnected:
			return nil, ErrDisconnected
		case f.Code == wsman.CodeOperationAborted && p.rivals > 0:
			p.rivals-- // its Receive came after ours, and ends by our next one
			return &wsman.ReceiveResponse{}, nil
		}
	}
	return r, err
}

// write hands a piece of output to its local stream.
func (p *Process) write(s wsman.Stream) error {
	var w io.Writer
	switch s.Name {
	case "stdout":
		w = p.streams.Stdout
	case "stderr":
		w = p.streams.Stderr
	default:
		return failed("receive output", fmt.Errorf("the server sends a stream %q that nobody asked for", s.Name))
	}
	if w == nil || len(s.Data) == 0 {
		return nil
	}
	if _, err := w.Write(s.Data); err != nil {
		return &WriteError{s.Name, err}
	}
	return nil
}

// pacer slows down a loop of requests that a server answers with nothing, and at once.
type pacer struct {
	quick int       // empty answers that came at once, in a row
	last  time.Time // when the request under way was sent
}

func (p *pacer) pace(ctx context.Context, something bool) error {
	defer func() { p.last = time.Now() }()
	if something || time.Since(p.last) > 100*time.Millisecond {
		p.quick = 0
		return ctx.Err()
	}
	if p.quick++; p.quick < 5 {
		return ctx.Err()
	}
	return sleep(ctx, 100*time.Millisecond)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
