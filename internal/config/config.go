// Package config knows which server a TARGET is, with which account, secret and settings, from a
// file, the environment and flags; it does not know the command line, the network or a terminal.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Config is a configuration as it was loaded. It does not change; goroutines may share it.
type Config struct {
	file   *file
	env    Environment
	schema schema
}

// maxSize is far above any real configuration, in bytes.
const maxSize = 1 << 20

// Load reads the configuration file that Locate finds. A default file that does not exist is an empty
// configuration; one that was asked for must be there. The errors are *Error.
func Load(path string, env Environment) (*Config, error) {
	asked, where := askedPath(path, env)
	if asked == "" {
		dir, err := defaultDir(env)
		if err != nil {
			return load("", nil, nil, env) // a process without a home has no default file
		}
		if asked, err = findIn(dir); err != nil {
			return nil, err
		}
		where = ""
	}
	if asked == "" {
		return load("", nil, nil, env)
	}
	data, info, err := read(asked)
	if err != nil {
		failure := fileError(asked, err)
		if where != "" && errors.Is(err, fs.ErrNotExist) {
			failure.Problems[0].Hint = where + " names it; winrmctl config init writes a first one"
		}
		return nil, failure
	}
	return load(asked, data, info, env)
}

// File is the path of the file that was read, "" when there was none.
func (c *Config) File() string { return c.file.path }

// Profiles are the names of the profiles, in the order of the file. The caller owns the slice.
func (c *Config) Profiles() []string { return slices.Clone(c.file.profiles.names) }

// Credentials are the names of the credentials, in the order of the file. The caller owns the slice.
func (c *Config) Credentials() []string { return slices.Clone(c.file.credentials.names) }

// Groups are the names of the groups, in the order of the file. The caller owns the slice.
func (c *Config) Groups() []string { return slices.Clone(c.file.groups.names) }

func fileError(file string, err error) *Error {
	return &Error{[]Problem{{File: file, Text: bare(err).Error()}}}
}

// bare is an error of a file without the file's name, for sentences that have it already.
func bare(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// read reads a file of bounded size, with what the system says of the very file that was read.
func read(path string) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		return nil, nil, errors.New("is a directory")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(data) > maxSize {
		err = errors.New("is larger than 1 MiB, which no configuration is")
	}
	return data, info, err
}

// load makes a configuration of a file's content; info may be nil when there is no file.
func load(path string, data []byte, info fs.FileInfo, env Environment) (*Config, error) {
	r := &report{file: path}
	root := parse(path, data, r)
	if root == nil && !r.empty() {
		return nil, r.err()
	}
	c := &Config{env: env, schema: newSchema()}
	b := builder{report: r, schema: c.schema, env: env, dir: filepath.Dir(path)}
	if info != nil {
		b.shared = readableByOthers(path, info)
	}
	c.file = b.build(root)
	if err := r.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// parse reads the language that the file's ending names; without an ending it is YAML.
func parse(path string, data []byte, r *report) *node {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		r.add(0, "", "is not UTF-8 text", "save it as UTF-8")
		return nil
	}
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".yaml", ".yml", "":
		return readYAML(data, r)
	case ".toml":
		return readTOML(data, r)
	case ".json":
		return readJSON(data, r)
	default:
		r.add(0, "", fmt.Sprintf("a file that ends in %s: the format is unknown", ext), "rename it to .yaml, .toml or .json")
		return nil
	}
}
