package wsman

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
)

// Reader walks through one XML document that is held in memory, with names resolved in their namespaces. It reads what
// WS-Management sends and refuses the rest: a DTD, entities beyond the five of XML 1.0, more than [maxDepth] levels.
// It keeps its first error.
//
// Byte slices that it returns alias the document and stay valid as long as that is not changed.
type Reader struct {
	doc   []byte
	at    int
	token Token
	err   error

	name       Name
	empty      bool // a start tag <like/> whose end is still to be reported
	text       []byte
	attrs      []attr
	open       []openElement
	bindings   []binding
	rootClosed bool
	start      int // where the current token begins
	names      map[string]string
	tags       map[string]tagName
}

// tagName is what is known of a qualified name, as it is written in tags.
type tagName struct {
	prefix int    // its length, -1 for none
	local  string // "" where it is no qualified name
}

// Token is what Next has found.
type Token int

// The tokens.
const (
	EOF   Token = iota // the end of the document, or an error: see Err
	Start              // a start tag: Name and Attr tell more
	End                // an end tag
	Text               // character data, never empty: Text
)

// Name is a name in its namespace. Its parts live as long as the document.
type Name struct {
	Space string
	Local string
}

type attr struct {
	prefix, local, value []byte
}

type openElement struct {
	raw      []byte // as written, prefix included: an end tag must repeat it
	name     Name
	bindings int // how many there were before it
}

type binding struct {
	prefix []byte
	space  string
}

const (
	maxDepth      = 100
	maxAttributes = 256
	spaceXML      = "http://www.w3.org/XML/1998/namespace"
	spaceXMLNS    = "http://www.w3.org/2000/xmlns/"
)

// A SyntaxError is malformed XML, or XML that this reader refuses.
type SyntaxError struct {
	Offset int // in bytes
	Text   string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("wsman: malformed XML at offset %d: %s", e.Offset, e.Text)
}

// NewReader returns a Reader of doc, which must be UTF-8 without a byte order mark (see toUTF8).
func NewReader(doc []byte) *Reader {
	r := &Reader{doc: doc}
	if i := invalidUTF8(doc); i >= 0 {
		r.fail(i, "not UTF-8, or a character that XML forbids")
		return r
	}
	r.declaration()
	return r
}

// Err returns the first error, nil at a proper end.
func (r *Reader) Err() error { return r.err }

// Name returns the name of the current start or end tag.
func (r *Reader) Name() Name { return r.name }

// Is reports whether the current tag has this name.
func (r *Reader) Is(space, local string) bool { return r.name.Local == local && r.name.Space == space }

// Text returns the current character data, entities replaced and line ends made "\n" (XML 1.0, 2.11).
func (r *Reader) Text() []byte { return r.text }

// Depth is the number of elements that are open, the current start tag's included.
func (r *Reader) Depth() int { return len(r.open) }

// Offset is where the current token begins, in bytes.
func (r *Reader) Offset() int { return r.start }

// Attributes yields the attributes of the current start tag that have no prefix, in their order.
func (r *Reader) Attributes() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, a := range r.attrs {
			if len(a.prefix) == 0 && !yield(string(a.local), string(a.value)) {
				return
			}
		}
	}
}

// Element steps from the current start tag to its end tag and returns the element as a document of its own: as it was
// received, with the namespace declarations in its start tag that it takes from around it.
func (r *Reader) Element() []byte {
	from := r.start
	name := from + 1 + len(r.open[len(r.open)-1].raw)
	outer := r.bindings[:r.open[len(r.open)-1].bindings]
	inner := r.bindings[len(outer):]
	var around []binding
	for i := len(outer) - 1; i >= 0; i-- {
		if b := outer[i]; b.space != "" && !shadows(outer[i+1:], b.prefix) && !shadows(inner, b.prefix) {
			around = append(around, b)
		}
	}
	r.Skip()
	if r.err != nil {
		return nil
	}
	element := r.doc[from:r.at]
	out := append(make([]byte, 0, len(element)+64), r.doc[from:name]...)
	for _, b := range around {
		if len(b.prefix) > 0 && !mentions(element, b.prefix) {
			continue
		}
		out = append(out, " xmlns"...)
		if len(b.prefix) > 0 {
			out = append(append(out, ':'), b.prefix...)
		}
		space, _ := escape("", b.space) // it was read from XML, so that XML can carry it
		out = append(append(append(out, `="`...), space...), '"')
	}
	return append(out, r.doc[name:r.at]...)
}

