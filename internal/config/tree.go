package config

import "fmt"

// shape is what a node of a file is, whatever the file's language.
type shape uint8

const (
	nothing shape = iota // null, or a key without a value
	scalar               // text, a number, true, a date: as it is written, without quotes
	list
	table
)

func (s shape) String() string {
	return [...]string{"nothing", "a value", "a list", "a table"}[s]
}

// node is one value of a configuration file with the line it stands on. The readers of YAML, TOML
// and JSON all make this, so that the rest knows none of them.
type node struct {
	shape  shape
	text   string
	line   int
	fields []field // of a table, in the order of the file
	items  []*node // of a list
	index  map[string]int
	sealed bool // a table that is complete where it stands (TOML)
}

type field struct {
	name  string
	line  int
	value *node
}

// get is the value of a table's field, or nil.
func (n *node) get(name string) *node {
	if i, ok := n.index[name]; ok {
		return n.fields[i].value
	}
	return nil
}

// put adds a field; it reports false, and does nothing, when the table has one of that name.
func (n *node) put(f field) bool {
	if _, ok := n.index[f.name]; ok {
		return false
	}
	if n.index == nil {
		n.index = map[string]int{}
	}
	n.index[f.name] = len(n.fields)
	n.fields = append(n.fields, f)
	return true
}

// grower builds a tree within bounds, so that a file of aliases of aliases stays small.
type grower struct {
	*report
	nodes int
	stop  bool
}

const (
	maxDepth = 64      // levels; a real file has five
	maxNodes = 1 << 19 // more than a file of the allowed size can hold without aliases
)

// grow counts a node at a depth. When it reports false the tree is too large, which it has said.
func (g *grower) grow(depth, line int) bool {
	g.nodes++
	switch {
	case g.stop:
	case depth > maxDepth:
		g.stop = true
		g.add(line, "", "nested too deeply", "")
	case g.nodes > maxNodes:
		g.stop = true
		g.add(line, "", "too many values: aliases multiply them", "")
	}
	return !g.stop
}

// put adds a field to a table, or says that it is there already.
func (g *grower) put(to *node, path string, f field) {
	if !to.put(f) {
		first := to.fields[to.index[f.name]].line
		g.add(f.line, join(path, f.name), fmt.Sprintf("given twice: also on line %d", first), "")
	}
}

// join is the key of a field in a table: "profiles.web1" and "port" make "profiles.web1.port".
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
