package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// lineage knows which groups with values a target is in, at whatever depth. A group that is inside another is nearer to
// the target, and its values win; between two of which neither is inside the other the file must not have to choose.
type lineage struct {
	groups  []*group       // of the file, each before those that it is inside of
	around  []set          // for each of these, the groups with values that it is inside of, and itself
	profile map[string]set // the groups around each profile that is in one
	host    map[string]set // the same for hosts, folded
}

// trace follows the members of all groups. The file has no cycles.
func trace(f *file) *lineage {
	l := &lineage{profile: map[string]set{}, host: map[string]set{}}
	parents := map[string][]string{}
	for _, name := range f.groups.names {
		for _, m := range f.groups.by[name].members {
			if sub, ok := strings.CutPrefix(m.name, "@"); ok {
				parents[sub] = append(parents[sub], name)
			}
		}
	}
	l.order(f, parents)
	for i, g := range l.groups {
		for _, m := range g.members {
			switch {
			case strings.HasPrefix(m.name, "@"):
			case m.host:
				name := fold(m.name)
				l.host[name] = l.host[name].with(l.around[i])
			default:
				l.profile[m.name] = l.profile[m.name].with(l.around[i])
			}
		}
	}
	return l
}

// order fills groups and around.
func (l *lineage) order(f *file, parents map[string][]string) {
	var outermost []*group // first
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		for _, parent := range parents[name] {
			visit(parent)
		}
		outermost = append(outermost, f.groups.by[name])
	}
	for _, name := range f.groups.names {
		visit(name)
	}
	slices.Reverse(outermost)
	l.groups = outermost
	l.around = make([]set, len(l.groups))
	at := map[string]int{}
	for i, g := range slices.Backward(l.groups) {
		at[g.name] = i
		for _, parent := range parents[g.name] {
			l.around[i] = l.around[i].with(l.around[at[parent]])
		}
		if len(g.values.values) > 0 || len(g.values.env) > 0 {
			l.around[i] = l.around[i].with(only(i))
		}
	}
}

// layers are those of the groups around a target, the nearest first.
func (l *lineage) layers(around set) []layer {
	var out []layer
	for _, i := range around.all() {
		out = append(out, l.groups[i].values)
	}
	return out
}

// ofHost is the groups around a host, and whether it is a member of any.
func (l *lineage) ofHost(name string) (set, bool) {
	around, ok := l.host[fold(name)]
	return around, ok
}

// checkValues finds values that two groups of a target dispute: there, one would win by chance.
func (b *builder) checkValues(f *file) {
	told := map[string]bool{}
	check := func(name string, around set, own layer) {
		for _, d := range f.lineage.disputes(around) {
			if own.has(d.key) || own.has("url") && (d.key == "port" || d.key == "https") || told[d.String()] {
				continue
			}
			told[d.String()] = true
			text := fmt.Sprintf("another value for %s than %s has on line %d", show(name), d.first.name, d.first.line)
			b.add(d.second.line, join(d.second.name, d.key), text, "give it in a profile, or make one group a member of the other")
		}
	}
	disputed := map[string]bool{} // by the groups: most targets are in the same
	troubled := func(around set) bool {
		key := around.key()
		if _, known := disputed[key]; !known {
			disputed[key] = len(f.lineage.disputes(around)) > 0
		}
		return disputed[key]
	}
	for _, name := range f.profiles.names {
		if around := f.lineage.profile[name]; troubled(around) {
			check(name, around, f.profiles.by[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.lineage.host)) {
		if around := f.lineage.host[name]; troubled(around) {
			check(name, around, newLayer(origin{}))
		}
	}
}

// dispute is one key to which two groups give different values.
type dispute struct {
	key           string // or "env.NAME"
	first, second origin // in the order of the file
}

func (d dispute) String() string {
	return strings.Join([]string{d.key, d.first.name, d.second.name}, " ")
}

// disputes are those between the groups around a target.
func (l *lineage) disputes(around set) []dispute {
	type claim struct {
		group int
		value
	}
	claims := map[string][]claim{}
	var out []dispute
	put := func(i int, key string, v value) {
		for _, c := range claims[key] {
			if l.around[c.group].holds(i) {
				return // a nearer group decides
			}
		}
		for _, c := range claims[key] {
			if c.text != v.text {
				d := dispute{key, c.origin, v.origin}
				if d.first.line > d.second.line {
					d.first, d.second = d.second, d.first
				}
				out = append(out, d)
				break
			}
		}
		claims[key] = append(claims[key], claim{i, v})
	}
	for _, i := range around.all() {
		values := l.groups[i].values
		for _, key := range slices.Sorted(maps.Keys(values.values)) {
			put(i, key, values.values[key])
		}
		for _, folded := range slices.Sorted(maps.Keys(values.env)) {
			put(i, "env."+folded, values.env[folded].value)
		}
	}
	return out
}

// set is a set of groups, by their index.
type set []uint64

func only(i int) set {
	s := make(set, i/64+1)
	s[i/64] = 1 << (i % 64)
	return s
}

// with is the union. Sets never change, so they can be shared.
func (s set) with(other set) set {
	if len(s) == 0 {
		return other
	}
	if len(s) < len(other) {
		s, other = other, s
	}
	out := slices.Clone(s)
	for i, bits := range other {
		out[i] |= bits
	}
	return out
}

func (s set) holds(i int) bool { return i/64 < len(s) && s[i/64]&(1<<(i%64)) != 0 }

// all is the elements in their order.
func (s set) all() []int {
	var out []int
	for i := range len(s) * 64 {
		if s.holds(i) {
			out = append(out, i)
		}
	}
	return out
}

func (s set) key() string { return fmt.Sprint([]uint64(s)) }