// mentions reports whether a prefix may be used in an element, in a tag or in content such as xsi:type.
func mentions(element, prefix []byte) bool {
	for {
		i := bytes.Index(element, prefix)
		if i < 0 {
			return false
		}
		end := i + len(prefix)
		if i > 0 && !isNameByte(element[i-1]) && end < len(element) && element[end] == ':' {
			return true
		}
		element = element[i+1:]
	}
}

func shadows(bindings []binding, prefix []byte) bool {
	return slices.ContainsFunc(bindings, func(b binding) bool { return bytes.Equal(b.prefix, prefix) })
}

// Attr returns the value of an attribute of the current start tag; space is "" for a name without prefix.
func (r *Reader) Attr(space, local string) (value string, ok bool) {
	for _, a := range r.attrs {
		if string(a.local) == local && r.attrSpace(a.prefix) == space {
			return string(a.value), true
		}
	}
	return "", false
}

// QName resolves a qualified name in content, such as the "w:TimedOut" of a fault code, by the bindings in force here.
func (r *Reader) QName(text []byte) Name {
	text = bytes.TrimSpace(text)
	prefix, local, ok := bytes.Cut(text, []byte(":"))
	if !ok {
		prefix, local = nil, text
	}
	space, _ := r.lookup(prefix)
	return Name{Space: space, Local: string(local)}
}

// Next steps to the next token. Comments and processing instructions are passed over.
func (r *Reader) Next() Token {
	r.token = r.next()
	return r.token
}

func (r *Reader) next() Token {
	if r.err != nil {
		return EOF
	}
	r.attrs, r.text = r.attrs[:0], nil
	if r.empty {
		r.empty = false
		r.close()
		return End
	}
	if r.token == End { // the bindings of an element count up to its end tag, that included
		r.forget()
	}
	for {
		r.start = r.at
		rest := r.doc[r.at:]
		switch {
		case len(rest) == 0:
			if len(r.open) > 0 || !r.rootClosed {
				return r.fail(r.at, "the document ends too early")
			}
			return EOF
		case rest[0] != '<':
			if t := r.characters(rest); t != EOF || r.err != nil {
				return t
			}
		case bytes.HasPrefix(rest, []byte("</")):
			return r.endTag()
		case bytes.HasPrefix(rest, []byte("<!--")):
			r.comment(rest)
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			if t := r.cdata(rest); t != EOF || r.err != nil {
				return t
			}
		case bytes.HasPrefix(rest, []byte("<?")):
			r.instruction(rest)
		case bytes.HasPrefix(rest, []byte("<!")):
			return r.fail(r.at, "a document type declaration is refused")
		default:
			return r.startTag()
		}
		if r.err != nil {
			return EOF
		}
	}
}

// Skip steps over the rest of the current element, to its end tag.
func (r *Reader) Skip() {
	for depth := len(r.open); r.err == nil && len(r.open) >= depth && depth > 0; {
		if r.Next() == EOF {
			return
		}
	}
}

// Content returns the text of the current element and steps to its end tag; child elements are passed over, their text
// left out.
func (r *Reader) Content() []byte {
	var content []byte
	depth := len(r.open)
	for {
		switch r.Next() {
		case Text:
			if len(r.open) > depth {
				continue
			}
			if content == nil {
				content = r.text
			} else {
				content = append(content[:len(content):len(content)], r.text...)
			}
		case End:
			if len(r.open) < depth {
				return content
			}
		case EOF:
			return nil
		}
	}
}

func (r *Reader) fail(at int, text string) Token {
	if r.err == nil {
		r.err = &SyntaxError{at, text}
	}
	return EOF
}
