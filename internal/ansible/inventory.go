// Package ansible reads inventories of Ansible from files: hosts, groups, and the variables that say how to connect. It
// runs nothing, decrypts nothing and evaluates no expression, keeps no password, and does not know who asks.
package ansible

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Inventory is what one inventory holds, be it a file or a directory of them. It does not change after Read.
type Inventory struct {
	Hosts    []*Host  // in the order in which they are first named
	Groups   []*Group // likewise, after all and ungrouped, which every inventory has
	Warnings []Warning
}

// Host is a host by the name that the inventory gives it.
type Host struct {
	Name string
	File string // in which it is first named
	Line int

	groups []*Group // that list it themselves
	vars   map[string]Value
	files  map[string]Value // of host_vars
}

// Where is the place for people: "hosts.ini:12".
func (h *Host) Where() string { return fmt.Sprintf("%s:%d", h.File, h.Line) }

// Group is a set of hosts and of other groups.
type Group struct {
	Name     string
	Hosts    []*Host  // that it lists itself
	Children []*Group // likewise

	parents  []*Group
	vars     map[string]Value
	files    map[string]Value // of group_vars
	priority int
	depth    int // the longest way from the group all
}

// Kind is what is known of a value.
type Kind uint8

// The kinds of values.
const (
	Text     Kind = iota // as it is written; a number or a switch too
	Secret               // text that is not kept, because the variable's name says password
	List                 // of texts
	Null                 // given as nothing: takes away what a group gives
	Vaulted              // encrypted by ansible-vault
	Template             // an expression that only a playbook can evaluate
	Other                // a table, or a list of something else
)

// Value is a variable's value, and where it stands.
type Value struct {
	Kind  Kind
	Text  string
	Items []string // of a List
	File  string
	Line  int
	Of    string // "host web1", "group web"

	// Same is equal for two values that are equal, where the text is not kept. It tells nothing else, and another one is made
	// by each Read.
	Same string
}

// Where is the place for people: "hosts.ini:12".
func (v Value) Where() string { return fmt.Sprintf("%s:%d", v.File, v.Line) }

// Warning is something that is left out, in one sentence without any value.
type Warning struct {
	File string
	Line int // 0 for the whole file
	Text string
}

func (w Warning) String() string { return place(w.File, w.Line) + w.Text }

// Error says why an inventory cannot be read.
type Error struct {
	File string
	Line int // 0 where there is none
	Text string
	hint string

	other bool // it is no inventory of the kind that is read here: beside others it is left out
}

// Error is one sentence with file and line.
func (e *Error) Error() string { return place(e.File, e.Line) + e.Text }

// Hint is what to do, or "".
func (e *Error) Hint() string { return e.hint }

func place(file string, line int) string {
	if line == 0 {
		return file + ": "
	}
	return fmt.Sprintf("%s:%d: ", file, line)
}

// In reports whether the host is in a group, itself or through other groups.
func (h *Host) In(g *Group) bool { return slices.Contains(h.all(), g) }

// all are the groups around a host, in the order in which their variables are laid over each other.
func (h *Host) all() []*Group {
	seen := map[*Group]bool{}
	var walk func(g *Group)
	walk = func(g *Group) {
		if !seen[g] {
			seen[g] = true
			for _, parent := range g.parents {
				walk(parent)
			}
		}
	}
	for _, g := range h.groups {
		walk(g)
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b *Group) int {
		return cmp.Or(a.depth-b.depth, a.priority-b.priority, strings.Compare(a.Name, b.Name))
	})
}

// Vars are the variables of a host whose names begin with ansible_, as Ansible lays them over each other: those of the
// group all, of its other groups from the outermost to the nearest, group_vars in the same order, the host's own,
// host_vars.
func (h *Host) Vars() map[string]Value {
	out := map[string]Value{}
	groups := h.all()
	all := slices.IndexFunc(groups, func(g *Group) bool { return g.Name == allName })
	for _, of := range []func(*Group) map[string]Value{func(g *Group) map[string]Value { return g.vars }, func(g *Group) map[string]Value { return g.files }} {
		if all >= 0 {
			maps.Copy(out, of(groups[all]))
		}
		for i, g := range groups {
			if i != all {
				maps.Copy(out, of(g))
			}
		}
	}
	maps.Copy(out, h.vars)
	maps.Copy(out, h.files)
	return out
}

