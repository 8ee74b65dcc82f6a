package dissect

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
)

// A Field is one field of a message.
type Field struct {
	Name    string
	Offset  int    // in bytes from the start of the message
	Raw     []byte // as far as they are there
	Value   string // what the bytes say
	Note    string // what to know about that, or ""
	Problem *FieldProblem
	Bits    []Bit   // of a set of flags: those that are set
	Fields  []Field // its parts, in the order of the wire
	Minor   bool    // a part that its parent's value tells already
}

// A Bit is a flag that is set.
type Bit struct {
	Mask    uint32
	Name    string
	Meaning string
}

// A FieldProblem says why a field makes no sense.
type FieldProblem struct {
	Offset int // in bytes from the start of the message
	Text   string
}

// fail keeps the first problem of a field.
func (f *Field) fail(offset int, format string, args ...any) {
	if f.Problem == nil {
		f.Problem = &FieldProblem{offset, fmt.Sprintf(format, args...)}
	}
}

func (f *Field) note(format string, args ...any) {
	if f.Note != "" {
		f.Note += "; "
	}
	f.Note += fmt.Sprintf(format, args...)
}

// broken reports whether a field or one of its parts has a problem.
func (f *Field) broken() bool {
	found := false
	walk([]Field{*f}, func(part *Field) { found = found || part.Problem != nil })
	return found
}

// end is where a field ends, as far as it is there.
func (f *Field) end() int { return f.Offset + len(f.Raw) }

// walk visits fields and their parts, parents first.
func walk(fields []Field, visit func(*Field)) {
	for i := range fields {
		visit(&fields[i])
		walk(fields[i].Fields, visit)
	}
}

// A run reads a stretch of bytes from its beginning on; what it takes become fields.
type run struct {
	b      []byte
	base   int    // offset of b in the message
	of     string // what ends where b does; "" is the message
	at     int
	cut    bool // the bytes have run out
	fields []Field
}

// take makes a field of the next n bytes, and has tell say what they mean if they are all there. Once the bytes have run
// out it does nothing.
func (r *run) take(name string, n int, tell func(*Field)) {
	if r.cut {
		return
	}
	f := Field{Name: name, Offset: r.base + r.at, Raw: r.rest()}
	if len(f.Raw) < n {
		f.fail(f.end(), "%s ends here, %d of %d bytes", cmp.Or(r.of, "the message"), len(f.Raw), n)
		r.cut = true
	} else {
		f.Raw = f.Raw[:n]
		if tell != nil {
			tell(&f)
		}
	}
	r.at += len(f.Raw)
	r.fields = append(r.fields, f)
}

func (r *run) rest() []byte { return r.b[r.at:] }

// The ways to tell a value.

func number(f *Field) { f.Value = fmt.Sprint(littleEndian(f.Raw)) }

func zero(f *Field) {
	if allZero(f.Raw) {
		f.Value = "zero"
		return
	}
	f.Value = "not zero"
}

func signature(f *Field) { f.Value = string(bytes.TrimRight(f.Raw, "\x00")) }

// littleEndian reads up to eight bytes.
func littleEndian(b []byte) uint64 {
	var eight [8]byte
	copy(eight[:], b)
	return binary.LittleEndian.Uint64(eight[:])
}

// length32 reads a length or offset of four bytes. No message is as long as the highest of them, which an int of 32 bits
// could not hold.
func length32(b []byte) int { return int(min(littleEndian(b), math.MaxInt32)) }

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
