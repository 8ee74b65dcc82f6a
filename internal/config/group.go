package config

import (
	"fmt"
	"slices"
	"strings"
)

// group is a list of profiles and, as "@name", of other groups.
type group struct {
	members []member
	line    int
}

type member struct {
	name string
	line int
}

func (b *builder) groups(to *section[group], top field) {
	for _, f := range b.fields(top.value, top.name) {
		path := join(top.name, f.name)
		b.checkName(f, path)
		to.add(f.name, b.group(f, path))
	}
}

func (b *builder) group(f field, path string) group {
	g := group{line: f.line}
	switch {
	case f.value.shape == nothing || f.value.shape == list && len(f.value.items) == 0:
		b.add(f.line, path, "a group without members", "name profiles: [web1, web2]")
	case f.value.shape != list:
		b.add(f.value.line, path, "must be a list of profiles, not "+f.value.shape.String(), "write it as [web1, web2]")
	}
	seen := map[string]bool{}
	for _, item := range f.value.items {
		name, ok := b.text(item, path, KindText)
		if !ok {
			continue
		}
		if seen[name] {
			b.add(item.line, path, "names "+show(name)+" twice", "")
			continue
		}
		seen[name] = true
		g.members = append(g.members, member{name, item.line})
	}
	return g
}

// checkGroups holds the members of groups against what exists, and groups against cycles.
func (b *builder) checkGroups(f *file) {
	done := map[string]bool{}
	for _, name := range f.groups.names {
		path := join("groups", name)
		for _, m := range f.groups.by[name].members {
			b.checkMember(f, m, path)
		}
		b.checkCycle(f, name, nil, done)
	}
}

func (b *builder) checkMember(f *file, m member, path string) {
	what, bare, known := "profile", m.name, f.profiles.names
	_, exists := f.profiles.by[bare]
	if rest, ok := strings.CutPrefix(m.name, "@"); ok {
		what, bare, known = "group", rest, f.groups.names
		_, exists = f.groups.by[bare]
	}
	if exists {
		return
	}
	hint := didYouMean(bare, known)
	if _, isGroup := f.groups.by[m.name]; isGroup {
		hint = "a group in a group is written as @" + m.name
	}
	b.add(m.line, path, "unknown "+what+" "+show(bare), hint)
}

// checkCycle walks down from a group; above are the groups on the way to it.
func (b *builder) checkCycle(f *file, name string, above []string, done map[string]bool) {
	if at := slices.Index(above, name); at >= 0 {
		way := append(slices.Clone(above[at:]), name)
		b.add(f.groups.by[above[len(above)-1]].line, join("groups", name), "contains itself: "+strings.Join(way, " > "), "")
		return
	}
	if done[name] {
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

// Expand turns what was typed for TARGET into single targets: it splits at commas and replaces every
// @group by its profiles, in order. A group, with the groups in it, is a set; but naming one target
// twice on the command line is refused, because a command would run twice or not as often as it seems.
// What is not a group is not looked at: see Resolve. Errors are *UsageError.
func (c *Config) Expand(specs ...string) ([]string, error) {
	var targets []string
	by := map[string]string{}
	for spec := range strings.SplitSeq(strings.Join(specs, ","), ",") {
		spec = strings.TrimSpace(spec)
		members := []string{spec}
		if name, ok := strings.CutPrefix(spec, "@"); ok {
			if _, exists := c.file.groups.by[name]; !exists {
				return nil, &UsageError{"unknown group " + showTarget(name), didYouMean(name, c.file.groups.names)}
			}
			members = c.file.members(name)
		} else if spec == "" {
			return nil, &UsageError{"a target is missing", "name targets with one comma between them: web1,web2"}
		}
		for _, target := range members {
			if before, ok := by[target]; ok {
				return nil, twice(target, before, spec)
			}
			by[target] = spec
			targets = append(targets, target)
		}
	}
	return targets, nil
}

// twice is the error of a target that two specs name. A target may hold a mistyped password.
func twice(target, before, spec string) error {
	text := "target " + showTarget(target) + ": named twice"
	by := func(spec string) string {
		if spec == target {
			return "by itself"
		}
		return "by " + spec
	}
	if before != target || spec != target {
		text += fmt.Sprintf(": %s and %s", by(before), by(spec))
	}
	return &UsageError{text, "name it once"}
}

// members are the profiles of a group and the groups in it, each once.
func (f *file) members(name string) []string {
	var out []string
	seen := map[string]bool{}
	var walk func(name string)
	walk = func(name string) {
		for _, m := range f.groups.by[name].members {
			if seen[m.name] {
				continue
			}
			seen[m.name] = true
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
