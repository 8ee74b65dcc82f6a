package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/sandbox"
)

// enumApp is an app and a server for it; args are what comes before the resource.
func enumApp(t *testing.T, o sandbox.Options) (a *app, s *sandbox.Server, stdout, stderr *bytes.Buffer, args []string) {
	t.Helper()
	o.Programs, o.User, o.Password = sandbox.Builtin{}, "bob", "S3cret"
	s, err := sandbox.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(s.Password()), 0o600); err != nil {
		t.Fatal(err)
	}
	a, stdout, stderr = testApp(t, "")
	return a, s, stdout, stderr, []string{"enum", "-u", "bob", "--password-file", password, s.URL()}
}

// TestEnumInterrupt: a signal ends an enumeration between two items, and the server is told.
func TestEnumInterrupt(t *testing.T) {
	for _, tc := range []struct {
		signal os.Signal
		format string
		code   int
		stderr string
	}{
		{os.Interrupt, "jsonl", 130, "winrmctl: interrupted\n"},
		{os.Interrupt, "json", 130, "winrmctl: interrupted\n"},
		{os.Interrupt, "table", 130, "winrmctl: interrupted\n"},
		{syscall.SIGTERM, "jsonl", 143, "winrmctl: terminated\n"},
	} {
		t.Run(tc.format+" "+tc.signal.String(), func(t *testing.T) {
			a, s, _, stderr, args := enumApp(t, sandbox.Options{})
			signals := make(chan os.Signal, 1)
			stdout := &cue{text: "number 30", do: func() { signals <- tc.signal }}
			a.stdout, a.signals = stdout, signals
			status := a.run(t.Context(), append(args, "Sandbox_Number", "-o", tc.format, "--batch", "10"))
			if status.code != tc.code || stderr.String() != tc.stderr {
				t.Errorf("exit %d, stderr %q", status.code, stderr)
			}
			out := stdout.String()
			switch {
			case !strings.HasSuffix(out, "\n"):
				t.Errorf("it ends in the middle: %q", out[len(out)-50:])
			case tc.format == "jsonl":
				for line := range strings.Lines(out) {
					if !json.Valid([]byte(line)) {
						t.Errorf("%q", line)
					}
				}
			case tc.format == "json" && !json.Valid([]byte(out)):
				t.Errorf("%q", out)
			}
			if n := s.Stats().Enumerations; n != 0 {
				t.Errorf("%d enumerations are left", n)
			}
		})
	}
}

// TestEnumFirstItem: the first item is there before the server is asked for the third page.
func TestEnumFirstItem(t *testing.T) {
	for _, format := range []string{"jsonl", "json", "yaml", "csv", "xml", "table"} {
		a, s, _, stderr, args := enumApp(t, sandbox.Options{})
		requests := 0
		a.stdout = &cue{text: "number 1", do: func() { requests = s.Stats().Requests }}
		status := a.run(t.Context(), append(args, "Sandbox_Number", "-o", format, "--batch", "50", "--max", "1000"))
		// Two of the login, whose second carries the Enumerate, and the Pull of the second page.
		if status.code != 0 || requests == 0 || requests > 3 {
			t.Errorf("%s: exit %d, %d requests before the first item, stderr %q", format, status.code, requests, stderr)
		}
		if total := s.Stats().Requests; total < 20 {
			t.Errorf("%s: %d requests in all", format, total)
		}
	}
}

