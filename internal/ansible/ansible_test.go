package ansible

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "ask ansible-inventory, which has to be installed, for the golden files")

// listing is what ansible-inventory --list prints.
type listing struct {
	Meta struct {
		Hostvars map[string]map[string]any `json:"hostvars"`
	} `json:"_meta"`
	groups map[string]struct {
		Hosts    []string `json:"hosts"`
		Children []string `json:"children"`
	}
}

func (l *listing) UnmarshalJSON(data []byte) error {
	type plain listing
	if err := json.Unmarshal(data, (*plain)(l)); err != nil {
		return err
	}
	return json.Unmarshal(data, &l.groups)
}

func (l *listing) members(group string, seen map[string]bool) {
	for _, h := range l.groups[group].Hosts {
		seen[h] = true
	}
	for _, g := range l.groups[group].Children {
		l.members(g, seen)
	}
}

// The inventories of testdata mean what Ansible says that they mean: the golden files are its own words.
func TestAsAnsible(t *testing.T) {
	for _, path := range []string{"ini/hosts", "yaml/hosts.yml", "directory", "priority/hosts.ini"} {
		t.Run(path, func(t *testing.T) {
			golden := filepath.Join("testdata", strings.ReplaceAll(path, "/", "_")+".json")
			path = filepath.Join("testdata", path)
			if *update {
				recordAnswer(t, path, golden)
			}
			data, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, path, data)
		})
	}
}

func recordAnswer(t *testing.T, path, golden string) {
	t.Helper()
	cmd := exec.Command("ansible-inventory", "-i", path, "--list")
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=1")
	data, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(golden, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func compare(t *testing.T, path string, data []byte) {
	t.Helper()
	var want listing
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	inv, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	want.members(allName, all)
	if len(all) != len(inv.Hosts) {
		t.Errorf("%d hosts, want %v", len(inv.Hosts), all)
	}
	for _, h := range inv.Hosts {
		if !all[h.Name] {
			t.Errorf("host %q is of our making", h.Name)
		}
		vars := h.Vars()
		theirs := map[string]any{}
		for name, v := range want.Meta.Hostvars[h.Name] {
			if concerns(name) && name != "ansible_group_priority" {
				theirs[name] = v
			}
		}
		for name := range vars {
			if _, ok := theirs[name]; !ok {
				t.Errorf("%s: %s is of our making", h.Name, name)
			}
		}
		for name, v := range theirs {
			if got := vars[name]; !same(got, v) {
				t.Errorf("%s: %s is %+v, want %#v", h.Name, name, got, v)
			}
		}
	}
	for _, g := range inv.Groups {
		members := map[string]bool{}
		want.members(g.Name, members)
		for _, h := range inv.Hosts {
			if h.In(g) != members[h.Name] {
				t.Errorf("%s in %s: %t", h.Name, g.Name, h.In(g))
			}
		}
	}
}

// same reports whether a value is one of JSON.
func same(v Value, json any) bool {
	if !strings.HasPrefix(v.File, "testdata") && !filepath.IsAbs(v.File) || v.Line == 0 || v.Of == "" {
		return false
	}
	switch json := json.(type) {
	case nil:
		return v.Kind == Null
	case map[string]any:
		_, vaulted := json["__ansible_vault"]
		if _, unsafe := json["__ansible_unsafe"]; unsafe {
			return v.Kind == Text && v.Text == json["__ansible_unsafe"]
		}
		return vaulted && v.Kind == Vaulted || !vaulted && v.Kind == Other
	case []any:
		var items []string
		for _, item := range json {
			items = append(items, fmt.Sprint(item))
		}
		return v.Kind == List && slices.Equal(items, v.Items) || v.Kind == Other && strings.Contains(fmt.Sprint(items), "map[")
	case string:
		return v.Kind == Text && v.Text == json || v.Kind == Template && strings.Contains(json, "{{") || v.Kind == Secret
	case bool:
		return v.Kind == Text && map[bool][]string{true: {"True", "true", "yes", "on"}, false: {"False", "false", "no", "off"}}[json] != nil
	case float64:
		return v.Kind == Text && (v.Text == fmt.Sprint(json) || v.Text == fmt.Sprintf("%.0f", json)) || v.Kind == Secret
	}
	return false
}
