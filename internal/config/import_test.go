package config

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// theirs is how Ansible's own plugin would connect to a host: what testdata/ansible/ask.py prints.
type theirs struct {
	Host             string   `json:"host"`
	Port             int      `json:"port"`
	HTTPS            bool     `json:"https"`
	Path             string   `json:"path"`
	User             string   `json:"user"`
	Auth             []string `json:"auth"`
	Insecure         bool     `json:"insecure"`
	CA               string   `json:"ca"`
	Cert             string   `json:"cert"`
	Key              string   `json:"key"`
	Encryption       string   `json:"encryption"`
	Proxy            string   `json:"proxy"`
	OperationTimeout int      `json:"operation_timeout"`
	ConnectTimeout   int      `json:"connect_timeout"`
	Groups           []string `json:"groups"`
	Connection       string   `json:"connection"` // empty where the inventory does not name it
}

// settings are ours that do the same.
func (a theirs) settings() Settings {
	s := Settings{
		Host: strings.Trim(a.Host, "[]"), Port: a.Port, HTTPS: a.HTTPS, Path: "/" + strings.TrimPrefix(a.Path, "/"), Username: a.User,
		Auth: "auto", Encryption: cmp.Or(a.Encryption, "auto"), Proxy: a.Proxy,
		TLS:              TLS{CAFile: a.CA, Insecure: a.Insecure, Cert: a.Cert, Key: a.Key},
		OperationTimeout: cmp.Or(time.Duration(a.OperationTimeout)*time.Second, 60*time.Second),
		ConnectTimeout:   cmp.Or(time.Duration(a.ConnectTimeout)*time.Second, 10*time.Second),
		Env:              map[string]string{}, CodePage: 65001,
	}
	if a.Cert == "" || a.Key == "" { // a half is left out
		s.TLS.Cert, s.TLS.Key = "", ""
	}
	if s.Username == "True" { // what YAML makes of yes: nobody is called that
		s.Username = "yes"
	}
	if len(a.Auth) != 1 { // several are tried; without one, Ansible would send a password as it is
		return s
	}
	switch way := a.Auth[0]; way {
	case "negotiate", "credssp": // the latter is left out
	case "plaintext":
		s.Auth = "basic"
	case "ssl":
		s.Auth = "basic"
		if a.Cert != "" {
			s.Auth = "certificate"
		}
	default:
		s.Auth = way
	}
	return s
}

// Each inventory becomes a configuration that connects to every host as Ansible would: the golden files are answers of
// Ansible's own plugins.
func TestImportAnsible(t *testing.T) {
	inventories := map[string]string{"fleet": "fleet/hosts", "psrp": "psrp.yml", "silent": "silent.ini"}
	for name, path := range inventories {
		inventories[name] = filepath.Join("testdata", "ansible", path)
	}
	for name, path := range map[string]string{"ini": "ini/hosts", "yaml": "yaml/hosts.yml", "directory": "directory", "priority": "priority/hosts.ini"} {
		inventories["reader-"+name] = filepath.Join("..", "ansible", "testdata", path)
	}
	for name, path := range inventories {
		t.Run(name, func(t *testing.T) {
			answer := filepath.Join("testdata", "ansible", name+".json")
			if *update {
				askAnsible(t, path, answer)
			}
			data, err := os.ReadFile(answer)
			if err != nil {
				t.Fatal(err)
			}
			hosts := map[string]theirs{}
			if err := json.Unmarshal(data, &hosts); err != nil {
				t.Fatal(err)
			}
			i, c := mustImport(t, path)
			golden(t, filepath.Join("ansible", name+".yaml"), string(i.YAML))
			golden(t, filepath.Join("ansible", name+".warnings"), strings.Join(i.Warnings, "\n")+"\n")
			asAnsible(t, i, c, hosts)
		})
	}
}

