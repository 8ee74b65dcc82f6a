// Package format writes items as tables, JSON, YAML, CSV and XML, each as it comes; it does not know where they come from.
package format

import (
	"io"
	"slices"
	"strings"

	"github.com/winrmctl/winrmctl/internal/enum"
)

// The formats.
const (
	Table = "table"
	JSON  = "json"  // one array
	JSONL = "jsonl" // one object a line
	YAML  = "yaml"  // one sequence
	CSV   = "csv"   // RFC 4180, with a header
	XML   = "xml"   // as it was received
)

// Names are the names of the formats.
func Names() []string { return []string{Table, JSON, JSONL, YAML, CSV, XML} }

// Options say how items are written.
type Options struct {
	Format  string
	Targets bool     // a target column or key before the others
	Columns []string // of Table and CSV, in this order; empty for those that the items have
	Class   string   // that was asked for: items of another one name theirs
	Mixed   bool     // items are of any class, and name it where Class is empty too

	Width  int  // of the terminal, in cells; 0 where there is none: nothing is cut off then
	Height int  // of the terminal, in lines; 0 for 24
	Bold   bool // the header of a table
	Record bool // a table of one item: a line for each of its properties
}

// A Writer writes items. Errors are those of the writer beneath; they are final. It is used by one goroutine at a time.
type Writer interface {
	Item(target string, item *enum.Item) error
	Flush() error // what has come so far is to be seen
	Close() error // ends the document; the writer beneath stays open
}

// New returns a Writer, nil for an unknown format.
func New(w io.Writer, o Options) Writer {
	out := &output{w: w}
	switch o.Format {
	case JSON, JSONL:
		return &jsonWriter{out: out, o: o}
	case YAML:
		return &yamlWriter{out: out, o: o}
	case CSV:
		return newCSV(out, o)
	case XML:
		return &xmlWriter{out: out, o: o}
	case Table:
		if o.Record {
			return &recordWriter{out: out, o: o}
		}
		return &tableWriter{out: out, o: o}
	}
	return nil
}

// output gathers bytes for the writer beneath.
type output struct {
	w   io.Writer
	b   []byte
	err error
}

// full is when bytes are written without being asked to be.
const full = 32 << 10

// spill writes where much has gathered.
func (o *output) spill() error {
	if len(o.b) < full {
		return o.err
	}
	return o.flush()
}

func (o *output) flush() error {
	if o.err == nil && len(o.b) > 0 {
		_, o.err = o.w.Write(o.b)
	}
	o.b = o.b[:0]
	return o.err
}

// Foreign reports whether an item has to name its class: where a certain one was asked for, and it is of another.
func (o *Options) Foreign(item *enum.Item) bool {
	return (o.Class != "" || o.Mixed) && item.Class != "" && !strings.EqualFold(item.Class, o.Class) // CIM does not mind case
}

// Names of what an item has beside its properties. WMI names its own so.
const (
	keyTarget    = "target"
	keyClass     = "__CLASS"
	keyReference = "__EPR"
)

// names are the names of what an item has, in order.
func names(item *enum.Item) []string {
	var out []string
	for _, p := range item.Properties {
		out = append(out, p.Name)
	}
	if item.Reference != nil {
		out = append(out, keyReference)
	}
	return out
}

// chosen are the names that were chosen, in the spelling of the items.
func chosen(names []string, items []pending) []string {
	out := slices.Clone(names)
	for i, name := range out {
		for n := range items {
			at := slices.IndexFunc(items[n].item.Properties, func(p enum.Property) bool { return strings.EqualFold(p.Name, name) })
			if at >= 0 {
				out[i] = items[n].item.Properties[at].Name
				break
			}
		}
	}
	return out
}

// lookup finds a value by name; hint is where it may stand.
func lookup(item *enum.Item, name string, hint int) (v enum.Value, at int, ok bool) {
	if hint >= 0 && hint < len(item.Properties) && item.Properties[hint].Name == name {
		return item.Properties[hint].Value, hint, true
	}
	if i := slices.IndexFunc(item.Properties, func(p enum.Property) bool { return p.Name == name }); i >= 0 {
		return item.Properties[i].Value, i, true
	}
	switch {
	case name == keyReference && item.Reference != nil:
		return enum.Value{Kind: enum.Reference, Item: item.Reference}, -1, true
	case name == keyClass:
		return enum.Value{Kind: enum.String, Text: item.Class}, -1, true
	}
	return enum.Value{}, -1, false
}
