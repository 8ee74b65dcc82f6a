package config

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// The sources of a password are over each other, and each is only for the account it belongs to.
func TestPasswordSource(t *testing.T) {
	dir := t.TempDir()
	flagFile := write(t, filepath.Join(dir, "flag"), "from flag\n")
	write(t, filepath.Join(dir, "file"), "from file\r\n")
	ops := "credentials: {ops: {username: svc, password_file: file}, nameless: {password_env: CRED}}\n"
	tests := []struct {
		name, file, target string
		over, vars         map[string]string
		want, from         string // from is the key
	}{
		{name: "prompt", target: "bob@h", want: "typed for bob on h"},
		{name: "stdin", target: "bob@h", over: map[string]string{"password_stdin": "true"}, vars: map[string]string{"WINRMCTL_PASSWORD": "env"}, want: "from stdin", from: "flag --password-stdin"},
		{name: "stdin off", target: "bob@h", over: map[string]string{"password_stdin": "false"}, vars: map[string]string{"WINRMCTL_PASSWORD": "env"}, want: "env"},
		{name: "file by flag", target: "bob@h", over: map[string]string{"password_file": flagFile}, vars: map[string]string{"WINRMCTL_PASSWORD": "env"}, want: "from flag"},
		{name: "environment", target: "bob@h", vars: map[string]string{"WINRMCTL_PASSWORD": " env "}, want: " env "},
		{name: "environment's file", target: "bob@h", vars: map[string]string{"WINRMCTL_PASSWORD_FILE": flagFile}, want: "from flag"},
		{name: "environment's variable", target: "bob@h", vars: map[string]string{"WINRMCTL_PASSWORD_ENV": "PW", "PW": "pw"}, want: "pw"},
		{name: "environment over profile", file: "profiles: {a: {host: h, username: bob, password_env: PW}}", target: "a", vars: map[string]string{"WINRMCTL_PASSWORD": "env", "PW": "pw"}, want: "env"},
		{name: "environment for the user by flag", target: "h", over: map[string]string{"username": "eve"}, vars: map[string]string{"WINRMCTL_PASSWORD": "env"}, want: "env"},
		{name: "environment for its own user only", target: "eve@h", vars: map[string]string{"WINRMCTL_PASSWORD": "env", "WINRMCTL_USERNAME": "bob"}, want: "typed for eve on h"},
		{name: "profile", file: "profiles: {a: {host: h, username: bob, password: 0123}}", target: "a", want: "0123"},
		{name: "profile over its credential", file: ops + "profiles: {a: {host: h, credential: ops, password_env: PW}}", target: "a", vars: map[string]string{"PW": "pw"}, want: "pw"},
		{name: "credential", file: ops + "profiles: {a: {host: h, credential: ops}}", target: "a", want: "from file"},
		{name: "credential, case of the account", file: ops + "profiles: {a: {host: h, credential: ops}}", target: "SVC@a", want: "from file"},
		{name: "credential over defaults", file: ops + "defaults: {username: bob, password: d}\nprofiles: {a: {host: h, credential: ops}}", target: "a", want: "from file"},
		{name: "credential of defaults", file: ops + "defaults: {credential: ops}\nprofiles: {a: {host: h}}", target: "a", want: "from file"},
		{name: "credential taken away", file: ops + "defaults: {credential: ops, username: x, password: d}\nprofiles: {a: {host: h, credential: ''}}", target: "a", want: "d"},
		{name: "credential by variable", file: ops, target: "h", vars: map[string]string{"WINRMCTL_CREDENTIAL": "ops"}, want: "from file"},
		{name: "credential without a user", file: ops + "profiles: {a: {host: h, username: bob, credential: nameless}}", target: "a", vars: map[string]string{"CRED": "cred"}, want: "cred"},
		{name: "credential of another account", file: ops + "profiles: {a: {host: h, credential: ops}}", target: "a", over: map[string]string{"username": "eve"}, want: "typed for eve on a"},
		{name: "another account by variable", file: ops + "profiles: {a: {host: h, credential: ops}}", target: "a", vars: map[string]string{"WINRMCTL_USERNAME": "eve"}, want: "typed for eve on a"},
		{name: "another account in the profile", file: ops + "profiles: {a: {host: h, credential: ops, username: eve}}", target: "a", want: "typed for eve on a"},
		{name: "the profile's for the credential's account", file: ops + "profiles: {a: {host: h, credential: ops, password: own}}", target: "eve@a", want: "typed for eve on a"},
		{name: "the profile's for the account of defaults", file: "defaults: {username: bob}\nprofiles: {a: {host: h, password: own}}", target: "eve@a", want: "typed for eve on a"},
		{name: "the profile's for any", file: "profiles: {a: {host: h, password: own}}", target: "eve@a", want: "own"},
		{name: "past one of another account", file: ops + "defaults: {username: eve, password: d}\nprofiles: {a: {host: h, credential: ops, username: eve}}", target: "a", want: "d"},
		{name: "defaults", file: "defaults: {username: bob, password_env: PW}", target: "h", vars: map[string]string{"PW": "pw"}, want: "pw"},
		{name: "defaults for another", file: "defaults: {username: bob, password_env: PW}", target: "eve@h", vars: map[string]string{"PW": "pw"}, want: "typed for eve on h"},
		{name: "flag for any", file: ops + "profiles: {a: {host: h, credential: ops}}", target: "a", over: map[string]string{"username": "eve", "password_file": flagFile}, want: "from flag"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := Load(write(t, filepath.Join(dir, "config.yaml"), test.file), around(dir, test.vars))
			if err != nil {
				t.Fatal(err)
			}
			s := &Secrets{Stdin: strings.NewReader("from stdin\r\nrest"), Prompt: func(_ context.Context, prompt string) (string, error) {
				return "typed for " + strings.TrimSuffix(strings.TrimPrefix(prompt, "Password for "), ": "), nil
			}}
			target := mustResolve(t, c, test.target, test.over)
			got, err := target.Password(t.Context(), s)
			if err != nil || got != test.want {
				t.Errorf("%q %v, want %q", got, err, test.want)
			}
		})
	}
}

