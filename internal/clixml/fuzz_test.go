package clixml

import (
	"bytes"
	"encoding/xml"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// FuzzWriter holds what is true of any bytes: how they are cut does not matter, what has no header passes, little is held.
func FuzzWriter(f *testing.F) {
	for i, s := range append(samples(), cases()...) {
		if len(s.in) < 4096 {
			f.Add([]byte(s.in), uint64(i))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		want := decode(t, string(in))
		if got := decode(t, cut(rand.New(rand.NewPCG(seed, 0)), string(in))...); got != want {
			t.Errorf("cut:\n got %q\nwant %q", got, want)
		}
		var out bytes.Buffer
		w := NewWriter(&out)
		for i := range in {
			if _, err := w.Write(in[i : i+1]); err != nil {
				t.Fatal(err)
			}
			if len(w.roots) == 0 && w.waiting == 0 && len(w.held)+len(w.owed) >= len(head) {
				t.Fatalf("%d bytes are held outside of a block", len(w.held)+len(w.owed))
			}
		}
		if w.Close(); out.String() != want {
			t.Errorf("single bytes:\n got %q\nwant %q", out.String(), want)
		}
		if !bytes.Contains(in, []byte(headerLine)) && want != string(in) {
			t.Errorf("no header in it, but it changed: %q", want)
		}
		ends := bytes.Contains(in, []byte("/>")) || bytes.Contains(in, []byte("</"))
		if bytes.HasPrefix(in, []byte(head+root)) && bytes.Count(in, []byte(headerLine)) == 1 && !ends && want != string(in) {
			t.Errorf("nothing in it is complete, but it changed: %q", want)
		}
	})
}

// FuzzString takes any text through PowerShell's encoding and back.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "text\r\n", "_x000D_", "__x_X__", "a\x00\u0085\U0001F3B5<&>\"'", "]]>", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || len(s) > 64<<10 {
			return
		}
		if got := decode(t, head+root+`<S S="Error">`+serialized(s)+"</S>"+end); got != s {
			t.Errorf("got %q, not %q", got, s)
		}
	})
}

// FuzzEscapes compares with an independent reading of MS-PSRP 2.2.5.3.2.
func FuzzEscapes(f *testing.F) {
	// From Ansible, test_parse_clixml_with_comlex_escaped_chars; halves of a pair are U+FFFD here.
	for _, s := range []string{
		"just newline _x000A_", "surrogate pair _xD83C__xDFB5_", "null char _x0000_", "normal char _x0061_",
		"escaped literal _x005F_x005F_", "underscope before escape _x005F__x000A_", "surrogate high _xD83C_", "surrogate low _xDFB5_",
		"lower case hex _x005f_", "invalid hex _x005G_", "_xD83C__xD83C__xDFB5__xDFB5_", "_xD83C_ _xDFB5_", "__x0041_", "_X0041_", "_x0041", "_x00041_",
	} {
		f.Add(s)
	}
	escape := regexp.MustCompile(`_[xX]([0-9a-fA-F]{4})_`)
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		var units []uint16
		rest := s
		for {
			at := escape.FindStringSubmatchIndex(rest)
			if at == nil {
				break
			}
			n, err := strconv.ParseUint(rest[at[2]:at[3]], 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			units = append(append(units, utf16.Encode([]rune(rest[:at[0]]))...), uint16(n))
			rest = rest[at[1]:]
		}
		want := string(utf16.Decode(append(units, utf16.Encode([]rune(rest))...)))
		escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
		if got := string(appendString(nil, []byte(escaped))); got != want {
			t.Errorf("%q gave %q, not %q", s, got, want)
		}
	})
}

