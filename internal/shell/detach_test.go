package shell_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/transport"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// stage runs programs that do what a test says, when it says so.
type stage struct{ started chan *actor }

func newStage() stage { return stage{make(chan *actor, 4)} }

func (s stage) Start(spec sandbox.Spec) (sandbox.Program, error) {
	a := &actor{spec: spec, end: make(chan uint32, 1), signals: make(chan sandbox.Signal, 8)}
	s.started <- a
	return a, nil
}

type actor struct {
	spec    sandbox.Spec
	end     chan uint32
	signals chan sandbox.Signal
}

func (a *actor) Wait() uint32 { return <-a.end }

func (a *actor) Signal(s sandbox.Signal) {
	a.signals <- s
	if s == sandbox.Terminate {
		a.exit(1)
	}
}

func (a *actor) exit(code uint32) {
	select {
	case a.end <- code:
	default:
	}
}

func (a *actor) say(text string) { _, _ = io.WriteString(a.spec.Stdout, text) }

// detachable opens a shell that can be disconnected.
func (f *fixture) detachable(t *testing.T) *shell.Shell {
	t.Helper()
	f.options.Detachable = true
	s, err := shell.Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// elsewhere are the options of another process, with connections of its own.
func (f *fixture) elsewhere(t *testing.T) shell.Options {
	main, side := f.dialer.Lane(), f.dialer.Lane()
	t.Cleanup(func() { _, _ = main.Close(), side.Close() })
	return shell.Options{Main: main, Side: side, To: f.server.URL()}
}

// cut closes the connections of the first process.
func (f *fixture) cut(t *testing.T) {
	_, _ = f.options.Main.Close(), f.options.Side.Close()
	f.options = f.elsewhere(t)
}

// launched starts a command and disconnects its shell.
func (f *fixture) launched(t *testing.T, line string, d shell.Detaching) (shellID, commandID string) {
	t.Helper()
	s := f.detachable(t)
	id, err := s.Launch(t.Context(), shell.Command{Line: line}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Disconnect(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	f.cut(t)
	return s.ID(), id
}

// attached connects, attaches and waits for the end.
func (f *fixture) attached(t *testing.T, shellID, commandID string) (stdout string, err error) {
	t.Helper()
	s, err := shell.Connect(t.Context(), f.elsewhere(t), shellID)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p, err := s.Attach(t.Context(), commandID, shell.Streams{Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	err = p.Wait()
	if closing := s.Close(t.Context()); closing != nil {
		t.Error(closing)
	}
	if n := f.server.Stats().Shells; n != 0 {
		t.Errorf("%d shells are left", n)
	}
	return out.String(), err
}

func isExit(err error, code uint32) bool {
	exit, ok := errors.AsType[*shell.ExitError](err)
	return ok && exit.Code == code
}

// TestDetach: output from before, while and after the shell was disconnected arrives in another process, with the exit code.
func TestDetach(t *testing.T) {
	for _, spec := range [][]string{
		nil, {"lose,on=Disconnect"}, {"drop,on=Disconnect,nth=1"}, {"truncate,on=Disconnect,nth=1"}, {"close,on=Disconnect"},
		{"lose,on=Connect,nth=1"}, {"drop,on=Connect,nth=1"}, {"truncate,on=Connect,nth=1"}, {"lose,on=Connect,nth=2"},
		{"drop,on=Connect,nth=2"}, {"lose,on=Receive,nth=1"}, {"drop,on=Receive,nth=2"}, {"close"},
		{"fault,on=Connect,code=50"}, {"fault,on=Connect,code=2150858771", "lose,on=Reconnect,nth=1"}, {"fault,on=Connect,code=50,nth=2"},
	} {
		t.Run(strings.Join(spec, " "), func(t *testing.T) {
			programs := newStage()
			if slices.Contains(spec, "lose,on=Disconnect") {
				spec = []string{"lose,on=Disconnect,nth=1"}
			}
			f := newFixture(t, sandbox.Options{Programs: programs}, nil, spec...)
			s := f.detachable(t)
			id, err := s.Launch(t.Context(), shell.Command{Line: "x"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			program := <-programs.started
			if in, err := io.ReadAll(program.spec.Stdin); err != nil || len(in) > 0 {
				t.Errorf("stdin: %q, %v", in, err)
			}
			program.say("before ")
			if err := s.Disconnect(t.Context(), shell.Detaching{}); err != nil {
				t.Fatal(err)
			}
			f.cut(t)
			program.say("meanwhile ")
			other, err := shell.Connect(t.Context(), f.elsewhere(t), s.ID())
			if err != nil {
				t.Fatal(err)
			}
			first := &notifying{first: make(chan struct{})}
			p, err := other.Attach(t.Context(), id, shell.Streams{Stdout: first})
			if err != nil {
				t.Fatal(err)
			}
			<-first.first
			program.say("afterwards")
			program.exit(7)
			if err := p.Wait(); !isExit(err, 7) || first.String() != "before meanwhile afterwards" {
				t.Errorf("%q, %v", first.String(), err)
			}
			if err := other.Close(t.Context()); err != nil || f.server.Stats().Shells != 0 {
				t.Errorf("close: %v, %+v", err, f.server.Stats())
			}
		})
	}
}

// TestDetachFinished: a command that ended while nobody was connected has its output and its exit code.
func TestDetachFinished(t *testing.T) {
	programs := newStage()
	f := newFixture(t, sandbox.Options{Programs: programs}, nil)
	shellID, commandID := f.launched(t, "x", shell.Detaching{})
	program := <-programs.started
	program.say("all of it\n")
	program.exit(0)
	if out, err := f.attached(t, shellID, commandID); out != "all of it\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

// TestDetachStdin: what a command is launched with is sent whole, with its end.
func TestDetachStdin(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	s := f.detachable(t)
	id, err := s.Launch(t.Context(), shell.Command{Line: "count"}, strings.NewReader(strings.Repeat("x", 300_000)))
	if err == nil {
		err = s.Disconnect(t.Context(), shell.Detaching{})
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := f.attached(t, s.ID(), id); out != "300000\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	s = f.detachable(t) // a program that ends without having read
	if _, err := s.Launch(t.Context(), shell.Command{Line: "exit 3"}, strings.NewReader(strings.Repeat("x", 3_000_000))); err != nil {
		t.Error(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestReconnect: a client that has disconnected under a running pump comes back to its own shell.
func TestReconnect(t *testing.T) {
	programs := newStage()
	f := newFixture(t, sandbox.Options{Programs: programs}, nil)
	s := f.detachable(t)
	out := &notifying{first: make(chan struct{})}
	p, err := s.Start(t.Context(), shell.Command{Line: "x"}, shell.Streams{Stdout: out, Stdin: neverEnding{}})
	if err != nil {
		t.Fatal(err)
	}
	program := <-programs.started
	program.say("one ")
	<-out.first
	if err := s.Disconnect(t.Context(), shell.Detaching{}); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); !errors.Is(err, shell.ErrDisconnected) {
		t.Errorf("wait: %v", err)
	}
	program.say("two ")
	if out.String() != "one " {
		t.Errorf("while disconnected: %q", out.String())
	}
	if err := s.Disconnect(t.Context(), shell.Detaching{}); err != nil {
		t.Errorf("once more: %v", err)
	}
	for range 2 { // a connected shell ignores it (3.1.4.16)
		if err := s.Reconnect(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	again, err := s.Attach(t.Context(), p.ID(), shell.Streams{Stdout: out, Stdin: strings.NewReader("input")})
	if err != nil {
		t.Fatal(err)
	}
	in, err := io.ReadAll(program.spec.Stdin)
	program.say("three" + string(in))
	program.exit(0)
	if err := errors.Join(err, again.Wait()); err != nil || out.String() != "one two threeinput" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := s.Close(t.Context()); err != nil || f.server.Stats().Shells != 0 {
		t.Errorf("close: %v", err)
	}
}

// TestAttachTwice: while a shell is connected nobody else connects to it, but by taking it over.
func TestAttachTwice(t *testing.T) {
	programs := newStage()
	f := newFixture(t, sandbox.Options{Programs: programs}, nil)
	shellID, commandID := f.launched(t, "x", shell.Detaching{})
	program := <-programs.started
	first, err := shell.Connect(t.Context(), f.elsewhere(t), shellID)
	if err != nil {
		t.Fatal(err)
	}
	out := &notifying{first: make(chan struct{})}
	p, err := first.Attach(t.Context(), commandID, shell.Streams{Stdout: out})
	if err != nil {
		t.Fatal(err)
	}
	program.say("to the first")
	<-out.first
	_, err = shell.Connect(t.Context(), f.elsewhere(t), shellID)
	if fault, ok := errors.AsType[*wsman.Fault](err); !ok || !fault.Code.IsConnected() {
		t.Errorf("second: %v", err)
	}
	second, err := shell.TakeOver(t.Context(), f.elsewhere(t), shellID)
	if err != nil {
		t.Fatal(err)
	}
	var rest bytes.Buffer
	q, err := second.Attach(t.Context(), commandID, shell.Streams{Stdout: &rest})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err == nil || isExit(err, 0) {
		t.Errorf("the first: %v", err)
	}
	program.say("to the second")
	program.exit(4)
	if err := q.Wait(); !isExit(err, 4) || rest.String() != "to the second" || out.String() != "to the first" {
		t.Errorf("%q %q, %v", out.String(), rest.String(), err)
	}
	if err := second.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTakeOverLaunched: a shell whose creator was cut off before it could disconnect is taken over.
func TestTakeOverLaunched(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	s := f.detachable(t)
	id, err := s.Launch(t.Context(), shell.Command{Line: "echo x ; exit 2"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.cut(t)
	_, err = shell.Connect(t.Context(), f.elsewhere(t), s.ID())
	if fault, ok := errors.AsType[*wsman.Fault](err); !ok || !fault.Code.IsConnected() {
		t.Errorf("connect: %v", err)
	}
	other, err := shell.TakeOver(t.Context(), f.elsewhere(t), s.ID())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p, err := other.Attach(t.Context(), id, shell.Streams{Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); !isExit(err, 2) || out.String() != "x\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestGone: shells and commands that are not there.
func TestGone(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	gone := func(what string, err error) {
		t.Helper()
		if fault, ok := errors.AsType[*wsman.Fault](err); !ok || fault.Code != wsman.CodeInvalidSelectors {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := shell.Connect(t.Context(), f.elsewhere(t), wsman.NewID())
	gone("unknown shell", err)
	_, err = shell.TakeOver(t.Context(), f.elsewhere(t), wsman.NewID())
	gone("unknown shell to take over", err)
	gone("unknown shell to delete", shell.Delete(t.Context(), f.elsewhere(t), wsman.NewID()))
	shellID, _ := f.launched(t, "sleep 60", shell.Detaching{})
	s, err := shell.Connect(t.Context(), f.elsewhere(t), strings.ToLower(shellID))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Attach(t.Context(), wsman.NewID(), shell.Streams{})
	gone("unknown command", err)
	if err := s.Disconnect(t.Context(), shell.Detaching{IdleTimeout: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	for f.server.Stats().Shells > 0 {
		time.Sleep(time.Millisecond)
	}
	_, err = shell.Connect(t.Context(), f.elsewhere(t), shellID)
	gone("a shell whose idle timeout has expired", err)
	shellID, _ = f.launched(t, "sleep 60", shell.Detaching{})
	if err := shell.Delete(t.Context(), f.elsewhere(t), shellID); err != nil || f.server.Stats().Shells != 0 {
		t.Errorf("delete: %v", err)
	}
}

// TestLostCreate: a detachable shell whose Create may have been done is deleted, for its id is known.
func TestLostCreate(t *testing.T) {
	for _, spec := range []string{"lose,on=Create", "drop,on=Create"} {
		f := newFixture(t, sandbox.Options{}, nil, spec)
		f.options.Detachable = true
		_, err := shell.Open(t.Context(), f.options)
		e, ok := errors.AsType[*transport.Error](err)
		if !ok || !e.Lost() || f.server.Stats().Shells != 0 {
			t.Errorf("%s: %v, %+v", spec, err, f.server.Stats())
		}
	}
}

// forgetful is a server that does not keep its answers: what was done is done, and a request that comes again is a new one.
type forgetful struct {
	scripted
	lose   string // the operation whose first answer is lost
	posted []string
}

type lostError struct{}

func (lostError) Error() string { return "lost" }
func (lostError) Lost() bool    { return true }

func (c *forgetful) Post(ctx context.Context, soap []byte) ([]byte, error) {
	q, err := wsman.ParseRequest(soap)
	if err != nil {
		return nil, err
	}
	name := q.Action[strings.LastIndex(q.Action, "/")+1:]
	c.posted = append(c.posted, name+" "+q.SessionID)
	answer, err := c.scripted.Post(ctx, soap)
	if name == c.lose {
		c.lose = ""
		return nil, lostError{}
	}
	return answer, err
}

// TestForgetfulServer: a Connect whose answer was lost, and that was done, is refused the second time. That it was this
// client's is found out by a Reconnect of the same session.
func TestForgetfulServer(t *testing.T) {
	const id = "4E41EC11-0D07-4465-8F84-2D463098A1C5"
	connected := false
	c := &forgetful{lose: "Connect", scripted: scripted{"Connect": func(*wsman.Request) wsman.ResponseBody {
		if connected {
			return &wsman.Fault{Code: wsman.CodeConnectedElsewhere, Reason: "connected"}
		}
		connected = true
		return &wsman.ConnectResponse{}
	}, "Reconnect": func(*wsman.Request) wsman.ResponseBody { return nil }}}
	s, err := shell.Connect(t.Context(), shell.Options{Main: c, Side: c}, id)
	if err != nil || s.ID() != id {
		t.Fatal(err)
	}
	session := strings.TrimPrefix(c.posted[0], "Connect ")
	if want := []string{"Connect " + session, "Connect " + session, "Reconnect " + session}; !slices.Equal(c.posted, want) {
		t.Errorf("%q", c.posted)
	}
	c.posted = nil // without a loss it is somebody else who is connected
	_, err = shell.Connect(t.Context(), shell.Options{Main: c, Side: c}, id)
	if fault, ok := errors.AsType[*wsman.Fault](err); !ok || !fault.Code.IsConnected() || len(c.posted) != 1 {
		t.Errorf("%v, %q", err, c.posted)
	}
}
