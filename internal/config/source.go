package config

import (
	"maps"
	"slices"
	"strings"
)

// flags is the layer of what the user gave on the command line beside the target.
func (c *Config) flags(over map[string]string) (layer, error) {
	l := newLayer(origin{from: fromFlag})
	for _, name := range slices.Sorted(maps.Keys(over)) {
		if wrong, o := c.flag(l, name, over[name]); wrong != nil {
			return l, o.fault("", wrong.text, wrong.hint)
		}
	}
	if names := l.secrets(); len(names) > 1 {
		first := l.values[names[0]].origin
		return l, first.fault("", "a second password beside "+l.values[names[1]].origin.name, "give one of them")
	}
	return l, nil
}

func (c *Config) flag(l layer, name, text string) (*flaw, origin) {
	o := origin{from: fromFlag, name: "--" + name}
	if variable, ok := strings.CutPrefix(name, "env."); ok {
		o.name = "--env"
		return l.addVariable(variable, text, o), o
	}
	if name == "password_stdin" {
		o.name = "--password-stdin"
		text, wrong := boolean(text)
		if text == "true" {
			l.values[name] = value{origin: o}
		}
		return wrong, o
	}
	key, ok := c.schema.byName[name]
	switch {
	case !ok:
		return &flaw{"unknown setting", didYouMean(name, c.schema.names(account))}, o
	case key.Kind == KindSecret:
		return &flaw{"a password is not taken from the command line", "use --password-stdin or --password-file"}, o
	}
	o.name = key.flagName()
	return c.accept(l, key, text, o), o
}

// environment is the layer of the WINRMCTL_ variables. An empty one counts as not set.
func (c *Config) environment() (layer, error) {
	l := newLayer(origin{from: fromEnvironment})
	r := &report{}
	for _, key := range c.schema.keys {
		text, ok := c.env.Lookup(key.Env())
		if !ok || text == "" {
			continue
		}
		o := origin{from: fromEnvironment, name: key.Env()}
		if wrong := c.accept(l, key, text, o); wrong != nil {
			r.add(0, o.name, wrong.text, wrong.hint)
		}
	}
	if names := l.secrets(); len(names) > 1 {
		other := l.values[names[1]].origin.name
		r.add(0, l.values[names[0]].origin.name, "a second password beside "+other, "unset one of them")
	}
	return l, r.err()
}

// accept checks a value from outside a file and puts it into a layer. A path stays relative to the
// working directory.
func (c *Config) accept(l layer, key Key, text string, o origin) *flaw {
	if key.Kind == KindPairs {
		return l.addLines(text, o)
	}
	text, wrong := key.check(text)
	if wrong == nil && key.Kind == KindPath {
		text, wrong = c.env.expand(text, "")
	}
	if wrong == nil {
		l.set(key, text, o)
	}
	return wrong
}
