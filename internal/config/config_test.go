package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// around is an environment with these variables, whose home is under dir.
func around(dir string, vars map[string]string) Environment {
	return Environment{
		Lookup:    func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		ConfigDir: func() (string, error) { return filepath.Join(dir, "home", ".config"), nil },
		HomeDir:   func() (string, error) { return filepath.Join(dir, "home"), nil },
	}
}

// write makes a private file and the directories above it.
func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fromText loads a file of a name that has this content.
func fromText(t *testing.T, name, content string, vars map[string]string) (*Config, string, error) {
	t.Helper()
	dir := t.TempDir()
	c, err := Load(write(t, filepath.Join(dir, name), content), around(dir, vars))
	return c, dir, err
}

func mustLoad(t *testing.T, content string, vars map[string]string) *Config {
	t.Helper()
	c, _, err := fromText(t, "config.yaml", content, vars)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustResolve(t *testing.T, c *Config, target string, over map[string]string) *Target {
	t.Helper()
	got, err := c.Resolve(target, over)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// hint is what an error's Hint method says.
func hint(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return "(no Hint method)"
}

func TestLoadLocates(t *testing.T) {
	one := "profiles: {%s: {host: h}}\n"
	tests := []struct {
		name  string
		files map[string]string // relative to the directory
		path  string
		vars  map[string]string // DIR is the directory
		want  string            // the one profile
		file  string
		err   string
		hint  string
	}{
		{name: "nothing", want: ""},
		{name: "user's directory", files: map[string]string{"home/.config/winrmctl/config.yaml": "a"}, want: "a", file: "home/.config/winrmctl/config.yaml"},
		{name: "yml", files: map[string]string{"home/.config/winrmctl/config.yml": "a"}, want: "a", file: "home/.config/winrmctl/config.yml"},
		{name: "XDG", files: map[string]string{"xdg/winrmctl/config.yaml": "x", "home/.config/winrmctl/config.yaml": "a"},
			vars: map[string]string{"XDG_CONFIG_HOME": "DIR/xdg"}, want: "x", file: "xdg/winrmctl/config.yaml"},
		{name: "relative XDG is not one", files: map[string]string{"home/.config/winrmctl/config.yaml": "a"},
			vars: map[string]string{"XDG_CONFIG_HOME": "xdg"}, want: "a", file: "home/.config/winrmctl/config.yaml"},
		{name: "variable over default", files: map[string]string{"v.yaml": "v", "home/.config/winrmctl/config.yaml": "a"},
			vars: map[string]string{"WINRMCTL_CONFIG": "DIR/v.yaml"}, want: "v", file: "v.yaml"},
		{name: "empty variable is none", files: map[string]string{"home/.config/winrmctl/config.yaml": "a"},
			vars: map[string]string{"WINRMCTL_CONFIG": ""}, want: "a", file: "home/.config/winrmctl/config.yaml"},
		{name: "path over variable", files: map[string]string{"v.yaml": "v", "p.yaml": "p"}, path: "p.yaml",
			vars: map[string]string{"WINRMCTL_CONFIG": "DIR/v.yaml"}, want: "p", file: "p.yaml"},
		{name: "no ending", files: map[string]string{"conf": "p"}, path: "conf", want: "p", file: "conf"},
		{name: "missing path", path: "p.yaml", err: "DIR/p.yaml: no such file or directory",
			hint: "--config names it; winrmctl config init writes a first one"},
		{name: "missing by variable", vars: map[string]string{"WINRMCTL_CONFIG": "DIR/v.yaml"}, err: "DIR/v.yaml: no such file or directory",
			hint: "WINRMCTL_CONFIG names it; winrmctl config init writes a first one"},
		{name: "directory", files: map[string]string{"d/x.yaml": "a"}, path: "d", err: "DIR/d: is a directory"},
		{name: "unknown ending", files: map[string]string{"p.ini": "a"}, path: "p.ini",
			err: "DIR/p.ini: a file that ends in .ini: the format is unknown", hint: "rename it to .yaml, .toml or .json"},
		{name: "two", files: map[string]string{"home/.config/winrmctl/config.yaml": "a", "home/.config/winrmctl/config.toml": ""},
			err:  "DIR/home/.config/winrmctl: more than one configuration file: config.yaml and config.toml",
			hint: "keep one of them, or name one with --config DIR/home/.config/winrmctl/config.yaml"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && strings.HasPrefix(test.name, "missing") {
				t.Skip("the system's words differ")
			}
			dir := t.TempDir()
			for name, profile := range test.files {
				content := ""
				if profile != "" {
					content = fmt.Sprintf(one, profile)
				}
				write(t, filepath.Join(dir, name), content)
			}
			vars := map[string]string{}
			for name, text := range test.vars {
				vars[name] = strings.ReplaceAll(text, "DIR", dir)
			}
			path := test.path
			if path != "" {
				path = filepath.Join(dir, path)
			}
			c, err := Load(path, around(dir, vars))
			if test.err != "" {
				var wrong *Error
				if !errors.As(err, &wrong) {
					t.Fatalf("error is %T %v", err, err)
				}
				if got := strings.ReplaceAll(err.Error(), dir, "DIR"); got != test.err {
					t.Errorf("error %q, want %q", got, test.err)
				}
				if got := strings.ReplaceAll(hint(err), dir, "DIR"); got != test.hint {
					t.Errorf("hint %q, want %q", got, test.hint)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(c.Profiles(), " "); got != test.want {
				t.Errorf("profiles %q, want %q", got, test.want)
			}
			want := ""
			if test.file != "" {
				want = filepath.Join(dir, test.file)
			}
			if c.File() != want {
				t.Errorf("file %q, want %q", c.File(), want)
			}
			where, err := Locate(path, around(dir, vars))
			if want == "" {
				want = filepath.Join(dir, "home", ".config", "winrmctl", "config.yaml")
			}
			if err != nil || where != want {
				t.Errorf("Locate: %q %v, want %q", where, err, want)
			}
		})
	}
}

func TestLoadWithoutHome(t *testing.T) {
	env := around(t.TempDir(), nil)
	env.ConfigDir = func() (string, error) { return "", errors.New("$HOME is not defined") }
	if c, err := Load("", env); err != nil || c.File() != "" {
		t.Errorf("Load: %v", err)
	}
	if _, err := Locate("", env); err == nil || hint(err) != "name one with --config FILE" {
		t.Errorf("Locate: %v, hint %q", err, hint(err))
	}
}

func TestLoadDanglingLink(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "home/.config/winrmctl/gone"), "")
	link := filepath.Join(filepath.Dir(file), "config.yaml")
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	os.Remove(file)
	if _, err := Load("", around(dir, nil)); err == nil {
		t.Error("a link that leads nowhere was taken for no configuration")
	}
}

func TestLoadSize(t *testing.T) {
	fill := strings.Repeat("# "+strings.Repeat("x", 61)+"\n", maxSize/64)
	if _, _, err := fromText(t, "config.yaml", fill, nil); err != nil {
		t.Errorf("1 MiB: %v", err)
	}
	_, dir, err := fromText(t, "config.yaml", strings.Repeat(fill, 10), nil)
	want := filepath.Join(dir, "config.yaml") + ": is larger than 1 MiB, which no configuration is"
	if err == nil || err.Error() != want {
		t.Errorf("10 MiB: %v, want %s", err, want)
	}
}

func TestLoadEmpty(t *testing.T) {
	for _, name := range []string{"c.yaml", "c.toml", "c.json"} {
		contents := []string{"", "\n", "\ufeff", "\r\n"}
		if name != "c.json" {
			contents = append(contents, "# nothing\n")
		}
		if name == "c.yaml" {
			contents = append(contents, "---\n", "---\n...\n", "null\n", "profiles:\n", "profiles: {}\ndefaults: ~\n")
		}
		for _, content := range contents {
			c, _, err := fromText(t, name, content, nil)
			if err != nil {
				t.Errorf("%s %q: %v", name, content, err)
			} else if rows := c.Rows(); len(rows) > 0 {
				t.Errorf("%s %q: %v", name, content, rows)
			}
		}
	}
}

// The three languages say the same, with a byte order mark and either newline.
func TestLanguagesAgree(t *testing.T) {
	var want []Row
	for _, name := range []string{"full.yaml", "full.toml", "full.json"} {
		unix := strings.ReplaceAll(testdata(t, name), "\r\n", "\n")
		for _, content := range []string{unix, "\ufeff" + unix, strings.ReplaceAll(unix, "\n", "\r\n")} {
			c, dir, err := fromText(t, name, content, nil)
			if err != nil {
				t.Fatal(err)
			}
			rows := c.Rows()
			for i := range rows {
				file, _, _ := strings.Cut(rows[i].Origin, ":")
				if file != name {
					t.Errorf("%s: %v", name, rows[i])
				}
				rows[i].Origin = ""
				rows[i].Value = strings.ReplaceAll(rows[i].Value, dir, "DIR")
			}
			if want == nil {
				want = rows
			}
			slices.SortFunc(rows, func(a, b Row) int { return strings.Compare(a.Key, b.Key) })
			if !slices.Equal(rows, want) {
				t.Errorf("%s says %v\nwant %v", name, rows, want)
			}
		}
	}
	if len(want) < 40 {
		t.Errorf("only %d rows", len(want))
	}
}

func TestAnchorsAndMergeKeys(t *testing.T) {
	c := mustLoad(t, `
x-common: &common
  username: bob
  https: true
  tls: &tls {insecure: true}
x-port: &port {port: 7000, https: false}
profiles:
  a: {<<: *common, host: a}
  b: {host: b, <<: [*port, *common]}
  c:
    host: c
    <<: *common
    username: alice
    tls:
      <<: *tls
      ca_file: /ca.pem
groups:
  all: &all [a, b]
  same: *all
`, nil)
	tests := []struct{ target, endpoint, user, origin string }{
		{"a", "https://a:5986/wsman", "bob", "config.yaml:3"},
		{"b", "http://b:7000/wsman", "bob", "config.yaml:3"},
		{"c", "https://c:5986/wsman", "alice", "config.yaml:13"},
	}
	for _, test := range tests {
		got := mustResolve(t, c, test.target, nil)
		s := got.Settings
		if s.Endpoint() != test.endpoint || s.Username != test.user || got.Origin("username") != test.origin || !s.TLS.Insecure {
			t.Errorf("%s: %+v from %s", test.target, s, got.Origin("username"))
		}
	}
	if s := mustResolve(t, c, "c", nil).Settings; s.TLS.CAFile != "/ca.pem" {
		t.Errorf("ca_file %q", s.TLS.CAFile)
	}
	if got, err := c.Expand("@same"); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("@same: %v %v", got, err)
	}
}

