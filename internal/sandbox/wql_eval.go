package sandbox

import (
	"cmp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

type either struct{ left, right condition }

func (e *either) bind(c *cimClass) error    { return firstError(e.left.bind(c), e.right.bind(c)) }
func (e *either) match(row []cimValue) bool { return e.left.match(row) || e.right.match(row) }

type both struct{ left, right condition }

func (b *both) bind(c *cimClass) error    { return firstError(b.left.bind(c), b.right.bind(c)) }
func (b *both) match(row []cimValue) bool { return b.left.match(row) && b.right.match(row) }

type not struct{ condition }

func (n *not) match(row []cimValue) bool { return !n.condition.match(row) }

// never stands where the parser has failed.
type never struct{}

func (never) bind(*cimClass) error  { return nil }
func (never) match([]cimValue) bool { return false }

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// comparison compares a property with a literal.
type comparison struct {
	property string
	op       string // = <> < > <= >= LIKE
	literal  literal
	index    int  // of the property in its class; -1 where the outcome is the same for all instances
	outcome  bool // then
}

// literal is a constant of a query, in every form that it can be compared in.
type literal struct {
	null    bool
	text    string
	number  uint64
	sign    int // of number: 0 where the literal is no whole number
	real    float64
	isReal  bool
	boolean cimValue // cimNull where it is none
	time    time.Time
}

// literal reads a constant.
func (p *wqlParser) literal() literal {
	l := literal{text: p.token.text}
	switch {
	case p.token.kind == wqlWord && p.is("NULL"):
		l.null = true
	case p.token.kind == wqlWord && (p.is("TRUE") || p.is("FALSE")):
		l.boolean = booleanValue(p.is("TRUE"))
	case p.token.kind == wqlWord:
		if l.readNumber(); !l.isReal {
			p.fail("%q is no constant: strings stand in quotes", p.token.text)
		}
	case p.token.kind == wqlString:
		l.readNumber() // WMI compares '5' with numbers too
		l.time = readTime(l.text)
	default:
		p.fail("a constant is missing")
	}
	p.advance()
	return l
}

func (l *literal) readNumber() {
	digits, negative := strings.CutPrefix(l.text, "-")
	if n, err := strconv.ParseUint(digits, 10, 64); err == nil {
		l.number, l.sign = n, 1
		if negative && n > 0 {
			l.sign = -1
		}
	}
	if f, err := strconv.ParseFloat(l.text, 64); err == nil {
		l.real, l.isReal = f, true
	}
}

// readTime reads a CIM datetime (DSP0004 5.2.4) or an RFC 3339 time; the zero time for neither.
func readTime(s string) time.Time {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t
	}
	if len(s) == 25 && (s[21] == '+' || s[21] == '-') {
		offset, err := strconv.Atoi(s[21:])
		t, wrong := time.Parse("20060102150405.000000", s[:21])
		if err == nil && wrong == nil {
			return t.Add(-time.Duration(offset) * time.Minute)
		}
	}
	return time.Time{}
}

func (c *comparison) bind(class *cimClass) error {
	if strings.EqualFold(c.property, "__CLASS") {
		c.index, c.outcome = -1, c.compareText(class.Name)
		return nil
	}
	if c.index = class.index(c.property); c.index < 0 {
		return &wqlError{"the class " + class.Name + " has no property " + c.property}
	}
	if class.Properties[c.index].Array {
		return &wqlError{"the property " + c.property + " is an array, which cannot be compared"}
	}
	return nil
}

func (c *comparison) match(row []cimValue) bool {
	if c.index < 0 {
		return c.outcome
	}
	v := &row[c.index]
	if c.literal.null || v.kind == cimNull {
		isNull := v.kind == cimNull && c.literal.null
		return c.op == "=" && isNull || c.op == "<>" && c.literal.null && !isNull
	}
	switch {
	case c.op == "LIKE":
		return like(strings.ToLower(c.literal.text), strings.ToLower(v.string()))
	case v.kind == cimInteger && c.literal.sign != 0:
		return c.holds(compareIntegers(v, &c.literal))
	case v.kind == cimInteger && c.literal.isReal, v.kind == cimReal && c.literal.isReal:
		return c.holds(cmp.Compare(v.float(), c.literal.real))
	case v.kind == cimBoolean && c.literal.boolean.kind == cimBoolean:
		return c.holds(cmp.Compare(v.number, c.literal.boolean.number))
	case v.kind == cimBoolean && c.literal.sign > 0:
		return c.holds(cmp.Compare(v.number, c.literal.number))
	case v.kind == cimTime && !c.literal.time.IsZero():
		return c.holds(v.time.Compare(c.literal.time))
	}
	return c.compareText(v.string())
}