// Nothing of standard input but the password's line is touched: the rest is the remote command's.
func TestPasswordStdinLeavesTheRest(t *testing.T) {
	for input, want := range map[string]string{"pw\nrest\n": "pw|rest\n", "pw\r\nrest": "pw|rest", "pw": "pw|", " p w \r\n\n": " p w |\n"} {
		in := strings.NewReader(input)
		c := mustLoad(t, "", nil)
		s := &Secrets{Stdin: in}
		for _, target := range []string{"bob@a", "eve@b"} { // asked once, for all targets
			got, err := mustResolve(t, c, target, map[string]string{"password_stdin": "true"}).Password(t.Context(), s)
			rest := input[len(input)-in.Len():]
			if err != nil || got+"|"+rest != want {
				t.Errorf("%q for %s: %q|%q %v", input, target, got, rest, err)
			}
		}
	}
}

// A password that is typed where --password-stdin is asked for is not read from the terminal with its echo.
func TestPasswordStdinTyped(t *testing.T) {
	prompts := ""
	s := &Secrets{Stdin: brokenReader{errors.New("read with echo")}, Typed: true, Prompt: func(_ context.Context, prompt string) (string, error) {
		prompts += prompt
		return "typed", nil
	}}
	over := map[string]string{"password_stdin": "true"}
	got, err := mustResolve(t, mustLoad(t, "", nil), "bob@h", over).Password(t.Context(), s)
	given, ok, err2 := s.Given(t.Context(), true, "")
	if got != "typed" || given != "typed" || !ok || err != nil || err2 != nil || prompts != "Password: Password: " {
		t.Errorf("%q %q %t, %v %v, asked %q", got, given, ok, err, err2, prompts)
	}
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }

