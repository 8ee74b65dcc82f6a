package enum

// Kind is what a [Value] is.
type Kind uint8

// The kinds.
const (
	Null      Kind = iota
	String         // Text
	Bool           // Text is "true" or "false"
	Number         // Text is a number as JSON writes it, of any size
	Datetime       // Text is RFC 3339, or what the server sent where that has no time zone or leaves parts open
	Interval       // Text is an ISO 8601 duration, such as P0DT0H1M40S
	Array          // Elements
	Object         // Item: an embedded instance, or an element with others in it
	Reference      // Item: ResourceURI, Selectors, and Address where that is not the anonymous one
)

// Value is the value of a property. It is not changed once it was handed over.
type Value struct {
	Kind     Kind
	Text     string
	Elements []Value
	Item     *Item
}

// Property is a property with its name.
type Property struct {
	Name  string
	Value Value
}

// Item is one instance. It is not changed once it was handed over, and may be kept.
type Item struct {
	Class      string // the name of its element; empty for a list of properties (w:XmlFragment)
	Space      string // XML namespace of the element: for WMI the resource URI of the class
	Properties []Property
	Reference  *Item  // how to address it: in the enumeration modes that ask for that, else nil
	XML        []byte // as it was received, where the query asked for it; then there is nothing else
	PageEnd    bool   // the last one of an answer: the next one may take a while
}

// Get returns the value of a property by its name, and whether there is one.
func (i *Item) Get(name string) (Value, bool) {
	for _, p := range i.Properties {
		if p.Name == name {
			return p.Value, true
		}
	}
	return Value{}, false
}
