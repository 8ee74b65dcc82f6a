package format

import (
	"slices"
	"strings"

	"github.com/winrmctl/winrmctl/internal/enum"
)

// csvWriter writes RFC 4180: a header, then a record for each item. Its columns are chosen, or those of the items of the first
// page; what later items have beside them is left out, and told by [LeftOut].
type csvWriter struct {
	out     *output
	o       Options
	columns []string
	hints   []int
	pending []pending
	started bool
	record  []string
	left    []string // properties without a column
}

// pending is an item that waits for the columns to be known.
type pending struct {
	target string
	item   enum.Item
}

// maxPending bounds the items that wait, in a page larger than any.
const maxPending = 1000

func newCSV(out *output, o Options) *csvWriter {
	return &csvWriter{out: out, o: o}
}

func (w *csvWriter) Item(target string, item *enum.Item) error {
	if w.started {
		return w.write(target, item)
	}
	w.pending = append(w.pending, pending{target, *item})
	if len(w.o.Columns) > 0 || len(w.pending) == maxPending {
		return w.start()
	}
	return nil
}

// start writes the header and what has waited for it.
func (w *csvWriter) start() error {
	w.started = true
	if w.columns = chosen(w.o.Columns, w.pending); len(w.columns) == 0 {
		w.columns = w.o.union(w.pending)
	}
	w.hints = make([]int, len(w.columns))
	if w.o.Targets {
		w.record = append(w.record, keyTarget)
	}
	if w.record = append(w.record, w.columns...); len(w.record) > 0 {
		w.out.b = appendRecord(w.out.b, w.record)
	}
	for i := range w.pending {
		if err := w.write(w.pending[i].target, &w.pending[i].item); err != nil {
			return err
		}
	}
	w.pending = nil
	return w.out.err
}

func (w *csvWriter) write(target string, item *enum.Item) error {
	w.record = w.record[:0]
	if w.o.Targets {
		w.record = append(w.record, target)
	}
	found := 0
	for i, name := range w.columns {
		v, at, _ := lookup(item, name, w.hints[i])
		w.hints[i] = at
		w.record = append(w.record, field(&v))
		if at >= 0 {
			found++
		}
	}
	if found < len(item.Properties) && len(w.o.Columns) == 0 {
		w.leave(item)
	}
	w.out.b = appendRecord(w.out.b, w.record)
	return w.out.spill()
}

// maxLeft bounds what is remembered of properties without a column.
const maxLeft = 5

// leave notes the properties of an item that have no column, the first few.
func (w *csvWriter) leave(item *enum.Item) {
	for _, p := range item.Properties {
		if len(w.left) < maxLeft && !slices.Contains(w.columns, p.Name) && !slices.Contains(w.left, p.Name) {
			w.left = append(w.left, p.Name)
		}
	}
}

// LeftOut names properties, the first few, that items had and a writer did not write, because they came after the columns were
// known.
func LeftOut(w Writer) []string {
	if w, ok := w.(*csvWriter); ok {
		return w.left
	}
	return nil
}

// appendRecord appends a record of RFC 4180. The writer of the standard library changes line ends within fields, and writes an
// empty line, which readers skip, for one empty field.
func appendRecord(b []byte, fields []string) []byte {
	if len(fields) == 0 {
		return b
	}
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		if !strings.ContainsAny(f, "\",\r\n") && (f != "" || len(fields) > 1) {
			b = append(b, f...)
			continue
		}
		b = append(b, '"')
		for part := range strings.SplitAfterSeq(f, `"`) {
			b = append(b, part...)
			if strings.HasSuffix(part, `"`) {
				b = append(b, '"')
			}
		}
		b = append(b, '"')
	}
	return append(b, "\r\n"...)
}

// field is a value as a field: scalars as they are, null as nothing, the rest as JSON.
func field(v *enum.Value) string {
	switch v.Kind {
	case enum.Null:
		return ""
	case enum.Array, enum.Object, enum.Reference:
		return string(AppendValue(nil, v))
	}
	return v.Text
}

// union is the names of what the items have, in the order in which they appear; __CLASS first where they are of several
// classes.
func (o *Options) union(items []pending) []string {
	var out []string
	seen := map[string]bool{}
	for i := range items {
		if o.Foreign(&items[i].item) && !seen[keyClass] {
			seen[keyClass] = true
			out = append([]string{keyClass}, out...)
		}
		for _, name := range names(&items[i].item) {
			if !seen[name] {
				seen[name] = true
				out = append(out, name)
			}
		}
	}
	return out
}

func (w *csvWriter) Flush() error {
	if !w.started && len(w.pending) > 1 { // a first page of one item says little
		if err := w.start(); err != nil {
			return err
		}
	}
	return w.out.flush()
}

func (w *csvWriter) Close() error {
	if !w.started && (len(w.pending) > 0 || len(w.o.Columns) > 0) {
		if err := w.start(); err != nil {
			return err
		}
	}
	return w.out.flush()
}
