package enum

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

func TestResolve(t *testing.T) {
	const wmi = wsman.PrefixWMI
	namespace := func(n string) []wsman.Selector {
		return []wsman.Selector{{Name: wsman.SelectorNamespace, Value: n}}
	}
	for _, tc := range []struct {
		name  string
		scope Scope
		want  Resource
	}{
		{"services", Scope{}, Resource{Class: "Win32_Service", URI: wmi + "root/cimv2/Win32_Service", AllURI: wmi + "root/cimv2/*", Namespace: "root/cimv2"}},
		{"OS", Scope{}, Resource{Class: "Win32_OperatingSystem", URI: wmi + "root/cimv2/Win32_OperatingSystem", AllURI: wmi + "root/cimv2/*", Namespace: "root/cimv2"}},
		{"WIN32_service", Scope{}, Resource{Class: "Win32_Service", URI: wmi + "root/cimv2/Win32_Service", AllURI: wmi + "root/cimv2/*", Namespace: "root/cimv2"}},
		{"Win32_Any", Scope{Namespace: `\root\Wmi\`}, Resource{Class: "Win32_Any", URI: wmi + "root/Wmi/Win32_Any", AllURI: wmi + "root/Wmi/*", Namespace: "root/Wmi"}},
		{"__NAMESPACE", Scope{Namespace: "root"}, Resource{Class: "__NAMESPACE", URI: wmi + "root/__NAMESPACE", AllURI: wmi + "root/*", Namespace: "root"}},
		{"shells", Scope{}, Resource{Items: "Shell", URI: wsman.ResourceShells}},
		{"config", Scope{}, Resource{URI: wsman.ResourceConfig, Single: true}},
		{"CIM_System", Scope{Prefix: wsman.PrefixDMTF}, Resource{Class: "CIM_System", URI: wsman.PrefixDMTF + "CIM_System", AllURI: wsman.ResourceAllDMTF}},
		{"CIM_System", Scope{Prefix: "http://schemas.example/2", Namespace: "root/lab"}, Resource{Class: "CIM_System", URI: "http://schemas.example/2/CIM_System", AllURI: "http://schemas.example/2/*", Namespace: "root/lab", Selectors: namespace("root/lab")}},
		{wmi + "root/cimv2/Win32_Bios", Scope{}, Resource{Class: "Win32_Bios", URI: wmi + "root/cimv2/Win32_Bios", AllURI: wmi + "root/cimv2/*", Namespace: "root/cimv2"}},
		{wmi + "root/cimv2/*", Scope{}, Resource{URI: wmi + "root/cimv2/*", AllURI: wmi + "root/cimv2/*", Namespace: "root/cimv2"}},
		{wsman.PrefixDMTF + "CIM_System", Scope{}, Resource{Class: "CIM_System", URI: wsman.PrefixDMTF + "CIM_System", AllURI: wsman.ResourceAllDMTF}},
		{"http://schemas.example/x/Y", Scope{}, Resource{URI: "http://schemas.example/x/Y"}},
		{"http://schemas.example/x/Y", Scope{Namespace: `root\lab`}, Resource{URI: "http://schemas.example/x/Y", Namespace: "root/lab", Selectors: namespace("root/lab")}},
	} {
		got, err := Resolve(tc.name, tc.scope)
		if err != nil || got.Class != tc.want.Class || got.Items != cmp.Or(tc.want.Items, tc.want.Class) || got.URI != tc.want.URI || got.AllURI != tc.want.AllURI || got.Namespace != tc.want.Namespace ||
			got.Single != tc.want.Single || !slices.Equal(got.Selectors, tc.want.Selectors) {
			t.Errorf("%s %+v: %v\ngot  %+v\nwant %+v", tc.name, tc.scope, err, got, tc.want)
		}
	}
	for _, bad := range []struct {
		name  string
		scope Scope
	}{
		{"", Scope{}}, {"Win32 Service", Scope{}}, {"1x", Scope{}}, {"a'b", Scope{}}, {"http://x/y?Name=z", Scope{}}, {"http://x/y z", Scope{}}, {"X", Scope{Namespace: "root//x"}}, {"X", Scope{Namespace: "root/.."}},
		{"X", Scope{Namespace: "root/a b"}}, {"X", Scope{Namespace: "root?"}}, {"X", Scope{Prefix: "schemas"}},
		{"shells", Scope{Namespace: "root/x"}}, {"shells", Scope{Prefix: wsman.PrefixDMTF}}, {wmi + "root/cimv2/X", Scope{Namespace: "root/x"}}, {"http://x/y", Scope{Namespace: "root?"}},
	} {
		got, err := Resolve(bad.name, bad.scope)
		if _, ok := errors.AsType[*NameError](err); !ok {
			t.Errorf("%q %+v: %+v, %v", bad.name, bad.scope, got, err)
		}
	}
}

func TestSelect(t *testing.T) {
	for _, tc := range []struct {
		properties []string
		where      string
		want       string
	}{
		{nil, "", `SELECT * FROM X`},
		{[]string{"A", "_b"}, "", `SELECT A,_b FROM X`},
		{nil, "State='Running'", `SELECT * FROM X WHERE State='Running'`},
		{nil, ` Name = w32time `, `SELECT * FROM X WHERE Name = 'w32time'`},
		{nil, `Name=w32time AND Id>=10`, `SELECT * FROM X WHERE Name='w32time' AND Id>=10`},
		{nil, `A=1 or B=-1.5e3 or C=TRUE or D<>null`, `SELECT * FROM X WHERE A=1 or B=-1.5e3 or C=TRUE or D<>null`},
		{nil, `Path='C:\Program Files\x'`, `SELECT * FROM X WHERE Path='C:\\Program Files\\x'`},
		{nil, `Path=C:\dir\file.txt`, `SELECT * FROM X WHERE Path='C:\\dir\\file.txt'`},
		{nil, `Name='it''s' AND Other="say ""x"""`, `SELECT * FROM X WHERE Name='it\'s' AND Other='say "x"'`},
		{nil, `Name like 'a%' AND NOT (B IS NULL)`, `SELECT * FROM X WHERE Name like 'a%' AND NOT (B IS NULL)`},
		{nil, `Name LIKE a%`, `SELECT * FROM X WHERE Name LIKE 'a%'`},
		{nil, `A='' AND B<=5`, `SELECT * FROM X WHERE A='' AND B<=5`},
		{nil, `5 < Size AND 'x' = Name and B=c`, `SELECT * FROM X WHERE 5 < Size AND 'x' = Name and B='c'`},
		{nil, `A IS NULL OR NOT B=c`, `SELECT * FROM X WHERE A IS NULL OR NOT B='c'`},
		{nil, `A=漢字`, `SELECT * FROM X WHERE A='漢字'`},
		// What looks like the end of the text, and more, is text.
		{nil, `A='x'' OR 1=1 --'`, `SELECT * FROM X WHERE A='x\' OR 1=1 --'`},
		{nil, `A='x\' OR '1'='1'`, `SELECT * FROM X WHERE A='x\\' OR '1'='1'`},
	} {
		if got, err := Select("X", tc.properties, tc.where); err != nil || got != tc.want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", tc.where, err, got, tc.want)
		}
	}
	for _, bad := range []struct {
		class      string
		properties []string
		where      string
	}{{"X Y", nil, ""}, {"X", []string{"A", ""}, ""}, {"X", []string{"A FROM Y"}, ""}, {"X", nil, "A='x"}, {"X", nil, `A="x'`}} {
		if got, err := Select(bad.class, bad.properties, bad.where); err == nil {
			t.Errorf("%+v: %s", bad, got)
		}
	}
}

func TestClassOf(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT * FROM Win32_Service":                      "Win32_Service",
		"select Name,State from win32_service where a='b'": "win32_service",
		"SELECT * FROM X WHERE A=' FROM Y '":               "X",
		"ASSOCIATORS OF {X.Name='FROM Y'}":                 "",
		"SELECT * FROM 'X'":                                "",
		"SELECT *":                                         "",
		"SELECT 'FROM":                                     "",
		"":                                                 "",
	} {
		if got := ClassOf(query); got != want {
			t.Errorf("%s: %q", query, got)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"Win32_Process", "Win32_Service", "Win32_ServiceControl", "CIM_Service", "Win32_LogicalDisk", "Win32_LogicalDiskToPartition", "Win32_DiskDrive"}
	for wrong, want := range map[string]string{
		"win32_servise":     "Win32_Service",
		"Service":           "Win32_Service CIM_Service",
		"Win32_LogicalDisc": "Win32_LogicalDisk",
		"Win32_Proces":      "Win32_Process",
		"zzz":               "",
		"":                  "",
	} {
		if got := strings.Join(Nearest(wrong, names), " "); got != want {
			t.Errorf("%q: %q, want %q", wrong, got, want)
		}
	}
}

// FuzzCondition: whatever a person wrote, text in quotes cannot become anything but text: the literals of the query are closed, and
// what is outside of them has no quote.
func FuzzCondition(f *testing.F) {
	f.Add(`Name='it''s' AND Path = C:\x OR A LIKE "%""_"`)
	f.Add(`a='\' or b="\"`)
	f.Fuzz(func(t *testing.T, text string) {
		query, err := Condition(text)
		if err != nil {
			return
		}
		inside := false
		for i := 0; i < len(query); i++ {
			switch {
			case inside && query[i] == '\\':
				i++
			case query[i] == '\'':
				inside = !inside
			case query[i] == '"' && !inside:
				t.Fatalf("%q became %q: a quote outside of a literal", text, query)
			}
		}
		if inside {
			t.Errorf("%q became %q: a literal is not closed", text, query)
		}
	})
}
