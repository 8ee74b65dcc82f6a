//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"golang.org/x/term"
	"golang.org/x/text/width"

	"github.com/winrmctl/winrmctl/internal/sandbox"
)

// person sits at a terminal that winrmctl runs on.
type person struct {
	t        testing.TB
	keyboard *os.File // the terminal's other end
	terminal *os.File // as winrmctl has it
	cmd      *exec.Cmd
	before   *term.State
	ended    chan struct{}

	mu     sync.Mutex
	raw    bytes.Buffer // all that was written
	screen vt10x.Terminal
	change chan struct{} // closed and replaced when something was written
}

// second is the right half of a wide character, of which the emulator knows nothing.
const second = '\uE000'

// sit starts winrmctl on a terminal of 80 by 24.
func sit(t testing.TB, home string, args ...string) *person {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return sitAt(t, home, self, append([]string{"winrmctl"}, args...)...)
}

// sitAt starts another program on such a terminal.
func sitAt(t testing.TB, home, program string, args ...string) *person {
	t.Helper()
	keyboard, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, keyboard: keyboard, terminal: terminal, ended: make(chan struct{}), screen: vt10x.New(vt10x.WithSize(80, 24)), change: make(chan struct{})}
	t.Cleanup(func() { _ = keyboard.Close(); _ = terminal.Close() })
	p.resize(80, 24)
	if p.before, err = term.GetState(int(terminal.Fd())); err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(program)
	p.cmd.Args = args
	p.cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TERM=xterm", "XDG_CONFIG_HOME=" + filepath.Join(home, "config")}
	if secret := filepath.Join(home, "password"); fileExists(secret) {
		p.cmd.Env = append(p.cmd.Env, "WINRMCTL_PASSWORD_FILE="+secret)
	}
	p.cmd.Dir = home
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = terminal, terminal, terminal
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.watch()
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.ended })
	return p
}

func (p *person) resize(columns, rows uint16) {
	if err := pty.Setsize(p.terminal, &pty.Winsize{Cols: columns, Rows: rows}); err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.screen.Resize(int(columns), int(rows))
}

func (p *person) watch() {
	buffer, held := make([]byte, 4096), []byte(nil)
	for {
		n, err := p.keyboard.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.raw.Write(buffer[:n])
		var cells bytes.Buffer
		text := append(held, buffer[:n]...)
		end := len(text)
		for start := end - 1; start >= max(0, end-utf8.UTFMax); start-- {
			if utf8.RuneStart(text[start]) {
				if !utf8.FullRune(text[start:]) {
					end = start
				}
				break
			}
		}
		held = bytes.Clone(text[end:])
		for _, r := range string(text[:end]) {
			cells.WriteRune(r)
			if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
				cells.WriteRune(second)
			}
		}
		_, _ = p.screen.Write(cells.Bytes())
		close(p.change)
		p.change = make(chan struct{})
		p.mu.Unlock()
	}
}

// types presses keys.
func (p *person) types(keys string) {
	p.t.Helper()
	if _, err := io.WriteString(p.keyboard, keys); err != nil {
		p.t.Fatal(err)
	}
}

// does types a line.
func (p *person) does(line string) { p.types(line + "\r") }

// seen is what stands on the screen up to the cursor, and behind it, without spaces at the ends of lines.
func (p *person) seen() (before, behind string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	cursor := p.screen.Cursor()
	plain := func(line []rune) string { return strings.ReplaceAll(string(line), string(second), "") }
	for y, line := range strings.Split(p.screen.String(), "\n") {
		cells := []rune(line)
		switch {
		case y < cursor.Y:
			before += strings.TrimRight(plain(cells), " ") + "\n"
		case y == cursor.Y:
			before += plain(cells[:cursor.X])
			behind = plain(cells[cursor.X:])
		default:
			behind += "\n" + plain(cells)
		}
	}
	return before, strings.TrimRight(behind, " \n")
}

func (p *person) written() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.raw.String()
}

const soon = 20 * time.Second

// waits waits until something is so.
func (p *person) waits(what string, so func() bool) {
	p.t.Helper()
	late := time.After(soon)
	for {
		p.mu.Lock()
		change := p.change
		p.mu.Unlock()
		if so() {
			return
		}
		select {
		case <-change:
		case <-late:
			before, behind := p.seen()
			p.t.Fatalf("%s does not come:\n%s|%s", what, before, behind)
		}
	}
}

// sees waits until the screen ends with a text, the cursor behind it.
func (p *person) sees(end string) {
	p.t.Helper()
	p.waits("\""+end+"\"", func() bool {
		before, behind := p.seen()
		return strings.HasSuffix(before, end) && behind == ""
	})
}

// hears waits until something was written.
func (p *person) hears(text string) {
	p.t.Helper()
	p.waits("\""+text+"\"", func() bool { return strings.Contains(p.written(), text) })
}

// leaves waits for the end, which gives back the terminal as it was, and returns the exit code.
func (p *person) leaves() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(soon):
		text, _ := p.seen()
		p.t.Fatalf("winrmctl does not end:\n%s", text)
	}
	after, err := term.GetState(int(p.terminal.Fd()))
	if err != nil {
		p.t.Fatal(err)
	}
	if *after != *p.before {
		p.t.Errorf("the terminal is not as it was: %+v, before %+v", after, p.before)
	}
	p.waits("the end of bracketed paste", func() bool {
		return strings.LastIndex(p.written(), "\x1b[?2004h") <= strings.LastIndex(p.written(), "\x1b[?2004l")
	})
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// terminalServer is a server with the password where sit looks for it.
func terminalServer(t testing.TB, o sandbox.Options) (s *sandbox.Server, home string) {
	t.Helper()
	home = t.TempDir()
	o.User = "bob"
	s, err := sandbox.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := errors.Join(
		os.WriteFile(filepath.Join(home, "password"), []byte(s.Password()), 0o600),
		os.WriteFile(filepath.Join(home, "profile"), nil, 0o600),
	); err != nil {
		t.Fatal(err)
	}
	return s, home
}
