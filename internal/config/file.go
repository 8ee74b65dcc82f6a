package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// file is the content of a configuration file. It does not change after it is read.
type file struct {
	path        string
	defaults    layer
	credentials section[layer]
	profiles    section[layer]
	groups      section[*group]
	lineage     *lineage
}

// section is a table of named things, in the order of the file.
type section[T any] struct {
	names []string
	by    map[string]T
}

func (s *section[T]) add(name string, thing T) {
	if s.by == nil {
		s.by = map[string]T{}
	}
	s.names = append(s.names, name)
	s.by[name] = thing
}

// builder makes a file of a tree, and reports what it cannot understand.
type builder struct {
	*report
	schema schema
	env    Environment
	dir    string // that relative paths start at
	shared *flaw  // why a password may not stand in the file; nil if it may

	members int // of all groups so far
}

func (b *builder) build(root *node) *file {
	f := &file{path: b.file, defaults: newLayer(origin{}), lineage: &lineage{}}
	if root == nil || root.shape == nothing {
		return f
	}
	sections := map[string]func(field){
		"defaults":    func(top field) { f.defaults = b.layer(top.value, top.name, top.line, inDefaults) },
		"credentials": func(top field) { b.layers(&f.credentials, top, inCredential) },
		"profiles":    func(top field) { b.layers(&f.profiles, top, inProfile) },
		"groups":      func(top field) { b.groups(&f.groups, top) },
	}
	for _, top := range b.fields(root, "") {
		if add, ok := sections[top.name]; ok {
			add(top)
		} else if !strings.HasPrefix(top.name, "x-") { // room for anchors
			known := []string{"defaults", "credentials", "profiles", "groups"}
			b.add(top.line, top.name, "unknown key", topHint(top.name, known))
		}
	}
	b.checkReferences(f)
	if b.empty() { // there are no cycles
		f.lineage = trace(f)
		b.checkValues(f)
	}
	return f
}

func topHint(name string, known []string) string {
	if hint := didYouMean(name, known); hint != "" {
		return hint
	}
	return "a configuration has " + strings.Join(known, ", ")
}

// fields are those of a table; none, and a problem, for what is not one.
func (b *builder) fields(n *node, path string) []field {
	if n.shape != table && n.shape != nothing {
		b.add(n.line, path, "must be a table of keys, not "+n.shape.String(), "")
	}
	return n.fields
}

func (b *builder) layers(to *section[layer], top field, in place) {
	for _, f := range b.fields(top.value, top.name) {
		path := join(top.name, f.name)
		b.checkName(f, path)
		before := len(b.problems)
		l := b.layer(f.value, path, f.line, in)
		if in == inProfile {
			b.checkEndpoint(l, path, f.line, len(b.problems) > before)
		}
		to.add(f.name, l)
	}
}

func (b *builder) checkName(f field, path string) {
	if f.name == "sandbox" {
		b.add(f.line, path, "the name sandbox is reserved for the built-in server", "choose another name")
	}
	for _, r := range f.name {
		if !isNameRune(r) {
			b.add(f.line, path, fmt.Sprintf("a name cannot have the character %q", r), `letters, digits, ".", "_" and "-" can be used`)
			return
		}
	}
	if f.name == "" || f.name[0] == '-' {
		b.add(f.line, path, "not a name: "+show(f.name), "a name begins with a letter, a digit or an underscore")
	}
}

func isNameRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-", r)
}

// checkEndpoint holds a profile to exactly one endpoint. In one that has a problem already, that
// problem (host: misspelled, say) may be why there is none.
func (b *builder) checkEndpoint(l layer, path string, line int, troubled bool) {
	_, url := l.values["url"]
	_, host := l.values["host"]
	if !url && !host && !troubled {
		b.add(line, path, "no endpoint", "give it host: NAME, or url: http(s)://NAME")
	}
	if !url {
		return
	}
	for _, name := range []string{"host", "port", "https"} {
		if v, ok := l.values[name]; ok {
			first := fmt.Sprintf("two endpoints: url is on line %d", l.values["url"].origin.line)
			b.add(v.origin.line, join(path, name), first, "keep url, or host with port and https")
		}
	}
}

// layer reads the keys of defaults, a profile, a credential or a group.
func (b *builder) layer(n *node, path string, line int, in place) layer {
	l := newLayer(origin{from: fromFile, file: b.file, line: line, name: path})
	for _, f := range b.fields(n, path) {
		if in != inGroup || f.name != "members" {
			b.key(l, f, path, "", in)
		}
	}
	if names := l.secrets(); len(names) > 1 {
		slices.SortFunc(names, func(x, y string) int { return l.values[x].origin.line - l.values[y].origin.line })
		b.add(l.values[names[1]].origin.line, join(path, names[1]), "a second password beside "+names[0], "keep one of them")
	}
	return l
}

