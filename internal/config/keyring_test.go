package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// memory is a keyring; its error is in place of every answer.
type memory struct {
	entries map[string]string // by service and account
	err     error
	asked   []string
}

func (m *memory) Get(service, account string) (string, bool, error) {
	m.asked = append(m.asked, service+" "+account)
	secret, ok := m.entries[service+" "+account]
	return secret, ok && m.err == nil, m.err
}

func (m *memory) Set(service, account, secret string) error {
	if m.err == nil {
		m.entries[service+" "+account] = secret
	}
	return m.err
}

func (m *memory) Delete(service, account string) (bool, error) {
	_, ok := m.entries[service+" "+account]
	delete(m.entries, service+" "+account)
	return ok && m.err == nil, m.err
}

const keyringFile = `
credentials:
  ops: {username: 'CORP\svc', keyring: true}
  other: {username: other}
profiles:
  own: {host: h1, username: Bob, keyring: true}
  byops: {host: h2, credential: ops}
  off: {host: H3, username: eve, keyring: false}
  none: {host: h4, username: none}
defaults: {keyring: true}
`

// Each place has its own entry, and the entry of a place is not for another account.
func TestKeyring(t *testing.T) {
	for target, want := range map[string]string{
		"own": "winrmctl own", "byops": "winrmctl ops", "none": "winrmctl none@h4", "eve@own": "winrmctl eve@h1",
		"BOB@own": "winrmctl own", "Eve@byops": "winrmctl eve@h2", "x@WEB.corp:5986": "winrmctl x@web.corp", `CORP\x@[::1]`: `winrmctl corp\x@::1`,
	} {
		k := &memory{entries: map[string]string{want: "secret of " + want}}
		got, err := mustResolve(t, mustLoad(t, keyringFile, nil), target, nil).Password(t.Context(), &Secrets{Keyring: k})
		if err != nil || got != "secret of "+want || len(k.asked) != 1 {
			t.Errorf("%s: %q %v, asked %v", target, got, err, k.asked)
		}
	}
	prompt := func(_ context.Context, prompt string) (string, error) { return "typed: " + prompt, nil }
	k := &memory{}
	s := &Secrets{Keyring: k, Prompt: prompt}
	if got, err := mustResolve(t, mustLoad(t, keyringFile, nil), "off", nil).Password(t.Context(), s); got != "typed: Password for eve on off: " || len(k.asked) > 0 {
		t.Errorf("switched off: %q %v, asked %v", got, err, k.asked)
	}
	// What the keyring does not have, a person may know.
	for range 2 {
		if got, err := mustResolve(t, mustLoad(t, keyringFile, nil), "byops", nil).Password(t.Context(), s); got != `typed: Password for CORP\svc on byops: ` || len(k.asked) != 1 {
			t.Errorf("asked: %q %v, asked %v", got, err, k.asked)
		}
	}
	environment := mustLoad(t, "", map[string]string{"WINRMCTL_KEYRING": "yes"})
	k = &memory{entries: map[string]string{"winrmctl bob@h": "pw"}}
	if got, err := mustResolve(t, environment, "Bob@H", nil).Password(t.Context(), &Secrets{Keyring: k}); got != "pw" || err != nil {
		t.Errorf("by variable: %q %v", got, err)
	}
}

