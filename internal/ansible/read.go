package ansible

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxFile  = 4 << 20  // bytes
	maxTotal = 64 << 20 // of all files of an inventory
	maxFiles = 20_000
	maxDepth = 8 // of directories in directories
)

// Read reads an inventory: an INI or YAML file, or a directory of them, with the group_vars and host_vars beside the file
// or in the directory. The error is *Error.
func Read(path string) (*Inventory, error) {
	r := newReader()
	info, err := os.Stat(path)
	if err != nil {
		return nil, r.unreadable(path, err)
	}
	dir := filepath.Dir(path)
	if info.IsDir() {
		dir = path
		err = r.directory(path, 0)
	} else {
		err = r.file(path)
	}
	if err != nil {
		return nil, err
	}
	r.b.complete()
	if err := r.varsFiles(dir); err != nil {
		return nil, err
	}
	return r.b.Inventory, nil
}

// ReadFrom reads an inventory out of a stream, which has no files of variables. name is what errors call it. The error is
// *Error.
func ReadFrom(in io.Reader, name string) (*Inventory, error) {
	r := newReader()
	data, err := r.text(in, name)
	if err == nil {
		err = r.inventory(name, data)
	}
	if err != nil {
		return nil, err
	}
	r.b.complete()
	return r.b.Inventory, nil
}

// reader reads the files of one inventory.
type reader struct {
	b     *builder
	files int
	left  int // bytes that may still be read
	seed  maphash.Seed
}

func newReader() *reader { return &reader{b: newBuilder(), left: maxTotal, seed: maphash.MakeSeed()} }

func (r *reader) unreadable(path string, err error) *Error {
	var wrong *fs.PathError
	if errors.As(err, &wrong) {
		err = wrong.Err
	}
	return &Error{File: path, Text: err.Error()}
}

// content reads a file whole, within bounds.
func (r *reader) content(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, r.unreadable(path, err)
	}
	defer f.Close()
	return r.text(f, path)
}

// text reads a stream whole, within bounds.
func (r *reader) text(in io.Reader, path string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	r.files++
	r.left -= len(data)
	switch {
	case err != nil:
		return nil, r.unreadable(path, err)
	case len(data) > maxFile:
		return nil, &Error{File: path, Text: "is larger than 4 MiB"}
	case r.left < 0 || r.files > maxFiles:
		return nil, &Error{File: path, Text: fmt.Sprintf("the inventory has more than %d files or 64 MiB", maxFiles)}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil, &Error{File: path, Text: "is not UTF-8 text"}
	}
	return data, nil
}

// convert is how to make of an inventory that has to be run one that can be read.
const convert = "ansible-inventory -i %s --list --yaml > inventory.yml makes a file of it that can be imported"

func (r *reader) file(path string) error {
	data, err := r.content(path)
	if err != nil {
		return err
	}
	return r.inventory(path, data)
}

// inventory reads one in the language that its name or its content tells, as Ansible chooses.
func (r *reader) inventory(path string, data []byte) error {
	hint := fmt.Sprintf(convert, path)
	if isVault(string(data)) {
		return &Error{File: path, Text: "is encrypted by ansible-vault", hint: "decrypt a copy of it: ansible-vault decrypt --output COPY " + path, other: true}
	}
	switch ext := filepath.Ext(path); {
	case bytes.HasPrefix(data, []byte("#!")):
		return &Error{File: path, Text: "is a program that makes an inventory, and is not run", hint: hint, other: true}
	case ext == ".toml":
		return &Error{File: path, Text: "an inventory in TOML", hint: hint, other: true}
	case slices.Contains(yamlEndings(), ext):
		return r.yaml(path, data)
	case ext == "" && isYAMLTable(data):
		return r.yaml(path, data)
	}
	return r.ini(path, data)
}

// directory reads what Ansible would of a directory: not what is hidden, for variables, or of no inventory's ending.
func (r *reader) directory(path string, depth int) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return r.unreadable(path, err)
	}
	if depth > maxDepth {
		return &Error{File: path, Text: "directories nest too deeply"}
	}
	ignored := regexp.MustCompile(`^\.|^(host_vars|group_vars|vars_plugins)$|(~|\.(pyc|pyo|swp|bak|rpm|md|txt|rst|orig|ini|cfg|retry))$`)
	read := 0
	for _, entry := range entries {
		if ignored.MatchString(entry.Name()) {
			continue
		}
		file := filepath.Join(path, entry.Name())
		info, err := os.Stat(file) // and not the link to it
		switch {
		case err != nil:
			err = r.unreadable(file, err)
		case info.IsDir():
			err = r.directory(file, depth+1)
		default:
			err = r.file(file)
		}
		if wrong := (*Error)(nil); errors.As(err, &wrong) && wrong.other {
			r.b.warn(wrong.File, wrong.Line, wrong.Text+": what it would add is left out")
			continue
		}
		if err != nil {
			return err
		}
		read++
	}
	if read == 0 && depth == 0 {
		return &Error{File: path, Text: "has no inventory in it"}
	}
	return nil
}

// isVault reports that a text is one that ansible-vault has encrypted.
func isVault(text string) bool { return strings.HasPrefix(text, "$ANSIBLE_VAULT;") }

// value classifies a text, and forgets what may be a password.
func (r *reader) value(name string, v Value) Value {
	if v.Kind != Text && v.Kind != List {
		return v
	}
	whole := strings.Join(append([]string{v.Text}, v.Items...), "\x00")
	for _, text := range append([]string{v.Text}, v.Items...) {
		switch {
		case isVault(strings.TrimSpace(text)):
			v.Kind = Vaulted
		case strings.Contains(text, "{{") || strings.Contains(text, "{%"):
			v.Kind = Template
		}
	}
	if (v.Kind == Text || v.Kind == List) && strings.Contains(strings.ToLower(name), "pass") {
		v.Kind = Secret
	}
	if v.Kind != Text && v.Kind != List {
		v.Text, v.Items = "", nil
		v.Same = fmt.Sprint(maphash.String(r.seed, whole))
	}
	return v
}

// concerns reports that a variable says how to connect. All others are not kept: they may be secrets.
func concerns(name string) bool { return strings.HasPrefix(name, "ansible_") }
