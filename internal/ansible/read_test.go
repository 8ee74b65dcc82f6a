package ansible

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

// tree writes files below a directory, by their names.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadRefuses(t *testing.T) {
	vault := "$ANSIBLE_VAULT;1.1;AES256\n3131\n"
	program := "ansible-inventory -i DIR/i --list --yaml > inventory.yml makes a file of it that can be imported"
	deep := strings.Repeat("{children: {g: ", 200) + "{}" + strings.Repeat("}}", 200)
	tests := []struct {
		name    string
		files   map[string]string // the inventory is i, or what ends in .yml
		content string            // of i
		err     string
		hint    string
	}{
		{name: "section", content: "[a b]\n", err: "i:1: not a section", hint: "write [group], [group:children] or [group:vars], without spaces"},
		{name: "kind of section", content: "x\n[a:host]\n", err: "i:2: a section that is neither of hosts nor of children nor of vars", hint: "write [group], [group:children] or [group:vars]"},
		{name: "variables of nothing", content: "[a:vars]\nb=c\n", err: "i:1: variables of a group a that is nowhere"},
		{name: "child that is nowhere", content: "[a:children]\n\nb\n", err: "i:3: group a has a group b in it that is nowhere"},
		{name: "cycle", content: "[a:children]\nb\n[b:children]\nc\n[c:children]\na\n", err: "i:6: group a is inside of group c, which is inside of it"},
		{name: "itself", content: "[a:children]\na\n", err: "i:2: group a is inside of itself"},
		{name: "no variable", content: "[a:vars]\nhunter2\n[a]", err: "i:2: a line without = in the variables of a"},
		{name: "words", content: "web1 ansible_host=x hunter2\n", err: "i:1: a word behind the host that is no variable=value", hint: "write one host a line"},
		{name: "quote", content: "web1 ansible_password='hunter2\n", err: "i:1: has a quote that is not closed"},
		{name: "backslash", content: "web1 ansible_password=hunter2\\\n", err: "i:1: ends in a backslash"},
		{name: "range", content: "\nweb[01-20]\n", err: `i:2: not a range: "[01-20]"`, hint: "write it as [01:20], [a:f] or [1:10:2]"},
		{name: "many", content: "web[1:9999]\n[a]\ndb[1:2]\n", err: "i:3: more than 10000 hosts"},
		{name: "many at once", content: "web[1:99999]\n", err: "i:1: the range [1:99999] makes more than 10000 names"},
		{name: "colon", content: "web1:\nweb2\n", err: "i:1: a host with a colon at its end and no port"},
		{name: "child's name", content: "[a:children]\nb c\n", err: "i:2: not the name of a group"},
		{name: "yaml without an ending", content: "--- web1\n", err: "i:1: looks like YAML", hint: "rename it to end in .yml"},
		{name: "program", content: "#!/bin/sh\necho\n", err: "i: is a program that makes an inventory, and is not run", hint: program},
		{name: "vault", content: vault, err: "i: is encrypted by ansible-vault", hint: "decrypt a copy of it: ansible-vault decrypt --output COPY DIR/i"},
		{name: "binary", content: "a\x00b", err: "i: is not UTF-8 text"},
		{name: "latin-1", content: "# \xe4\n", err: "i: is not UTF-8 text"},
		{name: "large", content: strings.Repeat("# comment\n", maxFile/10+1), err: "i: is larger than 4 MiB"},

		{name: "plugin", files: map[string]string{"x.yml": "plugin: azure_rm\n"}, err: "x.yml:1: is for a plugin that makes an inventory, and is not run", hint: "ansible-inventory -i DIR/x.yml --list --yaml > inventory.yml makes a file of it that can be imported"},
		{name: "listing", files: map[string]string{"x.json": "{\"_meta\": {\"hostvars\": {}},\n\"a\": {\"hosts\": [\"b\"]}}\n"}, err: "x.json:1: is what ansible-inventory --list prints for programs", hint: "add --yaml to it"},
		{name: "empty yaml", files: map[string]string{"x.yml": "---\n# nothing\n"}, err: "x.yml: is empty"},
		{name: "list", files: map[string]string{"x.yml": "- web1\n"}, err: "x.yml:1: the inventory must be a table", hint: "write a colon behind each name: {web1: , web2: }"},
		{name: "list of hosts", files: map[string]string{"x.yml": "all:\n  hosts:\n    - web1\n"}, err: "x.yml:3: hosts of group all must be a table", hint: "write a colon behind each name: {web1: , web2: }"},
		{name: "host's value", files: map[string]string{"x.yml": "all:\n  hosts: {web1: hunter2}\n"}, err: "x.yml:2: host web1 must be a table", hint: "write a colon behind each name: {web1: , web2: }"},
		{name: "range in yaml", files: map[string]string{"x.yml": "all:\n  hosts:\n    'web[1-2]': \n"}, err: `x.yml:3: not a range: "[1-2]"`, hint: "write it as [01:20], [a:f] or [1:10:2]"},
		{name: "syntax", files: map[string]string{"x.yml": "all:\n  hosts: {\n"}, err: "x.yml:2: not YAML: did not find expected node content"},
		{name: "cycle in yaml", files: map[string]string{"x.yml": "a:\n  children:\n    b:\n      children:\n        a:\n"}, err: "x.yml:5: group a is inside of group b, which is inside of it"},
		{name: "deep", files: map[string]string{"x.yml": "all: " + deep}, err: "x.yml:1: group g is inside of itself"},
		{name: "alias of itself", files: map[string]string{"x.yml": "all: &a\n  <<: *a\n"}, err: "x.yml:2: too many values, or too deep: aliases multiply them"},
		{name: "key", files: map[string]string{"x.yml": "? [a]\n: b\n"}, err: "x.yml:1: a key that is not plain text"},

		{name: "toml", files: map[string]string{"x.toml": "[a]\n"}, err: "x.toml: an inventory in TOML", hint: "ansible-inventory -i DIR/x.toml --list --yaml > inventory.yml makes a file of it that can be imported"},
		{name: "variables' syntax", content: "web1\n", files: map[string]string{"host_vars/web1.yml": "a: {\n"}, err: "host_vars/web1.yml:1: not YAML: did not find expected node content"},
		{name: "variables in a list", content: "web1\n", files: map[string]string{"group_vars/all": "- a\n"}, err: "group_vars/all:1: a file of variables must be a table", hint: "write a colon behind each name: {web1: , web2: }"},
		{name: "variables' place", content: "web1\n", files: map[string]string{"group_vars": "x"}, err: "group_vars: not a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && test.name == "variables' place" {
				t.Skip("the system's words differ")
			}
			files, inventory := test.files, "i"
			if test.content != "" {
				files = map[string]string{"i": test.content}
				for name, content := range test.files {
					files[name] = content
				}
			} else {
				for name := range files {
					inventory = name
				}
			}
			dir := tree(t, files)
			inv, err := Read(filepath.Join(dir, inventory))
			var wrong *Error
			if !errors.As(err, &wrong) || inv != nil {
				t.Fatalf("%v, error %T %v", inv, err, err)
			}
			clean := func(text string) string {
				return filepath.ToSlash(strings.ReplaceAll(strings.ReplaceAll(text, dir+string(filepath.Separator), ""), dir, "DIR"))
			}
			if clean(err.Error()) != test.err || strings.ReplaceAll(wrong.Hint(), dir, "DIR") != test.hint {
				t.Errorf("%s | %s\nwant %s | %s", clean(err.Error()), wrong.Hint(), test.err, test.hint)
			}
		})
	}
}

