package config

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"

	"github.com/winrmctl/winrmctl/internal/ranges"
)

// nameAccounts makes an entry of credentials for each account that several hosts have. One that a single host has stays
// with that host, unless others have an account of that name with another password: this one would be used for it.
func (i *importer) nameAccounts() {
	type account struct{ user, secret string }
	hosts := map[account][]*importedHost{}
	namesakes := map[string]int{}
	for _, h := range i.hosts {
		a := account{h.user, h.secret}
		hosts[a] = append(hosts[a], h)
		namesakes[strings.ToLower(h.user)]++
	}
	taken := map[string]bool{}
	for _, h := range i.hosts {
		same := hosts[account{h.user, h.secret}]
		switch {
		case h.user == "":
		case namesakes[strings.ToLower(h.user)] == 1:
			h.values["username"] = h.user
		case same[0] == h:
			user := h.user[strings.LastIndexByte(h.user, '\\')+1:]
			user, _, _ = strings.Cut(user, "@")
			name := unique(nameOf(user), taken)
			i.accounts = append(i.accounts, &importedAccount{name, h.user})
			for _, h := range same {
				h.values["credential"] = name
			}
		}
	}
}

// nameHosts tells hosts that need a profile from those that are members of groups by themselves, and names the profiles.
func (i *importer) nameHosts() {
	taken := map[string]bool{} // folded: profiles that differ in case alone confuse people
	for _, h := range i.hosts {
		name := h.source.Name
		h.plain = len(h.own) == 0 && strings.EqualFold(h.host, name) && !taken[fold(name)] && nameOf(name) != "sandbox-host"
		taken[fold(name)] = taken[fold(name)] || h.plain
	}
	i.needRanges()
	clear(taken)
	for _, h := range i.hosts {
		name := h.source.Name
		if h.plain || nameOf(name) == name && !taken[fold(name)] {
			h.name = name
			taken[fold(name)] = true
		}
	}
	for _, h := range i.hosts {
		if h.name == "" {
			h.name = unique(nameOf(h.source.Name), taken)
			i.warnHost(h.source, "is called "+h.name+", since its name cannot be that of a profile, or is that of another one")
		}
	}
}

// needRanges finds the hosts without a dot that no range makes in some group: a member of such a name is a profile.
func (i *importer) needRanges() {
	const rounds = 20 // one that gets a profile breaks the range that it was in: seldom more than one or two times
	for round := 0; ; round++ {
		var outside []*importedHost
		for _, g := range i.groups {
			outside = append(outside, g.outside(round == rounds)...)
		}
		if len(outside) == 0 {
			return
		}
		for _, h := range outside {
			h.plain = false
		}
	}
}

// outside are the members without a dot and a profile that no range makes, or all of them.
func (g *importedGroup) outside(all bool) []*importedHost {
	var out []*importedHost
	for from := 0; from < len(g.direct); from++ {
		var names []string
		for _, h := range g.direct[from:] {
			if !h.plain {
				break
			}
			names = append(names, h.source.Name)
		}
		for _, run := range ranges.Contract(names) {
			for _, h := range g.direct[from : from+run.Count] {
				if !strings.ContainsAny(h.source.Name, ".:") && (all || run.Count == 1) {
					out = append(out, h)
				}
			}
			from += run.Count
		}
	}
	return out
}

// nameGroups gives groups names that a configuration takes.
func (i *importer) nameGroups() {
	taken := map[string]bool{}
	for _, g := range i.groups {
		taken[fold(g.source.Name)] = nameOf(g.source.Name) == g.source.Name
	}
	for _, g := range i.groups {
		if g.name = nameOf(g.source.Name); g.name != g.source.Name {
			g.name = unique(g.name, taken)
			i.warn(fmt.Sprintf("%s: group %s is called %s", i.path, show(g.source.Name), g.name))
		}
	}
}

// nameOf is a name as the configuration takes it.
func nameOf(text string) string {
	if ip, err := netip.ParseAddr(text); err == nil && ip.Is6() {
		text = "ip6-" + strings.Trim(text, ":")
	}
	name := strings.TrimLeft(strings.Map(func(r rune) rune {
		if isNameRune(r) {
			return r
		}
		return '-'
	}, text), "-")
	switch name {
	case "":
		return "unnamed"
	case "sandbox":
		return "sandbox-host"
	}
	return name
}

// unique takes a name that nothing else has.
func unique(name string, taken map[string]bool) string {
	out := name
	for n := 2; taken[fold(out)]; n++ {
		out = fmt.Sprintf("%s-%d", name, n)
	}
	taken[fold(out)] = true
	return out
}

// profile is all that the profile of a host says.
func (h *importedHost) profile() map[string]string {
	out := maps.Clone(h.own)
	if !h.url {
		out["host"] = h.host
	}
	return out
}
