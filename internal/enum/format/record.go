package format

import (
	"strconv"

	"github.com/winrmctl/winrmctl/internal/enum"
)

// recordWriter writes an item as lines of a name and a value; what is in embedded instances is named by its path. Items are separated
// by an empty line.
type recordWriter struct {
	out  *output
	o    Options
	some bool
}

type recordLine struct{ name, value string }

func (w *recordWriter) Item(target string, item *enum.Item) error {
	if w.some {
		w.out.b = append(w.out.b, '\n')
	}
	w.some = true
	var lines []recordLine
	if w.o.Targets {
		lines = append(lines, recordLine{keyTarget, Harmless(target)})
	}
	if w.o.Foreign(item) {
		lines = append(lines, recordLine{keyClass, Harmless(item.Class)})
	}
	lines = flatten(lines, "", item)
	width := 0
	for _, l := range lines {
		width = max(width, cells(l.name))
	}
	for _, l := range lines {
		line := l.name + spaces(width-cells(l.name)+gap) + l.value
		if l.value == "" {
			line = l.name
		}
		if w.o.Width > 0 {
			line = shorten(line, w.o.Width)
		}
		w.out.b = append(append(w.out.b, line...), '\n')
	}
	return w.out.spill()
}

func (w *recordWriter) Flush() error { return w.out.flush() }
func (w *recordWriter) Close() error { return w.out.flush() }

// flatten appends lines for what an item has, embedded instances included.
func flatten(lines []recordLine, prefix string, item *enum.Item) []recordLine {
	for i := range item.Properties {
		p := &item.Properties[i]
		lines = flattenValue(lines, prefix+Harmless(p.Name), &p.Value)
	}
	if item.Reference != nil {
		lines = flatten(lines, prefix+keyReference+".", item.Reference)
	}
	return lines
}

func flattenValue(lines []recordLine, name string, v *enum.Value) []recordLine {
	switch {
	case (v.Kind == enum.Object || v.Kind == enum.Reference) && len(v.Item.Properties) > 0:
		return flatten(lines, name+".", v.Item)
	case v.Kind == enum.Array && len(v.Elements) > 0 && v.Elements[0].Kind == enum.Object:
		for i := range v.Elements {
			lines = flattenValue(lines, name+"["+strconv.Itoa(i)+"]", &v.Elements[i])
		}
		return lines
	}
	return append(lines, recordLine{name, cell(v)})
}