func askAnsible(t *testing.T, path, answer string) {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", filepath.Join("testdata", "ansible", "ask.py"), path)
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(answer, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// mustImport reads what an import has written as anyone would.
func mustImport(t *testing.T, path string) (*importer, *Config) {
	t.Helper()
	dir := t.TempDir()
	i, err := importAnsible(path, nil, around(dir, nil))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(i.YAML, []byte("hunter2")) || strings.Contains(fmt.Sprint(i.Warnings), "hunter2") {
		t.Errorf("a password:\n%s%q", i.YAML, i.Warnings)
	}
	file := filepath.Join(dir, "config.yaml")
	if err := WriteNew(file, i.YAML); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file, around(dir, nil))
	if err != nil {
		t.Fatalf("%v\n%s", err, i.YAML)
	}
	return i, c
}

func asAnsible(t *testing.T, i *importer, c *Config, hosts map[string]theirs) {
	t.Helper()
	members := map[string][]string{}
	for _, g := range i.groups {
		members[g.source.Name] = c.file.members(g.name)
	}
	for _, h := range i.hosts {
		answer, ok := hosts[h.source.Name]
		if !ok {
			t.Errorf("%s is none of Ansible's that WinRM reaches", h.source.Name)
			continue
		}
		delete(hosts, h.source.Name)
		want, got := answer.settings(), mustResolve(t, c, h.name, nil).Settings
		got.Credential, got.Description = "", ""
		if got.TLS.CAFile != "" && !filepath.IsAbs(got.TLS.CAFile) || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s:\n  ours   %+v\n  theirs %+v", h.source.Name, got, want)
		}
		for group, names := range members {
			if in := slices.Contains(names, h.name); in != slices.Contains(answer.Groups, group) {
				t.Errorf("%s in @%s: %t", h.source.Name, group, in)
			}
		}
	}
	for name, left := range hosts {
		if left.Connection != "" {
			t.Errorf("%s is left out", name)
		}
	}
}

// Whatever groups share, and however they lie in each other, each host gets the values that it has, and no two groups
// dispute one.
func TestImportDistributes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	vars := map[string][]string{
		"ansible_port": {"5985", "5986", "99"}, "ansible_winrm_scheme": {"http", "https"}, "ansible_winrm_path": {"/a", "/wsman"},
		"ansible_user": {"bob", "Bob", `CORP\eve`, "ops@corp"}, "ansible_password": {"hunter2", "hunter2x"},
		"ansible_winrm_transport": {"ntlm", "basic"}, "ansible_winrm_server_cert_validation": {"ignore", "validate"},
		"ansible_winrm_operation_timeout_sec": {"5", "60"}, "ansible_winrm_proxy": {"http://p:1", "http://q:2"},
		"ansible_winrm_ca_trust_path": {"/a.pem", "/b.pem"}, "ansible_host": {"10.0.0.1", "h.example"},
	}
	names := slices.Sorted(maps.Keys(vars))
	some := func() string {
		name := names[random.IntN(len(names))]
		return name + "=" + vars[name][random.IntN(len(vars[name]))]
	}
	for round := range 100 {
		var b strings.Builder
		b.WriteString("[all:vars]\nansible_connection=winrm\n")
		for range random.IntN(3) {
			fmt.Fprintln(&b, some())
		}
		hosts := 1 + random.IntN(12)
		for h := range hosts {
			fmt.Fprintf(&b, "[g%d]\nh%02d.x", random.IntN(6), h)
			if random.IntN(3) == 0 {
				b.WriteString(" " + some())
			}
			fmt.Fprintf(&b, "\n[g%d]\nh%02d.x\n", random.IntN(6), random.IntN(hosts))
		}
		for g := range 6 {
			fmt.Fprintf(&b, "[g%d]\n[g%d:vars]\n", g, g)
			for range random.IntN(4) {
				fmt.Fprintln(&b, some())
			}
			if g > 0 {
				fmt.Fprintf(&b, "[g%d:children]\ng%d\n", random.IntN(g), g)
			}
		}
		i, c := mustImport(t, write(t, filepath.Join(t.TempDir(), "hosts"), b.String()))
		for _, h := range i.hosts {
			target := mustResolve(t, c, h.name, nil)
			for _, row := range target.Rows() {
				key := i.schema.byName[row.Key]
				want := h.value(key)
				switch {
				case key.Name == "credential" && target.Settings.Username == h.user || strings.HasPrefix(row.Key, "env."):
					continue
				case key.Name == "username":
					want = h.user
				case key.Name == "host":
					want = h.host
				case key.Name == "url":
					if want = h.values["url"]; want == "" {
						continue
					}
				case h.url && (key.Name == "port" || key.Name == "https"):
					continue
				}
				if row.Value != want {
					t.Fatalf("round %d: %s: %s is %q from %s, want %q\n%s\n%s", round, h.name, row.Key, row.Value, row.Origin, want, b.String(), i.YAML)
				}
			}
		}
	}
}

