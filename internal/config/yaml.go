package config

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/winrmctl/winrmctl/internal/torn"
)

// readYAML makes the tree of a YAML file of one document; nil when there is none or it is wrong.
func readYAML(data []byte, r *report) *node {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		addYAMLError(r, data, err)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		r.add(second.Line, "", "a second document: the configuration is one", "remove the line ---")
		return nil
	case !errors.Is(err, io.EOF):
		addYAMLError(r, data, err)
		return nil
	}
	y := yamlTree{grower{report: r}}
	tree := y.node(document.Content[0], "", 0)
	if y.stop {
		return nil
	}
	return tree
}

func addYAMLError(r *report, data []byte, err error) {
	line, text := torn.YAML(data, err)
	r.add(line, "", "not YAML: "+text, "")
}

// yamlTree turns nodes of the YAML library into ours, with aliases and merge keys resolved.
type yamlTree struct {
	grower
}

func (y *yamlTree) node(n *yaml.Node, path string, depth int) *node {
	if !y.grow(depth, n.Line) {
		return &node{line: n.Line}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return y.node(n.Alias, path, depth+1)
	case yaml.MappingNode:
		return y.mapping(n, path, depth)
	case yaml.SequenceNode:
		out := &node{shape: list, line: n.Line}
		for _, item := range n.Content {
			out.items = append(out.items, y.node(item, path, depth+1))
		}
		return out
	}
	return y.scalar(n, path)
}

func (y *yamlTree) scalar(n *yaml.Node, path string) *node {
	out := &node{shape: scalar, text: n.Value, line: n.Line}
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return &node{line: n.Line}
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp", "!!merge":
	default:
		y.add(n.Line, path, "tag "+show(tag)+" is not known here", "remove the tag")
	}
	return out
}

// mapping keeps to YAML's rule for merge keys: what is written here wins, then the first merged.
func (y *yamlTree) mapping(n *yaml.Node, path string, depth int) *node {
	out := &node{shape: table, line: n.Line}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			y.add(key.Line, path, "a key that is not plain text", "")
		case key.ShortTag() == "!!merge":
			merged = append(merged, value)
		default:
			value := y.node(value, join(path, key.Value), depth+1)
			y.put(out, path, field{name: key.Value, line: n.Content[i].Line, value: value})
		}
	}
	for _, value := range merged {
		y.merge(out, value, path, depth+1)
	}
	return out
}

func (y *yamlTree) merge(into *node, n *yaml.Node, path string, depth int) {
	from := y.node(n, path, depth)
	sources := []*node{from}
	if from.shape == list {
		sources = from.items
	}
	for _, source := range sources {
		if source.shape != table {
			y.add(n.Line, join(path, "<<"), "merges "+source.shape.String()+", not a table", "")
		}
		for _, f := range source.fields {
			into.put(f)
		}
	}
}
