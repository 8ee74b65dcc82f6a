package wsman

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"unicode/utf8"
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

// declaration steps over an XML declaration. Its encoding must be one that toUTF8 has dealt with.
func (r *Reader) declaration() {
	if !bytes.HasPrefix(r.doc, []byte("<?xml")) || len(r.doc) < 6 || !isSpace(r.doc[5]) {
		return
	}
	end := bytes.Index(r.doc, []byte("?>"))
	if end < 0 {
		r.fail(0, "the XML declaration does not end")
		return
	}
	content := r.doc[5:end]
	if v := pseudoAttribute(content, "version"); v != "" && v != "1.0" {
		r.fail(0, "XML version "+strconv.Quote(v)+" is not 1.0")
	}
	switch e := pseudoAttribute(content, "encoding"); {
	case e == "", bytes.EqualFold([]byte(e), []byte("utf-8")), bytes.EqualFold([]byte(e), []byte("utf-16")):
	default:
		r.fail(0, "encoding "+strconv.Quote(e)+" is not UTF-8 or UTF-16")
	}
	r.at = end + 2
}

func pseudoAttribute(content []byte, name string) string {
	for {
		i := bytes.Index(content, []byte(name))
		if i < 0 {
			return ""
		}
		content = bytes.TrimLeft(content[i+len(name):], " \t\r\n")
		after, ok := bytes.CutPrefix(content, []byte("="))
		if !ok {
			continue
		}
		after = bytes.TrimLeft(after, " \t\r\n")
		if len(after) > 0 && (after[0] == '"' || after[0] == '\'') {
			if end := bytes.IndexByte(after[1:], after[0]); end >= 0 {
				return string(after[1 : 1+end])
			}
		}
		return ""
	}
}

func (r *Reader) comment(rest []byte) {
	end := bytes.Index(rest[4:], []byte("--"))
	if end < 0 || !bytes.HasPrefix(rest[4+end:], []byte("-->")) {
		r.fail(r.at, "a comment does not end, or has -- in it")
		return
	}
	r.at += 4 + end + 3
}

func (r *Reader) instruction(rest []byte) {
	end := bytes.Index(rest, []byte("?>"))
	target := rest[2:max(2, end)]
	if i := bytes.IndexAny(target, " \t\r\n"); i >= 0 {
		target = target[:i]
	}
	if end < 0 || !isName(target) || bytes.EqualFold(target, []byte("xml")) {
		r.fail(r.at, "a processing instruction is malformed")
		return
	}
	r.at += end + 2
}

// characters reads character data up to the next markup. It returns EOF without an error for white space outside the root.
func (r *Reader) characters(rest []byte) Token {
	end := bytes.IndexByte(rest, '<')
	if end < 0 {
		end = len(rest)
	}
	raw := rest[:end]
	if bytes.Contains(raw, []byte("]]>")) {
		return r.fail(r.at, "]]> in character data")
	}
	if len(r.open) == 0 {
		if len(bytes.Trim(raw, " \t\r\n")) > 0 {
			return r.fail(r.at, "text outside the root element")
		}
		r.at += end
		return EOF
	}
	r.text = r.unescape(raw, r.at, true)
	r.at += end
	if r.err != nil {
		return EOF
	}
	return Text
}

func (r *Reader) cdata(rest []byte) Token {
	const lead = len("<![CDATA[")
	end := bytes.Index(rest[lead:], []byte("]]>"))
	if end < 0 {
		return r.fail(r.at, "a CDATA section does not end")
	}
	if len(r.open) == 0 {
		return r.fail(r.at, "text outside the root element")
	}
	r.text = r.unescape(rest[lead:lead+end], r.at+lead, false)
	r.at += lead + end + 3
	if len(r.text) == 0 || r.err != nil {
		return EOF
	}
	return Text
}

func (r *Reader) startTag() Token {
	if r.rootClosed {
		return r.fail(r.at, "a second root element")
	}
	if len(r.open) == maxDepth {
		return r.fail(r.at, fmt.Sprintf("more than %d levels of elements", maxDepth))
	}
	at := r.at + 1
	raw, name := r.scanName(at)
	if raw == nil {
		return r.fail(at, "an element without a name")
	}
	at += len(raw)
	element := openElement{raw: raw, bindings: len(r.bindings)}
	for {
		spaced := at
		for at < len(r.doc) && isSpace(r.doc[at]) {
			at++
		}
		spaced = at - spaced
		if at >= len(r.doc) {
			return r.fail(at, "a start tag does not end")
		}
		if r.doc[at] == '>' {
			at++
			break
		}
		if bytes.HasPrefix(r.doc[at:], []byte("/>")) {
			at += 2
			r.empty = true
			break
		}
		if spaced == 0 {
			return r.fail(at, "attributes must be separated by white space")
		}
		if at = r.attribute(at); r.err != nil {
			return EOF
		}
	}
	prefix := raw[:max(name.prefix, 0)]
	space, ok := r.lookup(prefix)
	if !ok {
		return r.fail(r.at, "the namespace prefix "+strconv.Quote(string(prefix))+" is not declared")
	}
	for _, a := range r.attrs {
		if _, ok := r.lookup(a.prefix); !ok && len(a.prefix) > 0 {
			return r.fail(r.at, "the namespace prefix "+strconv.Quote(string(a.prefix))+" is not declared")
		}
	}
	element.name = Name{space, name.local}
	r.open = append(r.open, element)
	r.name = element.name
	r.at = at
	return Start
}

