package clixml

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// decode writes pieces and closes.
func decode(t testing.TB, pieces ...string) string {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out)
	for _, p := range pieces {
		n, err := w.Write([]byte(p))
		if n != len(p) || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
		if held := len(w.held) + len(w.owed); held > 1<<20 {
			t.Fatalf("%d bytes are held", held)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestSamples(t *testing.T) {
	for _, s := range samples() {
		if got := decode(t, s.in); got != s.want {
			t.Errorf("%s (%s):\n got %q\nwant %q", s.name, s.source, got, s.want)
		}
	}
}

// cases are what no sample shows.
func cases() []sample {
	block := func(records ...string) string { return head + root + strings.Join(records, "") + end }
	const say = `<S S="Error">one_x000D__x000A_</S>`
	untouched := func(name, in string) sample { return sample{name: name, in: in, want: in} }
	after := func(name, rest string) sample {
		return sample{name: name, in: head + root + say + rest, want: "one\r\n" + rest}
	}
	return []sample{
		// What passes.
		untouched("nothing", ""),
		untouched("text", "a < b & c\r\n<Objs><S S=\"Error\">x</S></Objs>\xff\x00\x1b[0m"),
		untouched("nearly a header", "#< CLIXM#< CLIXML\r#< CLIXML #<< CLIXML\r\r\n##< CLIXML"),
		untouched("a header and no more", head),
		untouched("a header cut short", "text #< CLIXML\r"),
		untouched("headers and no more", head+" \r\n"+head+"\t"),
		untouched("a root and no more", head+root),
		untouched("a root cut short", head+root[:20]),
		{name: "text around two blocks", in: "a" + block(say) + "\r\nb\n" + block(say) + "c", want: "aone\r\n\r\nb\none\r\nc"},
		{name: "an empty block", in: "a" + block() + "b", want: "ab"},
		{name: "an empty root", in: head + "<Objs/>" + head + `<Objs Version="1.1.0.1" />x`, want: "x"},
		{name: "a root without attributes", in: head + "<Objs>" + say + end, want: "one\r\n"},
		{name: "other quotes and spaces", in: head + "<Objs\tVersion = '1.1.0.1'\n xmlns='" + namespace + "' ><S  S = 'Error' >x</S ></Objs >", want: "x"},
		{name: "a start line between blocks", in: block(say) + "#" + block(say), want: "one\r\n#one\r\n"},

		// Streams.
		{name: "streams in other cases", in: block(`<S S="ERROR">e</S><S S="Warning">w</S><S S="VERBOSE">v</S><S S="Debug">d</S>`),
			want: "eWARNING: w\r\nVERBOSE: v\r\nDEBUG: d\r\n"},
		{name: "no stream, or an unknown one, is error", in: block(`<S>a</S><S S="new">b</S><S S="">c</S>`), want: "abc"},
		{name: "output", in: block(`<S S="Output">a</S><Obj S="Output" RefId="0"><ToString>b</ToString></Obj>`), want: "ab\r\n"},
		{name: "information", in: block(`<S S="information">a</S><Obj S="information"><ToString>b</ToString></Obj><Ref S="information" RefId="1"/>`), want: "a\r\n"},
		{name: "progress of any shape", in: block(`<S S="progress">a</S><Obj S="progress"/><Nil S="progress"/><Ref S="progress"/>`), want: ""},
		{name: "null", in: block(`<Nil S="Error" />`), want: ""},
		{name: "line ends are not doubled", in: block(`<S S="warning">a_x000D__x000A_</S><S S="warning">b_x000A_</S><S S="warning"></S><S S="warning"/>`),
			want: "WARNING: a\r\nWARNING: b\nWARNING: \r\nWARNING: \r\n"},
		{name: "line ends of the remote", in: "#< CLIXML\n" + root + `<S S="warning">a</S></Objs>` + block(`<S S="warning">b</S>`), want: "WARNING: a\nWARNING: b\r\n"},
		{name: "several lines", in: block("<S S=\"warning\">a\nb</S>"), want: "WARNING: a\nb\r\n"},
		{name: "references", in: block(`<S S="E&#114;ror">&lt;&gt;&amp;&apos;&quot;&#65;&#x41;&#x1F3B5;&#95;x000D_</S>`), want: "<>&'\"AA\U0001F3B5\r"},
		{name: "empty strings", in: block(`<S S="Error"></S><S S="Error"/>`), want: ""},

		// Objects.
		{name: "a string with properties", in: block(`<Obj S="Error"><S>text</S><MS><S N="n">no</S></MS></Obj>`), want: "text\r\n"},
		{name: "ToString is preferred", in: block(`<Obj S="warning"><S>no</S><S>no</S><ToString>yes</ToString><ToString>no</ToString></Obj>`), want: "WARNING: yes\r\n"},
		{name: "an empty ToString", in: block(`<Obj S="Error"><ToString/><S>no</S></Obj>`), want: "\r\n"},
		{name: "ToString of a part", in: block(`<Obj S="Error"><MS><Obj><ToString>no</ToString></Obj></MS><ToString>yes</ToString></Obj>`), want: "yes\r\n"},
		{name: "layout within an object", in: block("<Obj S=\"Error\">\r\n  <ToString>yes</ToString>\r\n</Obj>"), want: "yes\r\n"},

		// Text of others within a block.
		{name: "text between records", in: block(say, "native\r\n", say), want: "one\r\nnative\r\none\r\n"},
		{name: "layout and text between records", in: block(say, "\r\n  native\r\n", say), want: "one\r\n\r\n  native\r\none\r\n"},
		{name: "layout between records", in: block(say, "\r\n\t ", say, "\n"), want: "one\r\none\r\n"},
		{name: "much layout is text", in: block(say, strings.Repeat(" ", maxSpace+1), say), want: "one\r\n" + strings.Repeat(" ", maxSpace+1) + "one\r\n"},
		{name: "as much as layout may be", in: block(say, strings.Repeat(" ", maxSpace), say), want: "one\r\none\r\n"},
		{name: "text with markers", in: block(say, "a < b # c #< d <1> e", say), want: "one\r\na < b # c #< d <1> eone\r\n"},
		{name: "text behind a header", in: head + "usage: x <file> <Obj <Objsome>\r\n" + root + say + end, want: "usage: x <file> <Obj <Objsome>\r\none\r\n"},
		{name: "text behind a header, no root", in: head + "text", want: "text" + head},
		{name: "markup behind a header, then text and a root", in: head + "<stdin>:1: warning\r\n" + root + say + end, want: head + "<stdin>:1: warning\r\none\r\n"},
		{name: "layout behind a header", in: head + "\r\n  " + root + say + end, want: "one\r\n"},
		{name: "a block within a block", in: head + root + say + head + root + say + say + end + say + end + "x", want: "one\r\none\r\none\r\none\r\nx"},
		{name: "a block that never ended, then another", in: head + root + say + block(say) + "x", want: "one\r\none\r\nx"},
		{name: "one header is for one root", in: block(say) + root + say + end, want: "one\r\n" + root + say + end},
		{name: "text between the roots of two headers", in: head + head + root + say + end + "\r\ntext\r\n" + root + say + end, want: "one\r\n\r\ntext\r\none\r\n"},

		{name: "text within a record", in: block(say, `<Obj S="progress"><MS><S N="a">b`, "native\r\n#", `c</S></MS></Obj>`, say),
			want: "one\r\n" + `<Obj S="progress"><MS><S N="a">b` + "native\r\n#" + `c</S></MS></Obj>` + "one\r\n"},
		{name: "text within a tag", in: block(say, `<Obj S="progress"><MS><S N="a`, "native\r\n", `">c</S></MS></Obj>`, say),
			want: "one\r\n" + `<Obj S="progress"><MS><S N="a` + "native\r\n" + `">c</S></MS></Obj>` + "one\r\n"},
		{name: "text within a string", in: block(say, `<S S="warning">b`, "native\r\n", `c</S>`, say), want: "one\r\nWARNING: bnative\r\nc\r\none\r\n"},

		// Incomplete blocks.
		after("no end", ""),
		after("layout at the end", " \r\n"),
		after("a record cut short", `<S S="Error">two_x000D`),
		after("a tag cut short", `<S S="Err`),
		after("an end cut short", `</Objs`),

		// Broken blocks come out as they are from the record that broke.
		after("wrong end tag", `<S S="Error">two</X>`+say+end),
		after("wrong order", `<Obj S="Error"><ToString>two</Obj></ToString>`+say+end),
		after("an element in a string", `<S S="Error">t<b/>wo</S>`+say+end),
		after("an element in a ToString", `<Obj S="Error"><ToString>t<b>w</b>o</ToString></Obj>`+end),
		after("unknown record", `<I32 S="Error">2</I32>`+say+end),
		after("end of a record that has not begun", `</S>`+say+end),
		after("an object without text", `<Obj S="Error"><MS><S N="Message">two</S></MS></Obj>`+say+end),
		after("an empty object", `<Obj S="Error" />`+say+end),
		after("a reference to what was written before", `<Ref S="Error" RefId="1" />`+say+end),
		after("content in a null", `<Nil S="Error">two</Nil>`+say+end),
		after("unknown entity", `<S S="Error">&nbsp;</S>`+say+end),
		after("a reference to no character", `<S S="Error">&#0;</S>`+say+end),
		after("a reference to half a pair", `<S S="Error">&#xD800;</S>`+say+end),
		after("a reference too large", `<S S="Error">&#x110000;</S>`+say+end),
		after("a reference without digits", `<S S="Error">&#x;</S>`+say+end),
		after("a reference with a sign", `<S S="Error">&#+65;</S>`+say+end),
		after("a reference that is no number", `<S S="Error">&#6_5;</S>`+say+end),
		after("a malformed tag in an object", `<Obj S="Error"><a b><ToString>x</ToString></Obj>`+say+end),
		after("an ampersand", `<S S="Error">a & b; c</S>`+say+end),
		after("a bad entity in an attribute", `<S S="&x;">a</S>`+say+end),
		after("end of CDATA in text", `<S S="Error">]]></S>`+say+end),
		after("CDATA", `<S S="Error"><![CDATA[two]]></S>`+end),
		after("a processing instruction", `<Obj S="Error"><?x?><ToString>a</ToString></Obj>`+end),
		after("a tag in a tag", `<S S="Er<ror">two</S>`+end),
		after("an attribute without value", `<S S>two</S>`+end),
		after("an attribute without quotes", `<S S=Error>two</S>`+end),
		after("an attribute without name", `<S ="Error">two</S>`+end),
		after("attributes without space", `<S S="Error"N="a">two</S>`+end),
		after("a value that does not end", `<S S="Error>two</S>`+end),
		after("attributes of an end tag", `</Objs a="b">`+end),
		after("half a header in a string", `<S S="Error">two#<</S>`+say+end),
		after("half a header in a tag", `<S S="Error#< CLI">two</S>`+say+end),
		after("no name", `</>`+end),
		after("another namespace", `<S xmlns="urn:x" S="Error">two</S>`+end),
		after("a prefix", `<ps:S S="Error">two</ps:S>`+end),
		after("another root", root+say+end),
		untouched("a root of another namespace", head+`<Objs xmlns="urn:x">`+say+end),
		untouched("a malformed root", head+`<Objs Version>`+say+end),
		untouched("text in the place of the first record", head+root+"text"+say+end),
		untouched("a comparison in the place of the first record", head+root+"a < b"+say+end),
		untouched("text within the first record", head+root+`<Obj S="progress"><MS>`+"a\nb</MS></Obj>"+end),
		untouched("broken in the first record", head+"  "+root+" "+`<S S="Error">two</X>`+say+end),
		{name: "a block behind a broken one", in: head + root + say + `<S S="Error">tw` + block(say), want: "one\r\n" + `<S S="Error">tw` + "one\r\n"},
		{name: "a block behind a broken tag", in: head + root + say + `<S S="Err` + block(say), want: "one\r\n" + `<S S="Err` + "one\r\n"},
		{name: "a block within a tag", in: head + root + `<S S=" ` + block(say) + `">x</S></Objs>`, want: head + root + `<S S=" ` + "one\r\n" + `">x</S></Objs>`},

		// Bounds.
		after("too long", `<S S="Error">`+strings.Repeat("x", maxHeld)+"</S>"+say+end),
		after("a tag too long", `<S S="`+strings.Repeat("x", maxHeld)+`">x</S>`+say+end),
		after("too deep", `<Obj S="Error">`+strings.Repeat("<a>", maxDepth)+strings.Repeat("</a>", maxDepth)+"<ToString>x</ToString></Obj>"+end),
		untouched("a root as long as can be, then layout", head+"<Objs a='"+strings.Repeat("x", maxHeld-len(head+"<Objs a=''>"))+"'>"+strings.Repeat(" ", maxSpace)+say+end),
		untouched("a root as long as can be, then a header", head+"<Objs a='"+strings.Repeat("x", maxHeld-len(head+"<Objs a=''>"))+"'>"+strings.Repeat(" ", maxSpace)+head+root+say+end),
		untouched("too many headers", strings.Repeat(head, maxNesting+1)),
		{name: "as long as can be", in: block(`<S>` + strings.Repeat("x", maxHeld-len(root+head+"<S></S>")) + `</S>`), want: strings.Repeat("x", maxHeld-len(root+head+"<S></S>"))},
		{name: "as deep as can be", in: block(`<Obj S="Error">` + strings.Repeat("<a>", maxDepth-1) + strings.Repeat("</a>", maxDepth-1) + "<ToString>x</ToString></Obj>"), want: "x\r\n"},
		{name: "as many headers as can be", in: strings.Repeat(head, maxNesting) + strings.Repeat(root, maxNesting) + say + strings.Repeat(end, maxNesting), want: "one\r\n"},
	}
}

func TestCases(t *testing.T) {
	for _, s := range cases() {
		if got := decode(t, s.in); got != s.want {
			t.Errorf("%s:\n got %.300q\nwant %.300q", s.name, got, s.want)
		}
	}
}

func TestRecordsComeOutWhenTheyAreComplete(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	for _, step := range []struct{ in, out string }{
		{"native", "native"},
		{" #", " "},
		{"< CLIXML\r\n", ""},
		{root, ""},
		{`<S S="Error">one_x000D_`, ""},
		{`_x000A_</S`, ""},
		{`>`, "one\r\n"},
		{`<S S="warning">two</S><S`, "WARNING: two\r\n"},
		{` S="Error">three</S>text`, "threetext"},
		{"</Objs", ""},
		{">\r\n#<", "\r\n"},
	} {
		out.Reset()
		if _, err := w.Write([]byte(step.in)); err != nil {
			t.Fatal(err)
		}
		if out.String() != step.out {
			t.Errorf("%q gave %q, not %q", step.in, out.String(), step.out)
		}
	}
	out.Reset()
	if err := w.Close(); err != nil || out.String() != "#<" {
		t.Errorf("Close: %v, %q", err, out.String())
	}
}

// flaky takes some bytes, then fails.
type flaky struct {
	room int
	err  error
}

func (f *flaky) Write(b []byte) (int, error) {
	if len(b) > f.room {
		return f.room, f.err
	}
	f.room -= len(b)
	return len(b), nil
}

func TestErrorsOfTheUnderlyingWriter(t *testing.T) {
	broken := errors.New("broken pipe")
	for _, given := range []error{broken, nil} {
		want := given
		if given == nil {
			want = io.ErrShortWrite
		}
		f := &flaky{4, given}
		w := NewWriter(f)
		if n, err := w.Write([]byte("four")); n != 4 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		if n, err := w.Write([]byte("more" + head + root)); n != 0 || err != want {
			t.Errorf("%d, %v; want %v", n, err, want)
		}
		f.room = 100
		if n, err := w.Write([]byte("more")); n != 0 || err != want {
			t.Errorf("again: %d, %v; want %v", n, err, want)
		}
		if err := w.Close(); err != want {
			t.Errorf("Close: %v; want %v", err, want)
		}
		if f.room != 100 {
			t.Errorf("something was written behind the error")
		}
	}
}

func TestCloseTwice(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	if _, err := w.Write([]byte("a" + head + "<Ob")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if want := "a" + head + "<Ob"; out.String() != want {
			t.Fatalf("%q, not %q", out.String(), want)
		}
	}
	if n, err := w.Write([]byte("b")); n != 0 || err == nil {
		t.Errorf("Write after Close: %d, %v", n, err)
	}
}

func TestFewWrites(t *testing.T) {
	var c counter
	w := NewWriter(&c)
	if _, err := w.Write([]byte("a" + head + root + strings.Repeat(`<S S="Error">one_x000D__x000A_</S>`, 100) + end + "b")); err != nil {
		t.Fatal(err)
	}
	if c != 1 {
		t.Errorf("%d writes", c)
	}
}

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c++
	return len(b), nil
}