func TestKeyringFails(t *testing.T) {
	c := mustLoad(t, keyringFile, nil)
	instead := "where there is no keyring, use password_command or password_file in place of keyring: true"
	tests := []struct {
		target    string
		keyring   Keyring
		err, hint string
	}{
		{"byops", nil, `keyring (config.yaml:3): "ops": there is no keyring here`, instead},
		{"byops", &memory{err: errors.New("the keyring cannot be used: no D-Bus")}, `keyring (config.yaml:3): "ops": the keyring cannot be used: no D-Bus`, instead},
		{"byops", &memory{}, `keyring (config.yaml:3): "ops": there is no password for it in the keyring`, "winrmctl config set-password ops"},
		{"eve@h", &memory{}, `keyring (config.yaml:10): "eve@h": there is no password for it in the keyring`, "winrmctl config set-password eve@h"},
		{"byops", &memory{entries: map[string]string{"winrmctl ops": "hunter2\n"}}, `keyring (config.yaml:3): "ops": the password has more than one line`, ""},
	}
	for _, test := range tests {
		got, err := mustResolve(t, c, test.target, nil).Password(t.Context(), &Secrets{Keyring: test.keyring})
		var wrong *SecretError
		if got != "" || !errors.As(err, &wrong) || err.Error() != test.err || hint(err) != test.hint {
			t.Errorf("%s: %q, %T %v | %s\nwant %s | %s", test.target, got, err, err, hint(err), test.err, test.hint)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	locked := lockedKeyring{&memory{}, cancel}
	if _, err := mustResolve(t, c, "byops", nil).Password(ctx, &Secrets{Keyring: locked}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// lockedKeyring waits for ever for a person, who gives up.
type lockedKeyring struct {
	*memory
	giveUp func()
}

func (l lockedKeyring) Get(string, string) (string, bool, error) { l.giveUp(); select {} }

func TestKeyringShares(t *testing.T) {
	_, _, err := fromText(t, "c.yaml", "credentials: {ops: {keyring: true}, x: {keyring: true, password_env: X}, y: {keyring: false, password_env: X}}\nprofiles:\n  Ops: {host: h, keyring: true}\n  x: {host: h, keyring: maybe}\n", nil)
	var wrong *Error
	if !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	var got []string
	for _, p := range wrong.Problems {
		got = append(got, fmt.Sprintf("%d: %s: %s | %s", p.Line, p.Key, p.Text, p.Hint))
	}
	want := `1: credentials.x.password_env: a second password beside keyring | keep one of them
3: profiles.Ops.keyring: would have the same place in the keyring as credentials.ops on line 1 | rename one of them
4: profiles.x.keyring: neither true nor false: "maybe" | `
	if strings.Join(got, "\n") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, "\n"), want)
	}
}

func TestKeyringView(t *testing.T) {
	c := mustLoad(t, keyringFile, nil)
	for target, want := range map[string]string{
		"byops": "keyring ***      config.yaml:3, as ops", "eve@byops": "keyring *** config.yaml:10, as eve@h2",
		"off": "", "eve@own": "keyring *** config.yaml:6, as own, not used: it belongs to Bob",
	} {
		var out bytes.Buffer
		if err := mustResolve(t, c, target, nil).View(&out); err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(strings.Join(strings.Fields(out.String()), " "), strings.Join(strings.Fields(want), " ")); !has || want == "" && strings.Contains(out.String(), "keyring") {
			t.Errorf("%s:\n%s", target, out.String())
		}
	}
}

func TestSetPassword(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "pw"), "from file\n")
	c := mustLoad(t, keyringFile+"  # nothing\n", nil)
	stdin := map[string]string{"password_stdin": "true", "port": "1"}
	tests := []struct {
		name         string
		over         map[string]string
		entry, value string
		unused       string
	}{
		{name: "ops", entry: "winrmctl ops", value: "typed"},
		{name: "own", over: stdin, entry: "winrmctl own", value: "from stdin"},
		{name: "other", over: map[string]string{"password_file": file}, entry: "winrmctl other", value: "from file", unused: "nothing says keyring: true for credentials.other, so that this password is not used yet"},
		{name: "Eve@none", entry: "winrmctl eve@h4", value: "typed"},
		{name: "none@none", entry: "winrmctl none@h4", value: "typed"},
		{name: `CORP\x@H9`, entry: `winrmctl corp\x@h9`, value: "typed"},
		{name: "bob@own", entry: "winrmctl bob@h1", value: "typed", unused: "nothing says keyring: true for bob on own, so that this password is not used yet"},
	}
	for _, test := range tests {
		k := &memory{entries: map[string]string{}}
		var prompts []string
		s := &Secrets{Keyring: k, Stdin: strings.NewReader("from stdin\nrest"), Prompt: func(_ context.Context, prompt string) (string, error) {
			prompts = append(prompts, prompt)
			return "typed", nil
		}}
		unused, err := c.SetPassword(t.Context(), test.name, test.over, s)
		if err != nil || unused != test.unused || fmt.Sprint(k.entries) != fmt.Sprint(map[string]string{test.entry: test.value}) {
			t.Errorf("%s: %q %v, kept %v", test.name, unused, err, k.entries)
		}
		if test.value == "typed" && (len(prompts) != 2 || prompts[1] != "Again: ") {
			t.Errorf("%s: asked %q", test.name, prompts)
		}
		if err := c.DeletePassword(t.Context(), test.name, s); err != nil || len(k.entries) > 0 {
			t.Errorf("%s: %v, left %v", test.name, err, k.entries)
		}
	}
	k := &memory{entries: map[string]string{"winrmctl gone": "x"}} // from a former configuration
	if err := c.DeletePassword(t.Context(), "gone", &Secrets{Keyring: k}); err != nil || len(k.entries) > 0 {
		t.Errorf("gone: %v, left %v", err, k.entries)
	}
}

