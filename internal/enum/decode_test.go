package enum

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

const declarations = ` xmlns:xsi="` + wsman.NSInstance + `" xmlns:p="urn:c" xmlns:cim="` + wsman.NSCommon + `" xmlns:a="` + wsman.NSAddressing +
	`" xmlns:w="` + wsman.NSManagement + `" xmlns:b="urn:b" xmlns:xs="http://www.w3.org/2001/XMLSchema"`

// decodeAll decodes a list of items.
func decodeAll(t testing.TB, d *decoder, items string) ([]Item, error) {
	t.Helper()
	r := wsman.NewReader([]byte(`<list` + declarations + `>` + items + `</list>`))
	r.Next()
	var out []Item
	for {
		switch r.Next() {
		case wsman.Text: // between items
		case wsman.Start:
			var item Item
			if err := d.item(r, &item); err != nil {
				return out, err
			}
			out = append(out, item)
		default:
			return out, r.Err()
		}
	}
}

// show writes an item in a form that tells kinds apart.
func show(i *Item) string {
	var b strings.Builder
	if i.Class != "" {
		b.WriteString(i.Class)
	}
	b.WriteByte('{')
	for n, p := range i.Properties {
		if n > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s:%s", p.Name, showValue(&p.Value))
	}
	b.WriteByte('}')
	if i.Reference != nil {
		b.WriteString("->" + show(i.Reference))
	}
	return b.String()
}

