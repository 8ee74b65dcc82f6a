//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/sandbox"
)

// worker sits at a session in the sh of this machine, which is in the home directory.
func worker(t testing.TB, o sandbox.Options, flags ...string) (p *person, prompt string) {
	t.Helper()
	s, home := terminalServer(t, o)
	p = sit(t, home, append(append([]string{"shell", "-u", "bob", "--cwd", "/"}, flags...), s.URL())...)
	p.sees("sandbox:/$ ")
	return p, "sandbox:/$ "
}

func TestShellTerminal(t *testing.T) {
	t.Parallel()
	p, prompt := worker(t, sandbox.Options{})
	p.does("echo one; echo two >&2")
	p.sees("echo one; echo two >&2\none\ntwo\n" + prompt)

	// The line is edited here.
	p.types("eco x\x02hellq\x7fo\x01\x06\x06h\x05 wörld \x1b[D\x1b[3~!")
	p.sees(prompt + "echo hellox wörld!")
	p.types("\r")
	p.sees("hellox wörld!\n" + prompt)
	p.types("\x1b[A\x15echo hellox 日本語\x02\x02é")
	p.waits("the cursor behind é", func() bool {
		before, behind := p.seen()
		return strings.HasSuffix(before, prompt+"echo hellox 日é") && behind == "本語"
	})
	p.types("\r")
	p.sees("hellox 日é本語\n" + prompt)

	// A key that asks for the history, and a search in it.
	p.types("\x12one;")
	p.waits("the search", func() bool {
		before, behind := p.seen()
		return strings.Contains(before+behind, prompt+"echo one; echo two")
	})
	p.types("\r")
	p.sees("one\ntwo\n" + prompt)

	// What a program says before it ends its line is the prompt, and what is typed goes to it.
	p.does("printf 'Name: '; read x; echo \"Hello $x\"")
	p.sees("\nName: ")
	p.does("Bob")
	p.sees("\nName: Bob\nHello Bob\n" + prompt)

	// Ctrl-C clears the line, and ends what runs.
	p.types("echo not me\x03")
	p.sees("echo not me^C\n" + prompt)
	p.does("echo now; sleep 600; echo not me")
	p.sees("not me\nnow\n")
	p.types("\x03")
	p.sees("^C\n\n" + prompt)

	// Programs that do not mind are terminated only when that is wanted.
	p.does("(trap '' INT; echo ready; read x; echo \"done $x\")")
	p.sees("ready\n")
	p.types("\x03\x03")
	p.sees("The program does not react. Terminate it, and end the session? [y/N] ")
	p.does("n")
	p.does("now")
	p.sees("now\ndone now\n\n" + prompt) // sh has had its Ctrl-C too

	p.does("exit 7")
	if code := p.leaves(); code != 7 {
		t.Errorf("exit code %d, want 7", code)
	}
}

// TestShellRequests: at a terminal the program's stdin counts as a console, and the server hears how long to keep the shell.
func TestShellRequests(t *testing.T) {
	t.Parallel()
	s, home := terminalServer(t, sandbox.Options{})
	trace := filepath.Join(home, "trace")
	p := sit(t, home, "shell", "-u", "bob", "--cwd", "/", "--idle-timeout", "10m", "--trace", trace, s.URL())
	p.sees("sandbox:/$ ")
	p.does("exit")
	p.leaves()
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`WINRS_CONSOLEMODE_STDIN\">TRUE<`, `WINRS_SKIP_CMD_SHELL\">TRUE<`, `:Command>cmd.exe<`, `IdleTimeOut>PT600.000S<`} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("%s is not in\n%s", want, b)
		}
	}
}

