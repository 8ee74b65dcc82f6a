package format

import (
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/winrmctl/winrmctl/internal/enum"
)

// tableWriter writes a table whose columns are sized on the first screenful, so that it can show it at once. A longer cell that
// comes later pushes those behind it to the right. On a terminal, lines are cut off, and columns that were too wide for it.
type tableWriter struct {
	out     *output
	o       Options
	columns []column
	pending []pending
	sized   bool
	line    []byte
}

type column struct {
	name  string
	width int
	right bool // a column of numbers
	cut   bool // it was too wide for the terminal: what is longer is cut off
	hint  int
}

const (
	gap           = 2 // cells between columns
	defaultHeight = 24
	leastWidth    = 8 // of a column that is cut off on a terminal
)

func (w *tableWriter) Item(target string, item *enum.Item) error {
	if w.sized {
		w.row(target, item)
		return w.out.spill()
	}
	w.pending = append(w.pending, pending{target, *item})
	height := w.o.Height
	if height <= 0 {
		height = defaultHeight
	}
	if len(w.pending) >= max(height-2, 1) {
		w.size()
	}
	return w.out.spill()
}

func (w *tableWriter) Flush() error {
	if !w.sized && len(w.pending) > 1 { // a first page of one item says little about the next
		w.size()
	}
	return w.out.flush()
}

func (w *tableWriter) Close() error {
	if !w.sized && len(w.pending) > 0 {
		w.size()
	}
	return w.out.flush()
}

// size chooses the columns and their widths, and writes the header and what has waited for it.
func (w *tableWriter) size() {
	w.sized = true
	names := chosen(w.o.Columns, w.pending)
	if len(names) == 0 {
		names = slices.DeleteFunc(w.o.union(w.pending), w.isEmpty)
	}
	if w.o.Targets {
		w.columns = append(w.columns, w.measure(keyTarget, func(p *pending) (enum.Value, bool) {
			return enum.Value{Kind: enum.String, Text: p.target}, true
		}))
	}
	for _, name := range names {
		w.columns = append(w.columns, w.measure(name, func(p *pending) (enum.Value, bool) {
			v, _, ok := lookup(&p.item, name, -1)
			return v, ok
		}))
	}
	w.fit()
	w.header()
	for i := range w.pending {
		w.row(w.pending[i].target, &w.pending[i].item)
	}
	w.pending = nil
}

// isEmpty reports whether no item has a value for a name.
func (w *tableWriter) isEmpty(name string) bool {
	for i := range w.pending {
		if v, _, _ := lookup(&w.pending[i].item, name, -1); v.Kind != enum.Null {
			return false
		}
	}
	return true
}

func (w *tableWriter) measure(name string, get func(*pending) (enum.Value, bool)) column {
	c := column{name: name, width: cells(Harmless(name)), right: true, hint: -1}
	some := false
	for i := range w.pending {
		v, _ := get(&w.pending[i])
		if v.Kind == enum.Null {
			continue
		}
		some = true
		c.right = c.right && v.Kind == enum.Number
		c.width = max(c.width, cells(cell(&v)))
	}
	c.right = c.right && some
	return c
}

// fit narrows columns that keep others from a terminal: the widest first, but none below what is worth reading.
func (w *tableWriter) fit() {
	if w.o.Width <= 0 {
		return
	}
	for {
		total, widest := -gap, -1
		for i, c := range w.columns {
			total += c.width + gap
			if widest < 0 || c.width > w.columns[widest].width {
				widest = i
			}
		}
		if widest < 0 || total <= w.o.Width {
			return
		}
		least := max(leastWidth, min(cells(w.columns[widest].name), 16))
		if w.columns[widest].width <= least {
			return // lines are cut off at their end then
		}
		w.columns[widest].width = max(least, w.columns[widest].width-(total-w.o.Width))
		w.columns[widest].cut = true
	}
}

func (w *tableWriter) header() {
	if len(w.columns) == 0 {
		return
	}
	w.line = w.line[:0]
	for i, c := range w.columns {
		w.cell(i, Harmless(c.name), c.right)
	}
	if w.o.Bold {
		w.out.b = append(w.out.b, "\x1b[1m"...)
	}
	w.cut()
	if w.o.Bold {
		w.out.b = append(w.out.b, "\x1b[0m"...)
	}
	w.out.b = append(w.out.b, '\n')
}

func (w *tableWriter) row(target string, item *enum.Item) {
	w.line = w.line[:0]
	for i := range w.columns {
		c := &w.columns[i]
		if i == 0 && w.o.Targets {
			w.cell(i, Harmless(target), false)
			continue
		}
		v, at, _ := lookup(item, c.name, c.hint)
		c.hint = at
		w.cell(i, cell(&v), c.right)
	}
	w.cut()
	w.out.b = append(w.out.b, '\n')
}

// cell appends the text of a column, with what stands between it and the next.
func (w *tableWriter) cell(i int, text string, right bool) {
	c, last := &w.columns[i], i == len(w.columns)-1
	if c.cut {
		text = shorten(text, c.width)
	}
	padding := max(c.width-cells(text), 0)
	if right {
		w.line = append(w.line, spaces(padding)...)
	}
	w.line = append(w.line, text...)
	if last {
		return
	}
	if !right {
		w.line = append(w.line, spaces(padding)...)
	}
	w.line = append(w.line, spaces(gap)...)
}

// cut moves the line to the output, no longer than the terminal is wide.
func (w *tableWriter) cut() {
	line := strings.TrimRight(string(w.line), " ")
	if w.o.Width > 0 {
		line = shorten(line, w.o.Width)
	}
	w.out.b = append(w.out.b, line...)
}

// cell is a value as text on one line.
func cell(v *enum.Value) string {
	switch v.Kind {
	case enum.Null:
		return ""
	case enum.Array:
		var parts []string
		for i := range v.Elements {
			parts = append(parts, cell(&v.Elements[i]))
		}
		return strings.Join(parts, ", ")
	case enum.Object, enum.Reference:
		return Harmless(string(AppendValue(nil, v)))
	}
	return Harmless(v.Text)
}

// cells is how wide text is on a terminal: wide characters take two cells, combining ones none.
func cells(s string) int {
	for i := range len(s) {
		if s[i] >= 0x7f {
			c := runewidth.Condition{}
			return c.StringWidth(s)
		}
	}
	return len(s)
}

// shorten cuts text off at a width, and marks that.
func shorten(s string, width int) string {
	if len(s) <= width || cells(s) <= width {
		return s
	}
	c := runewidth.Condition{}
	return c.Truncate(s, width, "…")
}

func spaces(n int) string { return strings.Repeat(" ", n) }