const (
	allName       = "all"
	ungroupedName = "ungrouped"

	maxHosts  = 10_000
	maxGroups = 10_000
)

// builder puts an inventory together.
type builder struct {
	*Inventory
	hosts  map[string]*Host
	groups map[string]*Group
}

func newBuilder() *builder {
	b := &builder{&Inventory{}, map[string]*Host{}, map[string]*Group{}}
	b.group(allName)
	b.group(ungroupedName)
	return b
}

// host is the host of a name, made when it is new.
func (b *builder) host(name, file string, line int) *Host {
	h, ok := b.hosts[name]
	if !ok {
		h = &Host{Name: name, File: file, Line: line, vars: map[string]Value{}, files: map[string]Value{}}
		b.hosts[name] = h
		b.Hosts = append(b.Hosts, h)
	}
	return h
}

func (b *builder) group(name string) *Group {
	g, ok := b.groups[name]
	if !ok {
		g = &Group{Name: name, vars: map[string]Value{}, files: map[string]Value{}, priority: 1}
		b.groups[name] = g
		b.Groups = append(b.Groups, g)
	}
	return g
}

func (b *builder) warn(file string, line int, text string) {
	b.Warnings = append(b.Warnings, Warning{file, line, text})
}

// full reports that there are more hosts or groups than an inventory may have.
func (b *builder) full() (string, bool) {
	switch {
	case len(b.Hosts) > maxHosts:
		return fmt.Sprintf("more than %d hosts", maxHosts), true
	case len(b.Groups) > maxGroups:
		return fmt.Sprintf("more than %d groups", maxGroups), true
	}
	return "", false
}

func (g *Group) addHost(h *Host) {
	if !slices.Contains(h.groups, g) {
		g.Hosts = append(g.Hosts, h)
		h.groups = append(h.groups, g)
	}
}

// addChild reports whether the child may be inside the group: not where it is around it.
func (g *Group) addChild(child *Group) bool {
	if slices.Contains(child.parents, g) {
		return true
	}
	if child == g || child.isAround(g) {
		return false
	}
	g.Children = append(g.Children, child)
	child.parents = append(child.parents, g)
	return true
}

// loop says why addChild has refused a child.
func loop(g, child *Group) string {
	if g == child {
		return "group " + g.Name + " is inside of itself"
	}
	return fmt.Sprintf("group %s is inside of group %s, which is inside of it", child.Name, g.Name)
}

func (g *Group) isAround(inner *Group) bool {
	seen := map[*Group]bool{}
	var walk func(at *Group) bool
	walk = func(at *Group) bool {
		if at == g || seen[at] {
			return at == g
		}
		seen[at] = true
		return slices.ContainsFunc(at.parents, walk)
	}
	return walk(inner)
}

// complete gives every group a way to all, and every host a group.
func (b *builder) complete() {
	all, ungrouped := b.groups[allName], b.groups[ungroupedName]
	for _, g := range b.Groups {
		if g != all && len(g.parents) == 0 {
			all.addChild(g)
		}
	}
	grouped := func(g *Group) bool { return g != all && g != ungrouped }
	for _, h := range b.Hosts {
		if !slices.ContainsFunc(h.groups, grouped) {
			ungrouped.addHost(h)
		} else if i := slices.Index(h.groups, ungrouped); i >= 0 {
			h.groups = slices.Delete(h.groups, i, i+1)
		}
	}
	ungrouped.Hosts = slices.DeleteFunc(ungrouped.Hosts, func(h *Host) bool { return !slices.Contains(h.groups, ungrouped) })
	known := map[*Group]bool{}
	var measure func(g *Group) int
	measure = func(g *Group) int {
		if !known[g] {
			known[g] = true
			for _, parent := range g.parents {
				g.depth = max(g.depth, measure(parent)+1)
			}
		}
		return g.depth
	}
	for _, g := range b.Groups {
		measure(g)
	}
}
