package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/recorded"
)

// testApp is an app with streams of its own, and no configuration.
func testApp(t *testing.T, stdin string) (a *app, stdout, stderr *bytes.Buffer) {
	t.Helper()
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	dir := t.TempDir()
	return &app{
		stdin: strings.NewReader(stdin), stdout: stdout, stderr: stderr,
		environment: config.Environment{
			Lookup:    func(string) (string, bool) { return "", false },
			ConfigDir: func() (string, error) { return dir, nil }, HomeDir: func() (string, error) { return dir, nil },
		},
	}, stdout, stderr
}

// replayServer starts the recorded hosts' answers on a port, and returns the port.
func replayServer(t *testing.T, scenario, login string) string {
	t.Helper()
	dir := filepath.Join(recorded.Dir(t), "replay")
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	cmd := exec.Command(python, filepath.Join(dir, "replay.py"), "--port", "0", "--auth", login, "--scenario", filepath.Join(dir, "scenarios", scenario+".json"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`^ready 127\.0\.0\.1:(\d+) `).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("the replay server says %q", line)
	}
	return m[1]
}

// findings is what the replay server found wrong with its client.
type findings struct {
	Problems []string
	Requests []struct {
		Action, CommandID string
		Options           map[string]string
		CommandLine       []string `json:"command_line"`
		NTLM              struct{ MIC string }
	}
	Stdin map[string]string
}

