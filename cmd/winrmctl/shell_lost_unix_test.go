//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/sandbox"
)

// wire is the way to a server, which can be cut.
type wire struct {
	listener net.Listener
	left     atomic.Int64 // bytes that may pass back from the server until all is cut, once; negative for any

	mu    sync.Mutex
	to    string
	conns []net.Conn
}

// lead has new connections go somewhere else.
func (w *wire) lead(to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
}

// newWire returns a way to a server, and the server's URL on that way.
func newWire(t *testing.T, s *sandbox.Server, cutAfter int64) (w *wire, by string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	w = &wire{to: u.Host}
	w.left.Store(cutAfter)
	w.listen(t, listener)
	return w, "http://" + listener.Addr().String() + "/wsman"
}

func (w *wire) listen(t *testing.T, listener net.Listener) {
	w.listener = listener
	t.Cleanup(func() { _ = listener.Close(); w.cut() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go w.carry(c)
		}
	}()
}

func (w *wire) carry(client net.Conn) {
	w.mu.Lock()
	to := w.to
	w.mu.Unlock()
	server, err := net.Dial("tcp", to)
	if err != nil {
		_ = client.Close()
		return
	}
	w.mu.Lock()
	w.conns = append(w.conns, client, server)
	w.mu.Unlock()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(counted{w, client}, server)
	_ = client.Close()
}

// counted cuts the wire when its bytes have passed.
type counted struct {
	w  *wire
	to io.Writer
}

func (c counted) Write(b []byte) (int, error) {
	if before := c.w.left.Load(); before >= 0 {
		if after := c.w.left.Add(int64(-len(b))); after < 0 {
			n, _ := c.to.Write(b[:before])
			c.w.cut()
			return n, net.ErrClosed
		}
	}
	return c.to.Write(b)
}

// cut cuts all connections. New ones can be made.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

// TestShellCut: wherever the connection is cut, the output is complete and in order, or it is so up to where the session says
// that it is not.
func TestShellCut(t *testing.T) {
	t.Parallel()
	s, home := terminalServer(t, sandbox.Options{Programs: sandbox.Builtin{}})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var input bytes.Buffer
	for i := range 4000 {
		fmt.Fprintf(&input, "line %d\n", i)
	}
	whole, broken := atomic.Int64{}, atomic.Int64{}
	t.Run("at", func(t *testing.T) {
		for cut := int64(100); cut < 90_000; cut += 200 + cut/6 {
			t.Run(fmt.Sprint(cut), func(t *testing.T) {
				t.Parallel()
				_, by := newWire(t, s, cut)
				cmd := exec.Command(self)
				cmd.Args = []string{"winrmctl", "shell", "-u", "bob", "--password-file", filepath.Join(home, "password"), by, "--", "cat"}
				cmd.Env = []string{"HOME=" + home}
				var stdout, stderr bytes.Buffer
				cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input.Bytes()), &stdout, &stderr
				_ = cmd.Run()
				switch code := cmd.ProcessState.ExitCode(); {
				case code == 0 && stdout.String() == input.String():
					whole.Add(1)
				case code == 69 && strings.Contains(stderr.String(), "winrmctl: ") && strings.HasPrefix(input.String(), stdout.String()):
					broken.Add(1)
				default:
					t.Errorf("exit code %d, %d bytes of %d, %s", code, stdout.Len(), input.Len(), &stderr)
				}
			})
		}
	})
	if whole.Load() == 0 || broken.Load() == 0 {
		t.Errorf("%d sessions were whole, %d broken", whole.Load(), broken.Load())
	}
}

