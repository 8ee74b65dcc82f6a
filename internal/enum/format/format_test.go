package format

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/winrmctl/winrmctl/internal/enum"
)

func str(name, s string) enum.Property {
	return enum.Property{Name: name, Value: enum.Value{Kind: enum.String, Text: s}}
}

func num(name, s string) enum.Property {
	return enum.Property{Name: name, Value: enum.Value{Kind: enum.Number, Text: s}}
}

func null(name string) enum.Property { return enum.Property{Name: name} }

func list(name string, elements ...string) enum.Property {
	v := enum.Value{Kind: enum.Array}
	for _, e := range elements {
		v.Elements = append(v.Elements, enum.Value{Kind: enum.String, Text: e})
	}
	return enum.Property{Name: name, Value: v}
}

func of(class string, properties ...enum.Property) enum.Item {
	return enum.Item{Class: class, Properties: properties}
}

// write writes items of one page.
func write(t *testing.T, o Options, items ...enum.Item) string {
	t.Helper()
	var b bytes.Buffer
	w := New(&b, o)
	for i := range items {
		if err := w.Item("web1", &items[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Flush(), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func lines(s ...string) string { return strings.Join(s, "\n") + "\n" }

func TestTable(t *testing.T) {
	two := []enum.Item{
		of("X", str("Name", "first"), num("N", "1"), null("Nothing"), list("L", "a", "b")),
		of("X", str("Name", "漢字"), num("N", "23456"), null("Nothing"), list("L", "c")),
	}
	for _, tc := range []struct {
		name  string
		o     Options
		items []enum.Item
		want  string
	}{
		{"nothing", Options{}, nil, ""},
		{"numbers to the right, wide characters, no column of nulls", Options{}, two, lines("Name       N  L", "first      1  a, b", "漢字   23456  c")},
		{"several targets", Options{Targets: true}, two, lines("target  Name       N  L", "web1    first      1  a, b", "web1    漢字   23456  c")},
		{"chosen columns, in that order, also those that are null", Options{Columns: []string{"N", "Nothing", "None"}}, two, lines("    N  Nothing  None", "    1", "23456")},
		{"chosen columns, spelled otherwise", Options{Columns: []string{"n", "NAME"}}, two[:1], lines("N  Name", "1  first")},
		{"cut off on a terminal only", Options{Width: 12}, two, lines("Name       …", "first      …", "漢字   2345…")},
		{"the widest column is narrowed first", Options{Width: 24}, []enum.Item{of("X", str("A", strings.Repeat("x", 40)), str("B", "short"), num("C", "1"))},
			lines("A               B      C", "xxxxxxxxxxxxx…  short  1")},
		{"sub-classes name themselves", Options{Class: "X"}, []enum.Item{of("X", num("A", "1")), of("Y", num("A", "2"))}, lines("__CLASS  A", "X        1", "Y        2")},
		{"any classes", Options{Mixed: true}, []enum.Item{of("X", num("A", "1")), of("Y", num("B", "2"))}, lines("__CLASS  A  B", "X        1", "Y           2")},
		{"bold", Options{Bold: true}, two[:1], lines("\x1b[1mName   N  L\x1b[0m", "first  1  a, b")},
		{"controls", Options{}, []enum.Item{of("X", str("A\x1b[31m", "x\x1b]0;title\x07\ny\u202e\u009b2J"), str("B", "z"))},
			lines(`A\u001b[31m                             B`, `x\u001b]0;title\u0007\ny\u202e\u009b2J  z`)},
		{"an instance alone", Options{Record: true}, two[:1], lines("Name     first", "N        1", "Nothing", "L        a, b")},
		{"an instance alone, with others in it", Options{Record: true}, []enum.Item{of("X", enum.Property{Name: "In", Value: enum.Value{Kind: enum.Object, Item: &enum.Item{Properties: []enum.Property{num("A", "1"), str("B\n", "x\r")}}}})},
			lines(`In.A    1`, `In.B\n  x\r`)},
	} {
		tc.o.Format = Table
		if got := write(t, tc.o, tc.items...); got != tc.want {
			t.Errorf("%s:\n%s\nwant\n%s", tc.name, got, tc.want)
		}
	}
}

// TestTableStreams: columns are sized on the first screenful, which is written as soon as it is there; what comes later and is
// wider pushes its neighbours.
func TestTableStreams(t *testing.T) {
	var b bytes.Buffer
	w := New(&b, Options{Format: Table, Height: 5, Width: 80})
	for i := range 3 {
		if b.Len() > 0 {
			t.Errorf("%d items: %q", i, b.String())
		}
		item := of("X", num("N", fmt.Sprint(i)), str("S", "x"))
		if err := w.Item("", &item); err != nil {
			t.Fatal(err)
		}
	}
	wide := of("X", num("N", "1234567"), str("S", "y"))
	if err := errors.Join(w.Item("", &wide), w.Flush()); err != nil {
		t.Fatal(err)
	}
	if want := lines("N  S", "0  x", "1  x", "2  x", "1234567  y"); b.String() != want {
		t.Errorf("%s", b.String())
	}
	// A page that ends before is shown at its end.
	b.Reset()
	w = New(&b, Options{Format: Table})
	short := of("X", num("N", "1"), str("S", "x"))
	if err := errors.Join(w.Item("", &short), w.Item("", &short), w.Flush()); err != nil || b.String() != lines("N  S", "1  x", "1  x") {
		t.Errorf("%v %s", err, b.String())
	}
}

// hostile is text that a terminal would obey, or that breaks a format.
var hostile = []string{
	"\x1b[2J\x1b]0;x\x07", "\u009b31m", "\u0090q\u009c", "a\r\nb", "a\nb", "a\rb", "\x00\x01\x08\x7f", "\u2028\u2029\u202e\u2066", "\u061c\u200e\ufeff", `"quoted", and \slashed`,
	"- x: [1, 2]\n# y", "true", "null", "12", "0x1F", "1e3", ".5", "~", "=1+1", " lead", "trail ", "", "ünïcödé 漢字 😀", "a\tb", "<x>&amp;]]>", "2001-01-01",
}

// TestHostileText: whatever the text, JSON, JSONL, YAML and CSV give it back as it was, none of them sends a terminal anything it
// may obey, and tables keep to their lines.
func TestHostileText(t *testing.T) {
	var items []enum.Item
	for _, s := range hostile {
		items = append(items, of("X", str("V", s)))
	}
	var fromJSON []struct{ V string }
	if out := write(t, Options{Format: JSON}, items...); json.Unmarshal([]byte(out), &fromJSON) != nil || obeyed(out) != 0 {
		t.Errorf("%q", out)
	}
	out := write(t, Options{Format: JSONL}, items...)
	if strings.Count(out, "\n") != len(items) || obeyed(out) != 0 {
		t.Errorf("%q", out)
	}
	for i, line := range strings.Split(strings.TrimSuffix(out, "\n"), "\n") {
		var v struct{ V string }
		if err := json.Unmarshal([]byte(line), &v); err != nil || v.V != hostile[i] || v.V != fromJSON[i].V {
			t.Errorf("%s: %v", line, err)
		}
	}

	out = write(t, Options{Format: YAML}, items...)
	var fromYAML []struct {
		V any `yaml:"V"`
	}
	if err := yaml.Unmarshal([]byte(out), &fromYAML); err != nil || len(fromYAML) != len(hostile) || obeyed(out) != 0 {
		t.Errorf("%v, %q in\n%s", err, obeyed(out), out)
	}
	for i, v := range fromYAML {
		if v.V != hostile[i] {
			t.Errorf("YAML: %q became %#v", hostile[i], v.V)
		}
	}

	out = write(t, Options{Format: CSV}, items...)
	records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(records) != len(hostile)+1 || records[0][0] != "V" {
		t.Fatalf("%v: %q", err, records)
	}
	for i, r := range records[1:] {
		// encoding/csv reads a line end within a field as \n.
		if got, want := r[0], strings.ReplaceAll(hostile[i], "\r\n", "\n"); got != want {
			t.Errorf("CSV: %q became %q", want, got)
		}
	}

	for _, o := range []Options{{Format: Table}, {Format: Table, Width: 10}, {Format: Table, Record: true}} {
		out = write(t, o, items...)
		if obeyed(out) != 0 || o.Record == false && strings.Count(out, "\n") != len(items)+1 {
			t.Errorf("%+v: %q", o, out)
		}
	}
}

// obeyed is the first character that a terminal may obey, 0 for none.
func obeyed(s string) rune {
	for i, c := range s {
		if c != '\n' && commanding(c) || c == utf8.RuneError && !strings.HasPrefix(s[i:], "�") {
			return c
		}
	}
	return 0
}

// TestManyRows: a table of 10,000 rows with escapes in them is 10,000 lines of text.
func TestManyRows(t *testing.T) {
	var b bytes.Buffer
	w := New(&b, Options{Format: Table, Width: 40, Height: 25})
	for i := range 10_000 {
		item := of("X", num("N", fmt.Sprint(i)), str("S", hostile[i%len(hostile)]+"\x1b[?1049h\x1b[31m\x0e"))
		if err := w.Item("", &item); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n"); n != 10_001 || obeyed(b.String()) != 0 {
		t.Errorf("%d lines, %q", n, obeyed(b.String()))
	}
	for line := range strings.Lines(b.String()) {
		if cells(strings.TrimSuffix(line, "\n")) > 40 {
			t.Fatalf("%q is too wide", line)
		}
	}
}

// TestTerminal: data that is written as it is leaves out what a terminal may obey.
func TestTerminal(t *testing.T) {
	var b bytes.Buffer
	w := Terminal(&b)
	if n, err := w.Write([]byte("a\x1b[31mb\r\n\tc\u009b\u202e漢\x07")); n != 20 || err != nil || b.String() != "a[31mb\r\n\tc漢" {
		t.Errorf("%d %v %q", n, err, b.String())
	}
}

// TestNumbers: no digit is lost.
func TestNumbers(t *testing.T) {
	item := of("X", num("A", "18446744073709551615"), num("B", "-9223372036854775808"), num("C", "1e-05"))
	for format, want := range map[string]string{
		JSONL: `{"A":18446744073709551615,"B":-9223372036854775808,"C":1e-05}` + "\n",
		YAML:  "- A: 18446744073709551615\n  B: -9223372036854775808\n  C: 1e-05\n",
		CSV:   "A,B,C\r\n18446744073709551615,-9223372036854775808,1e-05\r\n",
	} {
		if got := write(t, Options{Format: format}, item); got != want {
			t.Errorf("%s: %q", format, got)
		}
	}
}

// TestLateColumns: the columns of CSV are those of the first page; what later items have beside them is told, and what was not chosen is
// not.
func TestLateColumns(t *testing.T) {
	for _, tc := range []struct {
		columns []string
		want    string
		left    string
	}{
		{nil, "__CLASS,A,B\r\nX,1,\r\nY,,2\r\nX,3,\r\n", "C E F G H"},
		{[]string{"A"}, "A\r\n1\r\n\"\"\r\n3\r\n", ""},
	} {
		var b bytes.Buffer
		w := New(&b, Options{Format: CSV, Class: "X", Columns: tc.columns})
		first, second := of("X", num("A", "1")), of("Y", num("B", "2"))
		later := of("X", num("A", "3"), num("C", "4"), null("E"), null("F"), null("G"), null("H"), null("I"))
		if err := errors.Join(w.Item("", &first), w.Item("", &second), w.Flush(), w.Item("", &later), w.Close()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(LeftOut(w), " "); b.String() != tc.want || got != tc.left {
			t.Errorf("%q, left out %q", b.String(), got)
		}
	}
}

// TestXML: items as they came, in a document that names their targets.
func TestXML(t *testing.T) {
	item := enum.Item{XML: []byte(`<p:X xmlns:p="urn:x"/>`)}
	if got := write(t, Options{Format: XML, Targets: true}, item); got != "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<items>\n<item target=\"web1\"><p:X xmlns:p=\"urn:x\"/></item>\n</items>\n" {
		t.Errorf("%s", got)
	}
	if got := write(t, Options{Format: XML}); got != "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<items>\n</items>\n" {
		t.Errorf("%s", got)
	}
}

// broken is a writer that fails.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestBroken: an error of the writer beneath comes up, from every format.
func TestBroken(t *testing.T) {
	for _, name := range Names() {
		w := New(broken{}, Options{Format: name})
		item := of("X", str("A", "x"))
		item.XML = []byte("<x/>")
		if err := errors.Join(w.Item("", &item), w.Flush(), w.Close()); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
