package format

import (
	"fmt"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/winrmctl/winrmctl/internal/enum"
)

// yamlWriter writes a sequence, one element after the other: sequences of one element behind each other are one sequence.
type yamlWriter struct {
	out  *output
	o    Options
	some bool
}

func (w *yamlWriter) Item(target string, item *enum.Item) error {
	node := &yaml.Node{Kind: yaml.MappingNode}
	if w.o.Targets {
		add(node, keyTarget, text(target))
	}
	if w.o.Foreign(item) {
		add(node, keyClass, text(item.Class))
	}
	members(node, item)
	b, err := yaml.Marshal(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{node}})
	if err != nil {
		return err
	}
	w.some = true
	w.out.b = appendHarmlessYAML(w.out.b, b)
	return w.out.spill()
}

// appendHarmlessYAML appends what the encoder wrote, with escapes for what it leaves as it is and a terminal may obey, such as
// the marks of bidirectional text. All of that stands between double quotes: see text.
func appendHarmlessYAML(to, b []byte) []byte {
	for len(b) > 0 {
		c, n := utf8.DecodeRune(b)
		if commanding(c) && c != '\n' {
			to = fmt.Appendf(to, `\u%04X`, c)
		} else {
			to = append(to, b[:n]...)
		}
		b = b[n:]
	}
	return to
}

func (w *yamlWriter) Flush() error { return w.out.flush() }

func (w *yamlWriter) Close() error {
	if !w.some {
		w.out.b = append(w.out.b, "[]\n"...)
	}
	return w.out.flush()
}

func add(node *yaml.Node, name string, value *yaml.Node) {
	node.Content = append(node.Content, text(name), value)
}

// text is a string whatever it looks like: the tag has the encoder put quotes where they are needed.
func text(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	for _, c := range s {
		if commanding(c) && c != '\n' && c != '\t' {
			n.Style = yaml.DoubleQuotedStyle // where the encoder escapes what does not print
		}
	}
	return n
}

func members(node *yaml.Node, item *enum.Item) {
	for _, p := range item.Properties {
		add(node, p.Name, value(&p.Value))
	}
	if item.Reference != nil {
		reference := &yaml.Node{Kind: yaml.MappingNode}
		members(reference, item.Reference)
		add(node, keyReference, reference)
	}
}

func value(v *enum.Value) *yaml.Node {
	switch v.Kind {
	case enum.Null:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	case enum.Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: v.Text}
	case enum.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.Text}
	case enum.Array:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Elements {
			n.Content = append(n.Content, value(&v.Elements[i]))
		}
		return n
	case enum.Object, enum.Reference:
		n := &yaml.Node{Kind: yaml.MappingNode}
		if v.Item.Class != "" {
			add(n, keyClass, text(v.Item.Class))
		}
		members(n, v.Item)
		return n
	}
	return text(v.Text)
}