func readReport(t *testing.T, port string) findings {
	t.Helper()
	response, err := http.Get("http://127.0.0.1:" + port + "/__report")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var r findings
	if err := json.NewDecoder(response.Body).Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReplay runs commands on what recorded Windows hosts answered, with NTLM and sealing, and has the server report what
// a host would mind.
func TestReplay(t *testing.T) {
	for _, tc := range []struct {
		scenario       string
		args           []string
		stdin          string
		stdout, stderr string
		code           int
	}{
		{"a1-run-stdout-stderr-exit1", []string{"cmd.exe /c echo out && echo err>&2 && exit 1"}, "", "out \r\n", "err \r\n", 1},
		{"a4-run-japanese-codepage-65001", []string{"powershell", "Write-Host", "こんにちは"}, "", "こんにちは\n", "", 0},
		{"a7-stdin-powershell", []string{"-i", "powershell.exe -"}, "\"output 1\"\n\"output 2\"\nexit\n", "output 1\noutput 2\n", "", 0},
		{"b1-operation-timeout-then-output", []string{"slow"}, "", "hi\nhi again\n", "", 0},
		{"c3-empty-and-stateless-receives", []string{"odd"}, "", "partial hi\r\n", "", 0},
		{"d3-exit-code-3221225786", []string{"interrupted"}, "", "out \r\n", "err \r\n", 3221225786 & 0xff},
		{"e2-invalid-shell-on-command", []string{"x"}, "", "", "winrmctl: start the command: The WS-Management service cannot process the request because the request contained invalid selectors for the resource. (code 2150858843)\n", 76},
		{"e4-quota-shells-wmierror-on-create", []string{"x"}, "", "", "winrmctl: create the shell: The WS-Management service cannot process the request. This user is allowed a maximum number of 30 concurrent shells, which has been exceeded. Close existing shells or raise the quota for this user. (code 2150859173)\nhint: too many shells or operations on the target: end some, or raise the quota (winrm get winrm/config/winrs)\n", 76},
		{"e6-file-not-found-no-cmd-shell", []string{"--direct", "powershell.exe", "Write-Host", "hi"}, "", "", "winrmctl: start the command: The system cannot find the file specified. (code 2147942402)\nhint: without cmd.exe (--direct) the program has to be named with its full path or be found in PATH\n", 76},
		{"i1-ansible-session", []string{"-i", "PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -"}, strings.Repeat("# a script of 34 kB\n", 1700), "{\"changed\":false,\"ping\":\"pong\"}\r\n", "", 0},
	} {
		t.Run(tc.scenario, func(t *testing.T) {
			port := replayServer(t, tc.scenario, "ntlm")
			password := filepath.Join(t.TempDir(), "password")
			if err := os.WriteFile(password, []byte("pass\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			a, stdout, stderr := testApp(t, tc.stdin)
			args := []string{"exec", "-u", "user", "--password-file", password}
			for len(tc.args) > 0 && strings.HasPrefix(tc.args[0], "-") {
				args, tc.args = append(args, tc.args[0]), tc.args[1:]
			}
			status := a.run(t.Context(), append(append(args, "127.0.0.1:"+port), tc.args...))
			if stdout.String() != tc.stdout || stderr.String() != tc.stderr || status.code != tc.code {
				t.Errorf("exit %d\nstdout %q\nstderr %q", status.code, stdout, stderr)
			}
			r := readReport(t, port)
			if len(r.Problems) > 0 {
				t.Errorf("problems: %q", r.Problems)
			}
			mic := ""
			for _, q := range r.Requests {
				mic += q.NTLM.MIC
			}
			if !strings.HasPrefix(mic, "verified") {
				t.Errorf("MIC %q", mic)
			}
			if tc.stdin != "" {
				n := 0
				for _, in := range r.Stdin {
					n += len(in)
				}
				if n < len(tc.stdin) {
					t.Errorf("stdin: %d bytes of base64 arrived: %s", n, fmt.Sprint(r.Stdin))
				}
			}
		})
	}
}

// TestReplayBasic: a login by Basic, in clear and only because that is asked for.
func TestReplayBasic(t *testing.T) {
	port := replayServer(t, "a1-run-stdout-stderr-exit1", "basic")
	a, stdout, stderr := testApp(t, "pass\n")
	status := a.run(t.Context(), []string{"exec", "--auth", "basic", "--encryption", "never", "-u", "user", "--password-stdin", "127.0.0.1:" + port, "x"})
	if stdout.String() != "out \r\n" || stderr.String() != "err \r\n" || status.code != 1 {
		t.Errorf("exit %d\nstdout %q\nstderr %q", status.code, stdout, stderr)
	}
	if r := readReport(t, port); len(r.Problems) > 0 {
		t.Errorf("problems: %q", r.Problems)
	}
	a, _, stderr = testApp(t, "pass\n")
	if status := a.run(t.Context(), []string{"exec", "--auth", "basic", "-u", "user", "--password-stdin", "127.0.0.1:" + port, "x"}); status.code != 77 || !strings.Contains(stderr.String(), "Basic would send the password in clear") {
		t.Errorf("exit %d\nstderr %q", status.code, stderr)
	}
}

// TestReplayProbe: probe-auth logs in to recorded hosts, and takes no harm from what they have no answer to.
func TestReplayProbe(t *testing.T) {
	for _, tc := range []struct {
		scenario, auth string
		flags          []string
		ok             []string // steps
	}{
		{"g1-identify-authenticated", "ntlm", nil, []string{"identify", "offers", "challenge", "clock", "login", "spnego"}},
		{"g1-identify-authenticated", "basic", []string{"--auth", "basic", "--encryption", "never"}, []string{"identify", "offers", "login"}},
		// No Identify is recorded here: that a shell can be created tells that the login is right.
		{"a1-run-stdout-stderr-exit1", "ntlm", nil, []string{"offers", "challenge", "clock", "shell"}},
		{"a1-run-stdout-stderr-exit1", "basic", []string{"--auth", "basic", "--encryption", "never"}, []string{"offers", "shell"}},
	} {
		t.Run(tc.scenario+" "+tc.auth, func(t *testing.T) {
			port := replayServer(t, tc.scenario, tc.auth)
			a, stdout, stderr := testApp(t, "pass\n")
			args := append([]string{"probe-auth", "-u", "user", "--password-stdin"}, tc.flags...)
			if status := a.run(t.Context(), append(args, "127.0.0.1:"+port)); status.code != 0 || stderr.Len() > 0 {
				t.Errorf("exit %d\n%s", status.code, stderr)
			}
			for _, step := range tc.ok {
				if !strings.Contains(stdout.String(), "\n  ok       "+step+" ") {
					t.Errorf("no %s:\n%s", step, stdout)
				}
			}
			if strings.Contains(stdout.String(), "challenge-unusable") {
				t.Error(stdout)
			}
			for _, problem := range readReport(t, port).Problems {
				if !strings.Contains(fmt.Sprint(problem), "no recorded answer is left") {
					t.Error(problem)
				}
			}
			a, stdout, _ = testApp(t, "wrong\n")
			if status := a.run(t.Context(), append(args, "127.0.0.1:"+port)); status.code != 77 || !strings.Contains(stdout.String(), "\ncredentials (a guess): ") {
				t.Errorf("a wrong password: exit %d\n%s", status.code, stdout)
			}
		})
	}
}
