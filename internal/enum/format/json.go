package format

import (
	"unicode/utf8"

	"github.com/winrmctl/winrmctl/internal/enum"
)

type jsonWriter struct {
	out  *output
	o    Options
	some bool
}

func (w *jsonWriter) Item(target string, item *enum.Item) error {
	b := w.out.b
	if w.o.Format == JSON {
		if w.some {
			b = append(b, ",\n"...)
		} else {
			b = append(b, "[\n"...)
		}
	}
	w.some = true
	if !w.o.Targets {
		target = ""
	}
	b = AppendItem(b, target, item, w.o.Foreign(item))
	if w.o.Format == JSONL {
		b = append(b, '\n')
	}
	w.out.b = b
	return w.out.spill()
}

func (w *jsonWriter) Flush() error { return w.out.flush() }

func (w *jsonWriter) Close() error {
	if w.o.Format == JSON {
		switch {
		case w.some:
			w.out.b = append(w.out.b, "\n]\n"...)
		default:
			w.out.b = append(w.out.b, "[]\n"...)
		}
	}
	return w.out.flush()
}

// AppendItem appends an item as a JSON object: first target where that is not empty, and __CLASS where it is to be named; then the
// properties in their order, and __EPR where there is a reference.
func AppendItem(b []byte, target string, item *enum.Item, named bool) []byte {
	b = append(b, '{')
	if target != "" {
		b = appendString(append(b, `"`+keyTarget+`":`...), target)
	}
	if named {
		b = appendKey(b, keyClass)
		b = appendString(b, item.Class)
	}
	b = appendMembers(b, item)
	return append(b, '}')
}

// appendMembers appends the properties behind an opening brace, or behind other members.
func appendMembers(b []byte, item *enum.Item) []byte {
	for i := range item.Properties {
		p := &item.Properties[i]
		b = appendKey(b, p.Name)
		b = AppendValue(b, &p.Value)
	}
	if item.Reference != nil {
		b = appendObject(appendKey(b, keyReference), item.Reference)
	}
	return b
}

func appendKey(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(appendString(b, name), ':')
}

// appendObject appends an embedded instance, or a reference.
func appendObject(b []byte, item *enum.Item) []byte {
	b = append(b, '{')
	if item.Class != "" {
		b = appendString(appendKey(b, keyClass), item.Class)
	}
	return append(appendMembers(b, item), '}')
}

// AppendValue appends a value as JSON. Numbers keep all their digits.
func AppendValue(b []byte, v *enum.Value) []byte {
	switch v.Kind {
	case enum.Null:
		return append(b, "null"...)
	case enum.Bool, enum.Number:
		return append(b, v.Text...)
	case enum.Array:
		b = append(b, '[')
		for i := range v.Elements {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendValue(b, &v.Elements[i])
		}
		return append(b, ']')
	case enum.Object, enum.Reference:
		return appendObject(b, v.Item)
	}
	return appendString(b, v.Text)
}

// appendString appends a JSON string. Beside what JSON wants, it escapes what a terminal may obey: DEL and the C1 controls.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		n := 1
		r := rune(c)
		if c >= utf8.RuneSelf {
			if r, n = utf8.DecodeRuneInString(s[i:]); !commanding(r) && (r != utf8.RuneError || n > 1) {
				i += n
				continue
			}
		}
		b = append(b, s[from:i]...)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		}
		i += n
		from = i
	}
	return append(append(b, s[from:]...), '"')
}