// TestShellLost: at a terminal, a connection that is lost is made anew, and what is lost for good ends the session with a
// sentence. The terminal is as it was in any case.
func TestShellLost(t *testing.T) {
	t.Parallel()
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		s, home := terminalServer(t, sandbox.Options{})
		w, by := newWire(t, s, -1)
		p := sit(t, home, "shell", "-u", "bob", "--cwd", "/", by)
		p.sees("sandbox:/$ ")
		p.types("echo half")
		p.sees("echo half")
		for n := 1; n <= 3; n++ {
			w.cut()
			p.waits("the connection", func() bool { return strings.Count(p.written(), "reconnected") == n })
			p.sees("sandbox:/$ echo half")
		}
		p.does(" and half")
		p.sees("half and half\nsandbox:/$ ")
		p.does("exit 3")
		if code := p.leaves(); code != 3 {
			t.Errorf("exit code %d", code)
		}
		if n := strings.Count(p.written(), "reconnected"); n != 3 {
			t.Errorf("reconnected stands there %d times", n)
		}
	})
	for _, tc := range []struct {
		name, fault, says string
		code              int
	}{
		{name: "a receive is dropped", fault: "drop,on=Receive,nth=3", says: "reconnected"},
		{name: "an answer is lost", fault: "lose,on=Receive,nth=2", says: "reconnected"},
		{name: "in the middle of an answer", fault: "truncate,on=Receive,nth=3", says: "reconnected"},
		{name: "a send is lost", fault: "lose,on=Send,nth=1", says: "winrmctl: the connection was lost while input was sent", code: 69},
		{name: "a send is dropped", fault: "drop,on=Send,nth=1", says: "winrmctl: the connection was lost while input was sent", code: 69},
		{name: "the shell is gone", fault: "fault,code=2150858843,on=Receive,nth=3", says: "winrmctl: the remote shell is gone", code: 69},
		{name: "input to a shell that is gone", fault: "fault,code=2150858843,on=Receive,nth=2", says: "winrmctl: the remote shell is gone", code: 69},
		{name: "an answer is falsified", fault: "corrupt,on=Receive,nth=3", says: "winrmctl: ", code: 69},
		{name: "the command is lost", fault: "lose,on=Command", says: "winrmctl: start the command: connection to ", code: 69},
		{name: "nothing answers any more", fault: "drop,on=Receive", says: "winrmctl: receive output: connection to ", code: 69},
		{name: "the login fails later", fault: "split-login", says: "hint: winrmctl probe-auth ", code: 77},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, err := sandbox.ParseFault(tc.fault)
			if err != nil {
				t.Fatal(err)
			}
			s, home := terminalServer(t, sandbox.Options{Faults: []sandbox.Fault{f}, MaxEnvelope: 16 << 10})
			p := sit(t, home, "shell", "-u", "bob", "--cwd", "/", "--reconnect", "1s", s.URL())
			p.resize(80, 6000)
			if tc.code == 0 {
				p.sees("sandbox:/$ ")
			}
			p.types("seq -f 'line %.0f' 5000; exit 3\r")
			want := tc.code
			if want == 0 {
				want = 3
			}
			if code := p.leaves(); code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
			p.hears(tc.says)
			if tc.code != 0 {
				return
			}
			if n := strings.Count(p.written(), "reconnected"); n != 1 {
				t.Errorf("reconnected stands there %d times", n)
			}
			var lines strings.Builder
			for i := range 5000 {
				fmt.Fprintf(&lines, "line %d\n", i+1)
			}
			before, _ := p.seen()
			got := strings.ReplaceAll(before, "reconnected\n", "")
			if _, got, _ = strings.Cut(got, "exit 3\n"); got != lines.String() {
				t.Errorf("the output is not what it was: %d bytes, want %d", len(got), lines.Len())
			}
		})
	}
}

// TestShellTyping: a line that is typed while nothing can be reached arrives when something can.
func TestShellTyping(t *testing.T) {
	t.Parallel()
	s, home := terminalServer(t, sandbox.Options{})
	w, by := newWire(t, s, -1)
	p := sit(t, home, "shell", "-u", "bob", "--cwd", "/", by)
	p.sees("sandbox:/$ ")
	at := w.listener.Addr().String()
	_ = w.listener.Close()
	w.cut()
	p.does("echo arrived")
	p.sees("echo arrived\n")
	back, err := net.Listen("tcp", at)
	if err != nil {
		t.Skip(err) // somebody else has the port now
	}
	w.listen(t, back)
	p.sees("arrived\nsandbox:/$ ")
	if n := strings.Count(p.written(), "reconnected"); n != 1 {
		t.Errorf("reconnected stands there %d times", n)
	}
	p.types("\x04")
	p.leaves()
}

