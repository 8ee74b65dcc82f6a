package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Environment is what a process knows about its surroundings. All three functions must be set; they
// are called during Load, Resolve and Password, by the goroutine that calls those.
type Environment struct {
	Lookup    func(name string) (string, bool) // os.LookupEnv
	ConfigDir func() (string, error)           // os.UserConfigDir
	HomeDir   func() (string, error)           // os.UserHomeDir
}

// Locate is the configuration file that Load would read, or the one to create when there is none:
// path itself, else WINRMCTL_CONFIG, else config.yaml, .yml, .toml or .json in the directory
// winrmctl of $XDG_CONFIG_HOME or of the user's configuration directory.
func Locate(path string, env Environment) (string, error) {
	if asked, _ := askedPath(path, env); asked != "" {
		return asked, nil
	}
	dir, err := defaultDir(env)
	if err != nil {
		return "", &Error{[]Problem{{
			Text: "no place for a configuration file: " + err.Error(),
			Hint: "name one with --config FILE",
		}}}
	}
	found, err := findIn(dir)
	if found == "" && err == nil {
		found = filepath.Join(dir, "config.yaml")
	}
	return found, err
}

// askedPath is the file that someone named, and where it was named.
func askedPath(path string, env Environment) (file, where string) {
	if path != "" {
		return path, "--config"
	}
	path, _ = env.Lookup("WINRMCTL_CONFIG")
	return path, "WINRMCTL_CONFIG"
}

func defaultDir(env Environment) (string, error) {
	base, _ := env.Lookup("XDG_CONFIG_HOME")
	if !filepath.IsAbs(base) { // the XDG specification has a relative one not looked at
		given := base != ""
		var err error
		if base, err = env.ConfigDir(); err != nil {
			home, homeless := env.HomeDir()
			if !given || homeless != nil {
				return "", err
			}
			base = filepath.Join(home, ".config") // os.UserConfigDir fails by the relative one
		}
	}
	return filepath.Join(base, "winrmctl"), nil
}

// findIn is the one configuration file of a directory, "" if it has none.
func findIn(dir string) (string, error) {
	var found []string
	for _, ext := range []string{"yaml", "yml", "toml", "json"} {
		file := filepath.Join(dir, "config."+ext)
		// Not Stat: a link that leads nowhere is a mistake to report, not the absence of a file.
		switch _, err := os.Lstat(file); {
		case err == nil:
			found = append(found, file)
		case !errors.Is(err, fs.ErrNotExist):
			return "", fileError(file, err)
		}
	}
	if len(found) > 1 {
		return "", &Error{[]Problem{{
			File: dir,
			Text: "more than one configuration file: " + strings.Join(bases(found), " and "),
			Hint: fmt.Sprintf("keep one of them, or name one with --config %s", found[0]),
		}}}
	}
	return strings.Join(found, ""), nil
}

func bases(files []string) []string {
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(file))
	}
	return names
}

// expand makes a path of the configuration one that can be opened: "~/" is the home directory, and
// what is relative starts at dir ("" for the working directory).
func (e Environment) expand(path, dir string) (string, *flaw) {
	if rest, ok := strings.CutPrefix(path, "~"); ok {
		if rest != "" && !os.IsPathSeparator(rest[0]) {
			return "", &flaw{"~NAME is not known here: " + show(path), "write the path from the root, or with ~/"}
		}
		home, err := e.HomeDir()
		if err != nil {
			return "", &flaw{"no home directory for ~: " + err.Error(), "write the path from the root"}
		}
		return filepath.Join(home, rest), nil
	}
	if path == "" || dir == "" || filepath.IsAbs(path) {
		return path, nil
	}
	return filepath.Join(dir, path), nil
}
