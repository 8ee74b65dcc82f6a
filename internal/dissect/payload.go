package dissect

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// A value stands in the payload of an NTLM message; a Len, MaxLen and BufferOffset triple in the fixed part points to it
// (2.2.1).
type value struct {
	name             string
	length, max      int
	offset           int
	ignored          bool // the flags say that it is not meant
	tell             func(*Field)
	readable, beyond bool // the triple is there; it points beyond the message
}

// value declares a value whose triple stands at an offset.
func (r *ntlmReader) value(name string, at int, tell func(*Field)) {
	v := value{name: name, tell: tell}
	if len(r.b) >= at+8 {
		v.length, v.max = int(littleEndian(r.b[at:at+2])), int(littleEndian(r.b[at+2:at+4]))
		v.offset = length32(r.b[at+4 : at+8])
		v.readable = true
		v.beyond = v.length > 0 && v.offset >= len(r.b)
	}
	r.values = append(r.values, v)
}

// noPayload is where the payload of a message begins that has none.
const noPayload = math.MaxInt

// payloadFrom finds where the payload begins: at the first value behind what every such message has.
func (r *ntlmReader) payloadFrom(fixed int) {
	r.start = noPayload
	for _, v := range r.values {
		if v.length > 0 && v.offset >= fixed && !v.ignored {
			r.start = min(r.start, v.offset)
		}
	}
}

// header takes a triple.
func (r *ntlmReader) header(name string, index int) {
	v := &r.values[index]
	r.take(name, 8, func(f *Field) {
		parts := run{b: f.Raw, base: f.Offset}
		parts.take(v.name+"Len", 2, number)
		parts.take(v.name+"MaxLen", 2, number)
		parts.take(v.name+"BufferOffset", 4, func(f *Field) { f.Value = fmt.Sprintf("%d (0x%x)", v.offset, v.offset) })
		for i := range parts.fields {
			parts.fields[i].Minor = true
		}
		f.Fields = parts.fields
		f.Value = fmt.Sprintf("%d bytes at 0x%x", v.length, v.offset)
		if v.length == 0 {
			f.Value = fmt.Sprintf("empty, at 0x%x", v.offset)
		}
		if v.max != v.length {
			f.note("MaxLen is %d", v.max)
		}
		switch {
		case v.ignored && v.length > 0:
			f.note("the flags say that it is not supplied: to be ignored")
		case v.beyond:
			f.fail(f.Offset, "%s: %d bytes at 0x%x lie beyond the end of the message, which is 0x%x", v.name, v.length, v.offset, len(r.b))
		}
	})
}

// name returns how to tell a name, and keeps it.
func (r *ntlmReader) name(keep *string, encoding ntlm.Flags) func(*Field) {
	return func(f *Field) {
		f.Value = ntlm.DecodeText(f.Raw, encoding)
		switch {
		case !encoding.Has(ntlm.Unicode):
			f.note("OEM text, read as windows-1252")
		case len(f.Raw)%2 != 0:
			f.fail(f.end(), "UTF-16 text of odd length")
		}
		if keep != nil {
			*keep = f.Value
		}
	}
}

// payload takes the values in the order of the wire, and what lies between and behind them. What is announced but not
// there, what overlaps and what nothing points to is said.
func (r *ntlmReader) payload() {
	if r.cut {
		return
	}
	var there []value
	for _, v := range r.values {
		if v.readable && v.length > 0 && !v.beyond && !v.ignored {
			there = append(there, v)
		}
	}
	byOffset := slices.SortedStableFunc(slices.Values(there), func(a, b value) int { return cmp.Compare(a.offset, b.offset) })
	r.payloadOrder(there, byOffset)
	at, before := r.at, "the fixed part"
	for _, v := range byOffset {
		if v.offset > at {
			r.unclaimed(at, v.offset)
		}
		f := Field{Name: v.name, Offset: v.offset, Raw: r.b[v.offset:min(v.offset+v.length, len(r.b))]}
		if v.offset < at {
			f.note("overlaps %s", before)
			r.token.remark(Warning, "overlap", v.name+" overlaps "+before, "")
		}
		v.tell(&f)
		if len(f.Raw) < v.length && !f.partBroken() {
			f.Problem = nil // that the message ends explains any other
			f.fail(f.end(), "the message ends here, %d of %d bytes", len(f.Raw), v.length)
		}
		r.fields = append(r.fields, f)
		if end := v.offset + v.length; end > at {
			at, before = end, v.name
		}
	}
	if at < len(r.b) {
		r.unclaimed(at, len(r.b))
	}
}

// unclaimed takes bytes that nothing points to.
func (r *ntlmReader) unclaimed(from, to int) {
	f := Field{Name: "gap", Offset: from, Raw: r.b[from:to], Note: "nothing points here"}
	if to == len(r.b) {
		f.Name = "trailing bytes"
	}
	if allZero(f.Raw) {
		f.Value = "zero"
	}
	r.fields = append(r.fields, f)
	r.token.remark(Info, "unclaimed-bytes", fmt.Sprintf("%d bytes at 0x%x belong to no field", to-from, from), "")
}

// payloadOrder reports an order that is not Windows'. Any is allowed.
func (r *ntlmReader) payloadOrder(usual, wire []value) {
	for i := range usual {
		if usual[i].name != wire[i].name {
			r.token.remark(Info, "payload-order",
				fmt.Sprintf("the payload is in another order than Windows': %s stands where Windows puts %s; any order is allowed", wire[i].name, usual[i].name), "")
			return
		}
	}
}