func TestSetPasswordFails(t *testing.T) {
	c := mustLoad(t, keyringFile, nil)
	answers := func(answers ...string) *Secrets {
		return &Secrets{Keyring: &memory{entries: map[string]string{}}, Prompt: func(context.Context, string) (string, error) {
			answer := answers[0]
			answers = answers[1:]
			if answer == "^D" {
				return "", errors.New("EOF")
			}
			return answer, nil
		}}
	}
	stdin := map[string]string{"password_stdin": "true"}
	tests := []struct {
		what, name string
		over       map[string]string
		secrets    *Secrets
		err, hint  string
		usage      bool
	}{
		{what: "slip", name: "osp", secrets: answers(), err: `unknown credential or profile "osp"`, hint: "did you mean ops?", usage: true},
		{what: "unknown", name: "nobody-at-all", secrets: answers(), err: `unknown credential or profile "nobody-at-all"`, hint: "name an entry of credentials or profiles, or user@host", usage: true},
		{what: "group", name: "@web", secrets: answers(), err: `target "@web": is a group, and one target is needed`, usage: true},
		{what: "no host", name: "bob@", secrets: answers(), err: `target "": no host`, usage: true},
		{what: "two sources", name: "ops", over: map[string]string{"password_stdin": "true", "password_file": "x"}, secrets: answers(),
			err: "--password-file: a second password beside --password-stdin", hint: "give one of them", usage: true},
		{what: "different", name: "ops", secrets: answers("hunter2", "hunter3"), err: "password for credentials.ops: the two are not the same: nothing was kept"},
		{what: "empty", name: "ops", secrets: answers(""), err: "password for credentials.ops: the password is empty"},
		{what: "ended", name: "ops", secrets: answers("hunter2", "^D"), err: "password for credentials.ops: EOF"},
		{what: "no terminal", name: "ops", secrets: &Secrets{Keyring: &memory{}}, err: "no password for credentials.ops, and no terminal to ask on", hint: "use --password-stdin or --password-file"},
		{what: "empty stdin", name: "ops", over: stdin, secrets: &Secrets{Keyring: &memory{}, Stdin: strings.NewReader("")}, err: "--password-stdin: the password is empty"},
		{what: "no keyring", name: "ops", over: stdin, secrets: &Secrets{Stdin: strings.NewReader("hunter2")}, err: "password for credentials.ops: there is no keyring here",
			hint: "where there is no keyring, use password_command or password_file in place of keyring: true"},
		{what: "broken keyring", name: "ops", over: stdin, secrets: &Secrets{Stdin: strings.NewReader("hunter2"), Keyring: &memory{err: errors.New("locked")}}, err: "password for credentials.ops: locked",
			hint: "where there is no keyring, use password_command or password_file in place of keyring: true"},
	}
	for _, test := range tests {
		_, err := c.SetPassword(t.Context(), test.name, test.over, test.secrets)
		var usage *UsageError
		var secret *SecretError
		if err == nil || err.Error() != test.err || hint(err) != test.hint || test.usage != errors.As(err, &usage) || test.usage == errors.As(err, &secret) {
			t.Errorf("%s: %T %v | %s", test.what, err, err, hint(err))
		}
		if m, ok := test.secrets.Keyring.(*memory); ok && len(m.entries) > 0 {
			t.Errorf("%s: kept %v", test.what, m.entries)
		}
	}
	for name, want := range map[string]string{"ops": "password for ops: there is no password for it in the keyring", "eve@h": "password for eve on h: there is no password for it in the keyring"} {
		if err := c.DeletePassword(t.Context(), name, &Secrets{Keyring: &memory{}}); err == nil || err.Error() != want {
			t.Errorf("delete %s: %v", name, err)
		}
	}
	if err := c.DeletePassword(t.Context(), "ops", &Secrets{}); err == nil || err.Error() != "password for ops: there is no keyring here" {
		t.Errorf("delete without a keyring: %v", err)
	}
}
