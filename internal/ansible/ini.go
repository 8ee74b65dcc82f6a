package ansible

import (
	"maps"
	"regexp"
	"strings"
)

// iniFile reads an inventory of sections: [group], [group:children] and [group:vars].
type iniFile struct {
	*reader
	path string
	line int

	section  *Group
	what     string          // hosts, children or vars
	declared map[*Group]bool // by a section of hosts or children
	needed   []need          // in their order
	sections *regexp.Regexp
	child    *regexp.Regexp
}

// need is a group that has to be declared somewhere in the file.
type need struct {
	group *Group
	line  int
	text  string
}

func (r *reader) ini(path string, data []byte) error {
	f := &iniFile{
		reader: r, path: path, section: r.b.group(ungroupedName), what: "hosts", declared: map[*Group]bool{},
		sections: regexp.MustCompile(`^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$`),
		child:    regexp.MustCompile(`^([^:\]\s]+)\s*(?:#.*)?$`),
	}
	for _, g := range r.b.Groups {
		f.declared[g] = true // by another file, or by itself
	}
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
	for line := range strings.SplitSeq(text, "\n") {
		f.line++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if err := f.read(line); err != nil {
			return err
		}
		if text, full := r.b.full(); full {
			return f.wrong(text, "")
		}
	}
	for _, n := range f.needed {
		if !f.declared[n.group] {
			f.line = n.line
			return f.wrong(n.text, "")
		}
	}
	return nil
}

func (f *iniFile) wrong(text, hint string) *Error {
	return &Error{File: f.path, Line: f.line, Text: text, hint: hint}
}

func (f *iniFile) read(line string) error {
	if m := f.sections.FindStringSubmatch(line); m != nil {
		return f.open(m[1], m[2])
	}
	if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
		return f.wrong("not a section", "write [group], [group:children] or [group:vars], without spaces")
	}
	switch f.what {
	case "hosts":
		return f.hosts(line)
	case "children":
		return f.children(line)
	}
	name, text, ok := strings.Cut(line, "=")
	if !ok {
		return f.wrong("a line without = in the variables of "+f.section.Name, "")
	}
	f.set(f.section.vars, strings.TrimSpace(name), strings.TrimSpace(text), "group "+f.section.Name)
	return nil
}

// open begins a section.
func (f *iniFile) open(name, what string) error {
	if what == "" {
		what = "hosts"
	}
	if what != "hosts" && what != "children" && what != "vars" {
		return f.wrong("a section that is neither of hosts nor of children nor of vars", "write [group], [group:children] or [group:vars]")
	}
	f.section, f.what = f.b.group(name), what
	if what == "vars" {
		f.needed = append(f.needed, need{f.section, f.line, "variables of a group " + name + " that is nowhere"})
	} else {
		f.declared[f.section] = true
	}
	return nil
}

func (f *iniFile) children(line string) error {
	m := f.child.FindStringSubmatch(line)
	if m == nil {
		return f.wrong("not the name of a group", "")
	}
	child := f.b.group(m[1])
	f.needed = append(f.needed, need{child, f.line, "group " + f.section.Name + " has a group " + m[1] + " in it that is nowhere"})
	if !f.section.addChild(child) {
		return f.wrong(loop(f.section, child), "")
	}
	return nil
}

// hosts reads a line of hosts with their variables.
func (f *iniFile) hosts(line string) error {
	parts, err := words(line)
	if err != nil {
		return f.wrong(err.Error(), "")
	}
	if len(parts) == 0 { // nothing but quotes, or a comment behind a space
		return nil
	}
	if parts[0] == "---" {
		return f.wrong("looks like YAML", "rename it to end in .yml")
	}
	names, port, err := expand(parts[0])
	if err != nil {
		return f.wrong(err.Error(), hintOf(err))
	}
	own := map[string]Value{}
	for _, part := range parts[1:] {
		name, text, ok := strings.Cut(part, "=")
		if !ok {
			return f.wrong("a word behind the host that is no variable=value", "write one host a line")
		}
		f.set(own, name, text, "")
	}
	for _, name := range names {
		_, known := f.b.hosts[name]
		h := f.b.host(name, f.path, f.line)
		if !known && port != "" {
			h.vars["ansible_port"] = f.at(Value{Text: port, Of: "host " + name})
		}
		maps.Copy(h.vars, own)
		for name := range own {
			v := h.vars[name]
			v.Of = "host " + h.Name
			h.vars[name] = v
		}
		f.section.addHost(h)
	}
	return nil
}

func (f *iniFile) at(v Value) Value {
	v.File, v.Line = f.path, f.line
	return v
}

// set keeps a variable that concerns connections.
func (f *iniFile) set(vars map[string]Value, name, text, of string) {
	if name == "ansible_group_priority" && f.what == "vars" {
		f.section.setPriority(literal(text).Text)
	} else if concerns(name) {
		v := f.value(name, literal(text))
		v.Of = of
		vars[name] = f.at(v)
	}
}