func showValue(v *Value) string {
	switch v.Kind {
	case Null:
		return "null"
	case String:
		return fmt.Sprintf("%q", v.Text)
	case Datetime:
		return "@" + v.Text
	case Interval:
		return "~" + v.Text
	case Array:
		var parts []string
		for i := range v.Elements {
			parts = append(parts, showValue(&v.Elements[i]))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case Object:
		return show(v.Item)
	case Reference:
		return "&" + show(v.Item)
	}
	return v.Text
}

func TestDecode(t *testing.T) {
	known := func(class string) *wsman.Class {
		if class != "Typed" {
			return Known(class)
		}
		return &wsman.Class{Name: class, Properties: []wsman.ClassProperty{
			{Name: "S", Type: "string"}, {Name: "B", Type: "boolean"}, {Name: "U", Type: "uint64"}, {Name: "I", Type: "sint8"}, {Name: "R", Type: "real64"},
			{Name: "D", Type: "datetime"}, {Name: "C", Type: "char16"}, {Name: "L", Type: "string", Array: true}, {Name: "N", Type: "uint16", Array: true},
		}}
	}
	for _, tc := range []struct{ name, items, want string }{
		{"told by their form", `<p:X><p:A>1</p:A><p:B>-9223372036854775808</p:B><p:C>18446744073709551615</p:C><p:D>true</p:D><p:E>FALSE</p:E><p:F>0409</p:F><p:G>6.2</p:G><p:H/><p:I>18446744073709551616</p:I><p:J>+1</p:J><p:K>True</p:K><p:L> 1</p:L><p:M>-0</p:M><p:N>1e3</p:N></p:X>`,
			`X{A:1 B:-9223372036854775808 C:18446744073709551615 D:true E:false F:"0409" G:"6.2" H:"" I:"18446744073709551616" J:"+1" K:"True" L:" 1" M:"-0" N:"1e3"}`},
		{"null", `<p:X><p:A xsi:nil="true"/><p:B xsi:nil="1">x</p:B><p:C xsi:nil="false">x</p:C></p:X>`, `X{A:null B:null C:"x"}`},
		{"declared", `<p:Typed><p:S>12</p:S><p:B>1</p:B><p:U>007</p:U><p:I>x</p:I><p:R>1.50</p:R><p:D>20240102030405.000006+060</p:D><p:C>65</p:C><p:L>one</p:L><p:N>5</p:N></p:Typed>`,
			`Typed{S:"12" B:true U:7 I:"x" R:1.5 D:@2024-01-02T03:04:05.000006+01:00 C:"A" L:["one"] N:[5]}`},
		{"declared, spelled otherwise", `<w:XmlFragment><s>12</s><l>one</l><other>12</other></w:XmlFragment>`, `{s:"12" l:["one"] other:12}`},
		{"declared, of a sub-class", `<b:Sub><b:S>12</b:S><b:L>one</b:L><b:Own>12</b:Own></b:Sub>`, `Sub{S:"12" L:["one"] Own:12}`},
		{"declared, null", `<p:Typed><p:L xsi:nil="true"/><p:D xsi:nil="true"/></p:Typed>`, `Typed{L:null D:null}`},
		{"xsi:type", `<p:X><p:A xsi:type="cim:cimString">5</p:A><p:B xsi:type="cim:cimBoolean">0</p:B><p:C xsi:type="xs:unsignedLong">+5</p:C><p:D xsi:type="cim:cimDouble">INF</p:D><p:E xsi:type="cim:cimChar16">7</p:E><p:F xsi:type="cim:cimFloat">1E-5</p:F></p:X>`,
			`X{A:"5" B:false C:5 D:"INF" E:"7" F:1e-05}`},
		{"datetimes", `<p:X><p:A><cim:Datetime>2013-04-15T16:28:43.488171Z</cim:Datetime></p:A><p:B> <cim:Interval>P0DT0H1M40S</cim:Interval> </p:B><p:C>20130415162843.500000-330</p:C><p:D>00000012030405.600000:000</p:D><p:E>2013**********.000000+000</p:E><p:F><cim:CIM_DateTime>20130415162843.000000+000</cim:CIM_DateTime></p:F><p:G><cim:Datetime/></p:G></p:X>`,
			`X{A:@2013-04-15T16:28:43.488171Z B:~P0DT0H1M40S C:@2013-04-15T16:28:43.5-05:30 D:~P12DT3H4M5.6S E:@2013**********.000000+000 F:@2013-04-15T16:28:43Z G:null}`},
		{"arrays", `<p:X><p:A>1</p:A><p:A>2</p:A><p:B>x</p:B><p:A>3</p:A></p:X><p:X><p:A>4</p:A><p:B>y</p:B></p:X><p:X><p:A xsi:nil="true"/></p:X>`,
			`X{A:[1 2 3] B:"x"} X{A:[4] B:"y"} X{A:null}`},
		{"an array of one, seen too early", `<p:X><p:A>1</p:A></p:X><p:X><p:A>1</p:A><p:A>2</p:A></p:X>`, `X{A:1} X{A:[1 2]}`},
		{"embedded", `<p:X><p:E xsi:type="b:In_Type"><b:N>1</b:N><b:L>a</b:L><b:L>b</b:L><b:M><b:O>x</b:O></b:M></p:E><p:F xsi:type="b:In_Type"><b:L>c</b:L></p:F></p:X>`,
			`X{E:In{N:1 L:["a" "b"] M:{O:"x"}} F:In{L:"c"}}`},
		{"embedded, declared", `<p:X><p:E xsi:type="b:Typed_Type"><b:S>1</b:S><b:L>a</b:L></p:E></p:X>`, `X{E:Typed{S:"1" L:["a"]}}`},
		{"embedded, an array of them", `<p:X><p:E xsi:type="b:I_Type"><b:N>1</b:N></p:E><p:E xsi:type="b:I_Type"><b:N>2</b:N></p:E></p:X>`, `X{E:[I{N:1} I{N:2}]}`},
		{"references", `<p:X><p:R><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address><a:ReferenceParameters><w:ResourceURI>urn:r</w:ResourceURI><w:SelectorSet><w:Selector Name="K">5</w:Selector><w:Selector Name="L">a b</w:Selector></w:SelectorSet></a:ReferenceParameters></p:R><p:S><a:EndpointReference><a:Address>urn:x</a:Address></a:EndpointReference></p:S><p:T>1</p:T></p:X>`,
			`X{R:&{ResourceURI:"urn:r" Selectors:{K:"5" L:"a b"}} S:&{ResourceURI:"" Selectors:{} Address:"urn:x"} T:1}`},
		{"a fragment", `<w:XmlFragment><S>12</S><D><Datetime>2013-04-09T15:42:20.4124Z</Datetime></D><L>a</L><Z xsi:nil="true"/></w:XmlFragment>`,
			`{S:"12" D:@2013-04-09T15:42:20.4124Z L:["a"] Z:null}`},
		{"an endpoint reference", `<a:EndpointReference><a:Address>urn:x</a:Address><a:ReferenceParameters><w:ResourceURI>urn:r</w:ResourceURI></a:ReferenceParameters></a:EndpointReference>`,
			`{}->{ResourceURI:"urn:r" Selectors:{} Address:"urn:x"}`},
		{"keys that are references", `<a:EndpointReference><a:ReferenceParameters><w:ResourceURI>urn:r</w:ResourceURI><w:SelectorSet><w:Selector Name="A"> <a:EndpointReference><a:ReferenceParameters><w:ResourceURI>urn:s</w:ResourceURI><w:SelectorSet><w:Selector Name="K">5</w:Selector></w:SelectorSet></a:ReferenceParameters></a:EndpointReference> </w:Selector><w:Selector Name="B">x<y/>z</w:Selector></w:SelectorSet></a:ReferenceParameters></a:EndpointReference>`,
			`{}->{ResourceURI:"urn:r" Selectors:{A:&{ResourceURI:"urn:s" Selectors:{K:"5"}} B:"xz"}}`},
		{"an object with its reference", `<w:Item><p:X><p:A>1</p:A></p:X><a:EndpointReference><a:ReferenceParameters><w:ResourceURI>urn:r</w:ResourceURI></a:ReferenceParameters></a:EndpointReference></w:Item>`,
			`X{A:1}->{ResourceURI:"urn:r" Selectors:{}}`},
		{"cim:Location", `<p:X><p:A>1</p:A><cim:Location><a:ReferenceParameters><w:ResourceURI>urn:r</w:ResourceURI></a:ReferenceParameters></cim:Location></p:X>`,
			`X{A:1}->{ResourceURI:"urn:r" Selectors:{}}`},
		{"attributes", `<PlugIn Name="n" Version="1"><R U="a"><C T="Get"/><C T="Put"/></R><V Source="GPO">5</V><E/></PlugIn>`,
			`PlugIn{Name:"n" Version:1 R:{U:"a" C:[{T:"Get"} {T:"Put"}]} V:5 E:""}`},
		{"text in pieces", `<p:X><p:A>a<!-- c -->b<![CDATA[<c>]]></p:A></p:X>`, `X{A:"ab<c>"}`},
		{"sub-classes in their own namespaces", `<p:X><p:A>1</p:A><p:A>2</p:A></p:X><b:X><b:A>1</b:A></b:X><b:Y/>`, `X{A:[1 2]} X{A:1} Y{}`},
	} {
		asked := ""
		if strings.Contains(tc.items, "<w:XmlFragment>") || strings.Contains(tc.items, "<b:Sub>") {
			asked = "Typed"
		}
		d := newDecoder(asked, known)
		items, err := decodeAll(t, d, tc.items)
		var got []string
		for i := range items {
			got = append(got, show(&items[i]))
		}
		if joined := strings.Join(got, " "); err != nil || joined != tc.want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", tc.name, err, joined, tc.want)
		}
	}
}