func TestBoundsOfATree(t *testing.T) {
	bomb := "x-a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'j'; c++ {
		bomb += fmt.Sprintf("x-%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat("*"+string(c-1)+", ", 10), ", "))
	}
	deep := 5000
	tests := []struct{ name, file, content, want string }{
		{"aliases of aliases", "c.yaml", bomb, "too many values: aliases multiply them"},
		{"alias of itself", "c.yaml", "x-a: &a {b: *a}\n", "nested too deeply"},
		{"merge of itself", "c.yaml", "x-a: &a {<<: *a}\n", "nested too deeply"},
		{"yaml lists", "c.yaml", strings.Repeat("[", deep) + strings.Repeat("]", deep), "nested too deeply"},
		{"yaml tables", "c.yaml", strings.Repeat("{a: ", deep) + strings.Repeat("}", deep), "nested too deeply"},
		{"yaml beyond the library", "c.yaml", strings.Repeat("- ", 500_000), "not YAML: exceeded max depth of 10000"},
		{"json lists", "c.json", strings.Repeat("[", deep) + strings.Repeat("]", deep), "nested too deeply"},
		{"json tables", "c.json", strings.Repeat(`{"a":`, deep) + "1" + strings.Repeat("}", deep), "nested too deeply"},
		{"toml lists", "c.toml", "a = " + strings.Repeat("[", 900_000), "nested too deeply"},
		{"toml tables", "c.toml", "a = " + strings.Repeat("{a=", 300_000), "nested too deeply"},
		{"toml hidden by strings", "c.toml", "a = " + strings.Repeat(`["]",`, 150_000), "nested too deeply"},
		{"toml hidden by comments", "c.toml", "a = " + strings.Repeat("[ #]\n", 150_000), "nested too deeply"},
		{"toml hidden by quotes", "c.toml", "a = " + strings.Repeat(`["\"]", '\]', """"]\"""", ''']'''',`, 20_000), "nested too deeply"},
		{"toml dotted key", "c.toml", strings.Repeat("a.", deep) + "a = 1", "nested too deeply"},
		{"toml dotted header", "c.toml", "[" + strings.Repeat("a.", deep) + "a]", "nested too deeply"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := fromText(t, test.file, test.content, nil)
			if err == nil || !strings.Contains(err.Error(), ": "+test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
	brackets := "x-a = [\"[[[[\", '{{{{', \"\"\"" + strings.Repeat("[\n", 100) + "\"\"\"] # " + strings.Repeat("[", 100) + "\n"
	if _, _, err := fromText(t, "c.toml", brackets, nil); err != nil {
		t.Errorf("brackets in strings: %v", err)
	}
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
