package wsman

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"unicode/utf8"
)

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