// TestShellOutput: what comes while a line is edited stands above it.
func TestShellOutput(t *testing.T) {
	t.Parallel()
	p, prompt := worker(t, sandbox.Options{})
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p.does("cat " + fifo + " &")
	p.sees("&\n" + prompt)
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.types("echo while typ")
	p.sees(prompt + "echo while typ")
	fmt.Fprint(w, "first\nsec")
	p.sees("&\nfirst\nsec\n" + prompt + "echo while typ")
	p.types("ing")
	fmt.Fprint(w, "ond\n")
	p.sees("&\nfirst\nsecond\n" + prompt + "echo while typing")
	_ = w.Close()
	p.types("\r")
	p.sees("while typing\n" + prompt)
	p.types("\x04")
	if code := p.leaves(); code != 0 {
		t.Errorf("exit code %d at the end of input", code)
	}
}

// TestShellStuck: Ctrl-C reaches a program that takes nothing of what was typed for it.
func TestShellStuck(t *testing.T) {
	t.Parallel()
	f, err := sandbox.ParseFault("delay,for=10m,on=Send,nth=2")
	if err != nil {
		t.Fatal(err)
	}
	s, home := terminalServer(t, sandbox.Options{Faults: []sandbox.Fault{f}})
	p := sit(t, home, "shell", "-u", "bob", "--cwd", "/", s.URL())
	p.sees("sandbox:/$ ")
	p.does("echo begun; sleep 600")
	p.sees("begun\n")
	before := s.Stats().Requests // the output that is waited for is one of them
	p.does("ahead")
	for late := time.Now().Add(soon); s.Stats().Requests == before; time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("the line does not arrive")
		}
	}
	p.types("\x03")
	p.sees("^C\n\nsandbox:/$ ")
	p.types("~.")
	if code := p.leaves(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := s.Stats().Shells; n != 0 {
		t.Errorf("%d shells are left", n)
	}
}

// TestShellVi: the keys of vi, by a flag and by the file of other programs.
func TestShellVi(t *testing.T) {
	t.Parallel()
	s, home := terminalServer(t, sandbox.Options{})
	if err := os.WriteFile(filepath.Join(home, ".inputrc"), []byte("# mine\nset editing-mode vi\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{{"--keys", "vi"}, nil} {
		p := sit(t, home, append(append([]string{"shell", "-u", "bob", "--cwd", "/"}, flags...), s.URL())...)
		prompt := "sandbox:/$ "
		p.sees(prompt)
		p.types("echo hello wide world")
		p.sees("wide world")
		p.types("\x1b") // a key of its own, though others follow at once
		p.types("0wcwbye\x1b")
		p.waits("the word", func() bool {
			before, behind := p.seen()
			return strings.HasSuffix(before+behind, "echo bye wide world")
		})
		p.types("A\x7f.\r")
		p.sees("echo bye wide worl.\nbye wide worl.\n" + prompt)
		p.types("\x1bk")
		p.waits("the line before", func() bool {
			before, behind := p.seen()
			return strings.HasSuffix(before+behind, prompt+"echo bye wide worl.")
		})
		p.types("\r")
		p.sees("\nbye wide worl.\n" + prompt)
		p.types("\x04")
		p.leaves()
	}
}

// TestShellStop: Ctrl-Z gives the terminal back, and fg goes on where it was.
func TestShellStop(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here, which can wake programs")
	}
	s, home := terminalServer(t, sandbox.Options{})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := sitAt(t, home, bash, "bash", "--norc", "--noprofile", "-i")
	p.hears("bash-")
	p.does("PS1='local> '; w() { (exec -a winrmctl " + self + " \"$@\"); }")
	p.sees("\nlocal> ")
	p.does("w shell -u bob --cwd / " + s.URL())
	p.sees("sandbox:/$ ")
	p.types("echo half\x1a")
	p.sees("\nlocal> ")
	p.does("stty -a | grep -o ' icanon'")
	p.sees(" icanon\nlocal> ")
	p.does("fg")
	p.sees("sandbox:/$ echo half")
	p.does(" whole")
	p.sees("\nhalf whole\nsandbox:/$ ")
	p.does("exit 6")
	p.sees("\nlocal> ")
	p.does("exit $?")
	if code := p.leaves(); code != 6 {
		t.Errorf("exit code %d", code)
	}
}

