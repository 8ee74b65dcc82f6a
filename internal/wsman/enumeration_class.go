package wsman

import (
	"slices"
	"strings"
)

// Class is the declaration of a CIM class, as CIM-XML carries it (DSP0201 5.2, DSP0227 1.1 section 15.4).
type Class struct {
	Name, Superclass string
	Properties       []ClassProperty
	Methods          []string
}

// ClassProperty is the declaration of a property.
type ClassProperty struct {
	Name  string
	Type  string // of DSP0201: boolean, char16, datetime, real32, real64, reference, sint8 .. sint64, string, uint8 .. uint64
	Array bool
	Key   bool
	Class string // of a reference, or of an embedded instance; empty where that is not said
}

// Property returns the declaration of a property, nil for none. Names of CIM do not mind case.
func (c *Class) Property(name string) *ClassProperty {
	i := slices.IndexFunc(c.Properties, func(p ClassProperty) bool { return strings.EqualFold(p.Name, name) })
	if i < 0 {
		return nil
	}
	return &c.Properties[i]
}

// Keys returns the names of the key properties.
func (c *Class) Keys() []string {
	var keys []string
	for _, p := range c.Properties {
		if p.Key {
			keys = append(keys, p.Name)
		}
	}
	return keys
}

// ReadClass reads a class from the start tag of CLASS to its end tag.
func ReadClass(r *Reader) (*Class, error) {
	if r.Name().Local != "CLASS" {
		return nil, &AnswerError{"<" + r.Name().Local + "> is not the CLASS of CIM-XML"}
	}
	c := &Class{Name: attr0(r, "NAME"), Superclass: attr0(r, "SUPERCLASS")}
	if c.Name == "" {
		return nil, &AnswerError{"a CLASS of CIM-XML without a NAME"}
	}
	for depth := r.Depth(); r.Depth() >= depth; {
		switch t := r.Next(); {
		case t == EOF:
			return nil, r.Err()
		case t != Start:
		case r.Name().Local == "PROPERTY", r.Name().Local == "PROPERTY.ARRAY", r.Name().Local == "PROPERTY.REFERENCE":
			c.Properties = append(c.Properties, readClassProperty(r))
		case r.Name().Local == "METHOD":
			c.Methods = append(c.Methods, attr0(r, "NAME"))
			r.Skip()
		default:
			r.Skip()
		}
	}
	return c, nil
}

func readClassProperty(r *Reader) ClassProperty {
	p := ClassProperty{Name: attr0(r, "NAME"), Type: strings.ToLower(attr0(r, "TYPE"))}
	switch r.Name().Local {
	case "PROPERTY.ARRAY":
		p.Array = true
	case "PROPERTY.REFERENCE":
		p.Type, p.Class = "reference", attr0(r, "REFERENCECLASS")
	}
	for depth := r.Depth(); r.Depth() >= depth; {
		switch t := r.Next(); {
		case t == EOF:
			return p
		case t != Start:
		case r.Name().Local == "QUALIFIER":
			name := attr0(r, "NAME")
			value := firstValue(r)
			switch {
			case strings.EqualFold(name, "key"):
				p.Key = strings.EqualFold(value, "true")
			case strings.EqualFold(name, "EmbeddedInstance"):
				p.Class = value
			}
		default:
			r.Skip()
		}
	}
	return p
}

// firstValue reads an element and returns the text of the first VALUE in it.
func firstValue(r *Reader) (value string) {
	found := false
	for depth := r.Depth(); r.Depth() >= depth; {
		if t := r.Next(); t == EOF {
			return value
		} else if t == Start && r.Name().Local == "VALUE" && !found {
			value, found = text(r.Content()), true
		}
	}
	return value
}

// AppendXML appends the class as CIM-XML. Names in it must need no escaping.
func (c *Class) AppendXML(b []byte) []byte {
	b = append(append(append(b, `<CLASS NAME="`...), c.Name...), '"')
	if c.Superclass != "" {
		b = append(append(append(b, ` SUPERCLASS="`...), c.Superclass...), '"')
	}
	b = append(b, '>')
	for _, p := range c.Properties {
		b = p.appendXML(b)
	}
	for _, m := range c.Methods {
		b = append(append(append(b, `<METHOD NAME="`...), m...), `" TYPE="uint32"></METHOD>`...)
	}
	return append(b, `</CLASS>`...)
}

func (p *ClassProperty) appendXML(b []byte) []byte {
	element, attribute, kind := "PROPERTY", "TYPE", p.Type
	switch {
	case p.Type == "reference":
		element, attribute, kind = "PROPERTY.REFERENCE", "REFERENCECLASS", p.Class
	case p.Array:
		element = "PROPERTY.ARRAY"
	}
	b = append(append(append(b, '<'), element...), ` NAME="`...)
	b = append(append(append(b, p.Name...), `" `...), attribute...)
	b = append(append(append(b, `="`...), kind...), `">`...)
	if p.Key {
		b = append(b, `<QUALIFIER NAME="key" TYPE="boolean"><VALUE>true</VALUE></QUALIFIER>`...)
	}
	if p.Type != "reference" && p.Class != "" {
		b = append(append(append(b, `<QUALIFIER NAME="EmbeddedInstance" TYPE="string"><VALUE>`...), p.Class...), `</VALUE></QUALIFIER>`...)
	}
	return append(append(append(b, `</`...), element...), '>')
}
