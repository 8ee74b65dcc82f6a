package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// fiveValues are valid values of a key: of defaults, a group, a profile, the environment and a flag.
func fiveValues(t *testing.T, key Key) []string {
	t.Helper()
	special := map[string][]string{
		"host":            {"", "", "web.example", "env.example", "flag.example"},
		"credential":      {"c0", "c1", "c2", "c3", "c4"},
		"auth":            {"ntlm", "auto", "basic", "kerberos", "auto"},
		"encryption":      {"auto", "never", "always", "never", "always"},
		"proxy":           {"http://p0:1", "http://p1:1", "http://p2:1", "http://p3:1", "http://p4:1"},
		"tls.fingerprint": {strings.Repeat("0", 64), strings.Repeat("1", 64), strings.Repeat("2", 64), strings.Repeat("3", 64), strings.Repeat("a", 64)},
		"tls.server_name": {"s0", "s1", "s2", "s3", "s4"},
	}
	if values, ok := special[key.Name]; ok {
		return values
	}
	switch key.Kind {
	case KindText, KindPath:
		return []string{"/t0", "/t1", "/t2", "/t3", "/t4"}
	case KindSwitch:
		return []string{"true", "false", "true", "false", "true"}
	case KindNumber:
		return []string{"1001", "1002", "1003", "1004", "1005"}
	case KindDuration:
		return []string{"11s", "12s", "13s", "14s", "15s"}
	}
	t.Fatalf("no values for %s", key.Name)
	return nil
}

