//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/sandbox"
)

// echoing are programs that write what they read, as cmd.exe and PowerShell do where stdin is no console: prompt, line,
// output, prompt. They write in pieces of a few bytes, and answer the questions of completion.
type echoing struct{ piece int }

func (e echoing) Start(s sandbox.Spec) (sandbox.Program, error) {
	p := &echoProgram{echoing: e, spec: s, code: make(chan uint32, 1)}
	go func() { p.code <- p.run() }()
	return p, nil
}

type echoProgram struct {
	echoing
	spec sandbox.Spec
	code chan uint32
}

func (*echoProgram) Signal(sandbox.Signal) {}
func (p *echoProgram) Wait() uint32        { return <-p.code }

func (p *echoProgram) say(text string) {
	for text != "" {
		n := min(p.piece, len(text))
		_, _ = io.WriteString(p.spec.Stdout, text[:n])
		text = text[n:]
	}
}

func (p *echoProgram) run() uint32 {
	prompt := `C:\work>`
	switch line := p.spec.Line; {
	case strings.HasPrefix(line, "cd /d "):
		if strings.Contains(line, `"pro`) {
			p.say("Program Files\r\nprojects\r\n:\r\nprompt notes.txt\r\n:\r\n")
		} else if strings.Contains(line, `"te`) && strings.Contains(line, "where") {
			p.say(":\r\n:\r\nC:\\windows\\system32\\telnet.exe\r\n")
		} else if strings.Contains(line, `"never*"`) {
			time.Sleep(time.Hour)
		}
		return 0
	case strings.HasPrefix(line, "powershell"):
		prompt = `PS C:\work> `
	default:
		p.say("Microsoft Windows [Version 10.0.20348.587]\r\n\r\n")
	}
	p.say(prompt)
	lines := bufio.NewReader(p.spec.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return 0
		}
		p.say(line)
		words := strings.Fields(line)
		if len(words) == 0 {
			words = []string{""}
		}
		switch rest := strings.Join(words[1:], " "); words[0] {
		case "echo":
			p.say(rest + "\r\n")
		case "ask":
			p.say("Name: ")
			name, _ := lines.ReadString('\n')
			p.say(name)
		case "pause":
			p.say("Press any key to continue . . . ")
			key, _ := lines.ReadByte()
			p.say(fmt.Sprintf("\r\n%q\r\n", key))
		case "cls":
			p.say("\f")
		case "exit":
			return 7
		}
		p.say("\r\n" + prompt)
	}
}

// TestShellEcho: what was typed stands there once, and nothing else is taken for it.
func TestShellEcho(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ flag, prompt string }{{"--code-page=65001", `C:\work>`}, {"-P", `PS C:\work> `}} {
		for _, piece := range []int{1, 3, 1000} {
			t.Run(fmt.Sprint(tc.flag, piece), func(t *testing.T) {
				t.Parallel()
				s, home := terminalServer(t, sandbox.Options{Programs: echoing{piece}})
				p := sit(t, home, "shell", "-u", "bob", tc.flag, s.URL())
				p.sees(tc.prompt)
				p.does("cls")
				p.sees(tc.prompt)
				p.waits("an empty screen", func() bool { before, _ := p.seen(); return strings.TrimSpace(before) == strings.TrimSpace(tc.prompt) })
				p.does("echo one")
				p.sees(tc.prompt + "echo one\none\n\n" + tc.prompt)
				p.does("echo echo 日本")
				p.sees(tc.prompt + "echo echo 日本\necho 日本\n\n" + tc.prompt)
				p.does("ask")
				p.sees("ask\nName: ")
				p.does("Bob")
				p.sees("ask\nName: Bob\nBob\n\n" + tc.prompt)
				p.does("pause")
				p.sees("continue . . . ")
				p.types("x")
				p.sees("continue . . .\n'x'\n\n" + tc.prompt)
				p.types("\x1b[200~echo 1\recho 2\recho 3\rech\x1b[201~o 4")
				p.sees(tc.prompt + "echo 1\n1\n\n" + tc.prompt + "echo 2\n2\n\n" + tc.prompt + "echo 3\n3\n\n" + tc.prompt + "echo 4")
				p.types("\x03exit\r")
				if code := p.leaves(); code != 7 {
					t.Errorf("exit code %d", code)
				}
			})
		}
	}
}