// attribute reads one attribute, or namespace declaration, and returns where it ends.
func (r *Reader) attribute(at int) int {
	raw, name := r.scanName(at)
	if raw == nil {
		r.fail(at, "malformed attribute")
		return at
	}
	at += len(raw)
	for at < len(r.doc) && isSpace(r.doc[at]) {
		at++
	}
	if at >= len(r.doc) || r.doc[at] != '=' {
		r.fail(at, "an attribute without a value")
		return at
	}
	at++
	for at < len(r.doc) && isSpace(r.doc[at]) {
		at++
	}
	if at >= len(r.doc) || r.doc[at] != '"' && r.doc[at] != '\'' {
		r.fail(at, "an attribute value without quotes")
		return at
	}
	end := bytes.IndexByte(r.doc[at+1:], r.doc[at])
	if end < 0 {
		r.fail(at, "an attribute value does not end")
		return at
	}
	value := r.doc[at+1 : at+1+end]
	if bytes.IndexByte(value, '<') >= 0 {
		r.fail(at, "< in an attribute value")
		return at
	}
	value = r.unescape(value, at+1, true)
	var prefix []byte
	local := raw
	if name.prefix >= 0 {
		prefix, local = raw[:name.prefix], raw[name.prefix+1:]
	}
	switch {
	case string(prefix) == "xmlns":
		if len(value) == 0 || string(local) == "xmlns" {
			r.fail(at, "a malformed namespace declaration")
			return at
		}
		r.bindings = append(r.bindings, binding{local, r.intern(value)})
	case prefix == nil && string(local) == "xmlns":
		r.bindings = append(r.bindings, binding{nil, r.intern(value)})
	case len(r.attrs) == maxAttributes:
		r.fail(at, fmt.Sprintf("more than %d attributes", maxAttributes))
	default:
		r.attrs = append(r.attrs, attr{prefix, local, value})
	}
	return at + 1 + end + 1
}

func (r *Reader) endTag() Token {
	if len(r.open) == 0 {
		return r.fail(r.at, "an end tag without an element that is open")
	}
	raw := r.open[len(r.open)-1].raw
	at := r.at + 2 + len(raw)
	if !bytes.HasPrefix(r.doc[r.at+2:], raw) || at < len(r.doc) && isNameByte(r.doc[at]) {
		return r.fail(r.at, "an end tag closes another element than "+strconv.Quote(string(raw))+", which is open")
	}
	for at < len(r.doc) && isSpace(r.doc[at]) {
		at++
	}
	if at >= len(r.doc) || r.doc[at] != '>' {
		return r.fail(r.at, "a malformed end tag")
	}
	r.at = at + 1
	r.close()
	return End
}

func (r *Reader) close() {
	last := len(r.open) - 1
	r.name = r.open[last].name
	r.open = r.open[:last]
	r.rootClosed = last == 0
}

// forget drops the bindings of the element that was closed last.
func (r *Reader) forget() {
	// The slot behind the open elements still holds the closed one.
	closed := r.open[:len(r.open)+1][len(r.open)]
	r.bindings = r.bindings[:closed.bindings]
}

func (r *Reader) lookup(prefix []byte) (space string, ok bool) {
	for i := len(r.bindings) - 1; i >= 0; i-- {
		if bytes.Equal(r.bindings[i].prefix, prefix) {
			return r.bindings[i].space, true
		}
	}
	switch string(prefix) {
	case "":
		return "", true
	case "xml":
		return spaceXML, true
	}
	return "", false
}

// attrSpace is the namespace of an attribute: the default one does not apply (Namespaces in XML 1.0, 6.2).
func (r *Reader) attrSpace(prefix []byte) string {
	if len(prefix) == 0 {
		return ""
	}
	space, _ := r.lookup(prefix)
	return space
}

// scanName returns the name at a position, nil where there is none or where it is no qualified name.
func (r *Reader) scanName(at int) ([]byte, tagName) {
	end := at
	for end < len(r.doc) && isNameByte(r.doc[end]) {
		end++
	}
	raw := r.doc[at:end]
	if known, ok := r.tags[string(raw)]; ok { // looked up without a copy
		return raw, known
	}
	if !isName(raw) {
		return nil, tagName{}
	}
	prefix := bytes.IndexByte(raw, ':')
	name := tagName{prefix, r.intern(raw[prefix+1:])}
	if r.tags == nil {
		r.tags = make(map[string]tagName, 32)
	}
	r.tags[string(raw)] = name
	return raw, name
}

