package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each problem is "line: key: text", with "| hint" where there is one.
func TestProblems(t *testing.T) {
	profile := func(rest string) string { return "profiles:\n  a:\n    host: h\n" + rest }
	tests := []struct {
		name, content string
		file          string // c.yaml unless given
		want          []string
	}{
		{name: "unknown key", content: "profiles:\n  web1: {hots: h}\n",
			want: []string{"2: profiles.web1.hots: unknown key | did you mean host?"}},
		{name: "unknown key by its ending", content: profile("    user: bob\n    hostname: x\n"),
			want: []string{"4: profiles.a.user: unknown key | did you mean username?", "5: profiles.a.hostname: unknown key | did you mean host?"}},
		{name: "unknown key with a dash", content: "defaults: {connect-timeout: 5s}\n",
			want: []string{"1: defaults.connect-timeout: unknown key | did you mean connect_timeout?"}},
		{name: "key of tls beside it", content: profile("    ca_file: x\n    'tls.cert': y\n"),
			want: []string{"4: profiles.a.ca_file: unknown key | write it as tls: {ca_file: ...}", "5: profiles.a.tls.cert: unknown key | write it as tls: {cert: ...}"}},
		{name: "unknown key in tls", content: profile("    tls: {ca: x, port: 1}\n"),
			want: []string{"4: profiles.a.tls.ca: unknown key | did you mean ca_file?", "4: profiles.a.tls.port: unknown key"}},
		{name: "unknown section", content: "profile: {}\nhosts: {}\n",
			want: []string{"1: profile: unknown key | did you mean profiles?", "2: hosts: unknown key | a configuration has defaults, credentials, profiles, groups"}},
		{name: "a key of profiles in defaults", content: "defaults: {host: h, url: 'http://h', description: x}\n",
			want: []string{"1: defaults.host: not a key of defaults | it belongs into a profile",
				"1: defaults.url: not a key of defaults | it belongs into a profile",
				"1: defaults.description: not a key of defaults | it belongs into a profile"}},
		{name: "a key of profiles in a credential", content: "credentials: {c: {port: 1, tls: {cert: x}, credential: d}}\n",
			want: []string{"1: credentials.c.port: not a key of credentials | it belongs into a profile or into defaults",
				"1: credentials.c.tls: unknown key",
				"1: credentials.c.credential: not a key of credentials | it belongs into a profile or into defaults"}},
		{name: "numbers", content: profile("    port: abc\n    code_page: 70000\n"),
			want: []string{`4: profiles.a.port: not a whole number: "abc"`, `5: profiles.a.code_page: out of range: "70000" is not within 1 and 65535`}},
		{name: "more numbers", content: "defaults:\n  port: 5985.0\n  code_page: 0\nx-: 1\nprofiles: {a: {host: h, port: -1}, b: {host: h, port: 99999999999999999999}, c: {host: h, port: 0x10}}\n",
			want: []string{`2: defaults.port: not a whole number: "5985.0"`, `3: defaults.code_page: out of range: "0" is not within 1 and 65535`,
				`5: profiles.a.port: out of range: "-1" is not within 1 and 65535`, `5: profiles.b.port: out of range: "99999999999999999999" is not within 1 and 65535`,
				`5: profiles.c.port: not a whole number: "0x10"`}},
		{name: "shapes", content: profile("    port: [1]\n    https: {a: b}\n    env: [A=B]\n    tls: x\n    username:\n"),
			want: []string{"4: profiles.a.port: must be a number, not a list", "5: profiles.a.https: must be true or false, not a table",
				"6: profiles.a.env: must be a table of keys, not a list", "7: profiles.a.tls: must be a table of keys, not a value",
				"8: profiles.a.username: has no value | give it one, or remove the key"}},
		{name: "shapes of sections", content: "defaults: 1\nprofiles: [a]\ngroups: x\ncredentials: {a: b}\n",
			want: []string{"1: defaults: must be a table of keys, not a value", "2: profiles: must be a table of keys, not a list",
				"3: groups: must be a table of keys, not a value", "4: credentials.a: must be a table of keys, not a value"}},
		{name: "not a table", content: "- a\n", want: []string{"1: must be a table of keys, not a list"}},
		{name: "switch", content: "defaults: {https: maybe}\n", want: []string{`1: defaults.https: neither true nor false: "maybe"`}},
		{name: "durations", content: "defaults:\n  timeout: 60\n  operation_timeout: 999ms\n  connect_timeout: 0s\n  idle_timeout: soon\n",
			want: []string{`2: defaults.timeout: a time without a unit: "60" | write 60s for seconds`, `3: defaults.operation_timeout: too short: "999ms" is less than 1s`,
				`4: defaults.connect_timeout: too short: "0s" is less than 1ms`, `5: defaults.idle_timeout: not a time: "soon" | write it as 90s, 1m30s or 2h`}},
		{name: "negative duration", content: "defaults: {timeout: -5s}\n", want: []string{`1: defaults.timeout: too short: "-5s" is less than 0s`}},
		{name: "choices", content: "defaults: {auth: NTLM, encryption: maybe}\n",
			want: []string{`1: defaults.auth: not a choice: "NTLM" | did you mean ntlm?`, `1: defaults.encryption: not a choice: "maybe" | one of auto, always, never`}},
		{name: "hosts", content: "profiles:\n  a: {host: 'h:5985'}\n  b: {host: 'http://h'}\n  c: {host: 'bob@h'}\n  d: {host: ''}\n  e: {host: 'a..b'}\n  f: {host: 'büro'}\n  g: {host: 'a b'}\n",
			want: []string{`2: profiles.a.host: not a host name or address: "h:5985" | give the port as port: 5985`,
				"3: profiles.b.host: a URL where a host belongs | give it as url", "4: profiles.c.host: a user where a host belongs | give it as username",
				"5: profiles.d.host: no host", `6: profiles.e.host: not a host name or address: "a..b"`,
				`7: profiles.f.host: not a host name or address: "büro" | write an international name in its xn-- form`,
				`8: profiles.g.host: not a host name or address: "a b"`}},
		{name: "urls", content: "profiles:\n  a: {url: 'h:5985'}\n  b: {url: 'ftp://h'}\n  c: {url: 'http://bob@h'}\n  d: {url: 'http://bob:pw@h'}\n  e: {url: 'http://h:0'}\n  f: {url: 'http://h/?x'}\n  g: {url: 'http://'}\n",
			want: []string{"2: profiles.a.url: not a URL | write http(s)://host[:port][/path]",
				"3: profiles.b.url: a URL that is neither http nor https | write http(s)://host[:port][/path]",
				"4: profiles.c.url: a URL with a user | give the user as username, and no password here",
				"5: profiles.d.url: a URL with a password | use --password-stdin, --password-file, or a profile",
				`6: profiles.e.url: out of range: "0" is not within 1 and 65535`,
				"7: profiles.f.url: a URL with a query or a fragment | write http(s)://host[:port][/path]", "8: profiles.g.url: no host"}},
		{name: "proxies", content: "defaults: {proxy: 'h:3128'}\nprofiles:\n  a: {host: h, proxy: 'http://u:p@h'}\n  b: {host: h, proxy: 'http://h/x'}\n  c: {host: h, proxy: 'socks4://h'}\n  d: {host: h, proxy: 'http://h:99999'}\n",
			want: []string{"1: defaults.proxy: not a proxy's URL | write http://, https:// or socks5://host:port",
				"3: profiles.a.proxy: a proxy's password has no place in its URL | write http://user@host:port, and put the password into a file: proxy_password_file",
				`4: profiles.b.proxy: a proxy's URL ends at its port: "http://h/x"`,
				"5: profiles.c.proxy: not a proxy's URL | write http://, https:// or socks5://host:port",
				`6: profiles.d.proxy: out of range: "99999" is not within 1 and 65535`}},
		{name: "fingerprints", content: "defaults: {tls: {fingerprint: xyz}}\nprofiles:\n  a: {host: h, tls: {fingerprint: 0123456789012345678901234567890123456789}}\n  b: {host: h, tls: {fingerprint: 'ab:cd'}}\n",
			want: []string{`1: defaults.tls.fingerprint: not a fingerprint: "xyz" | write the SHA-256 of the certificate in hex`,
				"3: profiles.a.tls.fingerprint: a SHA-1 thumbprint | the SHA-256 of the certificate is needed: 64 hex digits",
				"4: profiles.b.tls.fingerprint: 4 hex digits, where a SHA-256 has 64"}},
		{name: "user names", content: "defaults: {username: 'bob:pw'}\ncredentials: {a: {username: 'CORP\\'}, b: {username: '@realm'}, c: {username: \"a\\nb\"}}\n",
			want: []string{"1: defaults.username: a user name has no colon | give the password apart: password_command, password_file, or --password-stdin",
				`2: credentials.a.username: a domain without a user: "CORP\\" | write DOMAIN\user or user@realm`,
				`2: credentials.b.username: a domain without a user: "@realm" | write DOMAIN\user or user@realm`,
				"2: credentials.c.username: has a control character or a second line"}},
		{name: "secrets' places", content: "defaults: {password_env: 'A B'}\ncredentials: {a: {password_command: ' '}, b: {password_env: $PW}, c: {password_file: ~bob/x}}\n",
			want: []string{`1: defaults.password_env: not the name of a variable: "A B" | write the name alone, such as WEB1_PASSWORD`,
				"2: credentials.a.password_command: is empty",
				`2: credentials.b.password_env: not the name of a variable: "$PW" | write the name alone, such as WEB1_PASSWORD`,
				`2: credentials.c.password_file: ~NAME is not known here: "~bob/x" | write the path from the root, or with ~/`}},
		{name: "two secrets", content: "credentials:\n  a:\n    password_file: x\n    password_command: y\n",
			want: []string{"4: credentials.a.password_command: a second password beside password_file | keep one of them"}},
		{name: "two endpoints", content: "profiles:\n  a:\n    url: http://h\n    port: 1\n    https: true\n  b: {host: h,\n    url: 'http://h'}\n",
			want: []string{"4: profiles.a.port: two endpoints: url is on line 3 | keep url, or host with port and https",
				"5: profiles.a.https: two endpoints: url is on line 3 | keep url, or host with port and https",
				"6: profiles.b.host: two endpoints: url is on line 7 | keep url, or host with port and https"}},
		{name: "no endpoint", content: "profiles:\n  a: {port: 1}\n  b:\n",
			want: []string{"2: profiles.a: no endpoint | give it host: NAME, or url: http(s)://NAME",
				"3: profiles.b: no endpoint | give it host: NAME, or url: http(s)://NAME"}},
		{name: "given twice", content: "defaults: {auth: ntlm}\nprofiles: {a: {host: h, port: 1,\n port: 2}}\ndefaults: {}\n",
			want: []string{"3: profiles.a.port: given twice: also on line 2", "4: defaults: given twice: also on line 1"}},
		{name: "given twice in json", file: "c.json", content: "{\"profiles\": {\n\"a\": {\"host\": \"h\"},\n\"a\": {\"host\": \"h\"}}}",
			want: []string{"3: profiles.a: given twice: also on line 2"}},
		{name: "given twice in toml", file: "c.toml", content: "[profiles.a]\nhost = 'h'\nhost = 'i'\n[profiles.b]\nhost='h'\n[profiles.a]\nport = 1\n",
			want: []string{"3: profiles.a.host: given twice: also on line 2", "6: profiles.a: given twice: also on line 1"}},
		{name: "toml lists of tables", file: "c.toml", content: "[[profiles]]\nname = 'a'\n[[profiles]]\nname = 'b'\n",
			want: []string{"1: profiles: must be a table of keys, not a list"}},
		{name: "toml value and table", file: "c.toml", content: "defaults = 1\n[defaults.x]\ny = 1\n",
			want: []string{"1: defaults: must be a table of keys, not a value", "2: defaults: is not a table on line 1"}},
		{name: "toml rule that only the strict parser knows", file: "c.toml", content: "defaults = {port = 1}\n[defaults.tls]\ninsecure = true\n",
			want: []string{"2: not TOML: expected defaults to be a table, not a value"}},
		{name: "variables", content: "defaults:\n  env:\n    Path: a\n    PATH: b\n    'A=B': c\n    D: [e]\n    F:\n",
			want: []string{"4: defaults.env.PATH: given twice: Path and PATH are one variable to Windows", `5: defaults.env.A=B: not the name of a variable: "A=B"`,
				"6: defaults.env.D: must be text, not a list", "7: defaults.env.F: has no value | give it one, or remove the key"}},
		{name: "names", content: "profiles:\n  sandbox: {host: h}\n  'a,b': {host: h}\n  -x: {host: h}\n  '': {host: h}\n  'a b': {host: h}\ngroups: {sandbox: [x], '@y': [x]}\n",
			want: []string{"2: profiles.sandbox: the name sandbox is reserved for the built-in server | choose another name",
				`3: profiles.a,b: a name cannot have the character ',' | letters, digits, ".", "_" and "-" can be used`,
				`4: profiles.-x: not a name: "-x" | a name begins with a letter, a digit or an underscore`,
				`5: profiles.: not a name: "" | a name begins with a letter, a digit or an underscore`,
				`6: profiles.a b: a name cannot have the character ' ' | letters, digits, ".", "_" and "-" can be used`,
				"7: groups.sandbox: the name sandbox is reserved for the built-in server | choose another name",
				`7: groups.@y: a name cannot have the character '@' | letters, digits, ".", "_" and "-" can be used`,
				`7: groups.sandbox: unknown profile "x" | make it a profile; a host without one has a dot in its name, or a range`,
				`7: groups.@y: unknown profile "x" | make it a profile; a host without one has a dot in its name, or a range`}},
		{name: "credentials", content: "defaults: {credential: Ops}\ncredentials: {ops: {}}\nprofiles: {a: {host: h, credential: nobody}}\n",
			want: []string{`1: defaults.credential: unknown credential "Ops" | did you mean ops?`, `3: profiles.a.credential: unknown credential "nobody"`}},
		{name: "groups", content: "profiles: {web1: {host: h}}\ngroups:\n  a: [Web1]\n  b: []\n  c: web1\n  d: [web1, web1]\n  e:\n    - web1\n    - [x]\n  f: ['@g', a]\n  h:\n  i: [a, '@a', J]\n  j: [i, j]\n",
			want: []string{`3: groups.a: unknown profile "Web1" | did you mean web1?`, "4: groups.b: a group without members | name profiles: [web1, web2]",
				"5: groups.c: must be a list of profiles, not a value | write it as [web1, web2]", `6: groups.d: names "web1" twice`,
				"9: groups.e: must be text, not a list", `10: groups.f: unknown group "g"`,
				"11: groups.h: a group without members | name profiles: [web1, web2]", `12: groups.i: names "@a" twice, if in other words`,
				`12: groups.i: unknown profile "J" | did you mean j?`, "13: groups.j: contains itself: j > j"}},
		{name: "one of two members", content: "profiles: {web1: {host: h}, web7: {host: h}}\ngroups:\n  web: [web1, web2, web7]\n  db: [wbe]\n",
			want: []string{`3: groups.web: unknown profile "web2" | make it a profile; a host without one has a dot in its name, or a range`,
				`4: groups.db: unknown profile "wbe" | did you mean web?`}},
		{name: "members", content: "groups:\n  a: ['web[01-20]', 'web[1:20000]']\n  b: ['web[1:3]', web2]\n  c: [sandbox, 'sandbox.']\n  d: ['http://h.x', 'bob:hunter2@h.x', 'h.x:5986', a..b]\n  e: ['@a[1:2]']\n  f: [h.x, '[::1]', H.X, h.X., '0::1', 'i[1:2].x', I2.x]\n",
			want: []string{`2: groups.a: not a range: "[01-20]" | write it as [01:20], [a:f] or [1:10:2]`, "2: groups.a: the range [1:20000] makes more than 10000 names",
				`3: groups.b: names "web2" twice`,
				"4: groups.c: the sandbox is no member of groups | name it beside the group: sandbox,@web",
				"5: groups.d: a URL where a host belongs | a member is a profile, @group or a host's name alone: give all else in a profile",
				"5: groups.d: a user where a host belongs | a member is a profile, @group or a host's name alone: give all else in a profile",
				`5: groups.d: not a host name or address: "h.x:5986" | a member is a profile, @group or a host's name alone: give all else in a profile`,
				`5: groups.d: not a host name or address: "a..b" | a member is a profile, @group or a host's name alone: give all else in a profile`,
				`6: groups.e: unknown group "a1"`, `6: groups.e: unknown group "a2"`,
				`7: groups.f: names "H.X" twice, if in other words`, `7: groups.f: names "h.X." twice, if in other words`,
				`7: groups.f: names "0::1" twice, if in other words`, `7: groups.f: names "I2.x" twice, if in other words`}},
		{name: "too many members", content: "groups:\n" + strings.Repeat("  a%: ['h[1:9999].x']\n", 12),
			want: []string{"12: groups.a10: the groups have more than 100000 members"}},
		{name: "values of groups", content: "profiles: {web1: {host: h}}\ngroups:\n  a: {members: [web1], username: bob, password_env: X, host: h, url: 'http://h', description: x}\n" +
			"  b: {member: [web1]}\n  c: {members: []}\n  d: {members: web1, port: 0}\n  e: {members: [web1], credential: ops, tls: {insecure: maybe}, env: {A: [x]}}\n",
			want: []string{"3: groups.a.username: not a key of groups | name an account of credentials for the group: credential: NAME",
				"3: groups.a.password_env: not a key of groups | name an account of credentials for the group: credential: NAME",
				"3: groups.a.host: not a key of groups | it belongs into a profile", "3: groups.a.url: not a key of groups | it belongs into a profile",
				"3: groups.a.description: not a key of groups | it belongs into a profile",
				"4: groups.b.member: unknown key | did you mean members?", "4: groups.b.members: a group without members | name profiles: [web1, web2]",
				"5: groups.c.members: a group without members | name profiles: [web1, web2]",
				`6: groups.d.port: out of range: "0" is not within 1 and 65535`,
				"6: groups.d.members: must be a list of profiles, not a value | write it as [web1, web2]",
				`7: groups.e.tls.insecure: neither true nor false: "maybe"`, "7: groups.e.env.A: must be text, not a list",
				`7: groups.e.credential: unknown credential "ops"`}},
		{name: "disputed values", content: "profiles: {web1: {host: h}, web2: {host: h, port: 9}}\ngroups:\n  a: {members: [web1, web2, h.x], port: 1, https: true, env: {S: a, T: a}}\n" +
			"  b: {members: [web1, web2], port: 2, https: true, env: {s: b, T: a}}\n  c: {members: ['@a'], port: 3}\n  d: {members: ['@c', '@b'], port: 4}\n  e: {members: ['H.X'],\n     port: 5}\n",
			want: []string{`4: groups.b.port: another value for "web1" than groups.a has on line 3 | give it in a profile, or make one group a member of the other`,
				`4: groups.b.env.S: another value for "web1" than groups.a has on line 3 | give it in a profile, or make one group a member of the other`,
				`8: groups.e.port: another value for "h.x" than groups.a has on line 3 | give it in a profile, or make one group a member of the other`}},
		{name: "cycles", content: "groups:\n  a: ['@b']\n  b: ['@c']\n  c: ['@a']\n  d: ['@d']\n",
			want: []string{"4: groups.c: contains itself: c > a > b > c", "5: groups.d: contains itself: d > d"}},
		{name: "two documents", content: "profiles: {}\n---\nprofiles: {}\n", want: []string{"2: a second document: the configuration is one | remove the line ---"}},
		{name: "not yaml", content: "profiles: x\n a: b\n", want: []string{"2: not YAML: mapping values are not allowed in this context"}},
		{name: "not yaml later", content: "profiles: {}\n--- [\n", want: []string{"2: not YAML: did not find expected node content"}},
		{name: "not json", file: "c.json", content: "{\n\"a\" 1}", want: []string{"2: not JSON: invalid character '1' after object key"}},
		{name: "half json", file: "c.json", content: "{\n\"profiles\": {", want: []string{"2: not JSON: unexpected EOF"}},
		{name: "json and more", file: "c.json", content: "{}\n{}", want: []string{"2: not JSON: more follows the end of the value"}},
		{name: "not toml", file: "c.toml", content: "a = 1\nb\n", want: []string{"2: not TOML: expected character ="}},
		{name: "not utf-8", content: "a: \xff\n", want: []string{"is not UTF-8 text | save it as UTF-8"}},
		{name: "utf-16", content: "\xff\xfea\x00:\x00", want: []string{"is not UTF-8 text | save it as UTF-8"}},
		{name: "tag", content: "defaults: {username: !x y}\n", want: []string{`1: defaults.username: tag "!x" is not known here | remove the tag`}},
		{name: "key that is a list", content: "? [a]\n: b\n", want: []string{"1: a key that is not plain text"}},
		{name: "merge of a value", content: "defaults: {<<: 1}\n", want: []string{"1: defaults.<<: merges a value, not a table"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := test.file
			if file == "" {
				file = "c.yaml"
			}
			content := test.content
			for i := 0; strings.Contains(content, "%:"); i++ {
				content = strings.Replace(content, "%:", fmt.Sprint(i, ":"), 1)
			}
			_, dir, err := fromText(t, file, content, nil)
			var wrong *Error
			if !errors.As(err, &wrong) {
				t.Fatalf("error is %T: %v", err, err)
			}
			var got []string
			for _, p := range wrong.Problems {
				text := strings.TrimPrefix(strings.TrimPrefix(p.Error(), filepath.Join(dir, file)+":"), " ")
				if p.Hint != "" {
					text += " | " + p.Hint
				}
				got = append(got, text)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("problems\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestErrorTellsTheFirst(t *testing.T) {
	_, dir, err := fromText(t, "c.yaml", "groups: {a: []}\ndefaults: {port: 0, hots: 1}\n", nil)
	want := fmt.Sprintf("%s:1: groups.a: a group without members (and 2 more: see winrmctl config validate)", filepath.Join(dir, "c.yaml"))
	if err == nil || err.Error() != want || hint(err) != "name profiles: [web1, web2]" {
		t.Errorf("error %v, hint %q", err, hint(err))
	}
}

// Whatever is wrong with a file, what is written at password never shows.
func TestProblemsShowNoPassword(t *testing.T) {
	contents := []string{
		"defaults: {password: hunter2, pasword: hunter2}", "defaults: {password: [hunter2]}", "defaults: {password: !x hunter2}",
		"defaults: {password: \"hunter2\\0\"}", "defaults: {password: hunter2, password: hunter2}",
		"defaults: {password: hunter2", "defaults: {password: hunter2}\n  x", "defaults:\n  password: hunter2\n\tx: y",
		"profiles: {a: {url: 'http://bob:hunter2@h:x'}, b: {url: 'http://bob:hunter2@h/%zz'}, c: {host: 'bob:hunter2@h'}, d: {host: h, proxy: 'http://b:hunter2@h'}, e: {host: h, username: 'b:hunter2'}}",
	}
	for _, content := range contents {
		_, _, err := fromText(t, "c.yaml", content, nil)
		var wrong *Error
		if !errors.As(err, &wrong) {
			t.Errorf("%s: %v", content, err)
			continue
		}
		for _, p := range wrong.Problems {
			if strings.Contains(p.Error()+p.Hint, "hunter2") {
				t.Errorf("%s: shows it: %v", content, p)
			}
		}
	}
}

func TestUnreadableFile(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("nothing is unreadable for root")
	}
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "c.yaml"), "")
	if err := os.Chmod(file, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file, around(dir, nil)); err == nil || err.Error() != file+": permission denied" {
		t.Errorf("error %v", err)
	}
}
