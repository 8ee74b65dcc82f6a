package main

import (
	"bytes"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/sandbox"
)

// cue is a buffer that does something once it holds a text.
type cue struct {
	text  string
	times int // that it has to hold it; 0 for 1
	do    func()

	mu   sync.Mutex
	once sync.Once
	b    bytes.Buffer
}

func (c *cue) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.b.Write(b)
	if strings.Count(c.b.String(), c.text) >= max(c.times, 1) {
		c.once.Do(c.do)
	}
	return len(b), nil
}

func (c *cue) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.String()
}

// flood is an endless stdin that does something once it is asked for more than so many bytes.
type flood struct {
	over int
	do   func()
}

func (f *flood) Read(b []byte) (int, error) {
	before := f.over
	if f.over -= len(b); before >= 0 && f.over < 0 {
		f.do()
	}
	return len(b), nil
}

// TestInterrupts: what Ctrl-C, once and twice, and other signals mean for the remote program. The shell is always deleted.
func TestInterrupts(t *testing.T) {
	for _, tc := range []struct {
		name, command, fault string
		host                 bool   // programs of this machine
		stdin                bool   // more of it than the program and what lies between take
		cue                  string // of the program's output, or of -v where there is no output
		signals              []os.Signal
		graceful             time.Duration
		code                 int
		stdout, stderr       string
	}{
		{name: "once", command: "echo ready ; sleep 60", cue: "ready", signals: []os.Signal{os.Interrupt}, graceful: time.Minute,
			code: 130, stdout: "ready\ninterrupted\n", stderr: "winrmctl: interrupted\n"},
		{name: "a stdin that nobody reads", stdin: true, command: "echo ready ; sleep 60", cue: "nothing of the program", graceful: time.Minute,
			code: 130, stdout: "ready\ninterrupted\n", stderr: "winrmctl: interrupted\n"},
		{name: "the whole group", host: true, command: `trap "echo parent" INT; sh -c 'trap "echo child; kill \$!" INT; sleep 60 >/dev/null 2>&1 & echo ready; wait'; exit 3`, cue: "ready",
			signals: []os.Signal{os.Interrupt}, graceful: time.Minute, code: 130, stdout: "ready\nchild\nparent\n", stderr: "winrmctl: interrupted\n"},
		{name: "twice", command: "echo ready ; stubborn 60", cue: "ready", signals: []os.Signal{os.Interrupt, os.Interrupt}, graceful: time.Minute,
			code: 130, stdout: "ready\n", stderr: "winrmctl: interrupted\n"},
		{name: "no answer", command: "echo ready ; stubborn 60", cue: "ready", signals: []os.Signal{os.Interrupt}, graceful: 50 * time.Millisecond,
			code: 130, stdout: "ready\n", stderr: "winrmctl: interrupted\n"},
		{name: "the signal is lost", command: "echo ready ; sleep 60", fault: "drop,on=Signal", cue: "ready", signals: []os.Signal{os.Interrupt}, graceful: time.Minute,
			code: 130, stdout: "ready\n", stderr: "winrmctl: interrupted\n"},
		{name: "SIGTERM", command: "echo ready ; stubborn 60", cue: "ready", signals: []os.Signal{syscall.SIGTERM}, graceful: time.Minute,
			code: 143, stdout: "ready\n", stderr: "winrmctl: terminated\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.host && runtime.GOOS == "windows" {
				t.Skip("its shell is another")
			}
			o := sandbox.Options{Programs: sandbox.Builtin{}, Log: func(text string) { t.Log("sandbox:", text) }}
			if tc.host {
				o.Programs = sandbox.Host{}
				caught := make(chan os.Signal, 1) // as by processMain: who ignores a signal, as jobs in the background do, bequeaths that
				signal.Notify(caught, os.Interrupt)
				defer signal.Stop(caught)
			}
			if tc.fault != "" {
				f, err := sandbox.ParseFault(tc.fault)
				if err != nil {
					t.Fatal(err)
				}
				o.Faults = append(o.Faults, f)
			}
			s, err := sandbox.Start(o)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			a, _, stderr := testApp(t, "")
			signals := make(chan os.Signal, 2)
			stdout := &cue{text: tc.cue, do: func() {
				for _, s := range tc.signals {
					signals <- s
				}
			}}
			a.stdout, a.signals, a.graceful = stdout, signals, tc.graceful
			password := filepath.Join(t.TempDir(), "password")
			if err := os.WriteFile(password, []byte(s.Password()), 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{"exec", "-u", s.User(), "--password-file", password, s.URL(), tc.command}
			if tc.stdin {
				a.stdin, args = &flood{over: 11 * 112128, do: func() { signals <- os.Interrupt }}, slices.Insert(args, 1, "-i")
			}
			status := a.run(t.Context(), args)
			if status.code != tc.code || stdout.String() != tc.stdout || stderr.String() != tc.stderr {
				t.Errorf("exit %d, stdout %q, stderr %q", status.code, stdout, stderr)
			}
			if n := s.Stats().Shells; n != 0 {
				t.Errorf("%d shells are left", n)
			}
		})
	}
}