func TestPasswordFails(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"empty": "\n", "two": "hunter2\nb\n", "cr": "hunter2\r", "bom": "\ufeffhunter2", "latin1": "hunter2\xe4", "nul": "hunter2\x00",
		"utf16": "\xff\xfeh\x00", "long": strings.Repeat("hunter2", 10000),
	} {
		write(t, filepath.Join(dir, name), content)
	}
	byFile := func(name string) map[string]string {
		return map[string]string{"password_file": filepath.Join(dir, name)}
	}
	fileError := func(name, why string) string {
		return "--password-file: " + show(filepath.Join(dir, name)) + ": " + why
	}
	stdin := map[string]string{"password_stdin": "true"}
	prompt := func(answer string, err error) func(context.Context, string) (string, error) {
		return func(context.Context, string) (string, error) { return answer, err }
	}
	ways := "use --password-stdin, --password-file, WINRMCTL_PASSWORD, or password_command in the configuration"
	ops := "credentials: {ops: {username: svc, password: hunter2}}\nprofiles: {a: {host: h, credential: ops}}\n"
	tests := []struct {
		name, file, target string
		over               map[string]string
		vars               map[string]string
		secrets            *Secrets
		err, hint          string
		is                 error
	}{
		{name: "no user", target: "h", err: "no user name for h", hint: "give one with --user, as user@host, or as username in a profile, a credential or defaults"},
		{name: "empty user", file: "defaults: {username: bob}\nprofiles: {a: {host: h, username: ''}}", target: "a", err: "no user name for a",
			hint: "give one with --user, as user@host, or as username in a profile, a credential or defaults"},
		{name: "no password", target: `CORP\bob@h`, err: `no password for CORP\bob on h`, hint: ways},
		{name: "another account's", file: ops, target: "eve@a", err: "no password for eve on a",
			hint: "the one at config.yaml:1 belongs to svc and is not used for eve; use --password-stdin or --password-file"},
		{name: "missing file", target: "b@h", over: byFile("none"), err: fileError("none", "no such file or directory"), is: fs.ErrNotExist},
		{name: "directory", target: "b@h", over: map[string]string{"password_file": dir}, err: "--password-file: " + show(dir) + ": is a directory"},
		{name: "empty", target: "b@h", over: byFile("empty"), err: fileError("empty", "the password is empty")},
		{name: "two lines", target: "b@h", over: byFile("two"), err: fileError("two", "the password has more than one line")},
		{name: "lone return", target: "b@h", over: byFile("cr"), err: fileError("cr", "the password has more than one line")},
		{name: "byte order mark", target: "b@h", over: byFile("bom"), err: fileError("bom", "the password begins with a byte order mark")},
		{name: "latin-1", target: "b@h", over: byFile("latin1"), err: fileError("latin1", "the password is not UTF-8 text")},
		{name: "utf-16", target: "b@h", over: byFile("utf16"), err: fileError("utf16", "the password is not UTF-8 text")},
		{name: "nul", target: "b@h", over: byFile("nul"), err: fileError("nul", "the password has more than one line")},
		{name: "long", target: "b@h", over: byFile("long"), err: fileError("long", "the password is longer than 64 KiB")},
		{name: "variable unset", target: "b@h", vars: map[string]string{"WINRMCTL_PASSWORD_ENV": "PW"},
			err: `password_env (environment WINRMCTL_PASSWORD_ENV): "PW": the variable PW is not set`},
		{name: "variable empty", file: "defaults: {password_env: PW}", target: "b@h", vars: map[string]string{"PW": ""},
			err: `password_env (config.yaml:1): "PW": the password is empty`},
		{name: "password of two lines", file: `defaults: {password: "hunter2\nx"}`, target: "b@h", err: "password (config.yaml:1): the password has more than one line"},
		{name: "no stdin", target: "b@h", over: stdin, err: "--password-stdin: there is no standard input"},
		{name: "empty stdin", target: "b@h", over: stdin, secrets: &Secrets{Stdin: strings.NewReader("\nhunter2")}, err: "--password-stdin: the password is empty"},
		{name: "ended stdin", target: "b@h", over: stdin, secrets: &Secrets{Stdin: strings.NewReader("")}, err: "--password-stdin: the password is empty"},
		{name: "broken stdin", target: "b@h", over: stdin, secrets: &Secrets{Stdin: brokenReader{fs.ErrClosed}}, err: "--password-stdin: file already closed", is: fs.ErrClosed},
		{name: "endless stdin", target: "b@h", over: stdin, secrets: &Secrets{Stdin: strings.NewReader(strings.Repeat("hunter2", 10000))}, err: "--password-stdin: the password is longer than 64 KiB"},
		{name: "nothing typed", target: "b@h", secrets: &Secrets{Prompt: prompt("", nil)}, err: "password for b: the password is empty"},
		{name: "prompt fails", target: "b@h", secrets: &Secrets{Prompt: prompt("hunter2", io.ErrClosedPipe)}, err: "password for b: io: read/write on closed pipe", is: io.ErrClosedPipe},
		{name: "sandbox", target: "sandbox", err: "the sandbox makes its own password"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := Load(write(t, filepath.Join(dir, "config.yaml"), test.file), around(dir, test.vars))
			if err != nil {
				t.Fatal(err)
			}
			s := test.secrets
			if s == nil {
				s = &Secrets{}
			}
			got, err := mustResolve(t, c, test.target, test.over).Password(t.Context(), s)
			var wrong *SecretError
			if got != "" || !errors.As(err, &wrong) || err.Error() != test.err || hint(err) != test.hint {
				t.Errorf("%q, error %T %v | %s\nwant %s | %s", got, err, err, hint(err), test.err, test.hint)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
		})
	}
}

func TestPasswordInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	asked := false
	s := &Secrets{Prompt: func(context.Context, string) (string, error) { asked = true; return "x", nil }}
	target := mustResolve(t, mustLoad(t, "", nil), "b@h", nil)
	if _, err := target.Password(ctx, s); !errors.Is(err, context.Canceled) || asked {
		t.Errorf("error %v, asked %t", err, asked)
	}
	// An answer that fails because of the interruption is not remembered.
	ctx, cancel = context.WithCancel(t.Context())
	s.Prompt = func(context.Context, string) (string, error) { cancel(); return "", ctx.Err() }
	if _, err := target.Password(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	s.Prompt = func(context.Context, string) (string, error) { return "later", nil }
	if got, err := target.Password(t.Context(), s); err != nil || got != "later" {
		t.Errorf("%q %v", got, err)
	}
}

// Many targets at once ask one person once for an account, and a failure is not tried for each.
func TestPasswordAskedOnce(t *testing.T) {
	c := mustLoad(t, "", nil)
	prompts := map[string]int{}
	s := &Secrets{Prompt: func(_ context.Context, prompt string) (string, error) {
		user, _, _ := strings.Cut(strings.TrimPrefix(prompt, "Password for "), " on ")
		prompts[user]++
		if user == "bad" {
			return "", errors.New("no")
		}
		return "pw of " + user, nil
	}}
	var wait sync.WaitGroup
	for i := range 30 {
		user := []string{"bob", "eve", "bad"}[i%3]
		target := mustResolve(t, c, fmt.Sprintf("%s@h%d", user, i), nil)
		wait.Go(func() {
			got, err := target.Password(t.Context(), s)
			if user != "bad" && (got != "pw of "+user || err != nil) || user == "bad" && err == nil {
				t.Errorf("%s: %q %v", user, got, err)
			}
		})
	}
	wait.Wait()
	if fmt.Sprint(prompts) != "map[bad:1 bob:1 eve:1]" {
		t.Errorf("prompts %v", prompts)
	}
}

// Two passwords on one line of a file are two.
func TestPasswordsOnOneLine(t *testing.T) {
	c := mustLoad(t, "profiles: {a: {host: h, username: u, password: one}, b: {host: h, username: u, password: two}}", nil)
	s := &Secrets{}
	for target, want := range map[string]string{"a": "one", "b": "two"} {
		if got, err := mustResolve(t, c, target, nil).Password(t.Context(), s); err != nil || got != want {
			t.Errorf("%s: %q %v", target, got, err)
		}
	}
}

