package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/winrmctl/winrmctl/internal/secret"
)

// layer is the values that one place gives: a table of the file, the environment, the flags.
type layer struct {
	values map[string]value      // by the key's name, without env
	env    map[string]assignment // by the name in capitals, because to Windows case makes no difference
	origin origin                // of the place as a whole
}

// value is one value in its normal form.
type value struct {
	text   string
	secret secret.Text // in place of text where the value is a password
	origin origin
}

// assignment is one variable of env, in the case it was given.
type assignment struct {
	name string
	value
}

// from says what sort of place a value comes from: it decides whose mistake a bad value is.
type from uint8

const (
	builtIn from = iota
	fromFile
	fromEnvironment
	fromTarget
	fromFlag
)

// origin is the place that a value comes from.
type origin struct {
	from from
	file string
	line int
	name string // of the variable or the flag; of the table in a file
}

// String is the place for people: "config.yaml:12", "environment WINRMCTL_PORT", "flag --port".
func (o origin) String() string {
	switch o.from {
	case fromFile:
		return fmt.Sprintf("%s:%d", filepath.Base(o.file), o.line)
	case fromEnvironment:
		return "environment " + o.name
	case fromTarget:
		return "command line"
	case fromFlag:
		return "flag " + o.name
	}
	return "built in"
}

// fault is the error of a key whose value comes from here: the one who typed it is told otherwise
// than the one who wrote it into a file.
func (o origin) fault(key, text, hint string) error {
	switch o.from {
	case fromFile:
		return &Error{[]Problem{{File: o.file, Line: o.line, Key: join(o.name, key), Text: text, Hint: hint}}}
	case fromEnvironment:
		return &Error{[]Problem{{Key: o.name, Text: text, Hint: hint}}}
	case fromFlag:
		return &UsageError{o.name + ": " + text, hint}
	}
	return &UsageError{"target: " + text, hint}
}

func newLayer(o origin) layer {
	return layer{values: map[string]value{}, env: map[string]assignment{}, origin: o}
}

// set keeps the text of a checked value, or hides it where it is a password.
func (l layer) set(key Key, text string, o origin) {
	if key.Kind == KindSecret {
		l.values[key.Name] = value{secret: secret.New(text), origin: o}
		return
	}
	l.values[key.Name] = value{text: text, origin: o}
}

// secrets are the names of the keys of this layer that say where a password comes from, sorted.
func (l layer) secrets() []string {
	var names []string
	for name, v := range l.values {
		if isSecret(name) && (name != "keyring" || v.text == "true") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// has reports whether the layer gives a key, or as "env.NAME" a variable.
func (l layer) has(key string) bool {
	if name, ok := strings.CutPrefix(key, "env."); ok {
		_, ok = l.env[strings.ToUpper(name)]
		return ok
	}
	_, ok := l.values[key]
	return ok
}

// find is the value of a key in the highest layer that has one, and that layer's index, else -1.
func find(layers []layer, key string) (value, int) {
	for i, l := range layers {
		if v, ok := l.values[key]; ok {
			return v, i
		}
	}
	return value{}, -1
}

// mergeEnv lays variables over each other, highest layer first; they come sorted by name.
func mergeEnv(layers []layer) []assignment {
	merged := map[string]assignment{}
	for _, l := range slices.Backward(layers) {
		maps.Copy(merged, l.env)
	}
	return slices.SortedFunc(maps.Values(merged), func(a, b assignment) int { return strings.Compare(a.name, b.name) })
}

// addVariable puts a variable into a layer unless its name is wrong or given twice.
func (l layer) addVariable(name, text string, o origin) *flaw {
	if name == "" || strings.ContainsAny(name, "=\x00\r\n") {
		return &flaw{"not the name of a variable: " + show(name), ""}
	}
	folded := strings.ToUpper(name)
	if other, ok := l.env[folded]; ok {
		return &flaw{"given twice: " + other.name + " and " + name + " are one variable to Windows", ""}
	}
	text, wrong := anything(text)
	if wrong == nil {
		l.env[folded] = assignment{name, value{text: text, origin: o}}
	}
	return wrong
}

// addLines reads variables written as lines of NAME=VALUE.
func (l layer) addLines(text string, o origin) *flaw {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		name, text, ok := strings.Cut(line, "=")
		if line == "" {
			continue
		}
		if !ok {
			return &flaw{"a variable without a value: " + show(name), "write NAME=VALUE, one a line"}
		}
		if wrong := l.addVariable(name, text, o); wrong != nil {
			return wrong
		}
	}
	return nil
}