// FuzzRecords compares with encoding/xml where both are to agree: ASCII without what PowerShell does not write.
func FuzzRecords(f *testing.F) {
	for _, s := range append(samples(), cases()...) {
		if _, body, ok := strings.Cut(s.in, root); ok && len(body) < 4096 {
			f.Add(strings.TrimSuffix(body, end))
		}
	}
	// encoding/xml reads more than XML: attributes without space between them, names with colons, references to surrogates.
	apart := regexp.MustCompile(`("[^"]*"|'[^']*')[^\s/>]`)
	// Line ends other than layout are text of others here.
	torn := regexp.MustCompile(`<[^>]*[\n\t]|>[^<]*[\n\t][^<]*[^\s<]|>[^<]*[^\s<][^<]*[\n\t]`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, c := range []byte(body) {
			if c >= 0x7F || c < 0x20 && c != '\n' && c != '\t' {
				return
			}
		}
		for _, s := range []string{"<!", "<?", ":", "xmlns", "Objs", headerLine, "&#"} {
			if strings.Contains(body, s) {
				return
			}
		}
		if apart.MatchString(body) || torn.MatchString(body) || strings.Count(body, "<") > maxDepth || len(body) > maxSpace {
			return
		}
		want, verdict := readBlock(root + body + end)
		got := decode(t, head+root+body+end)
		switch {
		case verdict == wellFormed && got != want:
			t.Errorf("%q\n got %q\nwant %q", body, got, want)
		case verdict == malformed && !strings.HasSuffix(got, end):
			t.Errorf("%q is malformed within a record, but gave %q", body, got)
		}
	})
}

type verdict int

const (
	unclear    verdict = iota // text of others, or a shape that is unknown
	wellFormed                // and all records known
	malformed                 // within a record
)

type element struct {
	XMLName  xml.Name
	Stream   string    `xml:"S,attr"`
	Text     string    `xml:",chardata"`
	Elements []element `xml:",any"`
}

// readBlock reads a whole block with encoding/xml.
func readBlock(doc string) (string, verdict) {
	d := xml.NewDecoder(strings.NewReader(doc))
	if _, err := d.Token(); err != nil {
		return "", unclear
	}
	var out strings.Builder
	for {
		token, err := d.Token()
		if err != nil {
			return "", unclear
		}
		switch token := token.(type) {
		case xml.EndElement:
			return out.String(), wellFormed
		case xml.CharData:
			if strings.TrimSpace(string(token)) != "" {
				return "", unclear
			}
		case xml.StartElement:
			var e element
			if err := d.DecodeElement(&e, &token); err != nil {
				return "", malformed
			}
			text, ok := e.text()
			if !ok {
				return "", unclear
			}
			out.WriteString(text)
		}
	}
}

func (e *element) text() (text string, ok bool) {
	name, stream := e.XMLName.Local, strings.ToLower(e.Stream)
	if name != "S" && name != "Obj" || name == "S" && len(e.Elements) > 0 {
		return "", false
	}
	if stream == "progress" || stream == "information" && name == "Obj" {
		return "", e.plain()
	}
	text = e.Text
	if name == "Obj" {
		found := e.find("ToString")
		if found == nil {
			found = e.find("S")
		}
		if found == nil {
			return "", false
		}
		text = found.Text
	}
	text = string(appendString(nil, []byte(strings.ReplaceAll(text, "&", "&amp;")))) // what escapes mean is compared elsewhere
	prefix, known := map[string]string{"warning": "WARNING: ", "verbose": "VERBOSE: ", "debug": "DEBUG: "}[stream]
	if (known || name == "Obj" || stream == "information") && !strings.HasSuffix(text, "\n") {
		text += "\r\n"
	}
	return prefix + text, e.plain()
}

func (e *element) find(name string) *element {
	for i := range e.Elements {
		if e.Elements[i].XMLName.Local == name {
			return &e.Elements[i]
		}
	}
	return nil
}

// plain reports whether the elements that are read for their text have no others in them.
func (e *element) plain() bool {
	for _, name := range []string{"ToString", "S"} {
		if found := e.find(name); found != nil && len(found.Elements) > 0 {
			return false
		}
	}
	return true
}