// TestEnumTerminal: on a terminal, and only there, lines are cut off at its width, and nothing in the data commands it, in any
// format.
func TestEnumTerminal(t *testing.T) {
	d, err := sandbox.ReadDataset(strings.NewReader(`{"__CLASS": "Lab_Evil", "Id": 1, "Text": "\u001b[2J\u001b]0;x\u0007\u009b1m\u202e", "Long": "` + strings.Repeat("漢字", 60) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"jsonl", "json", "yaml", "csv", "xml", "table"} {
		for _, terminal := range []bool{true, false} {
			a, _, stdout, stderr, args := enumApp(t, sandbox.Options{Dataset: d})
			a.terminals.stdout, a.size = terminal, func() (int, int) { return 40, 10 }
			if status := a.run(t.Context(), append(args, "Lab_Evil", "-o", format, "--color", "never")); status.code != 0 {
				t.Fatalf("%s: exit %d, stderr %q", format, status.code, stderr)
			}
			out := stdout.String()
			if terminal || format != "csv" && format != "xml" { // which give data as it is
				for _, c := range out {
					if c != '\n' && c != '\r' && (c < 0x20 || c >= 0x7f && c < 0xa0 || c == 0x202e) {
						t.Errorf("%s, terminal %v: %q in %q", format, terminal, c, out)
						break
					}
				}
			}
			if whole := strings.Contains(out, strings.Repeat("漢字", 60)); whole == (terminal && format == "table") {
				t.Errorf("%s, terminal %v: %s", format, terminal, out)
			}
		}
	}
}

// TestEnumLateColumns: a property that only the items of the later target have gets no column in CSV any more, and is named on stderr.
func TestEnumLateColumns(t *testing.T) {
	data := func(extra string) sandbox.Options {
		d, err := sandbox.ReadDataset(strings.NewReader(`[{"__CLASS": "Lab_Late", "Id": 1` + extra + `}, {"__CLASS": "Lab_Late", "Id": 2}]`))
		if err != nil {
			t.Fatal(err)
		}
		return sandbox.Options{Dataset: d}
	}
	a, _, stdout, stderr, args := enumApp(t, data(`, "A": "x"`))
	_, other, _, _, _ := enumApp(t, data(`, "B": "x"`))
	args[len(args)-1] += "," + other.URL()
	status := a.run(t.Context(), append(args, "Lab_Late", "-o", "csv", "--parallel", "1"))
	// Whichever target answers first.
	if status.code != 0 || !regexp.MustCompile(`^target,Id,[AB]\r\n`).MatchString(stdout.String()) || strings.Count(stdout.String(), "\n") != 5 {
		t.Errorf("exit %d, %q", status.code, stdout)
	}
	if !regexp.MustCompile(`^warning: [AB] came after the columns of CSV were known, and is left out: --select names columns\n$`).MatchString(stderr.String()) {
		t.Errorf("stderr %q", stderr)
	}
}

// TestEnumWatch: what is there at first, with its keys, then what changes, until it is interrupted. A server that is lost for a while is asked again.
func TestEnumWatch(t *testing.T) {
	lost, err := sandbox.ParseFault("drop,on=Enumerate,nth=2")
	if err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string][]string{
		"table": {"State    Name\n", "Stopped  w32time\n", ` ~ Name="w32time" State: "Stopped" -> "Running"` + "\n"},
		"jsonl": {
			`"change":"initial","item":{"Name":"w32time","State":"Stopped"}}` + "\n",
			`"change":"changed","item":{"Name":"w32time","State":"Running"},"was":{"State":"Stopped"}}` + "\n",
		},
	} {
		a, s, _, stderr, args := enumApp(t, sandbox.Options{Faults: []sandbox.Fault{lost}})
		signals := make(chan os.Signal, 1)
		started := make(chan struct{})
		end := &cue{text: "Running", do: func() { signals <- os.Interrupt }}
		start := sync.OnceFunc(func() { close(started) })
		begin := &cue{text: "Stopped", do: start}
		a.stdout, a.signals = io.MultiWriter(begin, end), signals
		var other sync.WaitGroup
		other.Go(func() {
			<-started
			b, _, failed, args := enumBeside(t, s)
			if status := b.run(t.Context(), append(args, "services", "--get", "Name=w32time", "--invoke", "StartService")); status.code != 0 {
				t.Errorf("%s", failed)
			}
		})
		status := a.run(t.Context(), append(args, "services", "--select", "State", "--where", "Name=w32time", "--watch", "5ms", "-o", format))
		start() // also where it never came so far
		other.Wait()
		if status.code != 130 || !strings.HasPrefix(stderr.String(), "warning: ") || !strings.HasSuffix(stderr.String(), "; it is asked again in 5ms\nwinrmctl: interrupted\n") {
			t.Errorf("%s: exit %d, stderr %q", format, status.code, stderr)
		}
		for _, text := range want {
			if strings.Count(end.String(), text) != 1 {
				t.Errorf("%s: %q is not there once in\n%s", format, text, end)
			}
		}
		if n := s.Stats().Enumerations; n != 0 {
			t.Errorf("%d enumerations are left", n)
		}
	}
}

