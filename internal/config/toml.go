package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/winrmctl/winrmctl/internal/torn"
)

// readTOML makes the tree of a TOML file; nil when it is wrong. Of the library's two parsers only
// the low one tells lines, and only the high one knows all the rules: so the file passes both.
func readTOML(data []byte, r *report) *node {
	t := tomlTree{grower{report: r}, new(unstable.Parser), newLines(data)}
	if at := tooDeepTOML(data); at >= 0 {
		t.grow(maxDepth+1, t.lines.at(at))
		return nil
	}
	t.parser.Reset(data)
	root := t.document()
	var wrong *unstable.ParserError
	if errors.As(t.parser.Error(), &wrong) {
		r.add(t.lineOf(wrong.Highlight), "", "not TOML: "+strings.ReplaceAll(wrong.Message, "\n", `\n`), "")
	}
	if t.stop || wrong != nil {
		return nil
	}
	if err := toml.Unmarshal(data, new(map[string]any)); err != nil && r.empty() {
		t.addRule(data, err)
		return nil
	}
	return root
}

// tomlTree turns the expressions of the TOML library into our tree.
type tomlTree struct {
	grower
	parser *unstable.Parser
	lines  lines
}

func (t *tomlTree) lineOf(part []byte) int {
	return t.lines.at(int(t.parser.Range(part).Offset))
}

func (t *tomlTree) addRule(data []byte, err error) {
	line := 0
	var at *toml.DecodeError
	if errors.As(err, &at) {
		line, _ = at.Position()
	}
	if line == 0 { // of a rule about the file as a whole
		line, _ = torn.Line(data, func(part []byte) bool { return toml.Unmarshal(part, new(map[string]any)) == nil })
	}
	t.add(line, "", "not TOML: "+strings.TrimPrefix(err.Error(), "toml: "), "")
}

func (t *tomlTree) document() *node {
	root := &node{shape: table, line: 1}
	current, path := root, ""
	for t.parser.NextExpression() && !t.stop {
		switch e := t.parser.Expression(); e.Kind {
		case unstable.Table:
			current, path = t.header(root, e)
		case unstable.ArrayTable:
			current, path = t.element(root, e)
		case unstable.KeyValue:
			t.keyValue(current, path, e, 0)
		}
	}
	return root
}

// header is the table that [a.b] opens.
func (t *tomlTree) header(root *node, e *unstable.Node) (*node, string) {
	parent, path, last := t.descend(root, "", e.Key())
	name, line := string(last.Data), t.lineOf(t.parser.Raw(last.Raw))
	next := t.child(parent, path, name, line)
	if next.sealed {
		t.add(line, join(path, name), fmt.Sprintf("given twice: also on line %d", next.line), "")
	}
	next.sealed = true
	return next, join(path, name)
}

// element is the new last table of the list that [[a.b]] adds to.
func (t *tomlTree) element(root *node, e *unstable.Node) (*node, string) {
	parent, path, last := t.descend(root, "", e.Key())
	name, line := string(last.Data), t.lineOf(t.parser.Raw(last.Raw))
	to := parent.get(name)
	if to == nil {
		to = &node{shape: list, line: line}
		parent.put(field{name: name, line: line, value: to})
	}
	item := &node{shape: table, line: line}
	if to.shape != list {
		t.add(line, join(path, name), "is not a list of tables elsewhere", "")
	}
	to.items = append(to.items, item)
	return item, join(path, name)
}

func (t *tomlTree) keyValue(in *node, path string, e *unstable.Node, depth int) {
	parent, path, last := t.descend(in, path, e.Key())
	name, line := string(last.Data), t.lineOf(t.parser.Raw(last.Raw))
	value := t.value(e.Value(), join(path, name), line, depth+1)
	t.put(parent, path, field{name: name, line: line, value: value})
}

// descend follows a dotted key up to its last part, which it leaves to the caller.
func (t *tomlTree) descend(in *node, path string, key unstable.Iterator) (*node, string, *unstable.Node) {
	for depth := 0; key.Next() && !key.IsLast(); depth++ {
		name, line := string(key.Node().Data), t.lineOf(t.parser.Raw(key.Node().Raw))
		if !t.grow(depth, line) {
			continue
		}
		in, path = t.child(in, path, name, line), join(path, name)
	}
	return in, path, key.Node()
}

// child is the table of a name in another, made when it is new; of a list of tables it is the last.
func (t *tomlTree) child(in *node, path, name string, line int) *node {
	next := in.get(name)
	if next == nil {
		next = &node{shape: table, line: line}
		in.put(field{name: name, line: line, value: next})
	}
	if next.shape == list && len(next.items) > 0 {
		next = next.items[len(next.items)-1]
	}
	if next.shape != table {
		t.add(line, join(path, name), fmt.Sprintf("is not a table on line %d", next.line), "")
		next = &node{shape: table, line: line} // what follows goes nowhere, but is still looked at
	}
	return next
}

func (t *tomlTree) value(n *unstable.Node, path string, line, depth int) *node {
	out := &node{shape: scalar, text: string(n.Data), line: line}
	if !t.grow(depth, line) {
		return out
	}
	children := n.Children()
	switch n.Kind {
	case unstable.Array:
		out.shape, out.text = list, ""
		for children.Next() {
			item := children.Node()
			if at := t.lines.at(int(item.Raw.Offset)); item.Raw.Length > 0 {
				line = at
			}
			out.items = append(out.items, t.value(item, path, line, depth+1))
		}
	case unstable.InlineTable:
		out.shape, out.text, out.sealed = table, "", true
		for children.Next() {
			t.keyValue(out, path, children.Node(), depth+1)
		}
	}
	return out
}

// tooDeepTOML is the offset of the bracket that nests too deeply, or -1. The library recurses
// without a limit, and Go cannot recover from the end of a stack: this has to come first.
func tooDeepTOML(data []byte) int {
	depth := 0
	for at := 0; at < len(data); at++ {
		switch c := data[at]; c {
		case '[', '{':
			if depth++; depth > maxDepth {
				return at
			}
		case ']', '}':
			depth = max(depth-1, 0)
		case '#':
			at = skipTo(data, at, "\n", false)
		case '"', '\'':
			quote := string(c)
			if triple := quote + quote + quote; bytes.HasPrefix(data[at:], []byte(triple)) {
				quote = triple
			}
			at = skipTo(data, at+len(quote), quote, c == '"')
			// A string of three quotes may end in one or two of its own, which would open another.
			for n := 0; n < 2 && len(quote) == 3 && at+1 < len(data) && data[at+1] == c; n++ {
				at++
			}
		}
	}
	return -1
}

// skipTo is the offset of the last byte of the next end at or after an offset.
func skipTo(data []byte, at int, end string, escapes bool) int {
	for ; at < len(data); at++ {
		switch {
		case escapes && data[at] == '\\':
			at++
		case bytes.HasPrefix(data[at:], []byte(end)):
			return at + len(end) - 1
		}
	}
	return at
}
