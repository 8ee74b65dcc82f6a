// Command record makes docs/shell.svg: a session of winrmctl on the cmd.exe of wine, as it runs.
//
//	go run ./docs/record -o docs/shell.svg
//
// It starts winrmctl sandbox, types what stands in session, and draws what a terminal shows. Nothing of the picture is
// written by hand.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

const columns, rows = 76, 24

// A step is something to type, slowly as people do, and what has to stand on the screen afterwards.
type step struct{ keys, until string }

// session is what is recorded. A Tab, Ctrl-C and the like stand as what they send.
var session = []step{
	{"", "$ "},
	{"winrmctl shell web1\r", `C:\>`},
	{"ver\r", "6.1.7601\n\nC:\\>"},
	{"cd win", "win"}, {"\t", `cd windows\`}, {"\r", `C:\windows>`},
	{"dir /b *.ini\r", "win.ini\n\nC:\\windows>"},
	{"set /p who=Who? \r", "Who? "}, {"Bob\r", `C:\windows>`},
	{"ec", "ec"}, {"\x12hello", "hello"}, {"\x03", `C:\windows>`},
	{"echo hello %who%\r", "hello Bob\n\nC:\\windows>"},
	{"~", "~"}, {"?", "of a line\nC:\\windows>"},
	{"exit 7\r", "$ "},
	{"echo $?\r", "7\n$ "},
}

func main() {
	out := flag.String("o", "", "`FILE` to write")
	flag.Parse()
	if err := record(*out); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func record(out string) error {
	if out == "" {
		return errors.New("-o FILE is missing")
	}
	home, err := os.MkdirTemp("", "record")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	binary := filepath.Join(home, "winrmctl")
	if b, err := exec.Command("go", "build", "-o", binary, "./cmd/winrmctl").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, b)
	}
	server, err := serve(home, binary)
	if err != nil {
		return err
	}
	defer func() {
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Wait()
	}()
	frames, err := play(home)
	if err != nil {
		return err
	}
	return os.WriteFile(out, draw(frames), 0o644)
}

// serve starts the server, and a profile that leads to it.
func serve(home, binary string) (*exec.Cmd, error) {
	cmd := exec.Command(binary, "sandbox", "--programs", "wine", "-o", "json")
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var at struct{ URL, User, Password string }
	if err := json.NewDecoder(stdout).Decode(&at); err != nil {
		return nil, fmt.Errorf("the server says nothing: %w", err)
	}
	dir := filepath.Join(home, "config", "winrmctl")
	config := fmt.Sprintf("profiles:\n  web1: {url: '%s', username: %s, password_file: %s, cwd: 'C:\\'}\n", at.URL, at.User, filepath.Join(home, "password"))
	return cmd, errors.Join(
		os.MkdirAll(dir, 0o700),
		os.WriteFile(filepath.Join(home, "password"), []byte(at.Password), 0o600),
		os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(config), 0o600),
		os.MkdirAll(filepath.Join(home, ".local/state/winrmctl/history"), 0o700),
		os.WriteFile(filepath.Join(home, ".local/state/winrmctl/history/web1"), []byte("echo hello %who%\n"), 0o600),
	)
}

// screen is a terminal's.
type screen struct {
	mu sync.Mutex
	vt vt10x.Terminal
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.vt.Write(b)
}

// text is what stands on it, up to the cursor.
func (s *screen) text() string {
	f := s.frame()
	var b strings.Builder
	for y := 0; y <= f.y; y++ {
		line := strings.TrimRight(string(f.runes(y)), " ")
		if y == f.y {
			line = string(f.runes(y)[:f.x])
		}
		b.WriteString(line + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// frame is a picture of it.
func (s *screen) frame() frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := frame{x: s.vt.Cursor().X, y: s.vt.Cursor().Y}
	for y := range rows {
		for x := range columns {
			f.cells[y][x] = s.vt.Cell(x, y)
		}
	}
	return f
}

// play runs the session and returns a picture of each change that a person would notice.
func play(home string) ([]frame, error) {
	cmd := exec.Command("bash", "--norc", "--noprofile")
	cmd.Env = []string{"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "PATH=" + home + ":" + os.Getenv("PATH"), "PS1=$ ", "TERM=xterm"}
	cmd.Dir = home
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: columns, Rows: rows})
	if err != nil {
		return nil, err
	}
	defer terminal.Close()
	s := &screen{vt: vt10x.New(vt10x.WithSize(columns, rows))}
	go func() { _, _ = io.Copy(s, terminal) }()
	var frames []frame
	for _, step := range session {
		for _, key := range step.keys {
			if _, err := terminal.WriteString(string(key)); err != nil {
				return nil, err
			}
			time.Sleep(60 * time.Millisecond)
			f := s.frame()
			f.seconds = 0.08
			frames = append(frames, f)
		}
		for late := time.Now().Add(30 * time.Second); !strings.HasSuffix(s.text(), step.until) && !strings.Contains(step.keys, "\x12"); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(late) {
				return nil, fmt.Errorf("%q does not come:\n%s", step.until, s.text())
			}
		}
		time.Sleep(200 * time.Millisecond)
		f := s.frame()
		f.seconds = 1.2
		frames = append(frames, f)
	}
	frames[len(frames)-1].seconds = 5
	return frames, cmd.Process.Kill()
}
