package clixml

import (
	"bytes"
	"strings"
)

// tag is a start or end tag, with the two attributes that matter here. Its slices alias what was parsed.
type tag struct {
	name   []byte
	stream []byte // the attribute S, nil without it
	end    bool   // </like>
	empty  bool   // <like/>
	alien  bool   // its xmlns is another than that of CLIXML
}

// scan takes bytes up to the end of the tag that began at mark. What cannot stand in a tag breaks the block: a "<" (XML 1.0,
// 3.1), and a line end where PowerShell has written others without.
func (w *Writer) scan(b []byte) (n int, done bool) {
	strict := len(w.roots) > 0 && !w.blank
	for n < len(b) && !done && b[n] != '<' && (b[n] >= ' ' || !strict) {
		switch c := b[n]; {
		case w.quote != 0:
			if c == w.quote {
				w.quote = 0
			}
		case c == '"' || c == '\'':
			w.quote = c
		case c == '>':
			done = true
		}
		n++
	}
	n, ok := w.hold(b[:n])
	if ok && !done && n < len(b) {
		if b[n] == '<' {
			w.broken()
		} else {
			w.tear()
		}
	}
	return n, ok && done
}

// parseTag reads a whole tag, "<" and ">" included.
func parseTag(b []byte) (t tag, ok bool) {
	b = b[1 : len(b)-1]
	if b, t.end = bytes.CutPrefix(b, []byte("/")); !t.end {
		b, t.empty = bytes.CutSuffix(b, []byte("/"))
	}
	n := nameLen(b)
	t.name, b = b[:n], b[n:]
	for n > 0 {
		rest := skipSpace(b)
		if len(rest) == 0 {
			return t, true
		}
		if t.end || len(rest) == len(b) {
			break
		}
		if b, ok = t.attribute(rest); !ok {
			break
		}
	}
	return t, false
}

// attribute reads one, and returns what follows.
func (t *tag) attribute(b []byte) (rest []byte, ok bool) {
	n := nameLen(b)
	name := b[:n]
	b, ok = bytes.CutPrefix(skipSpace(b[n:]), []byte("="))
	if b = skipSpace(b); n == 0 || !ok || len(b) == 0 || b[0] != '"' && b[0] != '\'' {
		return nil, false
	}
	end := bytes.IndexByte(b[1:], b[0]) + 1
	if end == 0 || !validReferences(b[1:end]) {
		return nil, false
	}
	switch string(name) {
	case "S":
		t.stream = b[1:end:end]
	case "xmlns":
		t.alien = string(b[1:end]) != namespace
	}
	return b[end+1:], true
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// nameLen is the length of the name that b begins with, 0 if there is none. Beyond ASCII it takes every character: telling
// letters apart there has no use here.
func nameLen(b []byte) int {
	n := 0
	for n < len(b) && (beginsName(b[n]) || n > 0 && strings.IndexByte("0123456789-.", b[n]) >= 0) {
		n++
	}
	return n
}

func beginsName(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == ':' || c >= 0x80
}

// beginsTag reports whether c behind a "<" makes it a start or an end tag. Comments, CDATA sections and the like are not
// written by PowerShell.
func beginsTag(c byte) bool { return beginsName(c) || c == '/' }
