package enum

import (
	"fmt"
	"strings"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// decoder turns items on the wire into values, and remembers what it has learned of their classes: which properties are
// arrays shows only where one has several elements. It is used by one goroutine at a time.
type decoder struct {
	class   string // that was asked for, whose types the properties of an XmlFragment have; "" where nobody knows
	declare func(class string) *wsman.Class
	shapes  map[shapeKey]*shape
	columns int    // in all shapes
	shape   *shape // of the item before
	key     shapeKey
}

type shapeKey struct{ space, class string }

// shape is what is known of one class.
type shape struct {
	declared *wsman.Class // nil where there is no declaration
	columns  map[string]*column
	item     uint64 // the number of the item that is being read
	last     int    // how many properties the last one had
}

// column is what is known of one property.
type column struct {
	cimType string // "" for unknown
	class   string // of an embedded instance
	array   bool
	item    uint64 // the last item that had it, and where it stood there
	at      int
}

// Bounds on what a server can make a client remember. No class of Windows comes near.
const (
	maxShapes     = 1000
	maxColumns    = 10000  // of one class
	maxAllColumns = 100000 // of all of them
)

func newDecoder(class string, declare func(string) *wsman.Class) *decoder {
	return &decoder{class: class, declare: declare, shapes: map[shapeKey]*shape{}}
}

// shapeOf finds what is known of a class.
func (d *decoder) shapeOf(space, class string) (*shape, error) {
	key := shapeKey{space, class}
	if d.shape != nil && d.key == key {
		return d.shape, nil
	}
	s, ok := d.shapes[key]
	if !ok {
		if len(d.shapes) == maxShapes {
			return nil, &wsman.AnswerError{Text: fmt.Sprintf("items of more than %d classes", maxShapes)}
		}
		if s = d.newShape(class); s.declared == nil && d.class != "" { // a sub-class has the properties of its class
			s.declared = d.declare(d.class)
		}
		d.shapes[key] = s
	}
	d.shape, d.key = s, key
	return s, nil
}

func (d *decoder) newShape(class string) *shape {
	s := &shape{columns: map[string]*column{}}
	if class != "" {
		s.declared = d.declare(class)
	}
	return s
}

// column finds what is known of a property.
func (d *decoder) column(s *shape, name string) (*column, error) {
	c, ok := s.columns[name]
	if ok {
		return c, nil
	}
	if len(s.columns) == maxColumns || d.columns == maxAllColumns {
		return nil, &wsman.AnswerError{Text: fmt.Sprintf("items with more than %d different properties", len(s.columns))}
	}
	c = &column{}
	if s.declared != nil {
		if p := s.declared.Property(name); p != nil {
			c = &column{cimType: p.Type, class: p.Class, array: p.Array}
		}
	}
	s.columns[name] = c
	d.columns++
	return c, nil
}

// item reads one item from its start tag to its end tag: an instance, an endpoint reference, a w:Item with both, or a
// w:XmlFragment.
func (d *decoder) item(r *wsman.Reader, into *Item) error {
	switch name := r.Name(); name {
	case wsman.Name{Space: wsman.NSManagement, Local: "XmlFragment"}:
		return d.instance(r, d.class, "", into)
	case wsman.Name{Space: wsman.NSAddressing, Local: "EndpointReference"}:
		into.Reference = reference(wsman.ReadEndpointReference(r))
		return nil
	case wsman.Name{Space: wsman.NSManagement, Local: "Item"}:
		for depth := r.Depth(); r.Depth() >= depth; {
			if t := r.Next(); t == wsman.EOF {
				return r.Err()
			} else if t == wsman.Start {
				if err := d.item(r, into); err != nil {
					return err
				}
			}
		}
		return nil
	default:
		into.Class, into.Space = name.Local, name.Space
		return d.instance(r, name.Local, name.Space, into)
	}
}

// instance reads the properties of an instance.
func (d *decoder) instance(r *wsman.Reader, class, space string, into *Item) error {
	s, err := d.shapeOf(space, class)
	if err != nil {
		return err
	}
	s.item++
	properties := make([]Property, 0, s.last)
	for name, value := range r.Attributes() { // of plug-ins (2.2.4.22); instances of CIM have none
		properties = append(properties, Property{name, guess(value)})
	}
	for depth := r.Depth(); r.Depth() >= depth; {
		if t := r.Next(); t == wsman.EOF {
			return r.Err()
		} else if t != wsman.Start {
			continue
		}
		name := r.Name()
		if name.Local == "Location" && name.Space == wsman.NSCommon { // where the instance is (4.1.1)
			location := wsman.ReadEndpointReference(r)
			if into.Reference == nil {
				into.Reference = reference(location)
			}
			continue
		}
		if properties, err = d.property(r, s, name.Local, properties); err != nil {
			return err
		}
	}
	s.last = len(properties)
	into.Properties = properties
	return r.Err()
}

// property reads one property, or one more element of an array.
func (d *decoder) property(r *wsman.Reader, s *shape, name string, properties []Property) ([]Property, error) {
	c, err := d.column(s, name)
	if err != nil {
		return nil, err
	}
	number := s.item // reading the value may meet an item of the same shape
	v, err := d.value(r, c.cimType, c.class)
	if err != nil {
		return nil, err
	}
	if c.item == number && c.at < len(properties) && properties[c.at].Name == name {
		c.array = true
		before := &properties[c.at].Value
		if before.Kind != Array {
			*before = Value{Kind: Array, Elements: []Value{*before}}
		}
		before.Elements = append(before.Elements, v)
		return properties, nil
	}
	if c.array && v.Kind != Null { // a null array is one null element (3.1.4.1.26)
		v = Value{Kind: Array, Elements: []Value{v}}
	}
	c.item, c.at = number, len(properties)
	return append(properties, Property{name, v}), nil
}

// value reads an element from its start tag to its end tag.
func (d *decoder) value(r *wsman.Reader, cimType, class string) (Value, error) {
	if isNil, _ := r.Attr(wsman.NSInstance, "nil"); isNil == "true" || isNil == "1" {
		r.Skip()
		return Value{}, r.Err()
	}
	if name, ok := r.Attr(wsman.NSInstance, "type"); ok {
		if t := schemaType(name); t != "" {
			cimType = t
		} else if local := name[strings.IndexByte(name, ':')+1:]; strings.HasSuffix(local, "_Type") {
			class = strings.TrimSuffix(local, "_Type")
		}
	}
	var attributes []Property
	for name, value := range r.Attributes() {
		attributes = append(attributes, Property{name, guess(value)})
	}
	text := ""
	for {
		switch r.Next() {
		case wsman.EOF:
			return Value{}, r.Err()
		case wsman.Text:
			if text == "" {
				text = string(r.Text())
			} else {
				text += string(r.Text()) // a comment or a CDATA section stands between: rare
			}
		case wsman.Start:
			return d.complex(r, class, attributes)
		case wsman.End:
			if text == "" && len(attributes) > 0 {
				return Value{Kind: Object, Item: &Item{Class: class, Properties: attributes}}, nil
			}
			return scalar(text, cimType), nil
		}
	}
}

// complex reads an element with others in it, from the start tag of the first of them to its own end tag.
func (d *decoder) complex(r *wsman.Reader, class string, properties []Property) (Value, error) {
	if v, ok, err := d.special(r); ok || err != nil {
		return v, err
	}
	// Embedded objects of one place may be of any class: what is learned of one says nothing of the next.
	s := d.newShape(class)
	s.item = 1
	defer func() { d.columns -= len(s.columns) }()
	depth := r.Depth()
	var err error
	for t := wsman.Start; ; t = r.Next() {
		switch {
		case t == wsman.EOF:
			return Value{}, r.Err()
		case t == wsman.Start:
			if properties, err = d.property(r, s, r.Name().Local, properties); err != nil {
				return Value{}, err
			}
		case t == wsman.End && r.Depth() < depth-1:
			return Value{Kind: Object, Item: &Item{Class: class, Properties: properties}}, nil
		}
	}
}

// special reads the elements that stand for one value: dates in their element (DSP0230 7.3; without a namespace in an
// XmlFragment), and references.
func (d *decoder) special(r *wsman.Reader) (v Value, ok bool, err error) {
	depth := r.Depth()
	name := r.Name()
	switch {
	case name.Space == wsman.NSCommon || name.Space == "":
		switch name.Local {
		case "Datetime", "CIM_DateTime", "Interval", "Date", "Time":
			text, kind := datetime(strings.TrimSpace(string(r.Content())))
			v = Value{Kind: kind, Text: text}
		default:
			return Value{}, false, nil
		}
	case name == wsman.Name{Space: wsman.NSAddressing, Local: "EndpointReference"},
		name == wsman.Name{Space: wsman.NSAddressing, Local: "Address"},
		name == wsman.Name{Space: wsman.NSAddressing, Local: "ReferenceParameters"}:
		e := wsman.EndpointReference{}
		for t := wsman.Start; r.Depth() >= depth-1; t = r.Next() {
			if t == wsman.EOF {
				return Value{}, false, r.Err()
			}
			if t == wsman.Start {
				e.Element(r)
			}
		}
		return Value{Kind: Reference, Item: reference(e)}, true, r.Err()
	default:
		return Value{}, false, nil
	}
	for r.Depth() >= depth-1 { // to the end tag of the property
		if r.Next() == wsman.EOF {
			return Value{}, false, r.Err()
		}
	}
	return v, true, nil
}

// reference makes an item of an endpoint reference.
func reference(e wsman.EndpointReference) *Item {
	selectors := &Item{}
	for _, s := range e.Selectors {
		v := Value{Kind: String, Text: s.Value}
		if s.Reference != nil { // the key of an association
			v = Value{Kind: Reference, Item: reference(*s.Reference)}
		}
		selectors.Properties = append(selectors.Properties, Property{s.Name, v})
	}
	out := &Item{Properties: []Property{
		{"ResourceURI", Value{Kind: String, Text: e.ResourceURI}}, {"Selectors", Value{Kind: Object, Item: selectors}},
	}}
	if e.Address != "" {
		out.Properties = append(out.Properties, Property{"Address", Value{Kind: String, Text: e.Address}})
	}
	return out
}
