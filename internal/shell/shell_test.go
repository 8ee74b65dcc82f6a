package shell_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/trace"
	"github.com/winrmctl/winrmctl/internal/transport"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// fixture is a sandbox with a dialer to it.
type fixture struct {
	server  *sandbox.Server
	dialer  *transport.Dialer
	options shell.Options
}

func newFixture(t *testing.T, o sandbox.Options, observe func(trace.Record), specs ...string) *fixture {
	t.Helper()
	if o.Programs == nil {
		o.Programs = sandbox.Builtin{}
	}
	o.Log = func(text string) { t.Log("sandbox:", text) }
	for _, spec := range specs {
		f, err := sandbox.ParseFault(spec)
		if err != nil {
			t.Fatal(err)
		}
		o.Faults = append(o.Faults, f)
	}
	s, err := sandbox.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	d, err := transport.NewDialer(transport.Config{URL: s.URL(), UserAgent: "test", Observe: observe}, auth.NewNTLM(s.User(), s.Password()))
	if err != nil {
		t.Fatal(err)
	}
	main, side := d.Lane(), d.Lane()
	t.Cleanup(func() { _, _ = main.Close(), side.Close() })
	return &fixture{s, d, shell.Options{Main: main, Side: side, To: s.URL()}}
}

// run runs one command in a shell of its own, and checks that the shell is gone afterwards.
func (f *fixture) run(t *testing.T, line string, stdin io.Reader) (stdout, stderr string, err error) {
	t.Helper()
	s, err := shell.Open(t.Context(), f.options)
	if err != nil {
		return "", "", err
	}
	var out, errs bytes.Buffer
	err = s.Run(t.Context(), shell.Command{Line: line}, shell.Streams{Stdin: stdin, Stdout: &out, Stderr: &errs})
	if closing := s.Close(context.WithoutCancel(t.Context())); closing != nil {
		t.Errorf("close: %v", closing)
	}
	if n := f.server.Stats().Shells; n != 0 {
		t.Errorf("%d shells are left", n)
	}
	return out.String(), errs.String(), err
}

// TestQuickCommand: five requests on one connection, everything there.
func TestQuickCommand(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	out, errs, err := f.run(t, "echo out ; err oops ; exit 3", nil)
	exit, ok := errors.AsType[*shell.ExitError](err)
	if out != "out\n" || errs != "oops\n" || !ok || exit.Code != 3 {
		t.Errorf("%q %q %v", out, errs, err)
	}
	if n := f.dialer.Requests(); n != 5 || f.server.Stats().Connections != 1 {
		t.Errorf("%d requests, %+v", n, f.server.Stats())
	}
}

// TestEmptyLogin: where a server refuses a message with the login, a command takes one request more, after the first of them
// has found that out.
func TestEmptyLogin(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil, "refuse-body")
	connections := 0
	for _, want := range []struct{ requests, connections int }{{2 + 6, 2}, {6, 1}} {
		main, side := f.dialer.Lane(), f.dialer.Lane()
		f.options.Main, f.options.Side = main, side
		before := f.dialer.Requests()
		if out, _, err := f.run(t, "echo out", nil); out != "out\n" || err != nil {
			t.Errorf("%q, %v", out, err)
		}
		_, _ = main.Close(), side.Close()
		got, all := f.dialer.Requests()-before, f.server.Stats().Connections
		if got != want.requests || all-connections != want.connections {
			t.Errorf("%d requests on %d connections, want %+v", got, all-connections, want)
		}
		connections = all
	}
}

func TestExitCodes(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	for line, want := range map[string]uint32{"exit 0": 0, "exit 1": 1, "exit 256": 256, "exit -1": 4294967295, "exit 3221225786": 3221225786} {
		_, _, err := f.run(t, line, nil)
		got := uint32(0)
		if exit, ok := errors.AsType[*shell.ExitError](err); ok {
			got = exit.Code
		} else if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if got != want {
			t.Errorf("%s: %d", line, got)
		}
	}
}