// TestShellCompletion: paths, programs and what was used before.
func TestShellCompletion(t *testing.T) {
	t.Parallel()
	s, home := terminalServer(t, sandbox.Options{Programs: echoing{1000}})
	p := sit(t, home, "shell", "-u", "bob", s.URL())
	prompt := `C:\work>`
	p.sees(prompt)
	p.does("telemetry on")
	p.sees("telemetry on\n\n" + prompt)
	p.types("type proj\t")
	p.sees(prompt + `type projects\`)
	p.types("\x15type pro\t\t")
	p.waits("the choice", func() bool {
		_, behind := p.seen()
		return strings.Contains(behind, `rogram Files\`) && strings.Contains(behind, `projects\`) && strings.Contains(behind, "prompt notes.txt")
	})
	p.types("\x03")
	p.sees("type pro^C\n" + prompt)
	p.types("type prom\t")
	p.sees(prompt + `type "prompt notes.txt"`)
	p.types("\x15te\t\t")
	p.waits("the choice", func() bool {
		_, behind := p.seen()
		return strings.Contains(behind, "telemetry") && strings.Contains(behind, "telnet")
	})
	p.types("\x03")
	p.sees("^C\n" + prompt)
	p.types("type never\t\x03") // who asks in vain can go on
	p.sees("type never^C\n" + prompt)
	p.does("echo here")
	p.sees("here\n\n" + prompt)
	if n := s.Stats().Shells; n > 2 {
		t.Errorf("%d shells", n)
	}
	p.does("exit")
	p.leaves()
	if n := s.Stats().Shells; n != 0 {
		t.Errorf("%d shells are left", n)
	}
}

// TestShellEscapes: what winrmctl does by itself.
func TestShellEscapes(t *testing.T) {
	t.Parallel()
	p, prompt := worker(t, sandbox.Options{})
	p.types("~?")
	p.sees("~?  this help; escapes stand at the beginning of a line\n" + prompt)
	p.does("~!printf here; read x; echo \"got $x\"")
	p.sees("\nhere")
	p.does("it")
	p.sees("got it\n" + prompt)
	p.does("~~-x")
	p.sees("~-x: not found\n" + prompt)
	p.types("\x1b[200~~.\x1b[201~x\r")
	p.sees("~.x: not found\n" + prompt)
	p.types("echo ~.")
	p.sees("echo ~.")
	p.types("\x15~tn\r")
	p.sees("[y/N] n\n" + prompt)
	p.types("~ty\r")
	p.sees("winrmctl: interrupted\n")
	if code := p.leaves(); code != 130 {
		t.Errorf("exit code %d", code)
	}

	// Leaving does not wait for a program that does not mind the end of its input.
	s, home := terminalServer(t, sandbox.Options{})
	p = sit(t, home, "shell", "-u", "bob", s.URL(), "--", "echo begun; sleep 600")
	p.sees("begun\n")
	p.types("~.")
	if code := p.leaves(); code != 0 || s.Stats().Shells != 0 {
		t.Errorf("exit code %d, %d shells are left", code, s.Stats().Shells)
	}
}

// TestShellLog: a transcript.
func TestShellLog(t *testing.T) {
	t.Parallel()
	s, home := terminalServer(t, sandbox.Options{Programs: echoing{2}})
	log := filepath.Join(home, "log")
	for _, flags := range [][]string{{"--log", log, "--log-input"}, {"--log", log}} {
		p := sit(t, home, append(append([]string{"shell", "-u", "bob"}, flags...), s.URL())...)
		p.sees(`C:\work>`)
		p.does("echo one")
		p.sees("one\n\n" + `C:\work>`)
		p.does("exit")
		p.leaves()
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z `).ReplaceAllString(string(b), "")
	session := "< Microsoft Windows [Version 10.0.20348.587]\n< \n< C:\\work>\n> echo one\n< one\n< \n< C:\\work>\n> exit\n"
	if want := session + regexp.MustCompile(`(?m)^>.*\n`).ReplaceAllString(session, ""); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	info, err := os.Stat(log)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.Chmod(log, 0o644); err != nil {
		t.Fatal(err)
	}
	p := sit(t, home, "shell", "-u", "bob", "--log", log, s.URL())
	if code := p.leaves(); code != 64 {
		t.Errorf("exit code %d", code)
	}
	p.hears("others can read it")
}

// TestShellVerbose: what -v tells stands above the line that is edited.
func TestShellVerbose(t *testing.T) {
	t.Parallel()
	s, home := terminalServer(t, sandbox.Options{Programs: echoing{1000}})
	p := sit(t, home, "shell", "-v", "-u", "bob", s.URL())
	p.sees(`C:\work>`)
	p.types("type proj\t")
	p.sees(`C:\work>type projects\`)
	p.hears("login with Create, sealed: 200 OK, sealed")
	p.does("\x15echo on")
	p.hears("Send, sealed: 200 OK, sealed")
	p.waits("the answer", func() bool {
		before, _ := p.seen()
		return strings.Contains(before, "\non\n") && strings.HasSuffix(before, `C:\work>`)
	})
	p.does("exit")
	if code := p.leaves(); code != 7 {
		t.Errorf("exit code %d", code)
	}
}