// TestHostileItems: what a server sends costs no more than its bytes, and is remembered within bounds.
func TestHostileItems(t *testing.T) {
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, items := range map[string]string{
		"depth":            `<p:X>` + strings.Repeat(`<p:A>`, 200) + strings.Repeat(`</p:A>`, 200) + `</p:X>`,
		"names":            `<p:X>` + many(maxColumns+1, `<p:N%d/>`) + `</p:X>`,
		"names over items": many(maxColumns+1, `<p:X><p:N%d/></p:X>`),
		"classes":          many(maxShapes+1, `<p:X%d/>`),
		"names over classes": func() string {
			var b strings.Builder
			for class := range maxAllColumns/maxColumns + 1 {
				fmt.Fprintf(&b, "<p:X%d>%s</p:X%[1]d>", class, many(maxColumns, `<p:N%d/>`))
			}
			return b.String()
		}(),
		"an undeclared name": `<p:X><q:A/></p:X>`,
		"an entity":          `<p:X><p:A>&lol;</p:A></p:X>`,
		"cut":                `<p:X><p:A>`,
	} {
		if items, err := decodeAll(t, newDecoder("", Known), items); err == nil {
			t.Errorf("%s: %d items", name, len(items))
		}
	}
	// What is within bounds is read in time that grows with the bytes, not faster.
	items, err := decodeAll(t, newDecoder("", Known), `<p:X>`+many(maxColumns, `<p:N%d>1</p:N%[1]d>`)+many(maxColumns, `<p:N%d>2</p:N%[1]d>`)+many(100_000, `<p:N0>%d</p:N0>`)+`</p:X>`)
	if err != nil || len(items[0].Properties) != maxColumns || len(items[0].Properties[0].Value.Elements) != 100_002 {
		t.Errorf("%v", err)
	}
}

