package ansible

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Values in INI inventories are Python: ansible_port=5986 is a number, 'a\tb' in a section of variables has a tab, and what
// Python cannot read is text as it stands. literal reads what inventories have: numbers, strings, True, False and None, and
// lists of these. Of anything else it knows only that it is something else.

// literal makes a value of the text behind a "=".
func literal(text string) Value {
	p := &python{rest: strings.TrimLeft(text, " \t")}
	v, ok := p.value(0)
	p.space()
	if !ok || p.rest != "" {
		return Value{Kind: Text, Text: text}
	}
	return v
}

// python reads one literal.
type python struct {
	rest string
}

const maxNesting = 20

func (p *python) space() {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n\f")
	if strings.HasPrefix(p.rest, "#") {
		p.rest = ""
	}
}

func (p *python) eat(prefix string) bool {
	rest, ok := strings.CutPrefix(p.rest, prefix)
	p.rest = rest
	return ok
}

func (p *python) value(depth int) (Value, bool) {
	if depth > maxNesting {
		return Value{}, false
	}
	p.space()
	if p.rest == "" {
		return Value{}, false
	}
	switch c := p.rest[0]; {
	case c == '[' || c == '(':
		return p.list(depth)
	case c == '{':
		return p.table(depth)
	}
	if text, ok, isString := p.strings(); isString {
		return Value{Kind: Text, Text: text}, ok
	}
	word := p.rest
	if i := strings.IndexAny(word, " \t\r\n\f#,:[](){}'\""); i >= 0 {
		word = word[:i]
	}
	p.rest = p.rest[len(word):]
	switch word {
	case "None":
		return Value{Kind: Null}, true
	case "True", "False":
		return Value{Kind: Text, Text: word}, true
	}
	return number(word)
}

func (p *python) list(depth int) (Value, bool) {
	end := map[byte]string{'[': "]", '(': ")"}[p.rest[0]]
	round, commas := p.rest[0] == '(', false
	p.rest = p.rest[1:]
	out := Value{Kind: List}
	var last Value
	for n := 0; ; n++ {
		if p.space(); p.eat(end) {
			if round && n == 1 && !commas {
				return last, true // brackets around one value
			}
			return out, true
		}
		if n > 0 {
			if !commas {
				return Value{}, false
			}
			commas = false
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return Value{}, false
		}
		if last = v; v.Kind != Text {
			out.Kind = Other
		}
		out.Items = append(out.Items, v.Text)
		p.space()
		commas = p.eat(",")
	}
}

// table is skipped, but has to be one. A set is none of what Ansible could use.
func (p *python) table(depth int) (Value, bool) {
	p.rest = p.rest[1:]
	comma := true
	for {
		if p.space(); p.eat("}") {
			return Value{Kind: Other}, true
		}
		if !comma {
			return Value{}, false
		}
		if _, ok := p.value(depth + 1); !ok {
			return Value{}, false
		}
		if p.space(); p.eat(":") {
			if _, ok := p.value(depth + 1); !ok {
				return Value{}, false
			}
			p.space()
		}
		comma = p.eat(",")
	}
}

// number is a number in the form that Python prints whole ones in.
func number(word string) (Value, bool) {
	digits := strings.TrimLeft(word, "+-")
	if sign := word[:len(word)-len(digits)]; len(sign) > 1 || digits == "" || digits[0] != '.' && (digits[0] < '0' || digits[0] > '9') {
		return Value{}, false
	}
	if n, ok := new(big.Int).SetString(digits, 0); ok && len(digits) <= 40 && !oldOctal(digits) {
		if strings.HasPrefix(word, "-") {
			n.Neg(n)
		}
		return Value{Kind: Text, Text: n.String()}, true
	}
	if strings.ContainsAny(digits, "xXpP") || strings.HasPrefix(digits, "_") {
		return Value{}, false
	}
	if _, err := strconv.ParseFloat(strings.ReplaceAll(digits, "_", ""), 64); err != nil {
		return Value{}, false
	}
	if strings.ContainsAny(digits, ".eE") {
		return Value{Kind: Text, Text: word}, true
	}
	return Value{}, false
}

// oldOctal is a number that begins with 0, which Python 3 refuses, but for 0 itself.
func oldOctal(digits string) bool {
	return len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0123456789_") == "" && strings.Trim(digits, "0_") != ""
}

// strings reads one string or several in a row, which are one.
func (p *python) strings() (text string, ok, isString bool) {
	var out strings.Builder
	for n := 0; ; n++ {
		prefix := 0
		for prefix < len(p.rest) && prefix < 2 && strings.IndexByte("rRuUbB", p.rest[prefix]) >= 0 {
			prefix++
		}
		if prefix == len(p.rest) || p.rest[prefix] != '"' && p.rest[prefix] != '\'' {
			return out.String(), true, n > 0
		}
		marks := strings.ToLower(p.rest[:prefix])
		if marks != "" && marks != "r" && marks != "u" {
			return "", false, true // bytes, which no variable is
		}
		p.rest = p.rest[prefix:]
		part, ok := p.quoted(marks == "r")
		if !ok {
			return "", false, true
		}
		out.WriteString(part)
		p.rest = strings.TrimLeft(p.rest, " \t")
	}
}

func (p *python) quoted(raw bool) (string, bool) {
	quote := p.rest[:1]
	if strings.HasPrefix(p.rest, strings.Repeat(quote, 3)) {
		quote = p.rest[:3]
	}
	p.rest = p.rest[len(quote):]
	var out strings.Builder
	for p.rest != "" {
		switch {
		case p.eat(quote):
			return out.String(), true
		case p.rest[0] == '\\' && len(p.rest) > 1 && raw:
			out.WriteString(p.rest[:2])
			p.rest = p.rest[2:]
		case p.rest[0] == '\\' && !raw:
			part, ok := p.escape()
			if !ok {
				return "", false
			}
			out.WriteString(part)
		default:
			_, size := utf8.DecodeRuneInString(p.rest)
			out.WriteString(p.rest[:size])
			p.rest = p.rest[size:]
		}
	}
	return "", false
}

// escape reads a backslash and what belongs to it. What Python does not know stays as it is.
func (p *python) escape() (string, bool) {
	if len(p.rest) < 2 {
		return "", false
	}
	c := p.rest[1]
	simple := map[byte]string{'\\': `\`, '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v", '\n': ""}
	if text, ok := simple[c]; ok {
		p.rest = p.rest[2:]
		return text, true
	}
	size, base, digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c], 16, p.rest[2:]
	if c >= '0' && c <= '7' {
		digits, base = p.rest[1:], 8
		for size < 3 && size < len(digits) && digits[size] >= '0' && digits[size] <= '7' {
			size++
		}
	}
	switch {
	case c == 'N' || size > len(digits):
		return "", false
	case size == 0:
		_, size = utf8.DecodeRuneInString(p.rest[1:])
		text := p.rest[:1+size]
		p.rest = p.rest[1+size:]
		return text, true
	}
	code, err := strconv.ParseUint(digits[:size], base, 32)
	if err != nil || code > utf8.MaxRune {
		return "", false
	}
	p.rest = digits[size:]
	return string(rune(code)), true
}