// TestInterruptWhileConnecting: before a program runs, Ctrl-C ends at once.
func TestInterruptWhileConnecting(t *testing.T) {
	f, err := sandbox.ParseFault("delay,for=1m,on=Create")
	if err != nil {
		t.Fatal(err)
	}
	signals := make(chan os.Signal, 1)
	s, err := sandbox.Start(sandbox.Options{Programs: sandbox.Builtin{}, Faults: []sandbox.Fault{f}, Log: func(text string) {
		if strings.HasPrefix(text, "login of") {
			signals <- os.Interrupt
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a, stdout, stderr := testApp(t, s.Password()+"\n")
	a.signals = signals
	status := a.run(t.Context(), []string{"exec", "-u", s.User(), "--password-stdin", s.URL(), "echo x"})
	if status.code != 130 || stdout.Len() > 0 || stderr.String() != "winrmctl: interrupted\n" {
		t.Errorf("exit %d, stdout %q, stderr %q", status.code, stdout, stderr)
	}
}

// TestInterruptFleet: Ctrl-C reaches all that run, and nothing more is started.
func TestInterruptFleet(t *testing.T) {
	var urls []string
	for range 4 {
		s, err := sandbox.Start(sandbox.Options{Programs: sandbox.Builtin{}, User: "bob", Password: "S3cret"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if n := s.Stats().Shells; n != 0 {
				t.Errorf("%d shells are left", n)
			}
			_ = s.Close()
		}()
		urls = append(urls, s.URL())
	}
	for _, tc := range []struct {
		name, command string
		signals       []os.Signal
		code          int
		words         int // last words of the programs
	}{
		{"once", "echo ready ; sleep 60", []os.Signal{os.Interrupt}, 130, 2},
		{"twice", "echo ready ; stubborn 60", []os.Signal{os.Interrupt, os.Interrupt}, 130, 0},
		{"SIGTERM", "echo ready ; stubborn 60", []os.Signal{syscall.SIGTERM}, 143, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, _, stderr := testApp(t, "S3cret\n")
			signals := make(chan os.Signal, 2)
			stdout := &cue{text: ": ready", times: 2, do: func() {
				for _, s := range tc.signals {
					signals <- s
				}
			}}
			a.stdout, a.signals, a.graceful = stdout, signals, time.Minute
			status := a.run(t.Context(), []string{"exec", "--parallel", "2", "-u", "bob", "--password-stdin", strings.Join(urls, ","), tc.command})
			if status.code != tc.code || strings.Count(stdout.String(), ": ready\n") != 2 || strings.Count(stdout.String(), ": interrupted\n") != tc.words {
				t.Errorf("exit %d, stdout %q", status.code, stdout)
			}
			if !strings.Contains(stderr.String(), "4 targets were not finished: ") {
				t.Errorf("stderr %q", stderr)
			}
		})
	}
}
