package config

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/winrmctl/winrmctl/internal/ranges"
)

// write makes the file.
func (i *importer) write() ([]byte, error) {
	root := mapping()
	if len(i.accounts) > 0 {
		entries := mapping()
		for _, a := range i.accounts {
			put(entries, a.name, i.entry(map[string]string{"username": a.user}))
		}
		put(root, "credentials", entries)
		root.Content[0].HeadComment = "# Say for each where its password is: password_command, password_file or keyring: true."
	}
	profiles := mapping()
	for _, h := range i.hosts {
		if !h.plain {
			put(profiles, h.name, i.entry(h.profile()))
		}
	}
	if len(profiles.Content) > 0 {
		put(root, "profiles", profiles)
	}
	groups := mapping()
	for _, g := range i.groups {
		put(groups, g.name, i.group(g))
	}
	put(root, "groups", groups)
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Made of the Ansible inventory %s by winrmctl config import ansible.\n\n", oneWord(filepath.Base(i.path)))
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

// oneWord keeps a name from ending a comment.
func oneWord(name string) string { return strings.Trim(show(name), `"`) }

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode} }

func word(value string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(value)
	return n
}

func put(table *yaml.Node, name string, value *yaml.Node) {
	table.Content = append(table.Content, word(name), value)
}

// entry is the table of some values, on one line where that is not too long.
func (i *importer) entry(values map[string]string) *yaml.Node {
	table := mapping()
	length := 0
	var below *yaml.Node
	for _, key := range i.schema.keys {
		value, ok := values[key.Name]
		if !ok {
			continue
		}
		scalar := word(value)
		if key.Kind == KindNumber || key.Kind == KindSwitch {
			scalar = &yaml.Node{Kind: yaml.ScalarNode, Value: value} // without quotes
		}
		length += len(key.Name) + len(value) + 4
		if sub, ok := strings.CutPrefix(key.Name, "tls."); ok {
			if below == nil {
				below = mapping()
				put(table, "tls", below)
			}
			put(below, sub, scalar)
			continue
		}
		put(table, key.Name, scalar)
	}
	if length <= maxFlow {
		table.Style = yaml.FlowStyle
	}
	return table
}

// maxFlow is the length of a list or a table that stands on one line, in bytes.
const maxFlow = 100

// group is a list of members where there is nothing else to say.
func (i *importer) group(g *importedGroup) *yaml.Node {
	members := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	length := 0
	add := func(name string) {
		members.Content = append(members.Content, word(name))
		if length += len(name) + 4; length > maxFlow {
			members.Style = 0
		}
	}
	for _, child := range g.children {
		add("@" + child.name)
	}
	var hosts []string
	for _, h := range g.direct {
		if h.plain {
			hosts = append(hosts, h.name)
			continue
		}
		for _, run := range ranges.Contract(hosts) {
			add(run.Text)
		}
		hosts = nil
		add(h.name)
	}
	for _, run := range ranges.Contract(hosts) {
		add(run.Text)
	}
	if len(g.values) == 0 {
		return members
	}
	table := mapping()
	put(table, "members", members)
	values := i.entry(g.values)
	table.Content = append(table.Content, values.Content...)
	return table
}