func TestImportAnsibleRefuses(t *testing.T) {
	many := strings.Repeat("x", 120)
	for name, test := range map[string]struct{ inventory, want, hint string }{
		"nothing of ours": {"a ansible_connection=ssh\nb ansible_connection=local\n", "hosts: has no host that WinRM reaches", "Ansible uses WinRM where ansible_connection is winrm or psrp"},
		"empty":           {"", "hosts: has no host that WinRM reaches", "Ansible uses WinRM where ansible_connection is winrm or psrp"},
		"not one":         {"[a:vars]\nx\n", "hosts:2: a line without = in the variables of a", ""},
		"too large":       {many + "[0001:4500]" + many + " ansible_connection=winrm ansible_host=h.x\n", "hosts: makes a configuration of more than 1 MiB", "import parts of the inventory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := ImportAnsible(write(t, filepath.Join(dir, "hosts"), test.inventory), nil, around(dir, nil))
			var wrong *Error
			if !errors.As(err, &wrong) || wrong.Error() != filepath.Join(dir, test.want) || wrong.Hint() != test.hint {
				t.Errorf("%v, hint %q", err, hint(err))
			}
		})
	}
}

func TestWriteNew(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "config.yaml"), "mine")
	if err := WriteNew(path, []byte("theirs")); err == nil || err.Error() != path+": exists already" || hint(err) != "edit it, or move it away first" {
		t.Errorf("%v, hint %q", err, hint(err))
	}
	if data, err := os.ReadFile(path); string(data) != "mine" {
		t.Errorf("overwritten: %q %v", data, err)
	}
	var wrong *Error
	if err := WriteNew(filepath.Join(path, "x"), nil); !errors.As(err, &wrong) {
		t.Errorf("below a file: %v", err)
	}
}

// FuzzImportAnsible: whatever the inventory, it is refused in words, or becomes a configuration that is valid, holds no
// password, and gives every host the values that were understood.
func FuzzImportAnsible(f *testing.F) {
	for _, text := range []string{
		"[w]\nh[1:3] ansible_port=5985 ansible_user=bob\n[w:vars]\nansible_password=hunter2\nansible_winrm_scheme=http\n",
		"h ansible_connection=winrm ansible_winrm_path=/x?y ansible_host=[::1]\nH ansible_connection=psrp\n",
		"all: {hosts: {a.b: {ansible_connection: winrm, ansible_host: 'x y'}, ::1: {ansible_port: 5985}}}\n",
		"sandbox ansible_port=5986\n-x ansible_port=5986\n'a b' ansible_port=5986\n\\@x ansible_port=5986\n[1:2] ansible_port=5986\n",
		"[a]\nx.y\nX.Y.\n[b:children]\na\n[b:vars]\nansible_winrm_proxy=http://p:1\nansible_winrm_transport=['ntlm']\nansible_connection=winrm\n",
		"h ansible_port=5986 ansible_user='a: #b' ansible_winrm_ca_trust_path='x\ty'\n",
	} {
		f.Add(text)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return
		}
		path := filepath.Join(dir, "hosts")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		i, err := importAnsible(path, nil, around(dir, nil))
		var refused *Error
		if errors.As(err, &refused) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		c, err := load("imported.yaml", i.YAML, nil, around(dir, nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range i.hosts[:min(len(i.hosts), 50)] {
			target, err := c.Resolve(h.name, nil)
			if err != nil {
				var wrong *Error
				if !errors.As(err, &wrong) { // a certificate without https is refused when it is used
					t.Fatalf("%q: %v\n%s", h.name, err, i.YAML)
				}
				continue
			}
			s := target.Settings
			if s.Username != h.user || fold(s.Host) != fold(h.host) || !h.url && fmt.Sprint(s.HTTPS) != h.values["https"] || !h.url && fmt.Sprint(s.Port) != h.values["port"] {
				t.Errorf("%q: %+v\n%s", h.name, s, i.YAML)
			}
		}
		for _, w := range i.Warnings {
			if strings.ContainsAny(w, "\n\r") {
				t.Errorf("more than a line: %q", w)
			}
		}
	})
}
