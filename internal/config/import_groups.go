package config

import (
	"slices"

	"github.com/winrmctl/winrmctl/internal/ansible"
)

// importedGroup is a group with hosts that WinRM reaches.
type importedGroup struct {
	source   *ansible.Group
	name     string
	hosts    []*importedHost // that are in it, itself or through other groups
	direct   []*importedHost // that it lists itself
	children []*importedGroup
	around   set // the groups that it is inside of, and itself
	values   map[string]string
}

// maxMemberships bounds the work that deep groups of many hosts make.
const maxMemberships = 4_000_000

// arrangeGroups takes over the groups that have hosts of ours. It reports whether these are few enough.
func (i *importer) arrangeGroups() bool {
	made := map[*ansible.Group]*importedGroup{}
	var inner []*importedGroup // the innermost first
	total := 0
	var visit func(source *ansible.Group) *importedGroup
	visit = func(source *ansible.Group) *importedGroup {
		if g, ok := made[source]; ok {
			return g
		}
		g := &importedGroup{source: source, values: map[string]string{}}
		made[source] = g
		seen := map[*importedHost]bool{}
		add := func(h *importedHost) {
			if !seen[h] && total <= maxMemberships {
				seen[h] = true
				g.hosts = append(g.hosts, h)
				total++
			}
		}
		for _, source := range slices.Backward(source.Children) { // so that they come out in the inventory's order
			visit(source)
		}
		for _, source := range source.Hosts {
			if h, ok := i.bySource[source]; ok {
				g.direct = append(g.direct, h)
				add(h)
			}
		}
		for _, source := range source.Children {
			child := visit(source)
			for _, h := range child.hosts {
				add(h)
			}
			if source.Name == "ungrouped" { // no group to name, but hosts of the group all
				for _, h := range child.direct {
					if !slices.Contains(g.direct, h) {
						g.direct = append(g.direct, h)
					}
				}
			} else if len(child.hosts) > 0 {
				g.children = append(g.children, child)
			}
		}
		if len(g.hosts) > 0 && source.Name != "ungrouped" {
			inner = append(inner, g)
		}
		return g
	}
	visit(i.inventory.Groups[0]) // all, around every other
	slices.Reverse(inner)
	i.groups = inner
	index := map[*importedGroup]int{}
	for at, g := range i.groups {
		index[g] = at
		g.around = g.around.with(only(at))
	}
	for _, g := range i.groups {
		for _, child := range g.children {
			child.around = child.around.with(g.around)
		}
	}
	return total <= maxMemberships
}

// distribute gives each value to the outermost group whose hosts all have it, or to one most of whose hosts have it; and
// what a host's groups do not give it, or not all alike, to the host.
func (i *importer) distribute() {
	given := map[*importedHost]map[string][]int{} // the groups that give a host some value, the innermost of them
	for _, h := range i.hosts {
		given[h] = map[string][]int{}
		h.own = map[string]string{}
	}
	for _, key := range i.schema.keys {
		if key.places&inGroup == 0 || key.Kind == KindPairs {
			continue
		}
		for at, g := range i.groups {
			text, ok := g.common(key, func(h *importedHost) bool { return i.gets(h, key, given[h][key.Name]) })
			if !ok {
				continue
			}
			g.values[key.Name] = text
			for _, h := range g.hosts {
				inner := slices.DeleteFunc(given[h][key.Name], func(outer int) bool { return g.around.holds(outer) })
				given[h][key.Name] = append(inner, at)
			}
		}
		for _, h := range i.hosts {
			if !i.gets(h, key, given[h][key.Name]) {
				h.own[key.Name] = h.value(key)
			}
		}
	}
	for _, h := range i.hosts {
		for _, name := range []string{"url", "username"} {
			if text, ok := h.values[name]; ok {
				h.own[name] = text
			}
		}
	}
}

// value is a host's value for a key, also where that is the built-in one.
func (h *importedHost) value(key Key) string {
	if text, ok := h.values[key.Name]; ok {
		return text
	}
	return key.Default
}

// cares reports that a key means something for a host: a url leaves nothing to say of the parts of an endpoint, nor a user
// name of a credential, whose password is for another account.
func (h *importedHost) cares(key Key) bool {
	switch key.Name {
	case "https", "port":
		return !h.url
	case "credential":
		return h.values["username"] == ""
	}
	return true
}

// gets reports that a host has its value for a key from its groups, which must not dispute it, or as what is built in.
func (i *importer) gets(h *importedHost, key Key, from []int) bool {
	same := func(text string) bool {
		return !slices.ContainsFunc(from, func(at int) bool { return i.groups[at].values[key.Name] != text })
	}
	switch {
	case h.url && (key.Name == "https" || key.Name == "port"):
		return true
	case len(from) > 0 && !h.cares(key):
		return same(i.groups[from[0]].values[key.Name])
	case len(from) > 0:
		return same(h.value(key))
	case !h.cares(key):
		return true
	case key.Name == "port":
		return h.value(key) == defaultPort(h.values["https"] == "true")
	}
	return h.value(key) == key.Default
}

// common is the value of a key that all hosts of the group have, or most of them, if saying it there helps some. Where it
// is not all of them, it is no matter of this group if one of the groups in it has all that are helped.
func (g *importedGroup) common(key Key, gets func(*importedHost) bool) (text string, ok bool) {
	count := map[string]int{}
	helped := map[string][]*importedHost{}
	hosts := 0
	for _, h := range g.hosts {
		if !h.cares(key) {
			continue
		}
		hosts++
		value := h.value(key)
		count[value]++
		if !gets(h) {
			helped[value] = append(helped[value], h)
		}
		if count[value] > count[text] || len(count) == 1 {
			text = value
		}
	}
	others := hosts - count[text] // which have to say their own value then
	switch {
	case len(helped[text]) <= others:
		return "", false
	case others == 0:
		return text, true
	}
	return text, !slices.ContainsFunc(g.children, func(child *importedGroup) bool { return child.has(helped[text]) })
}

// has reports that all of some hosts are in the group.
func (g *importedGroup) has(hosts []*importedHost) bool {
	inside := map[*importedHost]bool{}
	for _, h := range g.hosts {
		inside[h] = true
	}
	return !slices.ContainsFunc(hosts, func(h *importedHost) bool { return !inside[h] })
}
