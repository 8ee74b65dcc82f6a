package config

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad: whatever is in a file, it loads or is refused with an *Error; and what loads can be
// expanded, resolved, viewed and asked for a password.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"full.yaml", "full.toml", "full.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(filepath.Ext(name), data)
	}
	for _, content := range []string{"a: &a [*a]", "x-a: &a {<<: *a}", "profiles: {a: {host: h, <<: [*b]}}", "? {a: b}\n: c",
		"profiles: {a: {host: h}}\ngroups: {g: {members: [a, '@f', 'w[1:3].x'], port: 1, env: {A: b}}, f: {members: [w2.x, '::1'], port: 1}}", "--- !x\n...\n---\n", "\ufeff{}"} {
		f.Add(".yaml", []byte(content))
	}
	for _, content := range []string{"[[a]]\n[a.b]\n[[a.b]]", "a.b.c = 1\n[a.b]\n", "a = [{b = 1}, [2, {c.d = '''x''''}]]", "a = {", "\"\" = 1"} {
		f.Add(".toml", []byte(content))
	}
	for _, content := range []string{`{"a": [{"b": null}]}`, "{\"\\ud800\": 1}", "[1 2]"} {
		f.Add(".json", []byte(content))
	}
	env := around("/nonexistent", nil)
	f.Fuzz(func(t *testing.T, ext string, data []byte) {
		c, err := load("c"+ext, data, nil, env)
		if err != nil {
			var wrong *Error
			if !errors.As(err, &wrong) || c != nil || len(wrong.Problems) == 0 || wrong.Error() == "" {
				t.Fatalf("error %T %v", err, err)
			}
			return
		}
		for _, group := range c.Groups() {
			if members, err := c.Expand("@" + group); err != nil || len(members) == 0 {
				t.Errorf("@%s: %v %v", group, members, err)
			}
		}
		for _, profile := range c.Profiles() {
			target, err := c.Resolve(profile, nil)
			var wrong *Error // a certificate by halves
			if err != nil && !errors.As(err, &wrong) {
				t.Errorf("%q: %T %v", profile, err, err)
			}
			if err == nil {
				checkTarget(t, target)
			}
		}
		if err := c.View(io.Discard); err != nil {
			t.Error(err)
		}
	})
}

// FuzzTarget: whatever is typed is a target whose endpoint can be typed again, or refused; and no
// refusal shows what stands between ":" and "@".
func FuzzTarget(f *testing.F) {
	for _, target := range []string{"web1", "@web", "sandbox", `CORP\bob@web1:5985`, "bob@corp.example@[::1]:5985", "::1", "fe80::1%eth0",
		"http://h", "https://bob@h:1/a%2Fb?x#y", "http://[::1%25eth0]/", "a:hunter2@b", "http://a:hunter2@b", "//h", "h:", "[", "http://:1", "@", "a@@b", "@a:hunter2@b", "::0%#"} {
		f.Add(target)
	}
	c, err := load("c.yaml", []byte("profiles: {web1: {host: h}}\ngroups: {web: [web1]}\n"), nil, around("/nonexistent", nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target, err := c.Resolve(text, nil)
		if err != nil {
			var wrong *UsageError
			if !errors.As(err, &wrong) {
				t.Fatalf("%q: %T %v", text, err, err)
			}
			at := strings.LastIndex(text, "hunter2@")
			if strings.Count(text, "hunter2") == 1 && at > 0 && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q: shows a password: %v", text, err)
			}
			return
		}
		checkTarget(t, target)
	})
}

func checkTarget(t *testing.T, target *Target) {
	if target.Sandbox {
		return
	}
	s := target.Settings
	again, err := target.again(s.Endpoint())
	if err != nil || again.Endpoint() != s.Endpoint() || again.Host != s.Host || again.Port != s.Port {
		t.Errorf("%q leads to %q, which leads to %+v %v", target.Name, s.Endpoint(), again, err)
	}
	if err := target.View(io.Discard); err != nil {
		t.Error(err)
	}
}

// again resolves an endpoint without any configuration.
func (t *Target) again(endpoint string) (Settings, error) {
	c, err := load("", nil, nil, t.env)
	if err != nil {
		return Settings{}, err
	}
	target, err := c.Resolve(endpoint, nil)
	if err != nil {
		return Settings{}, err
	}
	return target.Settings, nil
}
