package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/winrmctl/winrmctl/internal/ranges"
)

// group is a set of targets under one name, and the values that they share.
type group struct {
	name    string
	line    int
	written []string // members as they stand in the file
	members []member
	values  layer // between a profile and defaults; empty for most
}

// member is a profile, a host, or as "@name" another group.
type member struct {
	name string
	line int
	host bool // and not a profile: known once all profiles are
}

const (
	maxRange   = 10_000  // names that one range makes
	maxMembers = 100_000 // names that the groups of a file, or the targets of a command line, make together
	maxGroups  = 10_000  // of a file
)

func (b *builder) groups(to *section[*group], top field) {
	fields := b.fields(top.value, top.name)
	if len(fields) > maxGroups {
		b.add(fields[maxGroups].line, top.name, fmt.Sprintf("more than %d groups", maxGroups), "")
		return
	}
	for _, f := range fields {
		path := join(top.name, f.name)
		b.checkName(f, path)
		to.add(f.name, b.group(f, path))
	}
}

// group reads a list of members, or a table that has them beside values for them all.
func (b *builder) group(f field, path string) *group {
	g := &group{name: f.name, line: f.line, values: newLayer(origin{})}
	items := f.value
	if f.value.shape == table {
		g.values = b.layer(f.value, path, f.line, inGroup)
		items = f.value.get("members")
		path = join(path, "members")
	}
	switch {
	case items == nil, items.shape == nothing, items.shape == list && len(items.items) == 0:
		b.add(f.line, path, "a group without members", "name profiles: [web1, web2]")
		return g
	case items.shape != list:
		b.add(items.line, path, "must be a list of profiles, not "+items.shape.String(), "write it as [web1, web2]")
		return g
	}
	seen := map[string]bool{}
	for _, item := range items.items {
		if text, ok := b.text(item, path, KindText); ok {
			g.written = append(g.written, text)
			b.member(g, text, item.line, path, seen)
		}
	}
	return g
}

// member adds what one entry of the list stands for: with a range in it, that is many.
func (b *builder) member(g *group, text string, line int, path string, seen map[string]bool) {
	names, err := ranges.Expand(text, maxRange)
	if err != nil {
		b.add(line, path, err.Error(), hintOf(err))
		return
	}
	for _, name := range names {
		if seen[name] {
			b.add(line, path, "names "+show(name)+" twice", "")
			return
		}
		seen[name] = true
		g.members = append(g.members, member{name: name, line: line, host: len(names) > 1})
	}
	if b.members += len(names); b.members > maxMembers && b.members-len(names) <= maxMembers {
		b.add(line, path, fmt.Sprintf("the groups have more than %d members", maxMembers), "")
	}
}

// checkGroups holds the members of groups against what exists, and groups against cycles.
func (b *builder) checkGroups(f *file) {
	for _, name := range f.groups.names {
		g := f.groups.by[name]
		seen := map[string]bool{}
		for i := range g.members {
			m := &g.members[i]
			if !b.checkMember(f, g, m) {
				continue
			}
			if seen[m.key()] {
				b.add(m.line, join("groups", name), "names "+show(m.name)+" twice, if in other words", "")
			}
			seen[m.key()] = true
		}
	}
	done := map[string]bool{}
	for _, name := range f.groups.names {
		b.checkCycle(f, name, nil, done)
	}
}

// key is equal for two members that are one.
func (m member) key() string {
	if m.host {
		return "host " + fold(m.name)
	}
	return m.name
}

// checkMember tells profiles, groups and hosts from each other, and reports whether it is one of them. A name alone is a
// profile, and else a group, so that a slip is found; what can only be a host is one with a dot or a colon, or out of a range.
func (b *builder) checkMember(f *file, g *group, m *member) bool {
	path := join("groups", g.name)
	if sub, ok := strings.CutPrefix(m.name, "@"); ok {
		_, exists := f.groups.by[sub]
		if !exists {
			b.add(m.line, path, "unknown group "+show(sub), didYouMean(sub, f.groups.names))
		}
		return exists
	}
	isHost := m.host || strings.ContainsAny(m.name, ".:")
	_, isProfile := f.profiles.by[m.name]
	_, isGroup := f.groups.by[m.name]
	switch m.host = !isProfile; {
	case isProfile:
		return true
	case isGroup && !isHost:
		m.name, m.host = "@"+m.name, false
		return true
	}
	if m.name == "sandbox" {
		b.add(m.line, path, "the sandbox is no member of groups", "name it beside the group: sandbox,@web")
		return false
	}
	if !isHost {
		b.add(m.line, path, "unknown profile "+show(m.name), memberHint(f, g, m.name))
		return false
	}
	bare, wrong := host(m.name)
	if wrong != nil {
		b.add(m.line, path, wrong.text, "a member is a profile, @group or a host's name alone: give all else in a profile")
		return false
	}
	m.name = bare
	return true
}

// memberHint looks for names that the group can still have: web2 beside web1 is no slip of it.
func memberHint(f *file, g *group, name string) string {
	known := slices.Concat(f.profiles.names, f.groups.names)
	missing := slices.DeleteFunc(known, func(known string) bool { return known == g.name || slices.Contains(g.written, known) })
	if hint := didYouMean(name, missing); hint != "" {
		return hint
	}
	return "make it a profile; a host without one has a dot in its name, or a range"
}

// checkCycle walks down from a group; above are the groups on the way to it.
func (b *builder) checkCycle(f *file, name string, above []string, done map[string]bool) {
	if at := slices.Index(above, name); at >= 0 {
		last := above[len(above)-1]
		way := append([]string{last}, above[at:]...)
		members := f.groups.by[last].members
		line := members[slices.IndexFunc(members, func(m member) bool { return m.name == "@"+name })].line
		b.add(line, join("groups", last), "contains itself: "+strings.Join(way, " > "), "")
		return
	}
	if _, exists := f.groups.by[name]; done[name] || !exists {
		return
	}
	above = append(above, name)
	for _, m := range f.groups.by[name].members {
		if sub, ok := strings.CutPrefix(m.name, "@"); ok {
			b.checkCycle(f, sub, above, done)
		}
	}
	done[name] = true
}

// members are the profiles and hosts of a group and the groups in it, each once.
func (f *file) members(name string) []string {
	var out []string
	seen := map[string]bool{}
	var walk func(name string)
	walk = func(name string) {
		for _, m := range f.groups.by[name].members {
			if seen[m.key()] {
				continue
			}
			seen[m.key()] = true
			if sub, ok := strings.CutPrefix(m.name, "@"); ok {
				walk(sub)
			} else {
				out = append(out, m.name)
			}
		}
	}
	walk(name)
	return out
}