// key reads one field; prefix is "tls." inside that table.
func (b *builder) key(l layer, f field, path, prefix string, in place) {
	key, known := b.schema.byName[prefix+f.name]
	at := join(path, prefix+f.name)
	switch {
	case prefix == "" && b.schema.isTable(f.name) && in != inCredential:
		for _, sub := range b.fields(f.value, at) {
			b.key(l, sub, path, f.name+".", in)
		}
	case !known || prefix == "" && strings.Contains(f.name, "."):
		hint := b.keyHint(prefix, f.name, in)
		if hint == "" && f.value.shape == table && strings.EqualFold(filepath.Ext(b.file), ".toml") {
			hint = `TOML takes a name with dots in quotes: [profiles."web1.corp.example"]`
		}
		b.add(f.line, at, "unknown key", hint)
	case key.places&in == 0:
		b.add(f.line, at, "not a key of "+strings.SplitN(path, ".", 2)[0], misplacedHint(key, in))
	case key.Kind == KindPairs:
		b.variables(l, f.value, at)
	default:
		b.value(l, key, f, at)
	}
}

// keyHint is what may be meant by an unknown key: one beside it, or one that belongs into a table.
func (b *builder) keyHint(prefix, name string, in place) string {
	var beside []string
	for _, k := range b.schema.names(in) {
		table, sub, ok := strings.Cut(k, ".")
		if ok && prefix == "" && (sub == name || k == name) {
			return fmt.Sprintf("write it as %s: {%s: ...}", table, sub)
		}
		if k, ok := strings.CutPrefix(k, prefix); ok {
			beside = append(beside, k)
		}
	}
	if in == inGroup {
		beside = append(beside, "members")
	}
	return didYouMean(name, beside)
}

func misplacedHint(k Key, in place) string {
	if in == inGroup && k.places&inCredential != 0 {
		return "name an account of credentials for the group: credential: NAME"
	}
	if k.places&inCredential == 0 && k.places&inDefaults != 0 {
		return "it belongs into a profile or into defaults"
	}
	return "it belongs into a profile"
}

func (b *builder) value(l layer, key Key, f field, at string) {
	text, ok := b.text(f.value, at, key.Kind)
	if !ok {
		return
	}
	o := origin{from: fromFile, file: b.file, line: f.value.line, name: l.origin.name}
	text, wrong := key.check(text)
	if wrong == nil && key.Kind == KindPath {
		text, wrong = b.env.expand(text, b.dir)
	}
	if wrong == nil && key.Kind == KindSecret {
		wrong = b.shared
	}
	if wrong != nil {
		b.add(f.value.line, at, wrong.text, wrong.hint)
		return
	}
	l.set(key, text, o)
}

// text is what a scalar says.
func (b *builder) text(n *node, at string, kind Kind) (string, bool) {
	switch n.shape {
	case scalar:
		return n.text, true
	case nothing:
		b.add(n.line, at, "has no value", "give it one, or remove the key")
	default:
		b.add(n.line, at, fmt.Sprintf("must be %s, not %s", article(kind), n.shape), "")
	}
	return "", false
}

func article(kind Kind) string {
	switch kind {
	case KindText, KindSecret:
		return "text"
	case KindSwitch:
		return string(kind)
	}
	return "a " + string(kind)
}

func (b *builder) variables(l layer, n *node, at string) {
	for _, f := range b.fields(n, at) {
		text, ok := b.text(f.value, join(at, f.name), KindText)
		if !ok {
			continue
		}
		o := origin{from: fromFile, file: b.file, line: f.value.line, name: l.origin.name}
		if wrong := l.addVariable(f.name, text, o); wrong != nil {
			b.add(f.line, join(at, f.name), wrong.text, wrong.hint)
		}
	}
}

// checkReferences holds every credential that is named against those that exist.
func (b *builder) checkReferences(f *file) {
	check := func(l layer) {
		v, ok := l.values["credential"]
		if _, exists := f.credentials.by[v.text]; ok && v.text != "" && !exists {
			b.add(v.origin.line, join(l.origin.name, "credential"), "unknown credential "+show(v.text), didYouMean(v.text, f.credentials.names))
		}
	}
	check(f.defaults)
	for _, name := range f.profiles.names {
		check(f.profiles.by[name])
	}
	for _, name := range f.groups.names {
		check(f.groups.by[name].values)
	}
	b.checkGroups(f)
	b.checkKeyring(f)
}
