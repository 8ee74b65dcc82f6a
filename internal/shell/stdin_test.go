package shell_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/trace"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// TestStdin: input of every size arrives whole, with its end.
func TestStdin(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	for _, n := range []int{0, 1, 100, 111 << 10, 112 << 10, 1 << 20} {
		in := bytes.Repeat([]byte("0123456789abcdef\x00\xff"), n/18+1)[:n]
		out, _, err := f.run(t, "cat", bytes.NewReader(in))
		if err != nil || sha256.Sum256([]byte(out)) != sha256.Sum256(in) {
			t.Errorf("%d bytes: %d came back, %v", n, len(out), err)
		}
	}
	if out, _, err := f.run(t, "echo done", neverEnding{}); err != nil || out != "done\n" {
		t.Errorf("a stdin that blocks: %q, %v", out, err)
	}
	if _, _, err := f.run(t, "cat", io.MultiReader(strings.NewReader("x"), broken{})); err == nil || !strings.Contains(err.Error(), "read the local stdin: disk on fire") {
		t.Errorf("a stdin that breaks: %v", err)
	}
}

type neverEnding struct{}

func (neverEnding) Read([]byte) (int, error) { select {} }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

// TestStdinLanes: input that comes while the program runs takes a second connection, a little that is there before it does not.
func TestStdinLanes(t *testing.T) {
	for tries := 1; ; tries++ { // a busy machine may be late with it
		f := newFixture(t, sandbox.Options{}, nil)
		if out, _, err := f.run(t, "cat", strings.NewReader("early\n")); out != "early\n" || err != nil {
			t.Errorf("%q, %v", out, err)
		}
		if f.server.Stats().Connections == 1 {
			break
		}
		if tries == 20 {
			t.Fatalf("never on one connection: %+v", f.server.Stats())
		}
	}
	f := newFixture(t, sandbox.Options{}, nil)
	in, late := io.Pipe()
	defer in.Close()
	s, err := shell.Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	out := &notifying{first: make(chan struct{})}
	p, err := s.Start(t.Context(), shell.Command{Line: "echo ready ; cat"}, shell.Streams{Stdin: in, Stdout: out})
	if err != nil {
		t.Fatal(err)
	}
	<-out.first
	_, _ = io.WriteString(late, "late\n")
	_ = late.Close()
	if err := p.Wait(); err != nil || out.String() != "ready\nlate\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := f.server.Stats().Connections; n != 2 {
		t.Errorf("%d connections", n)
	}
}

// TestStdinFits: no request is larger than what the oldest servers take (MaxEnvelopeSizekb 150), base64 included, and none much
// smaller than it could be.
func TestStdinFits(t *testing.T) {
	const limit = 150 << 10
	var mu sync.Mutex
	largest, refused := 0, 0
	f := newFixture(t, sandbox.Options{MaxEnvelope: limit}, func(r trace.Record) {
		mu.Lock()
		defer mu.Unlock()
		if r.Request != nil {
			largest = max(largest, len(r.Request.Body))
		}
		if r.Answer != nil && strings.Contains(r.Answer.Line, " 413 ") {
			refused++
		}
	})
	if out, _, err := f.run(t, "count", bytes.NewReader(make([]byte, 1<<20))); out != "1048576\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	if refused > 0 || largest > limit || largest < limit*9/10 {
		t.Errorf("%d requests refused, the largest had %d bytes", refused, largest)
	}
}

// TestStdinSlow: a program that does not read for longer than a Send is held gets all of its input, once.
func TestStdinSlow(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	f.options.OperationTimeout = 30 * time.Millisecond
	in := strings.Repeat("0123456789\n", 150000)
	if out, _, err := f.run(t, "sleep 0.3 ; cat", strings.NewReader(in)); err != nil || out != in {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

// TestSignalPastStdin: Ctrl-C reaches a program that takes no input, while there is some for it.
func TestSignalPastStdin(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	side, spare := &stuck{entered: make(chan struct{})}, f.dialer.Lane()
	defer spare.Close()
	f.options.Side, f.options.Spare = side, spare
	s, err := shell.Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p, err := s.Start(t.Context(), shell.Command{Line: "sleep 60"}, shell.Streams{Stdin: bytes.NewReader(make([]byte, 1<<20)), Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	<-side.entered
	if err := p.Signal(t.Context(), wsman.SignalCtrlC); err != nil {
		t.Fatal(err)
	}
	if exit, ok := errors.AsType[*shell.ExitError](p.Wait()); !ok || exit.Code != 3221225786 || out.String() != "interrupted\n" {
		t.Errorf("%v, %q", exit, out.String())
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// stuck is a lane on which a request gets no answer.
type stuck struct {
	once    sync.Once
	entered chan struct{}
}

func (c *stuck) Post(ctx context.Context, _ []byte) ([]byte, error) {
	c.once.Do(func() { close(c.entered) })
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func (*stuck) Close() error { return nil }

// TestStdinTooLarge: a server with a small envelope refuses a chunk, which then goes in pieces.
func TestStdinTooLarge(t *testing.T) {
	f := newFixture(t, sandbox.Options{MaxEnvelope: 20 << 10}, nil)
	in := bytes.Repeat([]byte("0123456789\n"), 20000)
	out, _, err := f.run(t, "cat", bytes.NewReader(in))
	if err != nil || out != string(in) {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}
