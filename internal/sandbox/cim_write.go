package sandbox

import (
	"strings"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// itemWriter writes instances of one class as items, in the form that Windows gives them (recorded). It is prepared once for
// an enumeration, so that writing an item is appending.
type itemWriter struct {
	class    *cimClass
	resource string // resource URI of the class, the namespace of its instances
	columns  []int  // the properties to write
	mode     wsman.EnumerationMode

	open, end   string   // around the properties
	tags, empty []string // by column: what stands before a value, and in place of null
	ends        []string // and behind it
}

const addressAnonymous = wsman.NSAddressing + "/role/anonymous"

// newItemWriter writes whole instances where fragment is empty, else the properties of that list in a w:XmlFragment: in alphabetical
// order and without namespaces, as Windows does (footnotes 58 and 59).
func newItemWriter(class *cimClass, resource string, fragment []int, mode wsman.EnumerationMode) *itemWriter {
	w := &itemWriter{class: class, resource: resource, columns: fragment, mode: mode}
	prefix := ""
	if fragment == nil {
		prefix = "p:"
		for i := range class.Properties {
			w.columns = append(w.columns, i)
		}
		w.open = `<p:` + class.Name + ` xmlns:xsi="` + wsman.NSInstance + `" xmlns:p="` + string(appendEscaped(nil, resource)) +
			`" xmlns:cim="` + wsman.NSCommon + `" xsi:type="p:` + class.Name + `_Type">`
		w.end = `</p:` + class.Name + `>`
	} else {
		w.open, w.end = `<w:XmlFragment xmlns:xsi="`+wsman.NSInstance+`">`, `</w:XmlFragment>`
	}
	for _, i := range w.columns {
		name := prefix + class.Properties[i].Name
		w.tags = append(w.tags, "<"+name+">")
		w.ends = append(w.ends, "</"+name+">")
		w.empty = append(w.empty, "<"+name+` xsi:nil="true"/>`)
	}
	return w
}

// append appends one item.
func (w *itemWriter) append(b []byte, values []cimValue) []byte {
	switch w.mode {
	case wsman.ModeEPR:
		return w.reference(b, values)
	case wsman.ModeObjectAndEPR:
		b = append(b, `<w:Item>`...)
		b = w.instance(b, values)
		b = w.reference(b, values)
		return append(b, `</w:Item>`...)
	}
	return w.instance(b, values)
}

func (w *itemWriter) instance(b []byte, values []cimValue) []byte {
	b = append(b, w.open...)
	for n, i := range w.columns {
		v := &values[i]
		switch v.kind {
		case cimNull:
			b = append(b, w.empty[n]...)
		case cimArray:
			for e := range v.elements {
				b = w.value(b, n, &v.elements[e])
			}
		default:
			b = w.value(b, n, v)
		}
	}
	return append(b, w.end...)
}

// value appends one value in the element of column n.
func (w *itemWriter) value(b []byte, n int, v *cimValue) []byte {
	fragment := strings.HasPrefix(w.open, "<w:")
	switch v.kind {
	case cimTime, cimInterval:
		name := "Datetime"
		if v.kind == cimInterval {
			name = "Interval"
		}
		if !fragment {
			name = "cim:" + name
		}
		b = append(append(append(append(b, w.tags[n]...), '<'), name...), '>')
		b = v.appendText(b)
		b = append(append(append(b, `</`...), name...), '>')
	case cimReference:
		b = append(b, w.tags[n][:len(w.tags[n])-1]...)
		b = append(b, ` xmlns:a="`+wsman.NSAddressing+`" xmlns:w="`+wsman.NSManagement+`">`...)
		b = appendReference(b, v.object.class.resource(), v.object.class, v.object.values)
	case cimObject:
		c := v.object.class
		inner := newItemWriter(c, c.resource(), nil, wsman.ModeObject)
		b = append(b, w.tags[n][:len(w.tags[n])-1]...)
		b = append(b, inner.open[len("<p:"+c.Name):]...)
		body := inner.instance(nil, v.object.values)
		b = append(b, body[len(inner.open):len(body)-len(inner.end)]...)
	default:
		b = append(b, w.tags[n]...)
		b = v.appendText(b)
	}
	return append(b, w.ends[n]...)
}

// resource is the resource URI of a class.
func (c *cimClass) resource() string { return wsman.PrefixWMI + c.namespace + "/" + c.Name }

// reference appends the endpoint reference of an instance.
func (w *itemWriter) reference(b []byte, values []cimValue) []byte {
	b = append(b, `<a:EndpointReference>`...)
	b = appendReference(b, w.resource, w.class, values)
	return append(b, `</a:EndpointReference>`...)
}

func appendReference(b []byte, resource string, c *cimClass, values []cimValue) []byte {
	b = append(b, `<a:Address>`+addressAnonymous+`</a:Address><a:ReferenceParameters><w:ResourceURI>`...)
	b = appendEscaped(b, resource)
	b = append(b, `</w:ResourceURI><w:SelectorSet>`...)
	for i, p := range c.Properties {
		if p.Key {
			b = append(append(append(b, `<w:Selector Name="`...), p.Name...), `">`...)
			if v := &values[i]; v.kind == cimReference {
				b = append(b, `<a:EndpointReference>`...)
				b = appendReference(b, v.object.class.resource(), v.object.class, v.object.values)
				b = append(b, `</a:EndpointReference>`...)
			} else {
				b = v.appendText(b)
			}
			b = append(b, `</w:Selector>`...)
		}
	}
	return append(b, `</w:SelectorSet></a:ReferenceParameters>`...)
}

// appendOutput appends what a method gives back (4.1.4).
func appendOutput(b []byte, space, method string, out []outParameter) []byte {
	b = append(b, `<p:`+method+`_OUTPUT xmlns:xsi="`+wsman.NSInstance+`" xmlns:p="`...)
	b = appendEscaped(b, space)
	b = append(b, `">`...)
	for _, o := range out {
		if o.value.kind == cimNull {
			b = append(append(append(b, `<p:`...), o.name...), ` xsi:nil="true"/>`...)
			continue
		}
		b = append(append(append(b, `<p:`...), o.name...), '>')
		b = o.value.appendText(b)
		b = append(append(append(b, `</p:`...), o.name...), '>')
	}
	return append(b, `</p:`+method+`_OUTPUT>`...)
}
