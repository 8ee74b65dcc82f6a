//go:build unix

package config

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPasswordCommand(t *testing.T) {
	dir := t.TempDir()
	c := mustLoad(t, "", nil)
	tests := []struct {
		name, command, want, err, stderr string
	}{
		{name: "a line", command: "echo pw", want: "pw"},
		{name: "no newline", command: "printf 'p w'", want: "p w"},
		{name: "carriage return", command: `printf 'pw\r\n'`, want: "pw"},
		{name: "first line of several", command: `printf 'pw\nurl: x\nuser: y\n'`, want: "pw"},
		{name: "much more", command: "echo pw; head -c 1000000 /dev/zero", want: "pw"},
		{name: "shell", command: "x=a; echo $x | tr a b", want: "b"},
		{name: "no input", command: "cat; echo end", want: "end"},
		{name: "a helper stays", command: "sleep 5 & echo pw", want: "pw"},
		{name: "stderr", command: "echo unlock me >&2; echo pw", want: "pw", stderr: "unlock me\n"},
		{name: "fails", command: "echo hunter2; exit 3", err: "exit status 3"},
		{name: "unknown", command: "exec /nonexistent/pass 2>/dev/null", err: "exit status 127"},
		{name: "empty", command: "true", err: "the password is empty"},
		{name: "empty line", command: `printf '\nhunter2\n'`, err: "the password is empty"},
		{name: "long", command: "head -c 70000 /dev/zero | tr '\\0' x", err: "the password is longer than 64 KiB"},
		{name: "binary", command: `printf 'hunter2\377\n'`, err: "the password is not UTF-8 text"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			target := mustResolve(t, c, "bob@h", map[string]string{"password_command": test.command})
			got, err := target.Password(t.Context(), &Secrets{Stderr: &stderr, Stdin: strings.NewReader("not for it")})
			if test.err == "" && (err != nil || got != test.want) {
				t.Errorf("%q %v, want %q", got, err, test.want)
			}
			want := "--password-command: " + show(test.command) + ": " + test.err
			if test.err != "" && (err == nil || err.Error() != want || got != "") {
				t.Errorf("%q %v, want %s", got, err, want)
			}
			if stderr.String() != test.stderr {
				t.Errorf("stderr %q, want %q", stderr.String(), test.stderr)
			}
		})
	}

	// One command runs once, for all who name it.
	count := filepath.Join(dir, "count")
	s := &Secrets{}
	for _, name := range []string{"bob@a", "bob@b", "eve@c"} {
		target := mustResolve(t, c, name, map[string]string{"password_command": "echo x >> " + count + "; echo pw"})
		if got, err := target.Password(t.Context(), s); got != "pw" {
			t.Errorf("%q %v", got, err)
		}
	}
	if data, err := os.ReadFile(count); string(data) != "x\n" {
		t.Errorf("ran %q %v", data, err)
	}
}

func TestPasswordCommandStops(t *testing.T) {
	target := mustResolve(t, mustLoad(t, "", nil), "bob@h", map[string]string{"password_command": "echo hunter2; exec sleep 60"})
	_, err := target.Password(t.Context(), &Secrets{patient: 20 * time.Millisecond})
	if want := `--password-command: "echo hunter2; exec sleep 60": no answer within 20ms`; err == nil || err.Error() != want {
		t.Errorf("slow: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	s := &Secrets{Stderr: writer(func() { cancel(context.Canceled) })}
	target = mustResolve(t, mustLoad(t, "", nil), "bob@h", map[string]string{"password_command": "echo ready >&2; exec sleep 60"})
	if _, err := target.Password(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

type writer func()

func (w writer) Write(p []byte) (int, error) { w(); return len(p), nil }

func TestPasswordInASharedFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	withPassword := "profiles:\n  a:\n    host: h\n    password: hunter2\n"
	tests := []struct {
		mode    os.FileMode
		content string
		owner   int
		err     string
	}{
		{mode: 0o600, content: withPassword},
		{mode: 0o400, content: withPassword},
		{mode: 0o644, content: withPassword, err: "a password in a file that others can use: config.yaml has mode 0644"},
		{mode: 0o640, content: withPassword, err: "a password in a file that others can use: config.yaml has mode 0640"},
		{mode: 0o602, content: withPassword, err: "a password in a file that others can use: config.yaml has mode 0602"},
		{mode: 0o666, content: "profiles: {a: {host: h, password_command: pass}}"},
		{mode: 0o600, content: withPassword, owner: 12345, err: "a password in a file of someone else: config.yaml belongs to user 12345"},
	}
	for _, test := range tests {
		os.Remove(file)
		write(t, file, test.content)
		if err := os.Chmod(file, test.mode); err != nil {
			t.Fatal(err)
		}
		if test.owner != 0 {
			if os.Chown(file, test.owner, -1) != nil {
				t.Log("only root can give a file away: not tried")
				continue
			}
		}
		_, err := Load(file, around(dir, nil))
		want, cure := file+":4: profiles.a.password: "+test.err, "chmod 600 "+file+", or use password_command"
		if test.owner != 0 {
			cure = "use a file of your own, or password_command"
		}
		switch {
		case test.err == "" && err != nil:
			t.Errorf("%v: %v", test.mode, err)
		case test.err != "" && (err == nil || err.Error() != want || hint(err) != cure):
			t.Errorf("%v: %v | %s\nwant %s", test.mode, err, hint(err), want)
		}
	}
}

func TestInitIsPrivate(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a", "b", "config.yaml")
	if err := Init(file); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700, filepath.Join(dir, "a"): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
}
