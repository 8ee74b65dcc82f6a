//go:build linux && amd64

package sandbox

import (
	"bytes"
	"context"
	"debug/pe"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestImage holds what debug/pe, and so a loader, reads from a program.
func TestImage(t *testing.T) {
	p := &image{otherwise: []apiCall{call("ExitProcess", 1)}}
	p.add(call("CreateJobObjectW", 0, 0).into(p.words(0, 0)), call("SetCurrentDirectoryW", p.text("C:\\é")).orFail(), call("ExitProcess", 0))
	f, err := pe.NewFile(bytes.NewReader(p.file()))
	if err != nil {
		t.Fatal(err)
	}
	imports, err := f.ImportedSymbols()
	want := []string{"CreateJobObjectW:kernel32.dll", "SetCurrentDirectoryW:kernel32.dll", "ExitProcess:kernel32.dll"}
	if err != nil || !slices.Equal(imports, want) {
		t.Errorf("%q: %v", imports, err)
	}
	header := f.OptionalHeader.(*pe.OptionalHeader64)
	section := f.Sections[0]
	if e := header.AddressOfEntryPoint; e <= section.VirtualAddress || e >= section.VirtualAddress+section.VirtualSize || e%16 != 0 {
		t.Errorf("entry point %x", e)
	}
	data, err := section.Data()
	if err != nil || !bytes.Contains(data, []byte("C\x00:\x00\\\x00\xe9\x00\x00\x00")) {
		t.Errorf("no text in the section: %v", err)
	}
}

func TestNoWine(t *testing.T) {
	t.Setenv("WINELOADER", filepath.Join(t.TempDir(), "none"))
	if _, err := StartWine(context.Background(), nil); !errors.Is(err, ErrNoWine) {
		t.Error(err)
	}
}

// TestWineDoesNotStart has another program in wine's place.
func TestWineDoesNotStart(t *testing.T) {
	for name, tc := range map[string]struct{ script, want string }{
		"fails": {"#!/bin/sh\necho no such thing >&2\nexit 3\n", `exit status 3 "no such thing"`},
		"hangs": {"#!/bin/sh\nsleep 1000\n", context.DeadlineExceeded.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			loader := filepath.Join(dir, "loader")
			if err := os.WriteFile(loader, []byte(tc.script), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv("WINELOADER", loader)
			t.Setenv("WINEPREFIX", filepath.Join(dir, "prefix"))
			t.Setenv("TMPDIR", dir)
			ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
			defer cancel()
			var said []string
			_, err := StartWine(ctx, func(s string) { said = append(said, s) })
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Error(err)
			}
			if len(said) != 1 || !strings.Contains(said[0], filepath.Join(dir, "prefix")) {
				t.Errorf("said %q", said)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "winrmctl-wine-*")); left != nil {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// startWine starts wine in the prefix that winrmctl itself uses. It does not make one: a test shall not leave 0.7 GB behind.
func startWine(t *testing.T) *Wine {
	t.Helper()
	if prefix, err := winePrefix(); err != nil || !isPrefix(prefix) {
		t.Skipf("there is no wine prefix: winrmctl sandbox --programs wine makes one (%s)", prefix)
	}
	w, err := StartWine(context.Background(), func(s string) { t.Log(s) })
	if errors.Is(err, ErrNoWine) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// output is a stream of a program, with a place to wait for what it says.
type output struct {
	mu   sync.Mutex
	data bytes.Buffer
	said chan struct{} // closed when mark was written
	mark string
}

func newOutput(mark string) *output { return &output{mark: mark, said: make(chan struct{})} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.data.Write(b)
	if o.mark != "" && bytes.Contains(o.data.Bytes(), []byte(o.mark)) {
		o.mark = ""
		close(o.said)
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.String()
}

// run runs a command to its end.
func run(t *testing.T, w *Wine, s Spec) (stdout, stderr string, code uint32) {
	t.Helper()
	var out, errs output
	if s.Stdin == nil {
		s.Stdin = strings.NewReader("")
	}
	s.Stdout, s.Stderr = &out, &errs
	p, err := w.Start(s)
	if err != nil {
		t.Fatalf("%s: %v", s.Line, err)
	}
	code = p.Wait()
	return out.String(), errs.String(), code
}

// TestWine starts wine once for all, because that takes as long as many commands.
func TestWine(t *testing.T) {
	w := startWine(t)
	t.Run("lines", func(t *testing.T) { testWineLines(t, w) })
	t.Run("shell", func(t *testing.T) { testWineShell(t, w) })
	t.Run("shared", func(t *testing.T) { testWineShared(t, w) })
	t.Run("again", func(t *testing.T) { testWineAgain(t, w) })
	t.Run("streams", func(t *testing.T) { testWineStreams(t, w) })
	t.Run("signals", func(t *testing.T) { testWineSignals(t, w) })
	t.Run("session", func(t *testing.T) { testWineSession(t, w) })
}

// testWineLines runs lines that a command line put together from argv would not survive, and others.
func testWineLines(t *testing.T, w *Wine) {
	for _, tc := range []struct {
		line           string
		stdout, stderr string
		code           uint32
	}{
		{`echo hello`, "hello\r\n", "", 0},
		{`echo "a b" & echo c`, "\"a b\" \r\nc\r\n", "", 0},
		{`echo "a&b|c<d>e^f"&echo "x"y"z"`, "\"a&b|c<d>e^f\"\r\n\"x\"y\"z\"\r\n", "", 0},
		{`"C:\windows\system32\cmd.exe" /c "echo "in" there"&echo "out"`, "\"in\" there\r\n\"out\"\r\n", "", 0},
		{`echo %OS% 100% a%%b %% !x! %nosuch%`, "Windows_NT 100% a%%b %% !x! %nosuch%\r\n", "", 0},
		{`echo %STAGE%`, "te st \"&é\r\n", "", 0},
		{`for %i in (1 2) do @echo %i`, "1\r\n2\r\n", "", 0},
		{`if 1==1 (echo yes) else (echo no)`, "yes\r\n", "", 0},
		{`exit 7`, "", "", 7},
		{`exit 256`, "", "", 256}, // a Unix process would have 0
		{`exit -1`, "", "", 4294967295},
		{`echo é 日本 𝄞`, "é 日本 𝄞\r\n", "", 0},
		{`chcp 850>nul&echo é`, "\x82\r\n", "", 0},
		{`chcp`, "Active code page: 65001\r\n", "", 0},
		{`echo x>&2`, "", "x\r\n", 0},
		{`echo a^&b ^> ^^`, "a&b > ^\r\n", "", 0},
		{`echo tr\`, "tr\\\r\n", "", 0},
		{`echo "tr\"`, "\"tr\\\"\r\n", "", 0},
		{"echo a  b\tc ~`'#;,=+*?[]{}$@", "a  b\tc ~`'#;,=+*?[]{}$@\r\n", "", 0},
		{`echo one two|find "w"`, "one two\r\n", "", 0},
		{`echo one two|find "x"`, "", "", 1},
		{`dir /b C:\windows\system32\cmd.exe`, "cmd.exe\r\n", "", 0},
		{`hostname&nosuch`, strings.ToUpper(hostname(t)) + "\r\n", "Can't recognize 'nosuch' as an internal or external command, or batch script.\r\n", 9009},
		{`cd`, "C:\\windows\r\n", "", 0},
		{`set WINEPREFIX`, "", "Environment variable WINEPREFIX not defined\r\n", 1},
		{"echo " + strings.Repeat("x", 8000), strings.Repeat("x", 8000) + "\r\n", "", 0},
	} {
		t.Run(tc.line[:min(len(tc.line), 40)], func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := run(t, w, Spec{Line: tc.line, Dir: `C:\windows`, CodePage: "65001", Env: []string{`STAGE=te st "&é`}})
			if stdout != tc.stdout || stderr != tc.stderr || code != tc.code {
				t.Errorf("%q, %q, %d", stdout, stderr, code)
			}
		})
	}
}

func hostname(t *testing.T) string {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ = strings.Cut(name, ".")
	return name[:min(len(name), 15)] // a NetBIOS name
}

// testWineShell is about what a shell gives to its commands.
func testWineShell(t *testing.T, w *Wine) {
	stdout, _, _ := run(t, w, Spec{Line: `echo %CD%&echo %PATH%&echo %temp%`, Env: []string{`PATH=C:\x;C:\windows`, `Temp=D:\é`}, CodePage: "65001"})
	if lines := strings.Split(stdout, "\r\n"); len(lines) != 4 || !strings.HasPrefix(strings.ToLower(lines[0]), `c:\users\`) ||
		lines[1] != `C:\x;C:\windows` || lines[2] != `D:\é` {
		t.Errorf("%q", stdout)
	}
	for _, dir := range []string{`C:\nosuch`, `C:\windows\notepad.exe`, `nosuch`, `Q:\`} {
		if _, err := w.Start(Spec{Line: "cd", Dir: dir, Stdin: strings.NewReader("")}); !errors.Is(err, ErrDirectory) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	for _, line := range []string{`nosuch.exe /x`, `echo hello`, ``} {
		if _, err := w.Start(Spec{Line: line, Direct: true, Stdin: strings.NewReader("")}); !errors.Is(err, exec.ErrNotFound) {
			t.Errorf("%s: %v", line, err)
		}
	}
	stdout, stderr, code := run(t, w, Spec{Line: `find.exe "a b"`, Direct: true, Stdin: strings.NewReader("xa b\r\nc\r\n")})
	if stdout != "xa b\r\n" || stderr != "" || code != 0 {
		t.Errorf("direct: %q, %q, %d", stdout, stderr, code)
	}
	if entries, err := os.ReadDir(w.dir); err != nil || len(entries) != 2 {
		t.Errorf("commands leave files behind: %v, %v", entries, err)
	}
}

// testWineShared: the same prefix has the same server, whatever is the directory for temporary files.
func testWineShared(t *testing.T, w *Wine) {
	t.Setenv("TMPDIR", t.TempDir())
	other := startWine(t)
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "wine-*")); left != nil {
		t.Errorf("a server of its own: %q", left)
	}
	if stdout, _, code := run(t, other, Spec{Line: "echo one"}); stdout != "one\r\n" || code != 0 {
		t.Errorf("%q, %d", stdout, code)
	}
	if stdout, _, code := run(t, w, Spec{Line: "echo two"}); stdout != "two\r\n" || code != 0 {
		t.Errorf("%q, %d", stdout, code)
	}
}

// testWineAgain is about starts that fail as those do where the layout of memory goes wrong.
func testWineAgain(t *testing.T, w *Wine) {
	real := w.loader
	defer func() { w.loader = real }()
	failures := filepath.Join(t.TempDir(), "failures")
	w.loader = filepath.Join(t.TempDir(), "loader")
	script := fmt.Sprintf("#!/bin/sh\n[ ! -s %[1]s ] || { sed -i 1d %[1]s; exit 1; }\nexec %[2]s \"$@\"\n", failures, real)
	if err := os.WriteFile(w.loader, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	for n, tc := range map[int]struct {
		want error
		left int
	}{tries - 1: {nil, 0}, tries + 2: {errNotBegun, 2}} {
		if err := os.WriteFile(failures, bytes.Repeat([]byte("x\n"), n), 0o600); err != nil {
			t.Fatal(err)
		}
		var out output
		input := strings.NewReader("abc\r\n")
		p, err := w.Start(Spec{Line: `find "b"`, Stdin: input, Stdout: &out, Stderr: &out})
		if !errors.Is(err, tc.want) {
			t.Errorf("%d failures: %v", n, err)
		}
		if err == nil {
			if code := p.Wait(); code != 0 || out.String() != "abc\r\n" {
				t.Errorf("%d failures: %q, %d", n, &out, code)
			}
		} else if input.Len() != 5 {
			t.Errorf("%d failures: input is read that nobody gets", n)
		}
		if left, err := os.ReadFile(failures); err != nil || bytes.Count(left, []byte("x")) != tc.left {
			t.Errorf("%d failures: %q are left: %v", n, left, err)
		}
	}
}

// TestWithFixedLayout asks the kernel what a program got, and what this one is left with.
func TestWithFixedLayout(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, _ := personality(personalityAsIs)
	if _, errno := personality(before | addrNoRandomize); errno != 0 {
		t.Skip("personality:", errno)
	}
	if _, errno := personality(before); errno != 0 {
		t.Fatal(errno)
	}
	var out bytes.Buffer
	cmd := exec.Command("cat", "/proc/self/personality")
	cmd.Stdout = &out
	if err := withFixedLayout(cmd.Run); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(out.String()); got != fmt.Sprintf("%08x", before|addrNoRandomize) {
		t.Errorf("the program has %s", got)
	}
	if after, _ := personality(personalityAsIs); after != before {
		t.Errorf("%x has become %x", before, after)
	}
}

// testWineStreams is about stdin, its end, and much of everything.
func testWineStreams(t *testing.T, w *Wine) {
	const lines = 100_000
	in := strings.Repeat("0123456789\r\n", lines)
	if stdout, stderr, code := run(t, w, Spec{Line: `find "5"`, Stdin: strings.NewReader(in)}); stdout != in || stderr != "" || code != 0 {
		t.Errorf("find: %d bytes, %q, %d", len(stdout), stderr, code)
	}
	if stdout, _, code := run(t, w, Spec{Line: `set /p x=name:`}); stdout != "name:" || code != 0 {
		t.Errorf("an end of file: %q, %d", stdout, code)
	}
	if _, _, code := run(t, w, Spec{Line: `exit 3`, Stdin: strings.NewReader(in), Console: true}); code != 3 {
		t.Errorf("input that is not read: %d", code)
	}
	script := "set /p x=what?\r\nthis\r\ncd \\windows\r\necho [%x%]\r\nfind \"b\"\r\nabc\r\nnone\r\n"
	stdout, stderr, code := run(t, w, Spec{Line: `cmd /q`, Stdin: strings.NewReader(script), Console: true})
	if _, rest, _ := strings.Cut(stdout, "\r\n"); rest != "what?[this]\r\nabc\r\n" || stderr != "" || code != 0 {
		t.Errorf("cmd: %q, %q, %d", stdout, stderr, code)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			want := fmt.Sprintf("%d\r\n", i)
			if stdout, _, code := run(t, w, Spec{Line: fmt.Sprintf("echo %d&exit %d", i, i)}); stdout != want || code != uint32(i) {
				t.Errorf("%d at once: %q, %d", i, stdout, code)
			}
		})
	}
	all.Wait()
}

// testWineSignals interrupts and terminates commands, and what they have started.
func testWineSignals(t *testing.T, w *Wine) {
	const others = `start /b ping -n 7654321 127.0.0.1&start ping -n 7654321 127.0.0.1&cmd /c set /p x=ready`
	for _, tc := range []struct {
		line   string
		signal Signal
	}{
		{`set /p x=ready`, CtrlC},
		{`set /p x=ready&echo not me`, CtrlBreak},
		{others, CtrlC},
		{"for /l %i in (1,1,1000000) do @echo ready&ping -n 1 127.0.0.1 >nul", CtrlC}, // one is often starting
		{others, Terminate},
		{"for /l %i in (1,1,1000) do @echo ready&start ping -n 7654321 127.0.0.1", Terminate}, // one is always starting
	} {
		out := newOutput("ready")
		stdin, hold := io.Pipe()
		p, err := w.Start(Spec{Line: tc.line, Stdin: stdin, Stdout: out, Stderr: out})
		if err != nil {
			t.Fatal(err)
		}
		<-out.said
		p.Signal(tc.signal)
		code := p.Wait()
		// A Ctrl-C ends a program of wine 8.0 with 0, one of Windows and of later versions of wine with STATUS_CONTROL_C_EXIT
		// (default_ctrl_handler in dlls/kernelbase/console.c).
		right := code == 0 || code == exitControlC
		if tc.signal == Terminate {
			right = code == exitTerminated
		}
		if !right || strings.Contains(out.String(), "not me") {
			t.Errorf("%s: signal %d: %d, %q", tc.line, tc.signal, code, out)
		}
		_ = hold.Close()
		if left := commandsOf(t, w); left != nil {
			t.Errorf("%s: signal %d leaves behind %q", tc.line, tc.signal, left)
		}
		p.Signal(CtrlC) // that of a program that has ended
	}
}

// commandsOf lists the processes that belong to commands.
func commandsOf(t *testing.T, w *Wine) (left []string) {
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		environ, _ := os.ReadFile(filepath.Join(name, "environ")) // the process may be gone by now
		if bytes.Contains(environ, []byte("\x00"+commandVariable+"="+w.dir+"/")) {
			line, _ := os.ReadFile(filepath.Join(name, "cmdline"))
			left = append(left, string(line))
		}
	}
	return left
}

// testWineSession: a cmd.exe that reads commands minds no Ctrl-C, but what it runs does, if that has only just begun too.
func testWineSession(t *testing.T, w *Wine) {
	stdin, typed := io.Pipe()
	defer typed.Close()
	out := newOutput("ready")
	p, err := w.Start(Spec{Line: "cmd.exe", Direct: true, Console: true, Stdin: stdin, Stdout: out, Stderr: out})
	if err != nil {
		t.Fatal(err)
	}
	const ping = "ping -n 1000000 127.0.0.1 >nul\r\n"
	go func() { _, _ = io.WriteString(typed, "echo ready& "+strings.Repeat(ping, 10)+"exit 7\r\n") }()
	ended := make(chan uint32, 1)
	go func() { ended <- p.Wait() }()
	<-out.said
	for late := time.After(30 * time.Second); ; {
		select {
		case code := <-ended:
			if code != 7 || strings.Contains(out.String(), "recognize") {
				t.Errorf("exit code %d: %q", code, out)
			}
			return
		case <-time.After(time.Duration(rand.N(50)) * time.Millisecond): // ping may not have begun when the first one comes
			p.Signal(CtrlC)
		case <-late:
			p.Signal(Terminate)
			t.Fatalf("ping goes on: %q", out)
		}
	}
}

// TestEndHalfDead: what has lost its first thread ends, and nothing else.
func TestEndHalfDead(t *testing.T) {
	const script = `import ctypes, threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
ctypes.CDLL(None).syscall(60, 0) # exit, of a thread`
	p := &wineProcess{wine: &Wine{}, dir: t.TempDir(), ended: make(chan struct{})}
	half, whole := exec.Command("python3", "-c", script), exec.Command("sleep", "1000")
	for _, cmd := range []*exec.Cmd{half, whole} {
		cmd.Env = append(os.Environ(), p.mark())
		if err := cmd.Start(); errors.Is(err, exec.ErrNotFound) {
			t.Skip(err)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	p.lookOut()
	if err := half.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Error(err)
	}
	if !isMarked(fmt.Sprintf("/proc/%d", whole.Process.Pid), p.mark()) {
		t.Error("the other one ended too")
	}
	_ = whole.Process.Kill()
	_ = whole.Wait()
	close(p.ended)
	p.wine.users.Wait()
}

// TestEndLeft: what has the mark and does not end by itself is killed, and nothing else.
func TestEndLeft(t *testing.T) {
	mark := commandVariable + "=" + t.TempDir()
	start := func(entry string) *exec.Cmd {
		cmd := exec.Command("sleep", "1000")
		cmd.Env = []string{entry, "A=b"}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	marked := start(mark)
	for _, entry := range []string{mark + "x", "X" + mark} {
		cmd := start(entry)
		defer func() {
			if !isMarked(fmt.Sprintf("/proc/%d", cmd.Process.Pid), entry) {
				t.Errorf("%s: ended too", entry)
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}()
	}
	endLeft(mark)
	if err := marked.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Error(err)
	}
}
