package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// fold is a host as a key: names have no case, the dot at their end says nothing, and an address has one spelling.
func fold(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.String()
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// identity is equal for two ways to write one target, as far as they tell it themselves: places says the rest.
func (c *Config) identity(target string) string {
	a, err := parseTarget(target, c.isProfile)
	switch {
	case err != nil:
		return target
	case c.isProfile(a.host):
		return fmt.Sprintf("%s@profile %s:%s", strings.ToLower(a.user), a.host, a.port)
	case a.url == "":
		return fmt.Sprintf("%s@%s:%s", strings.ToLower(a.user), fold(a.host), a.port)
	}
	u, err := url.Parse(a.url)
	if err != nil {
		return target
	}
	return fmt.Sprintf("%s@%s://%s:%s%s", strings.ToLower(a.user), u.Scheme, fold(u.Hostname()), u.Port(), u.EscapedPath())
}

func (c *Config) isProfile(name string) bool { _, ok := c.file.profiles.by[name]; return ok }

// Targets resolves all that the specs name, as Expand and Resolve have it. It refuses two hosts that lead to one place with
// one account; profiles may, since they may differ in more. Errors are those of Expand and Resolve.
func (c *Config) Targets(over map[string]string, specs ...string) ([]*Target, error) {
	names, err := c.Expand(specs...)
	if err != nil {
		return nil, err
	}
	var targets []*Target
	places := map[string]*Target{}
	for _, name := range names {
		t, err := c.Resolve(name, over)
		if err != nil {
			return nil, err
		}
		targets = append(targets, t)
		if t.Sandbox || t.Profile != "" {
			continue
		}
		s := t.Settings
		s.Host = fold(s.Host)
		place := strings.ToLower(s.Username) + "@" + s.Endpoint()
		if before, ok := places[place]; ok {
			text := fmt.Sprintf("target %s: named twice: %s leads to %s, too", showTarget(name), showTarget(before.Name), s.Endpoint())
			return nil, &UsageError{text, "name it once"}
		}
		places[place] = t
	}
	return targets, nil
}
