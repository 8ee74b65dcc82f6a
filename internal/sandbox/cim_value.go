package sandbox

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// cimValue is a value of a property. The zero value is null.
type cimValue struct {
	kind     cimKind
	text     string
	number   uint64 // of an integer its amount
	negative bool
	real     float64
	time     time.Time
	elements []cimValue   // of an array
	object   *cimInstance // of an embedded instance, and what a reference refers to
}

type cimKind uint8

const (
	cimNull cimKind = iota
	cimText
	cimInteger
	cimReal
	cimBoolean // number is 0 or 1
	cimTime
	cimInterval // text is an xs:duration
	cimArray
	cimObject
	cimReference
)

// cimInstance is an instance with its class.
type cimInstance struct {
	class  *cimClass
	values []cimValue // in the order of the class's properties
}

func textValue(s string) cimValue { return cimValue{kind: cimText, text: s} }

// textOrNull is null for an empty text: most facts that a machine does not tell come as that.
func textOrNull(s string) cimValue {
	if s == "" {
		return cimValue{}
	}
	return textValue(s)
}

func unsigned(n uint64) cimValue { return cimValue{kind: cimInteger, number: n} }

func signed(n int64) cimValue {
	if n < 0 {
		return cimValue{kind: cimInteger, number: uint64(-n), negative: true}
	}
	return unsigned(uint64(n))
}

func booleanValue(b bool) cimValue {
	v := cimValue{kind: cimBoolean}
	if b {
		v.number = 1
	}
	return v
}

func timeValue(t time.Time) cimValue {
	if t.IsZero() {
		return cimValue{}
	}
	return cimValue{kind: cimTime, time: t}
}

func texts(list []string) cimValue {
	if len(list) == 0 {
		return cimValue{} // no array may be empty on the wire: it is null (3.1.4.1.26)
	}
	v := cimValue{kind: cimArray}
	for _, s := range list {
		v.elements = append(v.elements, textValue(s))
	}
	return v
}

// appendText appends a scalar as the text that stands in XML and in selectors, escaped.
func (v *cimValue) appendText(b []byte) []byte {
	switch v.kind {
	case cimText, cimInterval:
		return appendEscaped(b, v.text)
	case cimInteger:
		if v.negative {
			b = append(b, '-')
		}
		return strconv.AppendUint(b, v.number, 10)
	case cimReal:
		return strconv.AppendFloat(b, v.real, 'g', -1, 64)
	case cimBoolean:
		return strconv.AppendBool(b, v.number != 0)
	case cimTime:
		return v.time.UTC().AppendFormat(b, "2006-01-02T15:04:05.999999Z")
	}
	return b
}

// appendEscaped appends text as XML content or an attribute's value. What XML cannot carry becomes ? (3.1.4.1.25).
func appendEscaped(b []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '&' && c != '<' && c != '>' && c != '"' {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		replacement := ""
		switch {
		case c == '&':
			replacement = "&amp;"
		case c == '<':
			replacement = "&lt;"
		case c == '>':
			replacement = "&gt;"
		case c == '"':
			replacement = "&quot;"
		case c == '\r' || c == '\n' || c == '\t':
			replacement = "&#" + strconv.Itoa(int(c)) + ";"
		case r == utf8.RuneError && n == 1, r < 0x20, r == 0xFFFE, r == 0xFFFF:
			replacement = "?"
		default:
			i += n
			continue
		}
		b = append(append(b, s[from:i]...), replacement...)
		i += n
		from = i
	}
	return append(b, s[from:]...)
}

// text is a scalar as a string, for comparisons.
func (v *cimValue) string() string {
	if v.kind == cimText || v.kind == cimInterval {
		return v.text
	}
	return string(v.appendText(nil))
}

// equalSelector reports whether a selector names this value: without regard to case (3.1.4.1.2).
func (v *cimValue) equalSelector(s string) bool { return strings.EqualFold(v.string(), s) }