func TestDatetime(t *testing.T) {
	for in, want := range map[string]string{
		"": "null", "2013-04-15T16:28:43Z": "@2013-04-15T16:28:43Z", "2014-04-03T14:45:50.46875+08:00": "@2014-04-03T14:45:50.46875+08:00",
		"20130415162843.488171+000": "@2013-04-15T16:28:43.488171Z", "20130415162843.000000-480": "@2013-04-15T16:28:43-08:00",
		"20131315162843.000000+000": "@20131315162843.000000+000", "20130415162843.000000+999": "@20130415162843.000000+999",
		"00000000000000.000000:000": "~P0DT0H0M0S", "99999999235959.999999:000": "~P99999999DT23H59M59.999999S", "00000001000000.100000:000": "~P1DT0H0M0.1S",
		"00000001000000.100000:001": "@00000001000000.100000:001", "-P1D": "~-P1D", "yesterday": "@yesterday", "2013-04-15T16:28:43": "@2013-04-15T16:28:43",
	} {
		text, kind := datetime(in)
		if got := showValue(&Value{Kind: kind, Text: text}); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

// TestKnown: the declarations parse, name no property twice, and have the keys that short names need.
func TestKnown(t *testing.T) {
	for short, class := range ShortNames() {
		c := Known(class)
		if strings.Contains(class, "://") {
			continue
		}
		if c == nil || len(c.Keys()) == 0 {
			t.Errorf("%s: %+v", short, c)
			continue
		}
		seen := map[string]bool{}
		for _, p := range c.Properties {
			if seen[p.Name] || !IsIdentifier(p.Name) || p.Type == "" {
				t.Errorf("%s: %+v", class, p)
			}
			seen[p.Name] = true
		}
	}
}

// FuzzItem: no item makes the decoder panic; its values are what they say they are; and where nobody told their types, no text is lost
// or made up: those of encoding/xml are there.
func FuzzItem(f *testing.F) {
	f.Add(`<p:X><p:A>1</p:A><p:A>2</p:A></p:X><w:XmlFragment><S>1</S></w:XmlFragment>`)
	f.Add(`<w:Item><p:X><p:R><a:Address>x</a:Address></p:R></p:X><a:EndpointReference/></w:Item>`)
	f.Add(`<p:Win32_Service><p:Name>1</p:Name><p:E xsi:type="b:I_Type"><b:N a="c"/></p:E><p:D><cim:Datetime>2013-04-09T15:42:20Z</cim:Datetime></p:D></p:Win32_Service>`)
	f.Add(`<p:X B="c">x<p:A>TRUE</p:A><p:C D="e">f&lt;<![CDATA[g]]></p:C><p:C xsi:nil="true"/><p:C> </p:C><p:H>007</p:H></p:X>`)
	f.Fuzz(func(t *testing.T, items string) {
		out, err := decodeAll(t, newDecoder("Win32_Service", Known), items)
		if err != nil {
			return
		}
		for i := range out {
			check(t, &out[i], 0)
		}
		if strings.Contains(items, ":type") {
			return
		}
		out, err = decodeAll(t, newDecoder("", func(string) *wsman.Class { return nil }), items)
		if err != nil {
			t.Fatal(err)
		}
		var list node
		if err := xml.Unmarshal([]byte(`<list`+declarations+`>`+items+`</list>`), &list); err != nil {
			return // it is stricter in places
		}
		if len(list.Nodes) != len(out) {
			t.Fatalf("%d items, %d of encoding/xml", len(out), len(list.Nodes))
		}
		for i := range out {
			if out[i].Reference != nil || list.Nodes[i].XMLName.Local == "Item" || list.Nodes[i].XMLName.Local == "EndpointReference" {
				continue
			}
			if got, want := textsOf(&out[i]), list.Nodes[i].texts(); !slices.Equal(got, want) {
				t.Errorf("%s: texts %q, of encoding/xml %q", items, got, want)
			}
		}
	})
}

// node is an element as encoding/xml reads it.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []node     `xml:",any"`
}

// texts are the texts of an instance's properties, sorted, but for those that have another form: nulls, what has elements in it, and
// datetimes.
func (n *node) texts() []string {
	var out []string
	for _, a := range n.Attrs {
		if a.Name.Space == "" && a.Name.Local != "xmlns" && !isDMTF(a.Value) {
			out = append(out, a.Value)
		}
	}
	for _, p := range n.Nodes {
		bare := true
		isNil := false
		for _, a := range p.Attrs {
			bare = bare && (a.Name.Space != "" || a.Name.Local == "xmlns")
			isNil = isNil || a.Name == xml.Name{Space: wsman.NSInstance, Local: "nil"} && (a.Value == "true" || a.Value == "1")
		}
		if !isNil && len(p.Nodes) == 0 && (bare || p.Text != "") && !isDMTF(p.Text) {
			out = append(out, p.Text)
		}
	}
	return sorted(out)
}

// textsOf are the same, as they were decoded.
func textsOf(i *Item) []string {
	var out []string
	var add func(v *Value)
	add = func(v *Value) {
		switch v.Kind {
		case String, Bool, Number:
			out = append(out, v.Text)
		case Array:
			for i := range v.Elements {
				add(&v.Elements[i])
			}
		}
	}
	for _, p := range i.Properties {
		add(&p.Value)
	}
	return sorted(out)
}

// sorted sorts texts whose line ends and booleans are written in one way.
func sorted(texts []string) []string {
	for i, s := range texts {
		texts[i] = strings.ToLower(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s))
	}
	slices.Sort(texts)
	return texts
}