// TestShellHistory: lines of one session are there in the next, but for those that nobody should see.
func TestShellHistory(t *testing.T) {
	t.Parallel()
	s, home := terminalServer(t, sandbox.Options{})
	args := []string{"shell", "-u", "bob", "--cwd", "/", s.URL()}
	prompt := "sandbox:/$ "
	p := sit(t, home, args...)
	p.sees(prompt)
	p.does("echo remembered")
	p.sees("\nremembered\n" + prompt)
	p.does(" echo kept back")
	p.sees("\nkept back\n" + prompt)
	p.does("printf 'Enter the password: '; read x; echo ${#x} characters")
	p.sees("\nEnter the password: ")
	p.does("s3cret")
	p.sees("characters\n" + prompt)
	p.types("\x04")
	p.leaves()
	if strings.Contains(p.written(), "s3cret") {
		t.Error("the password shows")
	}

	p = sit(t, home, args...)
	p.sees(prompt)
	p.types("\x10\x10")
	p.sees(prompt + "echo remembered")
	p.types("\x15\x04")
	p.leaves()

	files, err := filepath.Glob(filepath.Join(home, ".local/state/winrmctl/history/*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil || string(b) != "echo remembered\nprintf 'Enter the password: '; read x; echo ${#x} characters\n" {
		t.Errorf("%q, %v", b, err)
	}

	p = sit(t, home, append([]string{"shell", "--no-history"}, args[1:]...)...)
	p.sees(prompt)
	p.types("\x10")
	p.does("echo forgotten")
	p.sees(prompt + "echo forgotten\nforgotten\n" + prompt)
	p.types("\x04")
	p.leaves()
	if after, err := os.ReadFile(files[0]); err != nil || string(after) != string(b) {
		t.Errorf("%q, %v", after, err)
	}
}

// TestShellPaste: many lines at once arrive in order, whether the terminal marks a paste or not.
func TestShellPaste(t *testing.T) {
	t.Parallel()
	for name, marks := range map[string][2]string{"marked": {"\x1b[200~", "\x1b[201~"}, "plain": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, prompt := worker(t, sandbox.Options{})
			var lines, want strings.Builder
			for i := range 200 {
				fmt.Fprintf(&lines, "echo '%d ~. and 日本' | tr a-z A-Z\r", i)
				fmt.Fprintf(&want, "%d ~. AND 日本\r\n", i)
			}
			p.types(marks[0] + lines.String() + "echo the " + marks[1] + "end")
			p.hears("199 ~. AND")
			p.sees(prompt + "echo the end")
			p.types("\r")
			p.sees("\nthe end\n" + prompt)
			var got strings.Builder
			for line := range strings.Lines(p.written()) {
				if i := strings.Index(line, " ~. AND"); i > 0 {
					for i > 0 && line[i-1] >= '0' && line[i-1] <= '9' {
						i--
					}
					got.WriteString(line[i:])
				}
			}
			if got.String() != want.String() {
				t.Errorf("got %q", got.String())
			}
			p.types("\x04")
			p.leaves()
		})
	}
}

// BenchmarkShellEnter is the time from Enter to the first byte of the answer on the screen, on loopback.
func BenchmarkShellEnter(b *testing.B) {
	p, prompt := worker(b, sandbox.Options{}, "--no-history")
	var times []time.Duration
	for i := 0; b.Loop(); i++ {
		p.types(fmt.Sprintf("echo $((%d+1000000))", i))
		p.sees(fmt.Sprintf("echo $((%d+1000000))", i))
		begin := time.Now()
		p.types("\r")
		p.hears(fmt.Sprintf("%d\r\n", i+1000000))
		times = append(times, time.Since(begin))
		p.sees(prompt)
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(times[len(times)*95/100].Microseconds())/1000, "p95-ms")
	p.types("\x04")
	p.leaves()
}
