package config

import (
	"fmt"
	"strings"

	"github.com/winrmctl/winrmctl/internal/ranges"
)

// Expand turns what was typed for TARGET into single targets: it splits at commas and replaces every
// range by its names and every @group by its members, in order. A group, with the groups in it, is a
// set; but naming one target twice on the command line is refused, because a command would run twice
// or not as often as it seems. What is left is not looked at: see Resolve. Errors are *UsageError.
func (c *Config) Expand(specs ...string) ([]string, error) {
	var targets []string
	by := map[string]string{}
	for spec := range strings.SplitSeq(strings.Join(specs, ","), ",") {
		spec = strings.TrimSpace(spec)
		if spec == "" {
			return nil, &UsageError{"a target is missing", "name targets with one comma between them: web1,web2"}
		}
		members, err := c.expandOne(spec)
		if err != nil {
			return nil, err
		}
		for _, target := range members {
			same := c.identity(target)
			if before, ok := by[same]; ok {
				return nil, twice(target, before, spec)
			}
			by[same] = spec
			targets = append(targets, target)
		}
		if len(targets) > maxMembers {
			return nil, &UsageError{fmt.Sprintf("more than %d targets", maxMembers), ""}
		}
	}
	return targets, nil
}

func (c *Config) expandOne(spec string) ([]string, error) {
	names, err := expandRange(spec)
	if err != nil {
		return nil, err
	}
	var members []string
	for _, name := range names {
		group, ok := strings.CutPrefix(name, "@")
		if !ok {
			members = append(members, name)
			continue
		}
		if group == "" {
			return nil, &UsageError{`target "@": a group without a name`, "write it as @NAME"}
		}
		if _, exists := c.file.groups.by[group]; !exists {
			return nil, &UsageError{"unknown group " + showTarget(group), c.groupHint(group)}
		}
		members = append(members, c.file.members(group)...)
	}
	return members, nil
}

func (c *Config) groupHint(wrong string) string {
	switch hint := didYouMean(wrong, c.file.groups.names); {
	case hint != "":
		return hint
	case len(c.file.groups.names) == 0:
		return "groups stand in the configuration, and there are none"
	}
	return "winrmctl config view lists the groups"
}

// expandRange leaves alone what stands before the last "@": some would type a password there.
func expandRange(spec string) ([]string, error) {
	at := max(strings.LastIndexByte(spec, '@'), 0)
	names, err := ranges.Expand(spec[at:], maxRange)
	if err != nil {
		return nil, &UsageError{"target " + showTarget(spec) + ": " + err.Error(), hintOf(err)}
	}
	for i := range names {
		names[i] = spec[:at] + names[i]
	}
	return names, nil
}

// twice is the error of a target that two specs name. A target may hold a mistyped password.
func twice(target, before, spec string) error {
	text := "target " + showTarget(target) + ": named twice"
	by := func(spec string) string {
		if spec == target {
			return "by itself"
		}
		if strings.HasPrefix(spec, "@") {
			return "by " + spec
		}
		return "by " + showTarget(spec)
	}
	if before != target || spec != target {
		text += fmt.Sprintf(": %s and %s", by(before), by(spec))
	}
	return &UsageError{text, "name it once"}
}
