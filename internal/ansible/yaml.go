package ansible

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/winrmctl/winrmctl/internal/torn"
)

const (
	maxNodes  = 1 << 20 // of one file, aliases counted as often as they are used
	maxLevels = 64      // of groups in groups, and of aliases
)

// yamlFile reads an inventory of tables, or a file of variables.
type yamlFile struct {
	*reader
	path  string
	nodes int
}

// pair is an entry of a table.
type pair struct {
	name  string
	line  int
	value *yaml.Node
}

// isYAMLTable reports that a file without an ending is YAML.
func isYAMLTable(data []byte) bool {
	var root yaml.Node
	return yaml.NewDecoder(bytes.NewReader(data)).Decode(&root) == nil && len(root.Content) > 0 && root.Content[0].Kind == yaml.MappingNode
}

// parse is the root of a file, nil of an empty one.
func (f *yamlFile) parse(data []byte) (*yaml.Node, error) {
	var root yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&root)
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		line, text := torn.YAML(data, err)
		return nil, &Error{File: f.path, Line: line, Text: "not YAML: " + text}
	}
	return root.Content[0], nil
}

func (f *yamlFile) wrong(n *yaml.Node, text, hint string) *Error {
	return &Error{File: f.path, Line: n.Line, Text: text, hint: hint}
}

// pairs are the entries of a table, with aliases and merge keys resolved; what is written wins over what is merged.
func (f *yamlFile) pairs(n *yaml.Node, what string, depth int) ([]pair, error) {
	if f.nodes++; f.nodes > maxNodes || depth > maxLevels {
		return nil, f.wrong(n, "too many values, or too deep: aliases multiply them", "")
	}
	n = target(n)
	if isNull(n) {
		return nil, nil
	}
	if n.Kind != yaml.MappingNode {
		return nil, f.wrong(n, what+" must be a table", "write a colon behind each name: {web1: , web2: }")
	}
	var out []pair
	at := map[string]int{}
	put := func(p pair, over bool) {
		if i, ok := at[p.name]; !ok {
			at[p.name] = len(out)
			out = append(out, p)
		} else if over {
			out[i] = p
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f.nodes++
		key, value := target(n.Content[i]), n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			return nil, f.wrong(n.Content[i], "a key that is not plain text", "")
		case key.ShortTag() != "!!merge":
			put(pair{key.Value, n.Content[i].Line, value}, true)
			continue
		}
		sources := []*yaml.Node{value}
		if list := target(value); list.Kind == yaml.SequenceNode {
			sources = list.Content
		}
		for _, source := range sources {
			merged, err := f.pairs(source, "what << merges", depth+1)
			if err != nil {
				return nil, err
			}
			for _, p := range merged {
				put(p, false)
			}
		}
	}
	return out, nil
}

func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func (r *reader) yaml(path string, data []byte) error {
	f := &yamlFile{reader: r, path: path}
	root, err := f.parse(data)
	if err != nil {
		return err
	}
	if root == nil || isNull(root) {
		return &Error{File: path, Text: "is empty", other: true}
	}
	groups, err := f.pairs(root, "the inventory", 0)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if g.name == "_meta" {
			return &Error{File: path, Line: g.line, Text: "is what ansible-inventory --list prints for programs", hint: "add --yaml to it", other: true}
		}
		if g.name == "plugin" {
			return &Error{File: path, Line: g.line, Text: "is for a plugin that makes an inventory, and is not run", hint: fmt.Sprintf(convert, path), other: true}
		}
	}
	for _, g := range groups {
		if err := f.group(g, nil, 0); err != nil {
			return err
		}
	}
	return nil
}