func check(t *testing.T, i *Item, depth int) {
	if depth > 100 {
		t.Fatal("too deep")
	}
	for _, p := range i.Properties {
		checkValue(t, &p.Value, depth)
	}
}

func checkValue(t *testing.T, v *Value, depth int) {
	switch v.Kind {
	case Number:
		if _, ok := real(v.Text); !ok {
			t.Errorf("the number %q", v.Text)
		}
	case Bool:
		if v.Text != "true" && v.Text != "false" {
			t.Errorf("the boolean %q", v.Text)
		}
	case Array:
		if len(v.Elements) == 0 {
			t.Error("an empty array")
		}
		for i := range v.Elements {
			checkValue(t, &v.Elements[i], depth+1)
		}
	case Object, Reference:
		check(t, v.Item, depth+1)
	}
}

// BenchmarkDecode reads a page of small items.
func BenchmarkDecode(b *testing.B) {
	item := `<p:Sandbox_Number xmlns:xsi="` + wsman.NSInstance + `" xmlns:p="` + wsman.PrefixWMI + `root/cimv2/Sandbox_Number" xmlns:cim="` + wsman.NSCommon +
		`" xsi:type="p:Sandbox_Number_Type"><p:Number>123456</p:Number><p:Name>number 123456</p:Name><p:Even>true</p:Even><p:Square>15241383936</p:Square></p:Sandbox_Number>`
	doc := []byte(`<list>` + strings.Repeat(item, 1000) + `</list>`)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		d := newDecoder("", Known)
		r := wsman.NewReader(doc)
		r.Next()
		for r.Next() == wsman.Start {
			var item Item
			if err := d.item(r, &item); err != nil {
				b.Fatal(err)
			}
		}
	}
}
