package sandbox

import (
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// TestDataset: classes and types follow from what is there, or from a declaration.
func TestDataset(t *testing.T) {
	for name, tc := range map[string]struct{ in, class, items string }{
		"types from values": {
			`{"__CLASS":"A","I":-1,"U":18446744073709551615,"R":0.5,"B":true,"S":"x","L":[1,2],"N":null,"E":{"X":1}}`,
			`I*:sint64 U:uint64 R:real64 B:boolean S:string L:sint64[] N: E:string(Sandbox_E)`,
			`<p:I>-1</p:I><p:U>18446744073709551615</p:U><p:R>0.5</p:R><p:B>true</p:B><p:S>x</p:S><p:L>1</p:L><p:L>2</p:L><p:N xsi:nil="true"/><p:E ` +
				`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Sandbox_E" xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common" xsi:type="p:Sandbox_E_Type"><p:X>1</p:X></p:E>`,
		},
		"an array, and what comes later": {
			"\n [ {\"__CLASS\":\"a\",\"K\":1}, {\"__CLASS\":\"A\",\"K\":2,\"More\":\"<&\\u001b\"} ] ", `K*:sint64 More:string`, `<p:K>1</p:K><p:More xsi:nil="true"/> <p:K>2</p:K><p:More>&lt;&amp;?</p:More>`,
		},
		"declared": {
			`{"__CLASS":"A","__KEYS":["K","L"],"__TYPES":{"K":"uint8","T":"datetime"}} {"__CLASS":"A","T":"2024-05-01T12:00:00+02:00","L":"P1D","k":1} {"__CLASS":"A","T":"P1D"}`,
			`T:datetime L*:string k*:uint8`, `<p:T><cim:Datetime>2024-05-01T10:00:00Z</cim:Datetime></p:T><p:L>P1D</p:L><p:k>1</p:k> <p:T><cim:Interval>P1D</cim:Interval></p:T><p:L xsi:nil="true"/><p:k xsi:nil="true"/>`,
		},
	} {
		d, err := ReadDataset(strings.NewReader(tc.in))
		if err != nil || len(d.classes) != 1 {
			t.Errorf("%s: %v %+v", name, err, d)
			continue
		}
		c := d.classes[0]
		var class, items []string
		for _, p := range c.Properties {
			class = append(class, describe(p))
		}
		w := newItemWriter(c, "urn:x", nil, wsman.ModeObject)
		row := make([]cimValue, len(c.Properties))
		for cursor := c.open(0); cursor.next(row); {
			item := string(w.append(nil, row))
			items = append(items, strings.TrimSuffix(strings.TrimPrefix(item, w.open), w.end))
		}
		if got := strings.Join(class, " "); got != tc.class {
			t.Errorf("%s: class %s", name, got)
		}
		if got := strings.Join(items, " "); got != tc.items {
			t.Errorf("%s: items\n%s\nwant\n%s", name, got, tc.items)
		}
	}
}

func describe(p wsman.ClassProperty) string {
	out := p.Name
	if p.Key {
		out += "*"
	}
	out += ":" + p.Type
	if p.Array {
		out += "[]"
	}
	if p.Class != "" {
		out += "(" + p.Class + ")"
	}
	return out
}

// TestDatasetMistakes: each names its record.
func TestDatasetMistakes(t *testing.T) {
	for in, want := range map[string]string{
		`{"__CLASS":"A","X":1} 5`:                 "dataset: record 2: it is no object",
		`[{"__CLASS":"A"}`:                        "dataset: the array does not end: ",
		`{"X":1}`:                                 "dataset: record 1: __CLASS does not name its class",
		`{"__CLASS":"A B"}`:                       "dataset: record 1: __CLASS does not name its class",
		`{"__CLASS":"A","X Y":1}`:                 `dataset: record 1: "X Y" is no name of a property`,
		`{"__CLASS":"A","X":{"Y Z":1}}`:           `dataset: record 1: X: "Y Z" is no name of a property`,
		`{"__CLASS":"A","X":[1,null]}`:            "dataset: record 1: X: an array has no null and no array in it (3.1.4.1.26)",
		`{"__CLASS":"A","X":1e400}`:               "dataset: record 1: X: 1e400 is too large",
		`{"__CLASS":"A","X":1}{"__CLASS":"A"`:     "dataset: record 2: unexpected EOF",
		`{"__CLASS":"A","__KEYS":["K"]}`:          `dataset: the class A has no property "K" to be a key`,
		`{"__CLASS":"A","__TYPES":{"K":"int"}}`:   "dataset: record 1: int is no type of CIM",
		strings.Repeat(`{"__CLASS":"A","X":`, 40): "dataset: record 1: nested too deeply",
		`{"__CLASS":"A","__TYPES":{"T":"datetime"}} {"__CLASS":"A","T":"noon"}`: `dataset: record 2: T: "noon" is no time of RFC 3339 and no interval of ISO 8601`,
	} {
		if _, err := ReadDataset(strings.NewReader(in)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60s: %v, want %s", in, err, want)
		}
	}
}