func TestReadMissing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(filepath.Join(dir, "none")); !errors.As(err, new(*Error)) {
		t.Errorf("missing: %v", err)
	}
	if _, err := Read(dir); err == nil || err.Error() != dir+": has no inventory in it" {
		t.Errorf("empty directory: %v", err)
	}
}

// What is left out is told, with its place; passwords are not kept, and vaults stay closed.
func TestWarnings(t *testing.T) {
	dir := tree(t, map[string]string{
		"hosts.yml":                "all:\n  hosts: {web1: }\n  vars: {ansible_password: hunter2, ansible_become_pass: ['hunter2'], ansible_port: 5985}\n  extra: {a: b}\nname: text\n",
		"group_vars/all/vault.yml": "$ANSIBLE_VAULT;1.1;AES256\n3131\n",
		"group_vars/all/empty.yml": "# nothing\n",
		"host_vars/web1.yml":       "ansible_winrm_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  31\nansible_user: \"$ANSIBLE_VAULT;1.1;AES256\\n31\"\nansible_ssh_pass: '{{ hunter2 }}'\n",
	})
	inv, err := Read(filepath.Join(dir, "hosts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range inv.Warnings {
		got = append(got, strings.ReplaceAll(w.String(), dir+string(filepath.Separator), ""))
	}
	want := []string{
		`hosts.yml:4: "extra" of group all is none of hosts, children and vars, and is left out`,
		`hosts.yml:5: "name" is no group, and is left out`,
		filepath.FromSlash("group_vars/all/vault.yml") + ": is encrypted by ansible-vault: what it has for group all is left out",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	vars := inv.Hosts[0].Vars()
	kinds := map[string]Kind{"ansible_password": Secret, "ansible_become_pass": Secret, "ansible_port": Text, "ansible_winrm_password": Vaulted, "ansible_user": Vaulted, "ansible_ssh_pass": Template}
	for name, kind := range kinds {
		if vars[name].Kind != kind {
			t.Errorf("%s: %+v, want kind %d", name, vars[name], kind)
		}
	}
	if len(vars) != len(kinds) || strings.Contains(fmt.Sprintf("%+v", vars), "hunter2") {
		t.Errorf("%+v", vars)
	}
	if where := vars["ansible_port"].Where(); where != filepath.Join(dir, "hosts.yml")+":3" {
		t.Errorf("from %s", where)
	}
}

// In a directory, what is no inventory that can be read is told and left out; alone it is an error.
func TestDirectoryOfOthers(t *testing.T) {
	files := map[string]string{"cloud.sh": "#!/bin/sh\n", "ec2.yml": "plugin: ec2\n", "x.toml": "", "v": "$ANSIBLE_VAULT;1.1;AES256\n31\n", "nothing.yml": "# none\n"}
	dir := tree(t, files)
	if _, err := Read(dir); err == nil || err.Error() != dir+": has no inventory in it" {
		t.Error(err)
	}
	files["web"] = "web1 ansible_port=5985\n"
	dir = tree(t, files)
	inv, err := Read(dir)
	if err != nil || len(inv.Hosts) != 1 {
		t.Fatal(inv, err)
	}
	for _, w := range inv.Warnings {
		if _, ok := files[filepath.Base(w.File)]; !ok || !strings.HasSuffix(w.Text, ": what it would add is left out") {
			t.Error(w)
		}
	}
	if len(inv.Warnings) != len(files)-1 {
		t.Errorf("%q", inv.Warnings)
	}
}

// Equal passwords can be told to be equal, and no more.
func TestSame(t *testing.T) {
	path := filepath.Join(tree(t, map[string]string{"i": "a ansible_password=one\nb ansible_password=one\nc ansible_password=two\nd ansible_password='{{ x }}'\ne ansible_password='{{ x }}'\n"}), "i")
	same := func() []string {
		inv, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, h := range inv.Hosts {
			out = append(out, h.Vars()["ansible_password"].Same)
		}
		return out
	}
	first, second := same(), same()
	if first[0] == "" || first[0] != first[1] || first[0] == first[2] || first[2] == first[3] || first[3] != first[4] || first[0] == second[0] {
		t.Errorf("%q %q", first, second)
	}
}

// FuzzINI: whatever is in a file, it is refused, or every host has variables, and none of them is a password.
func FuzzINI(f *testing.F) {
	for _, path := range []string{"ini/hosts", "priority/hosts.ini"} {
		data, err := os.ReadFile(filepath.Join("testdata", path))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add("h ansible_password='a' 'b'\n[g:children]\nx\n[x]\n[g:vars]\nansible_password=[['a']]")
	f.Fuzz(func(t *testing.T, content string) {
		r := newReader()
		holdInventory(t, r, r.ini("i", []byte(content)))
	})
}

// FuzzYAML is FuzzINI for the other language.
func FuzzYAML(f *testing.F) {
	data, err := os.ReadFile(filepath.Join("testdata", "yaml", "hosts.yml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	f.Add("a: &a {hosts: {h[1:2]: {ansible_password: {x: y}, <<: [*b]}}, children: {b: &b {vars: {ansible_pass: !vault x}}}}")
	f.Fuzz(func(t *testing.T, content string) {
		r := newReader()
		holdInventory(t, r, r.yaml("i", []byte(content)))
	})
}

func holdInventory(t *testing.T, r *reader, err error) {
	if err != nil {
		var wrong *Error
		if !errors.As(err, &wrong) || wrong.Text == "" {
			t.Fatalf("%T %v", err, err)
		}
		return
	}
	r.b.complete()
	if len(r.b.Hosts) > maxHosts || len(r.b.Groups) > maxGroups {
		t.Errorf("%d hosts, %d groups", len(r.b.Hosts), len(r.b.Groups))
	}
	for _, h := range r.b.Hosts[:min(len(r.b.Hosts), 20)] {
		if !h.In(r.b.groups[allName]) {
			t.Errorf("%q is not in all", h.Name)
		}
		for name, v := range h.Vars() {
			if strings.Contains(name, "pass") && (v.Text != "" || v.Items != nil) {
				t.Errorf("%q keeps %s: %+v", h.Name, name, v)
			}
		}
	}
}

func TestReadFrom(t *testing.T) {
	inv, err := ReadFrom(strings.NewReader("all: {hosts: {web1: {ansible_port: 5985}}}\n"), "stdin")
	if err != nil {
		t.Fatal(err)
	}
	if h := inv.Hosts[0]; h.Where() != "stdin:1" || h.Vars()["ansible_port"].Where() != "stdin:1" {
		t.Errorf("%+v", h)
	}
	if _, err := ReadFrom(strings.NewReader("a b\n"), "stdin"); err == nil || err.Error() != "stdin:1: a word behind the host that is no variable=value" {
		t.Error(err)
	}
}