// tables writes keys as a table of a file, those of tls in their own, on one line.
func tables(t *testing.T, values map[string]string) string {
	t.Helper()
	out, tls := map[string]any{}, map[string]any{}
	for name, text := range values {
		if sub, ok := strings.CutPrefix(name, "tls."); ok {
			tls[sub] = text
			out["tls"] = tls
		} else {
			out[name] = text
		}
	}
	data, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Flags are over the environment over the profile over its group over defaults over what is built in, for every key, and
// Origin knows which.
func TestPrecedence(t *testing.T) {
	for _, key := range Keys() {
		if key.isSecret() || key.Kind == KindPairs || key.Name == "url" {
			continue // TestPasswordSource, TestEnv, TestEndpoint
		}
		values := fiveValues(t, key)
		wants := append([]string{key.Default}, values...)
		origins := []string{"built in", "config.yaml:2", "config.yaml:4", "config.yaml:3", "environment " + key.Env(), "flag " + key.flagName()}
		if key.Name == "port" {
			wants[0] = "5985"
		}
		in := []bool{true, slices.Contains(key.In(), "defaults"), slices.Contains(key.In(), "groups"), true, true, true}
		for level, want := range wants {
			if !in[level] || key.Name == "host" && level < 3 {
				continue
			}
			defaults, group, profile := map[string]string{}, map[string]string{}, map[string]string{"host": "h"}
			vars, over := map[string]string{}, map[string]string{}
			// A half of a certificate is refused, so the other half is always there.
			if other := map[string]string{"tls.cert": "tls.key", "tls.key": "tls.cert"}[key.Name]; other != "" && level > 0 {
				profile[other] = "other"
			}
			for i, table := range []map[string]string{nil, defaults, group, profile} {
				if level >= i && table != nil && in[i] {
					table[key.Name] = values[i-1]
				}
			}
			if level >= 4 {
				vars[key.Env()] = values[3]
			}
			if level >= 5 {
				over[key.Name] = values[4]
			}
			c := mustLoad(t, fmt.Sprintf("credentials: {c0: {}, c1: {}, c2: {}, c3: {}, c4: {}}\ndefaults: %s\nprofiles: {web1: %s}\ngroups: {web: {members: [web1], %s\n",
				tables(t, defaults), tables(t, profile), tables(t, group)[1:]+"}"), vars)
			target := mustResolve(t, c, "web1", over)
			if got := target.Origin(key.Name); got != origins[level] {
				t.Errorf("%s, level %d: from %q, want %q", key.Name, level, got, origins[level])
			}
			if key.Kind == KindDuration {
				d, err := time.ParseDuration(want)
				if got := setting(target.Settings, key.Name); err != nil || got != d.String() {
					t.Errorf("%s, level %d: setting %s, want %s", key.Name, level, got, d)
				}
			} else if got := setting(target.Settings, key.Name); got != want {
				t.Errorf("%s, level %d: setting %s, want %s", key.Name, level, got, want)
			}
			row := Row{key.Name, want, origins[level]}
			if !slices.Contains(target.Rows(), row) {
				t.Errorf("%s, level %d: no row %v in %v", key.Name, level, row, target.Rows())
			}
		}
	}
}

// setting is the field for a key, as text.
func setting(settings any, key string) string {
	v := reflect.ValueOf(settings)
	for i := range v.NumField() {
		switch v.Type().Field(i).Tag.Get("mapstructure") {
		case key:
			return fmt.Sprint(v.Field(i))
		case ",squash":
			if text := setting(v.Field(i).Interface(), key); text != "no field" {
				return text
			}
		}
	}
	return "no field"
}

// What the rows say as text, Settings says in types.
func TestSettingsTyped(t *testing.T) {
	c, dir, err := fromText(t, "full.yaml", testdata(t, "full.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := mustResolve(t, c, "web1.corp.example", map[string]string{"timeout": "0"}).Settings
	want := Settings{
		Host: "web1.corp.example", Port: 7001, HTTPS: true, Path: "/wsman",
		Username: `CORP\svc-ops`, Credential: "ops", Auth: "certificate", Encryption: "always",
		TLS: TLS{
			CAFile: filepath.Join(dir, "ca.pem"), ServerName: "web1", Insecure: false,
			Fingerprint: "aabb00112233445566778899aabbccddeeff00112233445566778899aabbccdd",
			Cert:        "/etc/client.pem", Key: "/etc/client.key", KeyPasswordFile: filepath.Join(dir, "key.password"),
		},
		Proxy: "socks5://127.0.0.1:1080", ConnectTimeout: 1500 * time.Millisecond, OperationTimeout: 90 * time.Second,
		Timeout: 0, IdleTimeout: 10 * time.Minute, Env: map[string]string{"STAGE": "test", "Path": `C:\tools`, "year": "2024", "a.b": "dotted"},
		CWD: `C:\work`, CodePage: 437, NoProfile: true, Description: "the first, ä 😀",
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Viper would split keys at dots and lower-case names; ours must come through.
func TestNamesKeepDotsAndCase(t *testing.T) {
	c := mustLoad(t, `
credentials: {Ops: {username: Upper}, ops: {username: lower}}
profiles:
  web1.corp.example: {host: a.b.c, env: {STAGE: prod, Path: x, web1.corp: dotted, mixedCase: 1}}
  Web1: {host: upper, credential: Ops}
  web1: {host: lower, credential: ops}
groups: {All.Of: [web1.corp.example], all.of: [Web1]}
`, nil)
	if got := c.Profiles(); !slices.Equal(got, []string{"web1.corp.example", "Web1", "web1"}) {
		t.Errorf("profiles %v", got)
	}
	env := mustResolve(t, c, "web1.corp.example", nil).Settings.Env
	if want := map[string]string{"STAGE": "prod", "Path": "x", "web1.corp": "dotted", "mixedCase": "1"}; !maps.Equal(env, want) {
		t.Errorf("env %v, want %v", env, want)
	}
	for target, want := range map[string]string{"Web1": "upper Upper", "web1": "lower lower", "WEB1": "WEB1 "} {
		s := mustResolve(t, c, target, nil).Settings
		if got := s.Host + " " + s.Username; got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	for spec, want := range map[string]string{"@All.Of": "web1.corp.example", "@all.of": "Web1"} {
		if got, err := c.Expand(spec); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v %v", spec, got, err)
		}
	}
}

func TestEndpoint(t *testing.T) {
	file := `
profiles:
  plain: {host: web1.corp.example}
  tls: {host: h, https: true}
  ported: {host: h, https: true, port: 443}
  six: {host: '::1', port: 7000}
  zone: {host: '[fe80::1%eth0]'}
  url: {url: 'http://10.0.0.7'}
  slash: {url: 'HTTPS://h/'}
  path: {url: 'https://h:8443/a%2Fb/c'}
  urlsix: {url: 'http://[::1]/x'}
`
	tests := []struct {
		target   string
		over     map[string]string
		vars     map[string]string
		defaults string
		want     string
		err      string
	}{
		{target: "plain", want: "http://web1.corp.example:5985/wsman"},
		{target: "tls", want: "https://h:5986/wsman"},
		{target: "ported", want: "https://h:443/wsman"},
		{target: "six", want: "http://[::1]:7000/wsman"},
		{target: "zone", want: "http://[fe80::1%25eth0]:5985/wsman"},
		{target: "url", want: "http://10.0.0.7:5985/wsman"},
		{target: "slash", want: "https://h:5986/wsman"},
		{target: "path", want: "https://h:8443/a%2Fb/c"},
		{target: "urlsix", want: "http://[::1]:5985/x"},

		{target: "other", want: "http://other:5985/wsman"},
		{target: "other", defaults: "https: true", want: "https://other:5986/wsman"},
		{target: "other", over: map[string]string{"https": "true"}, want: "https://other:5986/wsman"},
		{target: "other:99", over: map[string]string{"https": "true"}, want: "https://other:99/wsman"},
		{target: "other:99", over: map[string]string{"port": "98"}, want: "http://other:98/wsman"},
		{target: "other:99", vars: map[string]string{"WINRMCTL_PORT": "98", "WINRMCTL_HOST": "e"}, want: "http://other:99/wsman"},
		{target: "http://other", vars: map[string]string{"WINRMCTL_PORT": "98", "WINRMCTL_HTTPS": "true"}, want: "http://other:5985/wsman"},
		{target: "http://other", defaults: "port: 1, https: true", want: "http://other:5985/wsman"},
		{target: "http://other", over: map[string]string{"https": "true"}, err: "--https: two endpoints: the url (command line) says otherwise"},
		{target: "https://other", over: map[string]string{"https": "true", "port": "5986"}, want: "https://other:5986/wsman"},
		{target: "https://other", over: map[string]string{"port": "1"}, err: "--port: two endpoints: the url (command line) says otherwise"},
		{target: "https://other/x", vars: map[string]string{"WINRMCTL_URL": "http://env"}, want: "https://other:5986/x"},

		{target: "plain:99", want: "http://web1.corp.example:99/wsman"},
		{target: "plain", defaults: "port: 98", want: "http://web1.corp.example:98/wsman"},
		{target: "plain", vars: map[string]string{"WINRMCTL_HOST": "e"}, want: "http://e:5985/wsman"},
		{target: "plain", vars: map[string]string{"WINRMCTL_URL": "https://e/x"}, want: "https://e:5986/x"},
		{target: "url", defaults: "port: 98, https: true", want: "http://10.0.0.7:5985/wsman"},
		{target: "url", vars: map[string]string{"WINRMCTL_HOST": "e"}, want: "http://e:5985/wsman"},
		{target: "url", vars: map[string]string{"WINRMCTL_PORT": "98"}, err: "WINRMCTL_PORT: two endpoints: the url (config.yaml:8) says otherwise"},
		{target: "url", vars: map[string]string{"WINRMCTL_PORT": "5985"}, want: "http://10.0.0.7:5985/wsman"},
		{target: "url:98", err: "target: two endpoints: the url (config.yaml:8) says otherwise"},
		{target: "url", over: map[string]string{"https": "true"}, err: "--https: two endpoints: the url (config.yaml:8) says otherwise"},
		{target: "plain", vars: map[string]string{"WINRMCTL_URL": "http://e", "WINRMCTL_HOST": "f"},
			err: "WINRMCTL_HOST: two endpoints: the url (environment WINRMCTL_URL) says otherwise"},
	}
	for _, test := range tests {
		name := fmt.Sprint(test.target, test.over, test.vars, test.defaults)
		content := file
		if test.defaults != "" {
			content += "defaults: {" + test.defaults + "}\n"
		}
		got, err := mustLoad(t, content, test.vars).Resolve(test.target, test.over)
		switch {
		case test.err != "":
			if err == nil || err.Error() != test.err || hint(err) != "give a url, or host, port and https" {
				t.Errorf("%s: error %v, want %s", name, err, test.err)
			}
			var usage *UsageError
			if typed := !strings.HasPrefix(test.err, "WINRMCTL"); errors.As(err, &usage) != typed {
				t.Errorf("%s: error is %T", name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case got.Settings.Endpoint() != test.want:
			t.Errorf("%s: %s, want %s", name, got.Settings.Endpoint(), test.want)
		}
	}
}

func TestEnv(t *testing.T) {
	c := mustLoad(t, `
defaults: {env: {STAGE: dev, Path: 'C:\a', KEEP: '1'}}
profiles: {web1: {host: h, env: {STAGE: prod, path: 'C:\b', OWN: ''}}}
`, map[string]string{"WINRMCTL_ENV": "OWN=env=x\r\n\nE=\n"})
	got := mustResolve(t, c, "web1", map[string]string{"env": "F=1\nE=flag", "env.MULTI": "a\nb"})
	want := map[string]string{"STAGE": "prod", "path": `C:\b`, "KEEP": "1", "OWN": "env=x", "E": "flag", "F": "1", "MULTI": "a\nb"}
	if !maps.Equal(got.Settings.Env, want) {
		t.Errorf("env %v, want %v", got.Settings.Env, want)
	}
	for name, want := range map[string]string{"STAGE": "config.yaml:3", "PATH": "config.yaml:3", "KEEP": "config.yaml:2",
		"OWN": "environment WINRMCTL_ENV", "E": "flag --env", "MULTI": "flag --env", "NONE": "built in"} {
		if from := got.Origin("env." + name); from != want {
			t.Errorf("%s is from %q, want %q", name, from, want)
		}
	}
	if env := mustResolve(t, mustLoad(t, "", nil), "h", nil).Settings.Env; env == nil || len(env) > 0 {
		t.Errorf("without any: %#v", env)
	}
}

func TestPaths(t *testing.T) {
	content := "profiles: {a: {host: h, tls: {ca_file: FILE}}}\n"
	for file, want := range map[string]string{
		"ca.pem": "DIR/ca.pem", "../ca.pem": "UP/ca.pem", "/ca.pem": "/ca.pem", "~/ca.pem": "DIR/home/ca.pem", "'~'": "DIR/home", "''": "",
	} {
		c, dir, err := fromText(t, "config.yaml", strings.Replace(content, "FILE", file, 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		want = strings.NewReplacer("DIR", dir, "UP", filepath.Dir(dir)).Replace(want)
		if got := mustResolve(t, c, "a", nil).Settings.TLS.CAFile; got != filepath.FromSlash(want) {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
	c, dir, err := fromText(t, "config.yaml", "", map[string]string{"WINRMCTL_TLS_CA_FILE": "env.pem"})
	if err != nil {
		t.Fatal(err)
	}
	if got := mustResolve(t, c, "h", nil).Settings.TLS.CAFile; got != "env.pem" {
		t.Errorf("environment: %q", got)
	}
	if got := mustResolve(t, c, "h", map[string]string{"tls.ca_file": "~/flag.pem"}).Settings.TLS.CAFile; got != filepath.Join(dir, "home", "flag.pem") {
		t.Errorf("flag: %q", got)
	}
}

func TestResolveTargets(t *testing.T) {
	c := mustLoad(t, `
profiles: {web1: {host: web1.corp.example, username: bob}, www.example: {host: a}, büro-: {host: b}}
groups: {prod: [web1]}
`, nil)
	tests := []struct{ target, host, port, user, profile, near string }{
		{target: "web1", host: "web1.corp.example", port: "5985", user: "bob", profile: "web1"},
		{target: "alice@web1", host: "web1.corp.example", port: "5985", user: "alice", profile: "web1"},
		{target: "büro-", host: "b", port: "5985", profile: "büro-"},
		{target: "bob@büro-:99", host: "b", port: "99", user: "bob", profile: "büro-"},
		{target: "web2", host: "web2", port: "5985", near: "web1"},
		{target: "WEB1", host: "WEB1", port: "5985", near: "web1"},
		{target: "prod", host: "prod", port: "5985", near: "@prod"},
		{target: "Host_1.Example.COM.", host: "Host_1.Example.COM.", port: "5985"},
		{target: `CORP\bob@h:1`, host: "h", port: "1", user: `CORP\bob`},
		{target: `.\bob@h`, host: "h", port: "5985", user: `.\bob`},
		{target: "bob@corp.example@h:5985", host: "h", port: "5985", user: "bob@corp.example"},
		{target: "[::1]:7", host: "::1", port: "7"},
		{target: "[::1]", host: "::1", port: "5985"},
		{target: "::1", host: "::1", port: "5985"},
		{target: "2001:db8::5985", host: "2001:db8::5985", port: "5985"},
		{target: "bob@fe80::1%eth0", host: "fe80::1%eth0", port: "5985", user: "bob"},
		{target: "10.0.0.7:65535", host: "10.0.0.7", port: "65535"},
		{target: "https://bob@h", host: "h", port: "5986", user: "bob"},
		{target: "https://CORP%5Cbob@[::1]:9/x", host: "::1", port: "9", user: `CORP\bob`},
		{target: "http://sandbox", host: "sandbox", port: "5985"},
	}
	for _, test := range tests {
		got, err := c.Resolve(test.target, nil)
		if err != nil {
			t.Errorf("%s: %v", test.target, err)
			continue
		}
		s := got.Settings
		if s.Host != test.host || fmt.Sprint(s.Port) != test.port || s.Username != test.user || got.Profile != test.profile ||
			got.DidYouMean != test.near || got.Name != test.target {
			t.Errorf("%s: %+v, profile %q, near %q", test.target, s, got.Profile, got.DidYouMean)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	form := "write http(s)://host[:port][/path]"
	apart := "give the password apart: password_command, password_file, or --password-stdin"
	tests := []struct {
		target    string
		over      map[string]string
		err, hint string
	}{
		{target: "", err: `target "": is empty`, hint: "write a profile, @group, [user@]host[:port], a URL, or sandbox"},
		{target: "a b", err: `target "a b": has a space or a control character`},
		{target: "a\x1b[1m", err: `target "a\x1b[1m": has a space or a control character`},
		{target: "@web", err: `target "@web": is a group, and one target is needed`},
		{target: "@", err: `target "@": is a group, and one target is needed`},
		{target: "bob@", err: `target "": no host`},
		{target: ":80", err: `target ":80": no host`},
		{target: "h:", err: `target "h:": not a whole number: ""`},
		{target: "h:abc", err: `target "h:abc": not a whole number: "abc"`},
		{target: "h:0", err: `target "h:0": out of range: "0" is not within 1 and 65535`},
		{target: "h:65536", err: `target "h:65536": out of range: "65536" is not within 1 and 65535`},
		{target: "[::1", err: `target "[::1": not a host name or address: "[:"`},
		{target: "::1]:80", err: `target "::1]:80": not a host name or address: "::1]"`},
		{target: "a/b", err: `target "a/b": not a host name or address: "a/b"`},
		{target: "-h", err: `target "-h": not a host name or address: "-h"`},
		{target: "bob:hunter2@h", err: `target "h": a user name has no colon`, hint: apart},
		{target: "bob:hun@ter2@h", err: `target "h": a user name has no colon`, hint: apart},
		{target: `CORP\@h`, err: `target "h": a domain without a user: "CORP\\"`, hint: `write DOMAIN\user or user@realm`},
		{target: "http://bob:hunter2@h", err: `target "h": a URL with a password`, hint: "use --password-stdin, --password-file, or a profile"},
		{target: "http://bob:hun%zz@h", err: `target "h": not a URL`, hint: form},
		{target: "http://@h", err: `target "h": nothing before the @`, hint: "write user@host"},
		{target: "http://h:x", err: `target "http://h:x": not a URL`, hint: form},
		{target: "http://h:0", err: `target "http://h:0": out of range: "0" is not within 1 and 65535`},
		{target: "ftp://h", err: `target "ftp://h": a URL that is neither http nor https`, hint: form},
		{target: "http:///wsman", err: `target "http:///wsman": no host`},
		{target: "http://h/?q", err: `target "http://h/?q": a URL with a query or a fragment`, hint: form},
		{target: "sandbox:1", err: "target sandbox: takes no user and no port", hint: "write sandbox alone, or http://sandbox for a host of that name"},
		{target: "bob@sandbox", err: "target sandbox: takes no user and no port", hint: "write sandbox alone, or http://sandbox for a host of that name"},
		{target: "sandbox", over: map[string]string{"port": "1"}, err: "--port: has no meaning for the sandbox, which sets this itself", hint: "leave it out"},
		{target: "sandbox", over: map[string]string{"password_stdin": "true"}, err: "--password-stdin: has no meaning for the sandbox, which sets this itself", hint: "leave it out"},
		{target: "bob@h", over: map[string]string{"username": "alice"}, err: "two user names: alice by --user and bob in the target", hint: "give one of them"},
		{target: "h", over: map[string]string{"port": "abc"}, err: `--port: not a whole number: "abc"`},
		{target: "h", over: map[string]string{"auth": "kerb"}, err: `--auth: not a choice: "kerb"`, hint: "did you mean kerberos?"},
		{target: "h", over: map[string]string{"username": "bob:hunter2"}, err: "--user: a user name has no colon", hint: apart},
		{target: "h", over: map[string]string{"password": "hunter2"}, err: "--password: a password is not taken from the command line", hint: "use --password-stdin or --password-file"},
		{target: "h", over: map[string]string{"prot": "1"}, err: "--prot: unknown setting", hint: "did you mean port?"},
		{target: "h", over: map[string]string{"env": "A"}, err: `--env: a variable without a value: "A"`, hint: "write NAME=VALUE, one a line"},
		{target: "h", over: map[string]string{"env": "=A"}, err: `--env: not the name of a variable: ""`},
		{target: "h", over: map[string]string{"password_stdin": "true", "password_file": "x"},
			err: "--password-file: a second password beside --password-stdin", hint: "give one of them"},
		{target: "h", over: map[string]string{"tls.key": "x"}, err: "--key: a key without its certificate", hint: "give tls.cert (--cert)"},
		{target: "h", over: map[string]string{"auth": "certificate"}, err: "--auth: certificate needs a client certificate", hint: "give tls.cert and tls.key (--cert, --key)"},
		{target: "h", over: map[string]string{"auth": "certificate", "tls.cert": "x", "tls.key": "x"}, err: "--auth: certificate needs https", hint: "give https: true (--https)"},
	}
	c := mustLoad(t, "profiles: {web1: {host: h}}\ngroups: {web: [web1]}\n", nil)
	for _, test := range tests {
		got, err := c.Resolve(test.target, test.over)
		var usage *UsageError
		switch {
		case !errors.As(err, &usage) || got != nil:
			t.Errorf("%q %v: %v, error %T %v", test.target, test.over, got, err, err)
		case err.Error() != test.err || hint(err) != test.hint:
			t.Errorf("%q %v:\n got %s | %s\nwant %s | %s", test.target, test.over, err, hint(err), test.err, test.hint)
		case strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ter2"):
			t.Errorf("%q: shows the password: %v", test.target, err)
		}
	}
}

func TestEnvironmentRefuses(t *testing.T) {
	tests := []struct {
		vars      map[string]string
		err, hint string
	}{
		{map[string]string{"WINRMCTL_PORT": "abc"}, `WINRMCTL_PORT: not a whole number: "abc"`, ""},
		{map[string]string{"WINRMCTL_PORT": "abc", "WINRMCTL_TIMEOUT": "5"}, `WINRMCTL_PORT: not a whole number: "abc" (and 1 more: see winrmctl config validate)`, ""},
		{map[string]string{"WINRMCTL_CREDENTIAL": "Ops"}, `WINRMCTL_CREDENTIAL: unknown credential "Ops"`, "did you mean ops?"},
		{map[string]string{"WINRMCTL_PASSWORD": "hunter2", "WINRMCTL_PASSWORD_FILE": "x"}, "WINRMCTL_PASSWORD: a second password beside WINRMCTL_PASSWORD_FILE", "unset one of them"},
		{map[string]string{"WINRMCTL_URL": "http://bob:hunter2@h"}, "WINRMCTL_URL: a URL with a password", "use --password-stdin, --password-file, or a profile"},
		{map[string]string{"WINRMCTL_ENV": "A"}, `WINRMCTL_ENV: a variable without a value: "A"`, "write NAME=VALUE, one a line"},
		{map[string]string{"WINRMCTL_AUTH": "certificate"}, "WINRMCTL_AUTH: certificate needs a client certificate", "give tls.cert and tls.key (--cert, --key)"},
	}
	for _, test := range tests {
		_, err := mustLoad(t, "credentials: {ops: {}}", test.vars).Resolve("h", nil)
		var wrong *Error
		if !errors.As(err, &wrong) || err.Error() != test.err || hint(err) != test.hint {
			t.Errorf("%v: %T %v | %s", test.vars, err, err, hint(err))
		}
	}
	empty := map[string]string{}
	for _, key := range Keys() {
		empty[key.Env()] = ""
	}
	if _, err := mustLoad(t, "", empty).Resolve("h", nil); err != nil {
		t.Errorf("empty variables: %v", err)
	}
}

func TestSandbox(t *testing.T) {
	c := mustLoad(t, `
credentials: {ops: {username: bob, password_env: X}}
defaults: {port: 1, https: true, auth: kerberos, encryption: never, credential: ops, proxy: 'http://p', cwd: 'C:\', env: {A: '1'}, tls: {ca_file: x}}
`, map[string]string{"WINRMCTL_HOST": "e", "WINRMCTL_USERNAME": "eve", "WINRMCTL_TIMEOUT": "5s", "WINRMCTL_AUTH": "basic"})
	got := mustResolve(t, c, "sandbox", map[string]string{"code_page": "437", "encryption": "always"})
	s := got.Settings
	if !got.Sandbox || s.Host != "" || s.Port != 0 || s.HTTPS || s.Username != "" || s.Auth != "auto" || s.Encryption != "always" || s.Proxy != "" || s.TLS != (TLS{}) {
		t.Errorf("what is the sandbox's own: %+v", s)
	}
	if s.CWD != `C:\` || s.Env["A"] != "1" || s.Timeout != 5*time.Second || s.CodePage != 437 {
		t.Errorf("what is the command's: %+v", s)
	}
	for _, row := range got.Rows() {
		if slices.Contains([]string{"host", "port", "url", "username", "password_env", "tls.ca_file"}, row.Key) {
			t.Errorf("row %v", row)
		}
	}
	s.Host, s.Port = "127.0.0.1", 1234 // as its caller does once it runs
	if s.Endpoint() != "http://127.0.0.1:1234/wsman" {
		t.Errorf("endpoint %s", s.Endpoint())
	}
}

func TestExpand(t *testing.T) {
	c := mustLoad(t, `
profiles: {web1: {host: a}, web2: {host: b}, lab: {host: c}}
groups:
  web: [web2, web1]
  test: [lab, web1]
  all: ['@web', '@test', lab]
  fleet: ['web[1:4:2]', 'db[a:b].corp.example', 'fe80::1', '@t[e:e]st']
`, nil)
	tests := []struct {
		specs     []string
		want      string
		err, hint string
	}{
		{specs: []string{"web1"}, want: "web1"},
		{specs: []string{"web1, lab", "http://x:1/y"}, want: "web1 lab http://x:1/y"},
		{specs: []string{"@web"}, want: "web2 web1"},
		{specs: []string{"@all"}, want: "web2 web1 lab"},
		{specs: []string{"sandbox,@web"}, want: "sandbox web2 web1"},
		{specs: []string{"@fleet"}, want: "web1 web3 dba.corp.example dbb.corp.example fe80::1 lab"},
		{specs: []string{"web[01:03]", "https://h[1:2]:443/x"}, want: "web01 web02 web03 https://h1:443/x https://h2:443/x"},
		{specs: []string{"bob@h[9:10]:99,[::1]:5985"}, want: "bob@h9:99 bob@h10:99 [::1]:5985"},
		{specs: []string{"@[t:t]est"}, want: "lab web1"},
		{specs: []string{"web[1:2],lab,web2"}, err: `target "web2": named twice: by "web[1:2]" and by itself`, hint: "name it once"},
		{specs: []string{"b:hunter2@h[1:2],b:hunter2@h[2:3]"}, err: `target "h2": named twice: by "h[1:2]" and by "h[2:3]"`, hint: "name it once"},
		{specs: []string{"b:hun[ter2]@h"}, want: "b:hun[ter2]@h"},
		{specs: []string{"web[01-20]"}, err: `target "web[01-20]": not a range: "[01-20]"`, hint: "write it as [01:20], [a:f] or [1:10:2]"},
		{specs: []string{"b:hunter2@h[1]"}, err: `target "h[1]": not a range: "[1]"`, hint: "write it as [01:20], [a:f] or [1:10:2]"},
		{specs: []string{"h[1:10001]"}, err: `target "h[1:10001]": the range [1:10001] makes more than 10000 names`},
		{specs: []string{"a[1:9999],b[1:9999],c[1:9999],d[1:9999],e[1:9999],f[1:9999],g[1:9999],h[1:9999],i[1:9999],j[1:9999],k[1:99]"}, err: "more than 100000 targets"},
		{specs: []string{"web1,lab,web1"}, err: `target "web1": named twice`, hint: "name it once"},
		{specs: []string{"web1", "@web"}, err: `target "web1": named twice: by itself and by @web`, hint: "name it once"},
		{specs: []string{"@web", "@test"}, err: `target "web1": named twice: by @web and by @test`, hint: "name it once"},
		{specs: []string{"b:hunter2@h,b:hunter2@h"}, err: `target "h": named twice`, hint: "name it once"},
		{specs: []string{"@web,@web"}, err: `target "web2": named twice: by @web and by @web`, hint: "name it once"},
		{specs: []string{"web1,,lab"}, err: "a target is missing", hint: "name targets with one comma between them: web1,web2"},
		{specs: []string{""}, err: "a target is missing", hint: "name targets with one comma between them: web1,web2"},
		{specs: nil, err: "a target is missing", hint: "name targets with one comma between them: web1,web2"},
		{specs: []string{"@wbe"}, err: `unknown group "wbe"`, hint: "did you mean web?"},
		{specs: []string{"@nothing"}, err: `unknown group "nothing"`, hint: "winrmctl config view lists the groups"},
		{specs: []string{"@Web"}, err: `unknown group "Web"`, hint: "did you mean web?"},
		{specs: []string{"@"}, err: `target "@": a group without a name`, hint: "write it as @NAME"},
		{specs: []string{"h.x,H.X"}, err: `target "H.X": named twice: by "h.x" and by itself`, hint: "name it once"},
		{specs: []string{"h.x,bob@h.x,h.x:05985,bob@h.x:5985,http://h.x/wsman2,https://h.x"}, want: "h.x bob@h.x h.x:05985 bob@h.x:5985 http://h.x/wsman2 https://h.x"},
		{specs: []string{"h.x:5985,H.x.:05985"}, err: `target "H.x.:05985": named twice: by "h.x:5985" and by itself`, hint: "name it once"},
		{specs: []string{`CORP\bob@h.x`, `corp\BOB@h.x`}, err: `target "h.x": named twice: by "h.x" and by itself`, hint: "name it once"},
		{specs: []string{"bob@web1,Bob@web1"}, err: `target "web1": named twice: by "web1" and by itself`, hint: "name it once"},
		{specs: []string{"[::1],0::1"}, err: `target "0::1": named twice: by "[::1]" and by itself`, hint: "name it once"},
		{specs: []string{"http://H.x,http://h.X:5985/wsman"}, err: `target "http://h.X:5985/wsman": named twice: by "http://H.x" and by itself`, hint: "name it once"},
		{specs: []string{"@fleet,DBB.corp.example"}, err: `target "DBB.corp.example": named twice: by @fleet and by itself`, hint: "name it once"},
		{specs: []string{"@fleet", "[FE80::1]"}, err: `target "[FE80::1]": named twice: by @fleet and by itself`, hint: "name it once"},
		{specs: []string{"web1,WEB1"}, want: "web1 WEB1"}, // a profile, and a host
	}
	for _, test := range tests {
		got, err := c.Expand(test.specs...)
		var usage *UsageError
		switch {
		case test.err == "" && (err != nil || strings.Join(got, " ") != test.want):
			t.Errorf("%v: %v %v, want %s", test.specs, got, err, test.want)
		case test.err != "" && (!errors.As(err, &usage) || err.Error() != test.err || hint(err) != test.hint):
			t.Errorf("%v: %v | %s, want %s | %s", test.specs, err, hint(err), test.err, test.hint)
		}
	}
}

// One host is one target, however it is written; profiles may lead to it too, because they may differ in more.
func TestTargets(t *testing.T) {
	c := mustLoad(t, `
profiles:
  web1: {host: Web1.example, username: bob}
  web1-app: {host: web1.example, username: bob, cwd: 'C:\app'}
  tls: {host: t.example, https: true}
  same: {host: m.x}
groups: {g: {members: [h.x], port: 5986}, mixed: [m.x, same]}
`, nil)
	for _, test := range []struct {
		spec string
		over map[string]string
		err  string
	}{
		{spec: "web1,web1-app,eve@web1,tls,h.x,h.x:5985"},
		{spec: "sandbox,h.x"},
		{spec: "a.x,a.x:5985", err: `target "a.x:5985": named twice: "a.x" leads to http://a.x:5985/wsman, too`},
		{spec: "a.x,a.x:5985", over: map[string]string{"https": "true"}},
		{spec: "a.x,https://A.x", over: map[string]string{"https": "true"}, err: `target "https://A.x": named twice: "a.x" leads to https://a.x:5986/wsman, too`},
		{spec: "bob@WEB1.example,web1"},
		{spec: "bob@WEB1.example,web1,http://bob@web1.EXAMPLE", err: `target "web1.EXAMPLE": named twice: "WEB1.example" leads to http://web1.example:5985/wsman, too`},
		{spec: "@mixed"},
		{spec: "@mixed,m.x:5985", err: `target "m.x:5985": named twice: "m.x" leads to http://m.x:5985/wsman, too`},
		{spec: "web1,eve@web1", over: map[string]string{"username": "bob"}, err: "two user names: bob by --user and eve in the target"},
		{spec: "h.x:5986,H.X", err: `target "H.X": named twice: "h.x:5986" leads to http://h.x:5986/wsman, too`},
		{spec: "b:hunter2@h", err: `target "h": a user name has no colon`},
		{spec: "bob@@g", err: `target "g": a group takes no user in front of it`},
	} {
		targets, err := c.Targets(test.over, test.spec)
		var usage *UsageError
		switch {
		case test.err == "" && (err != nil || len(targets) != 1+strings.Count(strings.ReplaceAll(test.spec, "@mixed", "m.x,same"), ",")):
			t.Errorf("%s: %d targets, %v", test.spec, len(targets), err)
		case test.err != "" && (!errors.As(err, &usage) || err.Error() != test.err):
			t.Errorf("%s: %v, want %s", test.spec, err, test.err)
		}
	}
}