func TestPasswordOfEveryLanguage(t *testing.T) {
	for _, name := range []string{"full.yaml", "full.toml", "full.json"} {
		c, _, err := fromText(t, name, testdata(t, name), map[string]string{"WINRMCTL_CREDENTIAL": "plain"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := mustResolve(t, c, "Web1", nil).Password(t.Context(), &Secrets{})
		if want := "hunter2\t\"\\/ \U0001F511"; err != nil || got != want {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

func TestKeyPassword(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "pw"), "secret\n")
	content := "profiles: {a: {host: h, tls: {key_password_file: %s}}, b: {host: h}}"
	load := func(file string) *Config {
		c, err := Load(write(t, filepath.Join(dir, "config.yaml"), fmt.Sprintf(content, file)), around(dir, nil))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	none := &Secrets{}
	if got, err := mustResolve(t, load("pw"), "a", nil).KeyPassword(t.Context(), none); got != "secret" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if got, err := mustResolve(t, load("pw"), "b", nil).KeyPassword(t.Context(), none); got != "" || err != nil {
		t.Errorf("none: %q %v", got, err)
	}
	stdin := &Secrets{Stdin: strings.NewReader("from stdin\n")}
	if got, err := mustResolve(t, load("pw"), "b", map[string]string{"password_stdin": "true"}).KeyPassword(t.Context(), stdin); got != "from stdin" || err != nil {
		t.Errorf("flag: %q %v", got, err)
	}
	if got, err := mustResolve(t, load("pw"), "a", map[string]string{"password_stdin": "true"}).KeyPassword(t.Context(), none); got != "secret" || err != nil {
		t.Errorf("a file of its own goes before a flag: %q %v", got, err)
	}
	asked := 0
	person := &Secrets{Prompt: func(_ context.Context, prompt string) (string, error) {
		asked++
		if prompt != `Password for the key of "client.p12": ` {
			t.Errorf("prompt %q", prompt)
		}
		return "typed", nil
	}}
	for range 2 {
		target := mustResolve(t, load("pw"), "b", map[string]string{"tls.cert": "client.p12"})
		if got, err := target.KeyPassword(t.Context(), person); got != "typed" || err != nil || asked != 1 {
			t.Errorf("prompt: %q %v, asked %d times", got, err, asked)
		}
	}
	_, err := mustResolve(t, load("none"), "a", nil).KeyPassword(t.Context(), none)
	var wrong *SecretError
	if !errors.As(err, &wrong) || err.Error() != "tls.key_password_file (config.yaml:1): no such file or directory" {
		t.Errorf("error %v", err)
	}
}

// No print of anything that holds a password shows it.
func TestPrintsShowNoPassword(t *testing.T) {
	vars := map[string]string{"WINRMCTL_PASSWORD": "hunter2"}
	c := mustLoad(t, "profiles: {a: {host: h, username: u, password: hunter2}}", vars)
	target := mustResolve(t, c, "a", nil)
	s := &Secrets{Stdin: strings.NewReader("hunter2\n"), Prompt: func(context.Context, string) (string, error) { return "hunter2", nil }}
	for _, other := range []*Target{target, mustResolve(t, mustLoad(t, "", nil), "b@h", nil),
		mustResolve(t, c, "a", map[string]string{"password_stdin": "true"})} {
		if got, err := other.Password(t.Context(), s); got != "hunter2" {
			t.Fatalf("%q %v", got, err)
		}
	}
	s.Stdin = nil
	var out bytes.Buffer
	for _, v := range []any{c.file, target, target.Settings, target.layers, target.secret, s.known} {
		fmt.Fprintf(&out, "%v %+v %#v\n", v, v, v)
	}
	if err := errors.Join(c.View(&out), target.View(&out)); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal([]any{target.Settings, target.Rows(), c.Rows()})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(data)
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("shows the password:\n%s", out.String())
	}
	if n := strings.Count(out.String(), "***"); n != 4 {
		t.Errorf("%d rows hide one, want 4", n)
	}
}

func TestInitAndSample(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "new", "winrmctl", "config.yaml")
	if err := Init(file); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(data, Sample()) {
		t.Errorf("wrote %q %v", data, err)
	}
	c, err := Load(file, around(dir, nil))
	if err != nil || len(c.Rows()) > 0 {
		t.Errorf("the sample as it is: %v %v", c.Rows(), err)
	}
	err = Init(file)
	if err == nil || err.Error() != file+": exists already" || hint(err) != "edit it, or move it away first" {
		t.Errorf("again: %v | %s", err, hint(err))
	}
	if err := Init(filepath.Join(dir, "config.toml")); err == nil || hint(err) != "name a file that ends in .yaml" {
		t.Errorf("toml: %v", err)
	}
	slash := filepath.Join(dir, "x") + string(filepath.Separator)
	if err := Init(slash); err == nil || err.Error() != slash+": names a directory" {
		t.Errorf("slash: %v", err)
	}
	if _, err := os.Stat(slash); err == nil {
		t.Error("makes a directory where a file was named")
	}
	if err := Init(filepath.Join(file, "below", "config.yaml")); err == nil {
		t.Error("below a file: no error")
	}
	var lines []string
	for line := range strings.Lines(string(Sample())) {
		if strings.HasPrefix(line, "#") && (line[1] != ' ' || line[2] == ' ') {
			line = line[1:]
		}
		lines = append(lines, line)
	}
	c = mustLoad(t, strings.Join(lines, ""), nil)
	all, err := c.Expand("@all")
	if err != nil || strings.Join(all, " ") != "web1 db01.corp.example db02.corp.example lab" {
		t.Errorf("the sample's examples: %v %v", all, err)
	}
	for _, name := range all {
		if user, err := mustResolve(t, c, name, nil).User(); err != nil || user == "" {
			t.Errorf("%s: %q %v", name, user, err)
		}
	}
}