func TestCreateOptions(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	f.options.Environment = []wsman.EnvVar{{Name: "STAGE", Value: "pröd <&>\r\n\t\"'"}, {Name: "Path2", Value: ""}}
	f.options.WorkingDirectory, f.options.CodePage, f.options.NoProfile, f.options.IdleTimeout = `C:\R&D`, 65001, true, time.Hour
	out, _, err := f.run(t, "env ; cwd ; codepage", nil)
	if want := "STAGE=pröd <&>\r\n\t\"'\nPath2=\nC:\\R&D\n65001\n"; err != nil || out != want {
		t.Errorf("%v: %q", err, out)
	}
}

func TestLines(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	for _, line := range []string{`]]> & < " ' é 日本`, "tab\there", "a\r\nb", `"" "a b" \\ \"`} {
		out, _, err := f.run(t, "args "+shell.JoinArgs([]string{line, ""}), nil)
		if err != nil || out != line+"\n\n" {
			t.Errorf("%q: %q, %v", line, out, err)
		}
	}
	if _, _, err := f.run(t, "echo \x01", nil); err == nil || !strings.Contains(err.Error(), "U+0001") {
		t.Errorf("a control character: %v", err)
	}
}

// TestLargeOutput: many Receives, every byte in order.
func TestLargeOutput(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	if out, _, err := f.run(t, "flood 2000000", nil); err != nil || out != flood(2000000) {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

// flood is what the sandbox's program of that name writes.
func flood(n int) string {
	var b strings.Builder
	for line := 0; b.Len() < n; line++ {
		fmt.Fprintf(&b, "%062d\r\n", line)
	}
	return b.String()[:n]
}

// TestEndOfFile: without a local stdin the program sees its end.
func TestEndOfFile(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	f.options.EOFAfter = 10 * time.Millisecond
	if out, _, err := f.run(t, "count", nil); err != nil || out != "0\n" {
		t.Errorf("%q, %v", out, err)
	}
	if got := f.server.Stats().Connections; got != 2 {
		t.Errorf("%d connections", got)
	}
}

// TestOperationTimeouts: a command that is silent for longer than a Receive is held.
func TestOperationTimeouts(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	f.options.OperationTimeout = 20 * time.Millisecond
	if out, _, err := f.run(t, "sleep 0.2 ; echo awake", nil); err != nil || out != "awake\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// TestSignals: Ctrl-C reaches the program, whose last words arrive.
func TestSignals(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	s, err := shell.Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	out := &notifying{first: make(chan struct{})}
	p, err := s.Start(t.Context(), shell.Command{Line: "echo ready ; sleep 60"}, shell.Streams{Stdout: out})
	if err != nil {
		t.Fatal(err)
	}
	<-out.first
	if err := p.Signal(t.Context(), wsman.SignalCtrlC); err != nil {
		t.Fatal(err)
	}
	exit, ok := errors.AsType[*shell.ExitError](p.Wait())
	if !ok || exit.Code != 3221225786 || out.String() != "ready\ninterrupted\n" {
		t.Errorf("%+v %q", exit, out.String())
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// notifying is a buffer that tells of its first write.
type notifying struct {
	mu    sync.Mutex
	b     bytes.Buffer
	once  sync.Once
	first chan struct{}
}

func (n *notifying) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.once.Do(func() { close(n.first) })
	return n.b.Write(b)
}

func (n *notifying) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

// TestCancel: a parked Receive ends with its context, and the shell is deleted all the same.
func TestCancel(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	s, err := shell.Open(ctx, f.options)
	if err != nil {
		t.Fatal(err)
	}
	out := &notifying{first: make(chan struct{})}
	p, err := s.Start(ctx, shell.Command{Line: "echo ready ; stubborn 60"}, shell.Streams{Stdout: out})
	if err != nil {
		t.Fatal(err)
	}
	<-out.first
	why := errors.New("enough")
	cancel(why)
	if err := p.Wait(); !errors.Is(err, why) {
		t.Errorf("wait: %v", err)
	}
	if err := s.Close(t.Context()); err != nil || f.server.Stats().Shells != 0 {
		t.Errorf("close: %v, %+v", err, f.server.Stats())
	}
}

// TestWriteError: a local stream that takes no more ends the command.
func TestWriteError(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	s, err := shell.Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(t.Context(), shell.Command{Line: "flood 100000000"}, shell.Streams{Stdout: full{}})
	w, ok := errors.AsType[*shell.WriteError](err)
	if !ok || w.Stream != "stdout" || !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
	if err := s.Close(t.Context()); err != nil || f.server.Stats().Shells != 0 {
		t.Errorf("close: %v, %+v", err, f.server.Stats())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestTold: who wants to know hears of a new connection once, and of a bug where it would end the program.
func TestTold(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil, "lose,on=Receive,nth=1")
	reconnected, panicked := 0, make(chan any, 1)
	f.options.Reconnected = func() { reconnected++ }
	f.options.Panicked = func(v any, stack []byte) { panicked <- v }
	if out, _, err := f.run(t, "echo out", nil); out != "out\n" || err != nil || reconnected != 1 {
		t.Errorf("%q, %v, reconnected %d times", out, err, reconnected)
	}
	s, err := shell.Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	if _, err := s.Start(t.Context(), shell.Command{Line: "echo out"}, shell.Streams{Stdout: bug{}}); err != nil {
		t.Fatal(err)
	}
	if v := <-panicked; v != "bug" {
		t.Errorf("%v", v)
	}
}

// TestCutBetween: a connection that breaks between two Receives is told of too, once, and nothing is lost.
func TestCutBetween(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	cut := &cutter{}
	config := transport.Config{URL: f.server.URL(), Dial: cut.dial}
	d, err := transport.NewDialer(config, auth.NewNTLM(f.server.User(), f.server.Password()))
	if err != nil {
		t.Fatal(err)
	}
	main := d.Lane()
	defer main.Close()
	f.options.Main = main
	stdin, typed := io.Pipe()
	go func() { _, _ = io.WriteString(typed, "one\n") }()
	told := 0
	f.options.Reconnected = func() {
		if told++; told == 3 {
			_ = typed.Close()
			return
		}
		go func() { _, _ = io.WriteString(typed, "more\n") }()
	}
	s, err := shell.Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Run(ctx, shell.Command{Line: "cat"}, shell.Streams{Stdin: stdin, Stdout: cut}); err != nil {
		t.Error(err)
	}
	if cut.String() != "one\nmore\nmore\n" || told != 3 {
		t.Errorf("%q, told %d times", cut, told)
	}
}

// cutter cuts the connection whenever output has come.
type cutter struct {
	bytes.Buffer
	conn net.Conn
}

func (c *cutter) dial(ctx context.Context, network, address string) (nc net.Conn, err error) {
	c.conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
	return c.conn, err
}

func (c *cutter) Write(b []byte) (int, error) {
	_ = c.conn.Close()
	return c.Buffer.Write(b)
}

type bug struct{}

func (bug) Write([]byte) (int, error) { panic("bug") }

// TestCancelCreate: a shell that nobody wants any more before its id is known is deleted all the same.
func TestCancelCreate(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil, "delay,for=200ms,on=Create")
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	go func() {
		for f.server.Stats().Requests < 2 && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel(why)
	}()
	_, err := shell.Open(ctx, f.options)
	if stats := f.server.Stats(); !errors.Is(err, why) || stats.Shells != 0 || stats.Requests != 3 {
		t.Errorf("%v, %+v", err, stats)
	}
}

// TestLostDelete: a shell is deleted though the connection breaks on the way; where it breaks again, that is told.
func TestLostDelete(t *testing.T) {
	for _, spec := range []string{"drop,on=Delete,nth=1", "lose,on=Delete,nth=1", "truncate,on=Delete,nth=1"} {
		f := newFixture(t, sandbox.Options{}, nil, spec)
		if out, _, err := f.run(t, "echo x", nil); err != nil || out != "x\n" || f.server.Stats().Shells != 0 {
			t.Errorf("%s: %q, %v, %+v", spec, out, err, f.server.Stats())
		}
	}
	f := newFixture(t, sandbox.Options{}, nil, "drop,on=Delete")
	s, err := shell.Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err == nil || f.server.Stats().Shells != 1 {
		t.Errorf("%v, %+v", err, f.server.Stats())
	}
}

// TestLostReceive: an answer that is lost is asked for again, and nothing of the output is lost or doubled.
func TestLostReceive(t *testing.T) {
	for _, spec := range []string{"lose,on=Receive,nth=1", "lose,on=Receive,nth=3", "drop,on=Receive,nth=2", "truncate,on=Receive,nth=2", "close,on=Receive"} {
		t.Run(spec, func(t *testing.T) {
			f := newFixture(t, sandbox.Options{}, nil, spec)
			if out, _, err := f.run(t, "flood 900000", nil); err != nil || out != flood(900000) {
				t.Errorf("%d bytes, %v", len(out), err)
			}
		})
	}
}

// TestNotRepeated: what may have been done is never sent a second time.
func TestNotRepeated(t *testing.T) {
	for _, op := range []string{"Create", "Command"} {
		f := newFixture(t, sandbox.Options{}, nil, "lose,on="+op)
		s, err := shell.Open(t.Context(), f.options)
		if op == "Command" {
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Start(t.Context(), shell.Command{Line: "echo x"}, shell.Streams{})
			if closing := s.Close(t.Context()); closing != nil {
				t.Error(closing)
			}
		}
		e, ok := errors.AsType[*transport.Error](err)
		if !ok || !e.Lost() {
			t.Errorf("%s: %v", op, err)
		}
	}
	f := newFixture(t, sandbox.Options{}, nil, "drop,on=Send,nth=1")
	if _, _, err := f.run(t, "cat", strings.NewReader("x")); err == nil || !strings.Contains(err.Error(), "send stdin: connection to") {
		t.Errorf("Send: %v", err)
	}
}

// TestLostEnd: that there is no stdin is said again where the connection breaks; the command, which does not mind, goes on.
func TestLostEnd(t *testing.T) {
	for _, spec := range []string{"drop,on=Send,nth=1", "lose,on=Send,nth=1"} {
		f := newFixture(t, sandbox.Options{}, nil, spec)
		f.options.EOFAfter = 10 * time.Millisecond
		if out, _, err := f.run(t, "echo begun ; cat ; echo ended", nil); err != nil || out != "begun\nended\n" {
			t.Errorf("%s: %q, %v", spec, out, err)
		}
	}
}

// TestDeadHost: a server that is gone is not asked for ever.
func TestDeadHost(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	f.options.Reconnect = 300 * time.Millisecond
	s, err := shell.Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	out := &notifying{first: make(chan struct{})}
	p, err := s.Start(t.Context(), shell.Command{Line: "echo ready ; sleep 60"}, shell.Streams{Stdout: out})
	if err != nil {
		t.Fatal(err)
	}
	<-out.first
	_ = f.server.Close()
	e, ok := errors.AsType[*transport.Error](p.Wait())
	if !ok || e.Kind != transport.KindUnreachable {
		t.Errorf("%v", e)
	}
	if err := s.Close(t.Context()); err == nil {
		t.Error("the shell of a dead host is deleted")
	}
}

// TestShellGone: a shell that the server reaped is a fault on the next request, and no error of Close.
func TestShellGone(t *testing.T) {
	f := newFixture(t, sandbox.Options{IdleTimeout: time.Nanosecond}, nil)
	s, err := shell.Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	for f.server.Stats().Shells > 0 { // the timer has fired, but may not have come that far
		time.Sleep(time.Millisecond)
	}
	err = s.Run(t.Context(), shell.Command{Line: "echo x"}, shell.Streams{})
	fault, ok := errors.AsType[*wsman.Fault](err)
	if !ok || fault.Code != wsman.CodeInvalidSelectors {
		t.Error(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestQuota(t *testing.T) {
	f := newFixture(t, sandbox.Options{MaxShells: 1}, nil)
	first, err := shell.Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	_, err = shell.Open(t.Context(), f.options)
	if fault, ok := errors.AsType[*wsman.Fault](err); !ok || !fault.Code.IsQuota() {
		t.Error(err)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTwoCommands: the state of a command is discarded before the next one (3.1.4.14).
func TestTwoCommands(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	s, err := shell.Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"one", "two", "three"} {
		var out bytes.Buffer
		if err := s.Run(t.Context(), shell.Command{Line: "echo " + word}, shell.Streams{Stdout: &out}); err != nil || out.String() != word+"\n" {
			t.Errorf("%q, %v", out.String(), err)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// scripted answers each action with what a test wants.
type scripted map[string]func(q *wsman.Request) wsman.ResponseBody

func (c scripted) Post(_ context.Context, soap []byte) ([]byte, error) {
	q, err := wsman.ParseRequest(soap)
	if err != nil {
		return nil, err
	}
	name := q.Action[strings.LastIndex(q.Action, "/")+1:]
	body := map[string]wsman.ResponseBody{
		"Create": &wsman.ResourceCreated{Shell: wsman.Shell{ID: "S"}}, "Command": wsman.CommandResponse{CommandID: "C"}, "Delete": nil,
	}[name]
	if f := c[name]; f != nil {
		body = f(q)
	}
	return (&wsman.Response{Action: q.Action, RelatesTo: q.MessageID, Body: body}).Encode(), nil
}

func (scripted) Close() error { return nil }

// TestOddServers: Done without an exit code is an error, streams that nobody asked for too, and a server that always
// answers at once with nothing is not asked without pause.
func TestOddServers(t *testing.T) {
	run := func(receive func(*wsman.Request) wsman.ResponseBody) error {
		c := scripted{"Receive": receive}
		s, err := shell.Open(t.Context(), shell.Options{Main: c, Side: c})
		if err != nil {
			t.Fatal(err)
		}
		return s.Run(t.Context(), shell.Command{Line: "x"}, shell.Streams{})
	}
	if err := run(func(*wsman.Request) wsman.ResponseBody { return &wsman.ReceiveResponse{State: wsman.StateDone} }); !errors.Is(err, shell.ErrNoExitCode) {
		t.Errorf("Done without an exit code: %v", err)
	}
	if err := run(func(*wsman.Request) wsman.ResponseBody {
		return &wsman.ReceiveResponse{Streams: []wsman.Stream{{Name: "pr", Data: []byte("x")}}}
	}); err == nil || !strings.Contains(err.Error(), `a stream "pr" that nobody asked for`) {
		t.Errorf("another stream: %v", err)
	}
	asked, begin := 0, time.Now()
	zero := uint32(0)
	err := run(func(*wsman.Request) wsman.ResponseBody {
		if asked++; time.Since(begin) > 500*time.Millisecond {
			return &wsman.ReceiveResponse{State: wsman.StateDone, ExitCode: &zero}
		}
		return &wsman.ReceiveResponse{State: wsman.StateRunning}
	})
	if err != nil || asked > 15 {
		t.Errorf("asked %d times in half a second, %v", asked, err)
	}
}

// TestReplay: a traced session, replayed, gives the same.
func TestReplay(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/trace")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := trace.NewWriter(file)
	f := newFixture(t, sandbox.Options{}, w.Write)
	const line = "err first ; cat ; exit 9"
	out, errs, _ := f.run(t, line, strings.NewReader("input\n"))
	if w.Err() != nil {
		t.Fatal(w.Err())
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	replay, err := trace.NewReplay(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := shell.Open(t.Context(), shell.Options{Main: replay, Side: replay})
	if err != nil {
		t.Fatal(err)
	}
	var out2, errs2 bytes.Buffer
	err = s.Run(t.Context(), shell.Command{Line: line}, shell.Streams{Stdin: strings.NewReader("input\n"), Stdout: &out2, Stderr: &errs2})
	exit, ok := errors.AsType[*shell.ExitError](err)
	if !ok || exit.Code != 9 || out2.String() != out || errs2.String() != errs || out != "input\n" || errs != "first\n" {
		t.Errorf("%v: %q %q, recorded %q %q", err, out2.String(), errs2.String(), out, errs)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestJoinArgs holds the quoting to the rules of CommandLineToArgvW, by taking the line apart again.
func TestJoinArgs(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"ipconfig", "/all"}, `ipconfig /all`},
		{[]string{"a b", "", `c"d`}, `"a b" "" "c\"d"`},
		{[]string{`C:\dir\`, `C:\my dir\`, `a\\"b`}, `C:\dir\ "C:\my dir\\" "a\\\\\"b"`},
	} {
		if got := shell.JoinArgs(tc.args); got != tc.want {
			t.Errorf("%q: %s", tc.args, got)
		}
	}
}

func FuzzJoinArgs(f *testing.F) {
	f.Add(`a b`, `c\"d\`, "")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		args := []string{a, b, c}
		got := sandbox.SplitArgs(shell.JoinArgs(args))
		if len(got) != 3 || got[0] != a || got[1] != b || got[2] != c {
			t.Errorf("%q: %q", args, got)
		}
	})
}
