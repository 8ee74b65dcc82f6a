package sandbox

import (
	"fmt"
	"strings"
)

// wqlQuery is a SELECT of WQL (MS-WMI 2.2.1).
type wqlQuery struct {
	properties []string // nil for *
	class      string
	where      condition // nil for none
}

// condition is a node of a WHERE clause. Its properties are found in a class before it is asked for rows.
type condition interface {
	bind(c *cimClass) error
	match(row []cimValue) bool
}

// A wqlError is a query that cannot be understood, or not be carried out.
type wqlError struct{ text string }

func (e *wqlError) Error() string { return e.text }

// maxNesting bounds parentheses and NOTs within each other.
const maxNesting = 200

type wqlParser struct {
	rest    string
	token   wqlToken
	nesting int
	err     error
}

type wqlToken struct {
	kind wqlKind
	text string // of a string literal without its quotes and escapes
}

type wqlKind uint8

const (
	wqlEnd wqlKind = iota
	wqlWord
	wqlString
	wqlSymbol
)

// parseWQL reads a query. It never panics.
func parseWQL(query string) (*wqlQuery, error) {
	p := &wqlParser{rest: query}
	p.advance()
	q := &wqlQuery{}
	p.keyword("SELECT")
	if p.symbol("*") {
		p.advance()
	} else {
		for {
			q.properties = append(q.properties, p.identifier())
			if p.err != nil || !p.symbol(",") {
				break
			}
			p.advance()
		}
	}
	p.keyword("FROM")
	q.class = p.identifier()
	if p.is("WHERE") {
		p.advance()
		q.where = p.or()
	}
	if p.err == nil && p.token.kind != wqlEnd {
		p.fail("unexpected %q", p.token.text)
	}
	return q, p.err
}

func (p *wqlParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = &wqlError{fmt.Sprintf(format, args...)}
	}
	p.token = wqlToken{}
}

// is reports whether the token is a keyword.
func (p *wqlParser) is(word string) bool {
	return p.token.kind == wqlWord && strings.EqualFold(p.token.text, word)
}

func (p *wqlParser) symbol(s string) bool { return p.token.kind == wqlSymbol && p.token.text == s }

func (p *wqlParser) keyword(word string) {
	if !p.is(word) {
		p.fail("%s is missing", word)
		return
	}
	p.advance()
}

func (p *wqlParser) identifier() string {
	if p.token.kind != wqlWord || !isWQLIdentifier(p.token.text) {
		p.fail("a name is missing")
		return ""
	}
	name := p.token.text
	p.advance()
	return name
}

func isWQLIdentifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// advance reads the next token.
func (p *wqlParser) advance() {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	if p.err != nil || p.rest == "" {
		p.token = wqlToken{}
		return
	}
	n := 1
	switch c := p.rest[0]; c {
	case '\'', '"':
		p.string(c)
		return
	case '<', '>', '!':
		if len(p.rest) > 1 && (p.rest[1] == '=' || c == '<' && p.rest[1] == '>') {
			n = 2
		}
		p.token = wqlToken{wqlSymbol, p.rest[:n]}
	case '=', '(', ')', ',', '*':
		p.token = wqlToken{wqlSymbol, p.rest[:1]}
	default:
		if n = strings.IndexAny(p.rest, " \t\r\n'\"<>!=(),*"); n < 0 {
			n = len(p.rest)
		}
		p.token = wqlToken{wqlWord, p.rest[:n]}
	}
	p.rest = p.rest[n:]
}

// string reads a literal; a backslash takes the next character as it is.
func (p *wqlParser) string(quote byte) {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '\\' && i+1 < len(p.rest):
			i++
			b.WriteByte(p.rest[i])
		case c == quote:
			p.token, p.rest = wqlToken{wqlString, b.String()}, p.rest[i+1:]
			return
		default:
			b.WriteByte(c)
		}
	}
	p.fail("a string is not closed")
}

func (p *wqlParser) or() condition {
	left := p.and()
	for p.is("OR") {
		p.advance()
		left = &either{left, p.and()}
	}
	return left
}

func (p *wqlParser) and() condition {
	left := p.not()
	for p.is("AND") {
		p.advance()
		left = &both{left, p.not()}
	}
	return left
}

func (p *wqlParser) not() condition {
	if p.nesting++; p.nesting > maxNesting {
		p.fail("the condition is nested too deeply")
	}
	defer func() { p.nesting-- }()
	switch {
	case p.err != nil:
		return never{}
	case p.is("NOT"):
		p.advance()
		return &not{p.not()}
	case p.symbol("("):
		p.advance()
		c := p.or()
		if !p.symbol(")") {
			p.fail("a parenthesis is not closed")
		}
		p.advance()
		return c
	}
	return p.comparison()
}

// comparison reads PROPERTY op LITERAL, LITERAL op PROPERTY, and PROPERTY IS [NOT] NULL.
func (p *wqlParser) comparison() condition {
	c := &comparison{}
	turned := p.token.kind == wqlString || p.token.kind == wqlWord && !isWQLIdentifier(p.token.text)
	if turned {
		c.literal = p.literal()
	} else {
		c.property = p.identifier()
	}
	switch {
	case p.is("IS") && !turned:
		p.advance()
		c.op = "="
		if p.is("NOT") {
			p.advance()
			c.op = "<>"
		}
		if !p.is("NULL") {
			p.fail("NULL is missing behind IS")
		}
	case p.is("LIKE") && !turned:
		c.op = "LIKE"
		p.advance()
		if p.token.kind != wqlString {
			p.fail("LIKE needs a string")
		}
	case p.symbol("="), p.symbol("<>"), p.symbol("!="), p.symbol("<"), p.symbol(">"), p.symbol("<="), p.symbol(">="):
		c.op = strings.Replace(p.token.text, "!=", "<>", 1)
		p.advance()
	default:
		p.fail("an operator is missing")
	}
	if turned {
		c.property = p.identifier()
		if i := strings.IndexAny(c.op, "<>"); i >= 0 && c.op != "<>" {
			c.op = string("><"[strings.IndexByte("<>", c.op[0])]) + c.op[1:]
		}
		return c
	}
	c.literal = p.literal()
	return c
}