// TestShellAstray: where somebody else answers while the way to the target is another one, as the login page of a network does,
// the session waits for the target.
func TestShellAstray(t *testing.T) {
	t.Parallel()
	s, home := terminalServer(t, sandbox.Options{})
	w, by := newWire(t, s, -1)
	p := sit(t, home, "shell", "-u", "bob", "--cwd", "/", by)
	p.sees("sandbox:/$ ")
	p.does("echo here")
	p.sees("here\nsandbox:/$ ")
	var asked atomic.Int64
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.NotFound(w, r)
	}))
	defer page.Close()
	w.lead(page.Listener.Addr().String())
	w.cut()
	p.does("echo arrived")
	for late := time.Now().Add(soon); asked.Load() < 3; time.Sleep(10 * time.Millisecond) { // the output, the line, and one of them again
		if time.Now().After(late) {
			t.Fatal("nobody asks the page")
		}
	}
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	w.lead(u.Host)
	p.sees("arrived\nsandbox:/$ ")
	if n := strings.Count(p.written(), "reconnected"); n != 1 {
		t.Errorf("reconnected stands there %d times", n)
	}
	p.types("\x04")
	p.leaves()
}

// TestShellSignals: the terminal is as it was also when a signal ends the session, whatever runs then.
func TestShellSignals(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p, prompt := worker(t, sandbox.Options{})
			p.does("echo running; sleep 600")
			p.sees("sleep 600\nrunning\n")
			p.types("typed ahead")
			p.sees("typed ahead")
			if err := p.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if code := p.leaves(); code != 128+int(signal) {
				t.Errorf("exit code %d, after %q", code, prompt)
			}
		})
	}
	t.Run("stopped", func(t *testing.T) {
		t.Parallel()
		p, prompt := worker(t, sandbox.Options{})
		p.types("echo still")
		p.sees("echo still")
		if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil { // as after a stop that nobody could notice
			t.Fatal(err)
		}
		p.resize(60, 24)
		if err := p.cmd.Process.Signal(syscall.SIGWINCH); err != nil {
			t.Fatal(err)
		}
		p.sees(prompt + "echo still")
		p.does(" here")
		p.sees("still here\n" + prompt)
		p.types("~.")
		if code := p.leaves(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// TestShellLeave: a session that is left goes on, and another process comes back to it, also where the connection was lost.
func TestShellLeave(t *testing.T) {
	t.Parallel()
	s, home := terminalServer(t, sandbox.Options{})
	w, by := newWire(t, s, -1)
	token := regexp.MustCompile(`--attach ([0-9A-F-]{36}/[0-9A-F-]{36})( --take-over)?`)
	find := func(p *person) []string {
		t.Helper()
		p.hears("--attach ")
		var m []string
		p.waits("the id", func() bool {
			m = token.FindStringSubmatch(strings.ReplaceAll(p.written(), "\r\n", ""))
			return m != nil
		})
		return m
	}
	p := sit(t, home, "shell", "-u", "bob", "--cwd", "/", by)
	p.sees("sandbox:/$ ")
	p.does("kept=something; (sleep 1; echo meanwhile) &")
	p.sees("&\nsandbox:/$ ")
	p.types("~d")
	if code := p.leaves(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	id := find(p)[1]

	p = sit(t, home, "shell", "-u", "bob", "--attach", id, "--reconnect", "1s", by)
	p.hears("meanwhile")
	p.does("echo $kept")
	p.sees("something\nsandbox:/$ ")
	_ = w.listener.Close()
	w.cut()
	if code := p.leaves(); code != 69 {
		t.Errorf("exit code %d", code)
	}
	m := find(p)
	if m[1] != id || m[2] == "" {
		t.Errorf("the hint is %q", m)
	}

	p = sit(t, home, "shell", "-u", "bob", "--attach", id, "--take-over", s.URL())
	p.hears("attached")
	p.does("echo and $kept")
	p.sees("and something\nsandbox:/$ ")
	p.does("exit 4")
	if code := p.leaves(); code != 4 {
		t.Errorf("exit code %d", code)
	}
	if n := s.Stats().Shells; n != 0 {
		t.Errorf("%d shells are left", n)
	}
}