// isName accepts NCName and NCName:NCName. Beyond ASCII it takes every character: telling letters apart there has no use here.
func isName(name []byte) bool {
	prefix, local, colon := bytes.Cut(name, []byte(":"))
	if colon && (!isNameStart(local) || bytes.IndexByte(local, ':') >= 0) {
		return false
	}
	return isNameStart(prefix)
}

func isNameStart(b []byte) bool {
	return len(b) > 0 && (b[0] >= 0x80 || b[0] == '_' || b[0]|0x20 >= 'a' && b[0]|0x20 <= 'z')
}

func isNameByte(c byte) bool {
	if c|0x20 >= 'a' && c|0x20 <= 'z' { // most of them
		return true
	}
	return c >= 0x80 || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == ':' || c == '_' || c == '-' || c == '.'
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// unescape checks characters, replaces references where entities is set, and makes line ends "\n". The result aliases
// raw where nothing had to be changed.
func (r *Reader) unescape(raw []byte, at int, entities bool) []byte {
	if isPlain(raw) {
		return raw
	}
	special := bytes.IndexByte(raw, '\r') >= 0
	if hasControl(raw) {
		for i, c := range raw {
			if c < 0x20 && !isSpace(c) {
				r.fail(at+i, fmt.Sprintf("the character U+%04X", c))
				return nil
			}
		}
	}
	if !special && (!entities || bytes.IndexByte(raw, '&') < 0) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '\r':
			if i+1 >= len(raw) || raw[i+1] != '\n' {
				out = append(out, '\n')
			}
		case c == '&' && entities:
			end := bytes.IndexByte(raw[i:], ';')
			char, ok := rune(0), false
			if end > 0 {
				char, ok = reference(raw[i+1 : i+end])
			}
			if !ok {
				r.fail(at+i, "an unknown entity, or a malformed character reference")
				return nil
			}
			out = utf8.AppendRune(out, char)
			i += end
		default:
			out = append(out, c)
		}
	}
	return out
}

// isPlain reports that there is nothing to be checked or replaced in a short text, as most values are.
func isPlain(raw []byte) bool {
	if len(raw) > 40 {
		return false
	}
	for _, c := range raw {
		if c < 0x20 || c == '&' {
			return false
		}
	}
	return true
}

// reference resolves what stands between & and ;.
func reference(name []byte) (rune, bool) {
	switch string(name) {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "apos":
		return '\'', true
	case "quot":
		return '"', true
	}
	digits, ok := bytes.CutPrefix(name, []byte("#"))
	base := 10
	if after, hexadecimal := bytes.CutPrefix(digits, []byte("x")); hexadecimal {
		digits, base = after, 16
	}
	if !ok || len(digits) == 0 || len(digits) > 8 || digits[0] == '+' || digits[0] == '-' || bytes.IndexByte(digits, '_') >= 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(digits), base, 32)
	if err != nil || !isChar(rune(n)) {
		return 0, false
	}
	return rune(n), true
}

// isChar is the production Char of XML 1.0, 2.2.
func isChar(c rune) bool {
	return c == '\t' || c == '\n' || c == '\r' || c >= 0x20 && c <= 0xD7FF || c >= 0xE000 && c <= 0xFFFD || c >= 0x10000 && c <= 0x10FFFF
}

// hasControl reports whether a byte below 0x20 is in b, eight bytes at a time.
func hasControl(b []byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		x := binary.LittleEndian.Uint64(b)
		if (x-ones*0x20)&^x&high != 0 {
			return true
		}
	}
	for _, c := range b {
		if c < 0x20 {
			return true
		}
	}
	return false
}

// invalidUTF8 returns where doc stops being UTF-8 made of characters that XML allows above ASCII, -1 if nowhere.
func invalidUTF8(doc []byte) int {
	if !utf8.Valid(doc) {
		for i := 0; i < len(doc); {
			c, n := utf8.DecodeRune(doc[i:])
			if c == utf8.RuneError && n <= 1 {
				return i
			}
			i += n
		}
	}
	for from := 0; ; {
		i := bytes.Index(doc[from:], []byte("\xEF\xBF"))
		if i < 0 {
			return -1
		}
		from += i
		if len(doc) > from+2 && doc[from+2] >= 0xBE { // U+FFFE, U+FFFF
			return from
		}
		from += 2
	}
}

// intern returns b as a string, one for all of its occurrences in the document: names and namespaces repeat.
func (r *Reader) intern(b []byte) string {
	if s, ok := r.names[string(b)]; ok { // looked up without a copy
		return s
	}
	if r.names == nil {
		r.names = make(map[string]string, 32)
	}
	s := string(b)
	r.names[s] = s
	return s
}
