package wsman

import (
	"encoding/xml"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestEnumerationRequests: what a client writes is what a server reads.
func TestEnumerationRequests(t *testing.T) {
	object := EndpointReference{ResourceURI: PrefixWMI + "root/cimv2/Win32_LogicalDisk", Selectors: []Selector{{Name: "DeviceID", Value: `C:<&"'>`}}}
	for _, body := range []Body{
		&Enumerate{},
		&Enumerate{Optimize: true, MaxElements: 1000, Mode: ModeObjectAndEPR, Polymorphism: PolymorphismInclude},
		&Enumerate{Filter: &Filter{Dialect: DialectWQL, Text: `SELECT * FROM X WHERE A < 1 AND B = 'a&b"]]>'`}},
		&Enumerate{Filter: &Filter{Dialect: DialectSelector, Selectors: []Selector{{Name: "State", Value: "Stopped"}, {Name: "StartMode", Value: "Auto <&>"}}}},
		&Enumerate{Filter: &Filter{Dialect: DialectAssociation, Association: &Association{
			Object: object, AssociationClass: "A", Role: "R", ResultClass: "C", ResultRole: "S",
		}}},
		&Enumerate{Filter: &Filter{Dialect: DialectAssociation, Association: &Association{Instances: true, Object: object, ResultClass: "C", Role: "R"}}},
		&Pull{Context: "uuid:1 <&>", MaxElements: 32000},
		&Pull{Context: "1"},
		&Release{Context: "uuid:2"},
		&Input{Space: PrefixWMI + "root/cimv2/Win32_Process", Method: "Create", Parameters: []Parameter{{"CommandLine", "a <b> & \"c\"\r\n"}, {"CurrentDirectory", `C:\`}}},
	} {
		q := &Request{
			Action: ActionEnumerate, To: "http://h:5985/wsman", ResourceURI: PrefixWMI + "root/cimv2/*", MessageID: "uuid:A", Locale: "en-US",
			OperationTimeout: time.Minute, MaxEnvelopeSize: 512000, Body: body,
		}
		message, err := q.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal(message, new(struct{ XMLName xml.Name })); err != nil {
			t.Errorf("%s: %v", message, err)
		}
		got, err := ParseRequest(message)
		if err != nil {
			t.Fatalf("%s: %v", message, err)
		}
		if !reflect.DeepEqual(got.Body, body) {
			t.Errorf("%s\ngot  %#v\nwant %#v", message, got.Body, body)
		}
	}
	for _, bad := range []*Input{{Method: "a b"}, {Method: "M", Parameters: []Parameter{{"x:y", ""}}}, {Method: ""}, {Method: "M><", Space: "x"}} {
		if _, err := (&Request{Body: bad}).Encode(); err == nil {
			t.Errorf("%#v is written", bad)
		}
	}
	if _, err := (&Request{Body: &Pull{Context: "\x00"}}).Encode(); err == nil {
		t.Error("a character that XML cannot carry is written")
	}
}

func answerWith(body string) []byte {
	return []byte(`<s:Envelope xmlns:s="` + NSEnvelope + `" xmlns:a="` + NSAddressing + `" xmlns:n="` + NSEnumeration + `" xmlns:w="` + NSManagement +
		`"><s:Header><a:RelatesTo>uuid:1</a:RelatesTo></s:Header><s:Body>` + body + `</s:Body></s:Envelope>`)
}

func TestPages(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		page       Page
		items      string
	}{
		{"optimised, all at once", `<n:EnumerateResponse><n:EnumerationContext/><w:Items><A/><B x="&gt;">t<C/></B></w:Items><w:EndOfSequence/></n:EnumerateResponse>`, Page{End: true, Count: 2}, "A B"},
		{"optimised, more to come", `<n:EnumerateResponse><n:EnumerationContext> uuid:2 </n:EnumerationContext><w:Items><A>1</A></w:Items></n:EnumerateResponse>`, Page{Context: "uuid:2", Count: 1}, "A"},
		{"not optimised", `<n:EnumerateResponse><n:EnumerationContext>7</n:EnumerationContext></n:EnumerateResponse>`, Page{Context: "7"}, ""},
		{"pull", `<n:PullResponse><n:Items><A/><A></A></n:Items><n:EndOfSequence/></n:PullResponse>`, Page{End: true, Count: 2}, "A A"},
		{"the end in the other namespace, before the items", `<n:PullResponse><w:EndOfSequence/><w:Items><A/></w:Items></n:PullResponse>`, Page{End: true, Count: 1}, "A"},
		{"nothing", `<n:PullResponse><n:Items/><n:EndOfSequence/></n:PullResponse>`, Page{End: true}, ""},
		{"traps for a scan", `<n:PullResponse><n:Items><!-- <X> </n:Items> --><A b='/>"' c="/>&lt;/n:Items>"><![CDATA[</n:Items><Y>]]></A><?p <Z>?><B/></n:Items><n:EndOfSequence/></n:PullResponse>`, Page{End: true, Count: 2}, "A B"},
	} {
		p, err := ParsePage(answerWith(tc.body), "uuid:1")
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		var names []string
		if err := p.Items(func(r *Reader) error { names = append(names, r.Name().Local); return nil }); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		p.items = nil
		if got := strings.Join(names, " "); !reflect.DeepEqual(*p, tc.page) || got != tc.items {
			t.Errorf("%s: %+v, items %q", tc.name, *p, got)
		}
	}
	for _, body := range []string{
		``, `<n:ReleaseResponse/>`, `<PullResponse/>`, `<n:PullResponse><n:Items><A></n:Items></n:PullResponse>`, `<n:PullResponse><n:Items><A></A></A></n:Items></n:PullResponse>`,
		`<n:PullResponse><n:Items><A b="</n:Items></n:PullResponse>`, `<n:PullResponse><n:Items><!-- </n:Items></n:PullResponse>`, `<n:PullResponse><n:Items><A`,
		`<n:PullResponse><n:Items><x:A/></n:Items></n:PullResponse>`, `<n:PullResponse><n:Items><A b=1/></n:Items></n:PullResponse>`,
	} {
		p, err := ParsePage(answerWith(body), "uuid:1")
		if err == nil {
			err = p.Items(func(*Reader) error { return nil })
		}
		if err == nil {
			t.Errorf("%s is read", body)
		}
	}
	stop := errors.New("stop")
	p, err := ParsePage(answerWith(`<n:PullResponse><n:Items><A/><B/></n:Items></n:PullResponse>`), "uuid:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Items(func(*Reader) error { return stop }); err != stop {
		t.Errorf("%v", err)
	}
}

// TestElement: an element by itself means what it meant in its document.
func TestElement(t *testing.T) {
	doc := `<r xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q&amp;&quot;" xmlns:u="urn:unused"><p:e q:a="1"><f xmlns:p="urn:other"><p:g/></f>&lt;</p:e><h xmlns="urn:h"/></r>`
	want := []string{`<p:e xmlns:q="urn:q&amp;&quot;" xmlns:p="urn:p" xmlns="urn:d" q:a="1"><f xmlns:p="urn:other"><p:g/></f>&lt;</p:e>`, `<h xmlns="urn:h"/>`}
	r := NewReader([]byte(doc))
	var got []string
	r.Next()
	for r.Next() == Start {
		got = append(got, string(r.Element()))
	}
	if r.Err() != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%q", r.Err(), got)
	}
	for _, e := range got {
		if err := xml.Unmarshal([]byte(e), new(struct{ XMLName xml.Name })); err != nil {
			t.Errorf("%s: %v", e, err)
		}
	}
}

func TestClasses(t *testing.T) {
	c := &Class{Name: "Lab_Widget", Superclass: "Lab_Thing", Methods: []string{"Start"}, Properties: []ClassProperty{
		{Name: "Id", Type: "uint32", Key: true}, {Name: "Tags", Type: "string", Array: true},
		{Name: "Owner", Type: "reference", Class: "Lab_Person"}, {Name: "Part", Type: "string", Class: "Lab_Part"},
	}}
	r := NewReader(c.AppendXML(nil))
	r.Next()
	got, err := ReadClass(r)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%v\n%+v", err, got)
	}
	if k := got.Keys(); len(k) != 1 || k[0] != "Id" || got.Property("tags") == nil || got.Property("none") != nil {
		t.Errorf("keys %v", k)
	}
	// In the form of OMI's own tests: qualifiers with arrays in them, methods with parameters.
	r = NewReader([]byte(`<CLASS NAME="X" DERIVATION="Y"><QUALIFIER NAME="Version" TYPE="string"><VALUE>1</VALUE></QUALIFIER><PROPERTY NAME="N" TYPE="uint64" PROPAGATED="true"><QUALIFIER NAME="Values" TYPE="string"><VALUE.ARRAY><VALUE>a</VALUE><VALUE>b</VALUE></VALUE.ARRAY></QUALIFIER><QUALIFIER NAME="Key" TYPE="boolean"><VALUE>TRUE</VALUE></QUALIFIER></PROPERTY><METHOD NAME="M" TYPE="string"><PARAMETER.ARRAY NAME="p" TYPE="string"/></METHOD></CLASS>`))
	r.Next()
	got, err = ReadClass(r)
	want := &Class{Name: "X", Properties: []ClassProperty{{Name: "N", Type: "uint64", Key: true}}, Methods: []string{"M"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%+v", err, got)
	}
	for _, bad := range []string{`<OTHER/>`, `<CLASS/>`, `<CLASS NAME="a"><PROPERTY>`} {
		r := NewReader([]byte(bad))
		r.Next()
		if _, err := ReadClass(r); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

// FuzzPage: a page never panics, and what the quick look counts is what a close look finds.
func FuzzPage(f *testing.F) {
	f.Add(answerWith(`<n:PullResponse><n:EnumerationContext>1</n:EnumerationContext><n:Items><A><B c="d"/></A><!-- x --></n:Items><n:EndOfSequence/></n:PullResponse>`))
	f.Add(answerWith(`<n:PullResponse><n:Items/></n:PullResponse>`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		p, err := ParsePage(answer, "uuid:1")
		if err != nil {
			return
		}
		n := 0
		err = p.Items(func(r *Reader) error {
			n++
			if n%2 == 0 {
				if e := r.Element(); r.Err() == nil && NewReader(e).Next() != Start {
					t.Errorf("%q is no element", e)
				}
			}
			return nil
		})
		if err == nil && n != p.Count {
			t.Errorf("%d items, %d counted", n, p.Count)
		}
	})
}
