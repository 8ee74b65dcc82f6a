package wsman

import (
	"bytes"
	"strconv"
	"strings"
)

// readEnumeration reads the body elements of WS-Enumeration and of methods as a server does; ok is false for others, which
// are left as they are.
func readEnumeration(r *Reader) (body Body, ok bool) {
	switch name := r.Name(); {
	case name == Name{NSEnumeration, "Enumerate"}:
		return readEnumerate(r), true
	case name == Name{NSEnumeration, "Pull"}:
		context, n := readContext(r)
		return &Pull{Context: context, MaxElements: n}, true
	case name == Name{NSEnumeration, "Release"}:
		context, _ := readContext(r)
		return &Release{Context: context}, true
	case strings.HasSuffix(name.Local, "_INPUT"):
		return readInput(r), true
	}
	return nil, false
}

// readEnumerate takes w: and n: elements alike (3.1.4.1.13 says so of Filter).
func readEnumerate(r *Reader) *Enumerate {
	e := &Enumerate{}
	for depth := r.Depth(); r.Depth() >= depth; {
		if t := r.Next(); t == EOF {
			return e
		} else if t != Start {
			continue
		}
		switch r.Name().Local {
		case "OptimizeEnumeration":
			e.Optimize = true
			r.Skip()
		case "MaxElements":
			e.MaxElements, _ = strconv.Atoi(text(r.Content()))
		case "EnumerationMode":
			e.Mode = EnumerationMode(text(r.Content()))
		case "PolymorphismMode":
			e.Polymorphism = Polymorphism(text(r.Content()))
		case "Filter":
			e.Filter = readFilter(r)
		default:
			r.Skip()
		}
	}
	return e
}

func readFilter(r *Reader) *Filter {
	f := &Filter{Dialect: attr0(r, "Dialect")}
	var content []byte
	for depth := r.Depth(); r.Depth() >= depth; {
		switch t := r.Next(); {
		case t == EOF:
			return f
		case t == Text:
			content = append(content, r.Text()...)
		case t != Start:
		case r.Is(NSManagement, "Selector"):
			s := Selector{Name: attr0(r, "Name")}
			s.Value = text(r.Content())
			f.Selectors = append(f.Selectors, s)
		case r.Is(NSBinding, "AssociatedInstances"), r.Is(NSBinding, "AssociationInstances"):
			f.Association = readAssociation(r)
		}
	}
	f.Text = text(content)
	return f
}

func readAssociation(r *Reader) *Association {
	a := &Association{Instances: r.Name().Local == "AssociationInstances"}
	for depth := r.Depth(); r.Depth() >= depth; {
		if t := r.Next(); t == EOF {
			return a
		} else if t != Start {
			continue
		}
		switch r.Name().Local {
		case "Object":
			a.Object = ReadEndpointReference(r)
		case "AssociationClassName":
			a.AssociationClass = text(r.Content())
		case "Role":
			a.Role = text(r.Content())
		case "ResultClassName":
			a.ResultClass = text(r.Content())
		case "ResultRole":
			a.ResultRole = text(r.Content())
		default:
			r.Skip()
		}
	}
	return a
}

// readContext reads a Pull or a Release.
func readContext(r *Reader) (context string, maxElements int) {
	for depth := r.Depth(); r.Depth() >= depth; {
		if t := r.Next(); t == EOF {
			break
		} else if t != Start {
			continue
		}
		switch r.Name().Local {
		case "EnumerationContext":
			context = text(r.Content())
		case "MaxElements":
			maxElements, _ = strconv.Atoi(text(r.Content()))
		default:
			r.Skip()
		}
	}
	return context, maxElements
}

func readInput(r *Reader) *Input {
	i := &Input{Space: r.Name().Space, Method: strings.TrimSuffix(r.Name().Local, "_INPUT")}
	for depth := r.Depth(); r.Depth() >= depth; {
		if t := r.Next(); t == EOF {
			break
		} else if t == Start {
			name := r.Name().Local
			i.Parameters = append(i.Parameters, Parameter{name, string(r.Content())})
		}
	}
	return i
}

// EnumerateResponse answers an Enumerate, with Items where it was optimised.
type EnumerateResponse struct {
	Context string
	Items   []byte // XML of the items, nil for no w:Items
	End     bool
}

func (v *EnumerateResponse) write(b *bytes.Buffer) {
	b.Grow(len(v.Items) + 512)
	b.WriteString(`<n:EnumerateResponse xmlns:n="` + NSEnumeration + `"><n:EnumerationContext>` + plain(v.Context) + `</n:EnumerationContext>`)
	if v.Items != nil {
		b.WriteString(`<w:Items>`)
		b.Write(v.Items)
		b.WriteString(`</w:Items>`)
	}
	if v.End {
		b.WriteString(`<w:EndOfSequence/>`)
	}
	b.WriteString(`</n:EnumerateResponse>`)
}

// PullResponse answers a Pull.
type PullResponse struct {
	Context string // empty for none, as Windows has it at the end
	Items   []byte // XML of the items
	End     bool
}

func (v *PullResponse) write(b *bytes.Buffer) {
	b.Grow(len(v.Items) + 512)
	b.WriteString(`<n:PullResponse xmlns:n="` + NSEnumeration + `">`)
	if v.Context != "" {
		b.WriteString(`<n:EnumerationContext>` + plain(v.Context) + `</n:EnumerationContext>`)
	}
	b.WriteString(`<n:Items>`)
	b.Write(v.Items)
	b.WriteString(`</n:Items>`)
	if v.End {
		b.WriteString(`<n:EndOfSequence/>`)
	}
	b.WriteString(`</n:PullResponse>`)
}

// Content is the body of an answer to a Get or to the invocation of a method, as XML.
type Content []byte

func (v Content) write(b *bytes.Buffer) { b.Write(v) }
