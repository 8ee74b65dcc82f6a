package wsman

import (
	"bytes"
	"slices"
)

// postpone steps over the content of the current element without reading it, and returns a Reader that stands before the
// content, to read it later, and how many elements there are in it. What is malformed in there is found by that Reader;
// this one looks no closer than at where tags begin and end, which is several times as fast.
func (r *Reader) postpone() (later *Reader, count int) {
	later = &Reader{}
	*later = *r
	later.open, later.bindings, later.attrs = slices.Clone(r.open), slices.Clone(r.bindings), nil
	if r.empty {
		r.Next()
		return later, 0
	}
	for depth := 0; ; {
		i := bytes.IndexByte(r.doc[r.at:], '<')
		if i < 0 {
			r.fail(len(r.doc), "the document ends too early")
			return later, count
		}
		r.at += i
		rest := r.doc[r.at:]
		switch {
		case bytes.HasPrefix(rest, []byte("</")):
			if depth--; depth < 0 {
				r.Next() // the end tag of the element itself
				return later, count
			}
			r.at += 2
		case bytes.HasPrefix(rest, []byte("<!--")):
			r.comment(rest)
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			r.cdata(rest)
			r.text = nil
		case bytes.HasPrefix(rest, []byte("<?")):
			r.instruction(rest)
		default:
			if depth == 0 {
				count++
			}
			depth += r.overTag(rest)
		}
		if r.err != nil {
			return later, count
		}
	}
}

// overTag steps over a start tag, and returns by how much the depth grows: not at all where the element is empty.
func (r *Reader) overTag(tag []byte) int {
	quote := byte(0)
	for i := 1; i < len(tag); i++ {
		switch c := tag[i]; {
		case quote != 0:
			end := bytes.IndexByte(tag[i:], quote)
			if end < 0 {
				i = len(tag)
				continue
			}
			i += end
			quote = 0
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			r.at += i + 1
			if tag[i-1] == '/' {
				return 0
			}
			return 1
		}
	}
	r.fail(r.at, "a start tag does not end")
	return 0
}