// TestEnumWatchComings: what comes and goes is told, by the keys of the class.
func TestEnumWatchComings(t *testing.T) {
	for format, want := range map[string]string{
		"table": `^\S+ - Handle="10000000"\n\S+ \+ Handle="10000001"\n$`,
		"jsonl": `^\{"time":"[^"]+","target":"[^"]+","change":"initial","item":\{"Handle":"10000000"\}\}\n\{.*"change":"removed","item":\{"Handle":"10000000"\}\}\n\{.*"change":"added","item":\{"Handle":"10000001"\}\}\n$`,
	} {
		a, s, _, stderr, args := enumApp(t, sandbox.Options{})
		var others sync.WaitGroup
		beside := func(arguments ...string) {
			others.Go(func() {
				b, _, failed, other := enumBeside(t, s)
				if status := b.run(t.Context(), append(other, arguments...)); status.code != 0 {
					t.Errorf("%s", failed)
				}
			})
		}
		beside("processes", "--invoke", "Create", "CommandLine=sleep 600")
		others.Wait()
		signals := make(chan os.Signal, 1)
		first := &cue{text: "10000000", do: func() { beside("processes", "--get", "Handle=10000000", "--invoke", "Terminate") }}
		gone := &cue{text: map[string]string{"table": "- Handle", "jsonl": "removed"}[format], do: func() { beside("processes", "--invoke", "Create", "CommandLine=sleep 600") }}
		last := &cue{text: "10000001", do: func() { signals <- os.Interrupt }}
		a.stdout, a.signals = io.MultiWriter(first, gone, last), signals
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		status := a.run(ctx, append(args, "processes", "--where", "CommandLine='sleep 600' AND ProcessId >= 10000000", "--select", "Handle", "--watch", "5ms", "-o", format))
		others.Wait()
		out := strings.TrimPrefix(last.String(), "Handle\n10000000\n")
		if status.code != 130 || stderr.String() != "winrmctl: interrupted\n" || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%s: exit %d, stderr %q\n%s", format, status.code, stderr, out)
		}
	}
}

// TestEnumWatchKey: items are told apart by the properties that --watch-key names, in place of the keys of their class.
func TestEnumWatchKey(t *testing.T) {
	a, _, _, stderr, args := enumApp(t, sandbox.Options{})
	signals := make(chan os.Signal, 1)
	stdout := &cue{text: "}", do: func() { signals <- os.Interrupt }}
	a.stdout, a.signals = stdout, signals
	status := a.run(t.Context(), append(args, "services", "--select", "State", "--where", "Name=w32time", "--watch", "1m", "--watch-key", "displayname", "-o", "jsonl"))
	if status.code != 130 || stderr.String() != "winrmctl: interrupted\n" || !strings.Contains(stdout.String(), `"item":{"DisplayName":"Windows Time","State":"Stopped"}}`) {
		t.Errorf("exit %d, stdout %q, stderr %q", status.code, stdout, stderr)
	}
}

// enumBeside is another app for the same server.
func enumBeside(t *testing.T, s *sandbox.Server) (a *app, stdout, stderr *bytes.Buffer, args []string) {
	a, stdout, stderr = testApp(t, s.Password()+"\n")
	return a, stdout, stderr, []string{"enum", "-u", "bob", "--password-stdin", s.URL()}
}

// TestEnumExpires: a reader that is slower than the server's patience learns why there is no more.
func TestEnumExpires(t *testing.T) {
	a, s, stdout, stderr, args := enumApp(t, sandbox.Options{EnumerationTimeout: 20 * time.Millisecond})
	slow := &cue{text: "number 2", do: func() {
		for deadline := time.Now().Add(20 * time.Second); s.Stats().Enumerations > 0 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		}
	}}
	a.stdout = slow
	status := a.run(t.Context(), append(args, "Sandbox_Number", "--batch", "2", "-o", "jsonl"))
	if status.code != exitRefused || !strings.Contains(stderr.String(), "hint: the server has forgotten the enumeration") {
		t.Errorf("exit %d, stdout %q, stderr %q", status.code, stdout, stderr)
	}
}
