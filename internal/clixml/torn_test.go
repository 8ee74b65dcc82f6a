package clixml

import (
	"bytes"
	"strings"
	"testing"
)

// TestTextOfOthersAnywhere lets a native program interrupt a block at every byte behind the first record. Its text is never
// lost, at once there unless it falls into a string, and the last record is read whatever came before it.
func TestTextOfOthersAnywhere(t *testing.T) {
	const native = "Cloning into 'x'...\r\nfatal: it's \"no\" repository\r\n"
	const first, last = `<S S="Error">first</S>`, `<S S="Error">last_x000D__x000A_</S>`
	const message = `<S S="warning">message</S>`
	block := head + root + first + writeHost + preparing + message + last + end
	begin, string1, string2 := strings.Index(block, first)+len(first), strings.Index(block, message), strings.Index(block, last)
	for i := begin; i < len(block); i++ {
		var out bytes.Buffer
		w := NewWriter(&out)
		for _, piece := range []string{block[:i], native} {
			if _, err := w.Write([]byte(piece)); err != nil {
				t.Fatal(err)
			}
		}
		within := i >= string1+len(`<S S="warning">`) && i <= string1+len(`<S S="warning">message`) ||
			i >= string2+len(`<S S="Error">`) && i <= string2+len(`<S S="Error">last_x000D__x000A_`)
		if strings.Contains(out.String(), native) == within {
			t.Errorf("at %d, behind %q: %q", i, block[i-20:i], out.String())
		}
		got := decode(t, block[:i], native, block[i:])
		if !strings.HasPrefix(got, "first") || !strings.Contains(got, native) {
			t.Errorf("at %d, behind %q: text is lost: %q", i, block[i-20:i], got)
		}
		if i <= string2 && !strings.HasSuffix(got, "last\r\n") {
			t.Errorf("at %d, behind %q: the last record is not read: %q", i, block[i-20:i], got)
		}
	}
}

func TestTornRecords(t *testing.T) {
	const one, two = `<S S="Error">one</S>`, `<S S="Error">two</S>`
	for _, c := range []struct{ name, in, want string }{
		{"in content", `<Obj S="progress"><MS><S N="a">b` + "text\r\n" + `c</S></MS></Obj>`, ""},
		{"in a tag", `<Obj S="progress"><MS><S N="a` + "text\r\n" + `">bc</S></MS></Obj>`, ""},
		{"by text with markup", `<Obj S="progress"><MS><S N="a">b` + "<1> text\r\n<file> <a b>\r\n" + `c</S></MS></Obj>`, "broken"},
		{"by text with markup behind a line", `<Obj S="progress"><MS><S N="a">b` + "text\r\n<file> <a b> </c> < <S> <Obj N='n'> <Nil/>\r\n" + `c</S></MS></Obj>`, ""},
		{"a string, by text with markup", `<S S="Error">b` + "text\r\n<file>\r\n" + `c</S>`, ""},
		{"a string, by text with an ampersand", `<S S="Error">b` + "text & more\r\n" + `c</S>`, ""},
	} {
		want := "one" + c.in + "two"
		if c.want == "broken" { // the first marker comes before the first line end: nothing says that it is of others
			want = "one" + c.in + two + end
		}
		if got := decode(t, head+root+one+c.in+two+end); got != want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, want)
		}
	}
}

// TestBlockWithinTornRecord is a PowerShell that was started while a record of the first was on its way.
func TestBlockWithinTornRecord(t *testing.T) {
	const inner = head + root + `<S S="Error">inner</S></Objs>`
	for _, torn := range [][2]string{
		{`<S S="Error">be`, `fore</S>`},
		{`<S S="Er`, `ror">before</S>`},
		{`<Obj S="progress"><MS>`, `</MS></Obj>`},
		{`<Obj S="progress"><MS><S N="n">` + "text\r\n", `</S></MS></Obj>`},
	} {
		want := "one" + torn[0] + "inner" + torn[1] + "two\r\n"
		if got := decode(t, head+root+`<S S="Error">one</S>`+torn[0]+inner+torn[1]+`<S S="Error">two_x000D__x000A_</S></Objs>`); got != want {
			t.Errorf("%q:\n got %q\nwant %q", torn, got, want)
		}
	}
	// Bounds hold in a torn block too.
	many := strings.Repeat(head, maxNesting+1)
	if got, want := decode(t, head+root+`<S S="Error">one</S><S S="`+"\n"+many), `one<S S="`+"\n"+many; got != want {
		t.Errorf("many headers: %.300q", got)
	}
}
