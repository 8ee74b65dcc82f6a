package wsman

import (
	"bytes"
	"fmt"
	"strconv"
)

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
