package ansible

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlEndings are those of files in YAML, in the order in which Ansible looks for them.
func yamlEndings() []string { return []string{".yml", ".yaml", ".json"} }

// varsFiles reads the group_vars and host_vars of a directory.
func (r *reader) varsFiles(dir string) error {
	groups, err := r.list(filepath.Join(dir, "group_vars"))
	if err != nil {
		return err
	}
	hosts, err := r.list(filepath.Join(dir, "host_vars"))
	if err != nil {
		return err
	}
	for _, g := range r.b.Groups {
		if err := r.varsOf(groups, g.Name, g.files, "group "+g.Name); err != nil {
			return err
		}
	}
	for _, h := range r.b.Hosts {
		if err := r.varsOf(hosts, h.Name, h.files, "host "+h.Name); err != nil {
			return err
		}
	}
	return nil
}

// list is the content of a directory, by name; nil when it is not there.
func (r *reader) list(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, r.unreadable(dir, err)
	}
	out := map[string]string{}
	for _, entry := range entries {
		out[entry.Name()] = filepath.Join(dir, entry.Name())
	}
	return out, nil
}

// varsOf reads the first of NAME, NAME.yml, NAME.yaml and NAME.json; as a directory, all files in it.
func (r *reader) varsOf(dir map[string]string, name string, vars map[string]Value, of string) error {
	for _, ext := range append([]string{""}, yamlEndings()...) {
		path, ok := dir[name+ext]
		if !ok {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return r.unreadable(path, err)
		}
		if info.IsDir() {
			return r.varsDirectory(path, vars, of, 0)
		}
		return r.varsFile(path, vars, of)
	}
	return nil
}

func (r *reader) varsDirectory(path string, vars map[string]Value, of string, depth int) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return r.unreadable(path, err)
	}
	if depth > maxDepth {
		return &Error{File: path, Text: "directories nest too deeply"}
	}
	for _, entry := range entries {
		name := entry.Name()
		file := filepath.Join(path, name)
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
			continue
		}
		info, err := os.Stat(file)
		switch ext := filepath.Ext(name); {
		case err != nil:
			err = r.unreadable(file, err)
		case info.IsDir() && ext == "":
			err = r.varsDirectory(file, vars, of, depth+1)
		case !info.IsDir() && (ext == "" || slices.Contains(yamlEndings(), ext)):
			err = r.varsFile(file, vars, of)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) varsFile(path string, vars map[string]Value, of string) error {
	data, err := r.content(path)
	if err != nil {
		return err
	}
	if isVault(string(data)) {
		r.b.warn(path, 0, "is encrypted by ansible-vault: what it has for "+of+" is left out")
		return nil
	}
	f := &yamlFile{reader: r, path: path}
	root, err := f.parse(data)
	if err != nil || root == nil {
		return err
	}
	if root.Kind == yaml.ScalarNode && root.Value == "" {
		return nil
	}
	entries, err := f.pairs(root, "a file of variables", 0)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		f.set(vars, entry, of, nil)
	}
	return nil
}

// setPriority sets which of several groups of one depth is over the others. What is no number changes nothing.
func (g *Group) setPriority(text string) {
	if n, err := strconv.Atoi(text); err == nil {
		g.priority = n
	}
}

// hintOf is the hint of an error that has one, or "".
func hintOf(err error) string {
	var hinted interface {
		error
		Hint() string
	}
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}