// compareText compares without regard to case, as WMI does.
func (c *comparison) compareText(s string) bool {
	if c.op == "LIKE" {
		return like(strings.ToLower(c.literal.text), strings.ToLower(s))
	}
	if c.op == "=" || c.op == "<>" {
		return strings.EqualFold(s, c.literal.text) == (c.op == "=")
	}
	return c.holds(strings.Compare(strings.ToLower(s), strings.ToLower(c.literal.text)))
}

// holds reports whether the operator holds for the outcome of a comparison.
func (c *comparison) holds(order int) bool {
	switch c.op {
	case "=":
		return order == 0
	case "<>":
		return order != 0
	case "<":
		return order < 0
	case ">":
		return order > 0
	case "<=":
		return order <= 0
	}
	return order >= 0
}

func compareIntegers(v *cimValue, l *literal) int {
	switch {
	case v.negative && l.sign > 0:
		return -1
	case !v.negative && l.sign < 0:
		return 1
	case v.negative:
		return cmp.Compare(l.number, v.number)
	}
	return cmp.Compare(v.number, l.number)
}

func (v *cimValue) float() float64 {
	switch {
	case v.kind == cimReal:
		return v.real
	case v.negative:
		return -float64(v.number)
	}
	return float64(v.number)
}

// like matches a pattern of LIKE: % for anything, _ for one character, [a-c] and [^a-c] for one of a set. It goes back to
// the last % only, which is enough, and bounds the time by the product of the lengths.
func like(pattern, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		_, size := utf8.DecodeRuneInString(s[j:])
		if i < len(pattern) && pattern[i] == '%' {
			star, mark = i, j
			i++
			continue
		}
		if n := matchOne(pattern[i:], s[j:]); n > 0 {
			i, j = i+n, j+size
			continue
		}
		if star < 0 {
			return false
		}
		_, size = utf8.DecodeRuneInString(s[mark:])
		mark += size
		i, j = star+1, mark
	}
	return strings.Trim(pattern[i:], "%") == ""
}

// matchOne matches one character of s, and returns how much of the pattern that takes, 0 for no match.
func matchOne(pattern, s string) int {
	if pattern == "" {
		return 0
	}
	c, _ := utf8.DecodeRuneInString(s)
	p, n := utf8.DecodeRuneInString(pattern)
	switch p {
	case '_':
		return 1
	case '[':
		end := strings.IndexByte(pattern, ']')
		if end > 1 {
			if inSet(pattern[1:end], c) {
				return end + 1
			}
			return 0
		}
	}
	if p == c {
		return n
	}
	return 0
}

func inSet(set string, c rune) bool {
	set, inverted := strings.CutPrefix(set, "^")
	runes := []rune(set)
	found := false
	for i := 0; i < len(runes); i++ {
		if i+2 < len(runes) && runes[i+1] == '-' {
			found = found || runes[i] <= c && c <= runes[i+2]
			i += 2
			continue
		}
		found = found || runes[i] == c
	}
	return found != inverted
}

// bound is the largest value of a property that a condition lets pass, 0 for no bound: what a class whose instances are
// computed has to compute.
func bound(c condition, property string) uint64 {
	switch c := c.(type) {
	case *both:
		left, right := bound(c.left, property), bound(c.right, property)
		if left == 0 || right != 0 && right < left {
			return right
		}
		return left
	case *comparison:
		if strings.EqualFold(c.property, property) && c.literal.sign > 0 && (c.op == "=" || c.op == "<" || c.op == "<=") {
			return c.literal.number
		}
	}
	return 0
}
