package dissect

import (
	"fmt"
	"strings"
)

// The tags of DER that occur here (X.690 8.1.2): universal ones, and the bits of others.
const (
	tagInteger       = 0x02
	tagBitString     = 0x03
	tagOctetString   = 0x04
	tagOID           = 0x06
	tagEnumerated    = 0x0a
	tagGeneralString = 0x1b
	tagGeneralTime   = 0x18
	tagSequence      = 0x30
	tagApplication   = 0x60 // constructed
	tagContext       = 0xa0 // constructed
)

// An element is one TLV of DER, as far as it is there.
type element struct {
	tag     byte
	offset  int    // of the tag, in the message
	raw     []byte // with tag and length
	body    []byte
	problem string // why raw is not all of it
}

func (e element) bodyOffset() int { return e.offset + len(e.raw) - len(e.body) }

// der reads the first element of b, which must not be empty. An element that ends too early, or whose length cannot be
// read, takes all of b.
func der(b []byte, offset int) (e element, rest []byte) {
	e = element{tag: b[0], offset: offset, raw: b}
	if b[0]&0x1f == 0x1f {
		e.problem = "a tag of several bytes"
		return e, nil
	}
	if len(b) < 2 {
		e.problem = "the message ends before the length"
		return e, nil
	}
	length, at := uint64(b[1]), 2
	if length >= 0x80 {
		n := int(length & 0x7f)
		switch {
		case n == 0 || n > 4:
			e.problem = fmt.Sprintf("a length of the form 0x%02x", b[1])
			return e, nil
		case len(b) < 2+n:
			e.problem = "the message ends within the length"
			return e, nil
		}
		length, at = 0, 2+n
		for _, digit := range b[2 : 2+n] {
			length = length<<8 | uint64(digit)
		}
	}
	e.body = b[at:]
	if uint64(len(e.body)) < length {
		e.problem = fmt.Sprintf("ends here, %d of %d bytes", len(e.body), length)
		return e, nil
	}
	end := at + int(length)
	e.body, e.raw = b[at:end], b[:end]
	return e, b[end:]
}

// field makes a field of an element.
func (e element) field(name string) Field {
	f := Field{Name: name, Offset: e.offset, Raw: e.raw}
	if e.problem != "" {
		f.fail(f.end(), "%s", e.problem)
	}
	return f
}

// A member is one of a SEQUENCE's members, which the protocols here all tag by [number].
type member struct {
	number int
	name   string
	tell   func(f *Field, inner element)
}

// members reads a SEQUENCE of tagged members into fields.
func (e element) members(list []member) []Field {
	var fields []Field
	for rest, offset := e.body, e.bodyOffset(); len(rest) > 0; {
		var m element
		m, rest = der(rest, offset)
		offset += len(m.raw)
		name, tell := fmt.Sprintf("[%d]", m.tag&0x1f), func(*Field, element) {}
		for _, known := range list {
			if m.tag == byte(tagContext|known.number) {
				name, tell = known.name, known.tell
			}
		}
		f := m.field(name)
		if len(m.body) > 0 {
			inner, _ := der(m.body, m.bodyOffset())
			if tell != nil {
				tell(&f, inner)
			}
			if inner.problem != "" && !f.partBroken() {
				f.fail(inner.offset+len(inner.raw), "%s", inner.problem)
			}
		}
		if f.partBroken() {
			f.Problem = nil // its part says it more exactly
		}
		fields = append(fields, f)
	}
	return fields
}

// partBroken reports whether one of a field's parts has a problem.
func (f *Field) partBroken() bool {
	found := false
	walk(f.Fields, func(part *Field) { found = found || part.Problem != nil })
	return found
}

// each reads the elements of a SEQUENCE OF.
func (e element) each(visit func(element)) {
	for rest, offset := e.body, e.bodyOffset(); len(rest) > 0; {
		var one element
		one, rest = der(rest, offset)
		offset += len(one.raw)
		visit(one)
	}
}

// expect notes an element of another type than the protocol has there.
func (e element) expect(f *Field, tag byte) bool {
	if e.tag != tag && e.problem == "" {
		f.fail(e.offset, "tag 0x%02x instead of 0x%02x", e.tag, tag)
	}
	return e.tag == tag
}

// integer reads INTEGER and ENUMERATED values that fit.
func (e element) integer() (n int64, ok bool) {
	if len(e.body) == 0 || len(e.body) > 8 || e.problem != "" {
		return 0, false
	}
	n = int64(int8(e.body[0]))
	for _, b := range e.body[1:] {
		n = n<<8 | int64(b)
	}
	return n, true
}

// The ways to tell a member's value.

func derInteger(f *Field, e element) {
	if n, ok := e.integer(); ok && e.expect(f, tagInteger) {
		f.Value = fmt.Sprint(n)
	}
}

func derString(f *Field, e element) {
	if e.expect(f, tagGeneralString) {
		f.Value = string(e.body)
	}
}

func derBytes(f *Field, e element) {
	if e.expect(f, tagOctetString) {
		f.Value = counted(len(e.body), "byte")
	}
}

// oid writes an OBJECT IDENTIFIER (X.690 8.19) with dots; "" for what is none.
func oid(body []byte) string {
	if len(body) == 0 || len(body) > 64 || body[len(body)-1]&0x80 != 0 {
		return ""
	}
	var out strings.Builder
	arc := uint64(0)
	for _, b := range body {
		if arc > 1<<56 {
			return ""
		}
		arc = arc<<7 | uint64(b&0x7f)
		if b&0x80 != 0 {
			continue
		}
		if out.Len() == 0 {
			first := min(arc/40, 2)
			fmt.Fprintf(&out, "%d.%d", first, arc-40*first)
		} else {
			fmt.Fprintf(&out, ".%d", arc)
		}
		arc = 0
	}
	return out.String()
}

// The mechanisms' identifiers.
const (
	oidSPNEGO      = "1.3.6.1.5.5.2"          // RFC 4178
	oidNTLM        = "1.3.6.1.4.1.311.2.2.10" // MS-SPNG 1.9.1
	oidNEGOEX      = "1.3.6.1.4.1.311.2.2.30" // MS-SPNG appendix A <1>
	oidKerberos    = "1.2.840.113554.1.2.2"   // RFC 4120
	oidMSKerberos  = "1.2.840.48018.1.2.2"    // MS-SPNG appendix A <9>: the same, cut to 16 bits by Windows 2000
	oidUserToUser  = "1.2.840.113554.1.2.2.3" // MS-SPNG 3.1.5.2
	oidPKU2U       = "1.3.6.1.5.2.7"          // MS-SPNG appendix A <2>
	oidOldKerberos = "1.3.5.1.5.2"            // of a draft before RFC 1964
	oidIAKERB      = "1.3.6.1.5.2.5"          // draft-ietf-kitten-iakerb
)

func mechanism(id string) string {
	return map[string]string{
		oidSPNEGO: "SPNEGO", oidNTLM: "NTLM", oidNEGOEX: "NEGOEX", oidKerberos: "Kerberos 5",
		oidMSKerberos: "Kerberos 5, as Microsoft writes it", oidOldKerberos: "Kerberos 5, by an identifier of a draft",
		oidUserToUser: "Kerberos 5 user-to-user", oidPKU2U: "PKU2U", oidIAKERB: "IAKERB",
	}[id]
}

func derOID(f *Field, e element) {
	if !e.expect(f, tagOID) {
		return
	}
	if f.Value = oid(e.body); f.Value == "" {
		f.fail(e.bodyOffset(), "no object identifier")
	}
	if name := mechanism(f.Value); name != "" {
		f.note("%s", name)
	}
}