// group reads a group in another, or at the top.
func (f *yamlFile) group(p pair, parent *Group, depth int) error {
	if n := target(p.value); n.Kind != yaml.MappingNode && !isNull(n) {
		f.b.warn(f.path, p.line, fmt.Sprintf("%q is no group, and is left out", p.name))
		return nil
	}
	g := f.b.group(p.name)
	if text, full := f.b.full(); full {
		return f.wrong(p.value, text, "")
	}
	if parent != nil && !parent.addChild(g) {
		return &Error{File: f.path, Line: p.line, Text: loop(parent, g)}
	}
	parts, err := f.pairs(p.value, "group "+g.Name, depth)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err := f.part(g, part, depth); err != nil {
			return err
		}
	}
	return nil
}

// part reads the hosts, the children or the variables of a group.
func (f *yamlFile) part(g *Group, part pair, depth int) error {
	if part.name != "hosts" && part.name != "children" && part.name != "vars" {
		f.b.warn(f.path, part.line, fmt.Sprintf("%q of group %s is none of hosts, children and vars, and is left out", part.name, g.Name))
		return nil
	}
	var entries []pair
	if n := target(part.value); n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		entries = []pair{{n.Value, part.line, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: part.line}}} // one name
	} else {
		var err error
		if entries, err = f.pairs(part.value, part.name+" of group "+g.Name, depth+1); err != nil {
			return err
		}
	}
	for _, entry := range entries {
		switch part.name {
		case "hosts":
			if err := f.hosts(g, entry, depth); err != nil {
				return err
			}
		case "children":
			if err := f.group(entry, g, depth+2); err != nil {
				return err
			}
		default:
			f.set(g.vars, entry, "group "+g.Name, g)
		}
	}
	return nil
}

func (f *yamlFile) hosts(g *Group, entry pair, depth int) error {
	names, port, err := expand(entry.name)
	if err != nil {
		return &Error{File: f.path, Line: entry.line, Text: err.Error(), hint: hintOf(err)}
	}
	vars, err := f.pairs(entry.value, "host "+entry.name, depth+2)
	if err != nil {
		return err
	}
	for _, name := range names {
		_, known := f.b.hosts[name]
		h := f.b.host(name, f.path, entry.line)
		if !known && port != "" {
			h.vars["ansible_port"] = Value{Text: port, File: f.path, Line: entry.line, Of: "host " + name}
		}
		for _, v := range vars {
			f.set(h.vars, v, "host "+name, nil)
		}
		g.addHost(h)
	}
	if text, full := f.b.full(); full {
		return &Error{File: f.path, Line: entry.line, Text: text}
	}
	return nil
}

// set keeps a variable that concerns connections.
func (f *yamlFile) set(vars map[string]Value, p pair, of string, group *Group) {
	if p.name == "ansible_group_priority" && group != nil {
		group.setPriority(target(p.value).Value)
	} else if concerns(p.name) {
		v := f.variable(p.name, target(p.value))
		v.File, v.Line, v.Of = f.path, p.line, of
		vars[p.name] = v
	}
}

func (f *yamlFile) variable(name string, n *yaml.Node) Value {
	switch {
	case n.Tag == "!vault" || n.Tag == "!vault-encrypted":
		return f.value(name, Value{Text: "$ANSIBLE_VAULT;" + n.Value})
	case isNull(n):
		return Value{Kind: Null}
	case n.Kind == yaml.ScalarNode && n.Tag == "!unsafe":
		v := f.value(name, Value{Text: strings.ReplaceAll(n.Value, "{", "")})
		if v.Kind == Text {
			v.Text = n.Value // braces are braces there
		}
		return v
	case n.Kind == yaml.ScalarNode:
		return f.value(name, Value{Text: n.Value})
	case n.Kind != yaml.SequenceNode:
		return Value{Kind: Other}
	}
	v := Value{Kind: List}
	for _, item := range n.Content {
		item = target(item)
		if item.Kind != yaml.ScalarNode {
			return Value{Kind: Other}
		}
		text := item.Value
		if item.Tag == "!vault" {
			text = "$ANSIBLE_VAULT;" + text
		}
		v.Items = append(v.Items, text)
	}
	return f.value(name, v)
}
