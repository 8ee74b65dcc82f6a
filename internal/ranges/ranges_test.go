package ranges

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	for name, want := range map[string]string{
		"web1":                         "web1",
		"":                             "",
		"web[01:03].corp.example":      "web01.corp.example web02.corp.example web03.corp.example",
		"web[8:11]":                    "web8 web9 web10 web11",
		"web[08:11]":                   "web08 web09 web10 web11",
		"web[000:002]":                 "web000 web001 web002",
		"web[0:2]":                     "web0 web1 web2",
		"web[:2]":                      "web0 web1 web2",
		"web[1:9:4]":                   "web1 web5 web9",
		"web[1:10:4]":                  "web1 web5 web9",
		"web[5:5]":                     "web5",
		"db-[a:c]":                     "db-a db-b db-c",
		"db-[a:f:2]":                   "db-a db-c db-e",
		"db-[y:B]":                     "db-y db-z db-A db-B",
		"[1:2]x":                       "1x 2x",
		"r[1:2]-[a:b]":                 "r1-a r1-b r2-a r2-b",
		"10.0.[0:1].[9:10]":            "10.0.0.9 10.0.0.10 10.0.1.9 10.0.1.10",
		"[::1]":                        "[::1]",
		"[::]:5985":                    "[::]:5985",
		"[1::2]":                       "[1::2]",
		"bob@[fe80::1%eth0]:5985":      "bob@[fe80::1%eth0]:5985",
		"http://[::1]/[1:2]":           "http://[::1]/1 http://[::1]/2",
		"https://web[1:2].corp:5986/x": "https://web1.corp:5986/x https://web2.corp:5986/x",
		"[::1":                         "[::1",
		"web]1:2[":                     "web]1:2[",
		"web[1:2":                      "web[1:2",
	} {
		got, err := Expand(name, 10)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v %v, want %s", name, got, err, want)
		}
	}
}

func TestExpandRefuses(t *testing.T) {
	forms := "write it as [01:20], [a:f] or [1:10:2]"
	for name, want := range map[string]string{
		"web[01-20]":        `not a range: "[01-20]" | ` + forms,
		"web[1]":            `not a range: "[1]" | ` + forms,
		"web[]":             `not a range: "[]" | ` + forms,
		"web[1,2]":          `not a range: "[1,2]" | ` + forms,
		"web[1:2:3:4]":      `not a range: "[1:2:3:4]" | ` + forms,
		"web[1:]":           `not a range: "[1:]": its ends are neither two numbers nor two letters | ` + forms,
		"web[a:3]":          `not a range: "[a:3]": its ends are neither two numbers nor two letters | ` + forms,
		"web[ab:cd]":        `not a range: "[ab:cd]": its ends are neither two numbers nor two letters | ` + forms,
		"web[1: 3]":         `not a range: "[1: 3]": its ends are neither two numbers nor two letters | ` + forms,
		"web[-1:3]":         `not a range: "[-1:3]": its ends are neither two numbers nor two letters | ` + forms,
		"web[1:9999999999]": `not a range: "[1:9999999999]": its numbers have more than 9 digits | `,
		"web[3:1]":          `not a range: "[3:1]": its end is before its beginning | `,
		"web[c:a]":          `not a range: "[c:a]": its end is before its beginning | `,
		"web[01:3]":         `not a range: "[01:3]": its ends have to be equally long where the first begins with 0 | write it as [01:20]`,
		"web[1:3:0]":        `not a range: "[1:3:0]": its step is no number above 0 | write it as [1:10:2]`,
		"web[1:3:-1]":       `not a range: "[1:3:-1]": its step is no number above 0 | write it as [1:10:2]`,
		"web[1:3:]":         `not a range: "[1:3:]": its step is no number above 0 | write it as [1:10:2]`,
		"10.0.0.1[1.2.3.4]": `not a range: "[1.2.3.4]" | ` + forms,
		"web[1:11]":         `the range [1:11] makes more than 10 names | `,
		"w[1:4][1:3]":       `the range [1:3] makes more than 10 names | `,
		"w[0:999999999]":    `the range [0:999999999] makes more than 10 names | `,

		"w[" + strings.Repeat("x", 50) + "]": `not a range: "[` + strings.Repeat("x", 39) + `…" | ` + forms,
	} {
		got, err := Expand(name, 10)
		var wrong *Error
		if !errors.As(err, &wrong) || got != nil || wrong.Error()+" | "+wrong.Hint() != want {
			t.Errorf("%s: %v %v, want %s", name, got, err, want)
		}
	}
}

// FuzzExpand: whatever the name, it is refused, or makes at most as many names as are allowed, none with a range in it.
func FuzzExpand(f *testing.F) {
	for _, name := range []string{"web[01:20].corp.example", "a[a:f]b[1:10:2]", "[::1]:5985", "x[", "x]", "x[[1:2]]", "x[0:0:0]", "[999999999:999999999:999999999]"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		const most = 100
		names, err := Expand(name, most)
		var wrong *Error
		switch {
		case err != nil && (!errors.As(err, &wrong) || wrong.Error() == "" || names != nil):
			t.Fatalf("%q: %v %T %v", name, names, err, err)
		case err == nil && (len(names) == 0 || len(names) > most):
			t.Errorf("%q: %d names", name, len(names))
		case err == nil && !strings.Contains(name, "[") && !slices.Equal(names, []string{name}):
			t.Errorf("%q: %q", name, names)
		}
	})
}

func TestContract(t *testing.T) {
	for names, want := range map[string]string{
		"":                              "",
		"web1":                          "web1",
		"web1 web2":                     "web1 web2",
		"web1 web2 web3":                "web[1:3]",
		"web01.x web02.x web03.x db1.x": "web[01:03].x db1.x",
		"db1 web08 web09 web10 web11":   "db1 web[08:11]",
		"web8 web9 web10":               "web[8:10]",
		"web0 web1 web2":                "web[0:2]",
		"web098 web099 web100":          "web[098:100]",
		"web97 web98 web99 web100":      "web[97:100]",
		"web07 web08 web9":              "web07 web08 web9",
		"w08 w09 w010":                  "w08 w09 w010",
		"w1 w3 w5":                      "w1 w3 w5",
		"w3 w2 w1":                      "w3 w2 w1",
		"10.0.0.1 10.0.0.2 10.0.0.3":    "10.0.0.[1:3]",
		"10.0.1.9 10.0.2.9 10.0.3.9":    "10.0.[1:3].9",
		"r1-1 r1-2 r1-3 r2-1 r2-2 r2-3": "r1-[1:3] r2-[1:3]",
		"fe80::1 fe80::2 fe80::3":       "fe80::1 fe80::2 fe80::3",
		"w[1 w[2 w[3":                   "w[1 w[2 w[3",
		"a9999999999 b a":               "a9999999999 b a",
		"w999999998 w999999999 w1000000000 w1000000001": "w999999998 w999999999 w1000000000 w1000000001",
	} {
		var got []string
		left := len(strings.Fields(names))
		for _, run := range Contract(strings.Fields(names)) {
			got, left = append(got, run.Text), left-run.Count
		}
		if strings.Join(got, " ") != want || left != 0 {
			t.Errorf("%s: %s, want %s; %d names left", names, got, want, left)
		}
	}
}

// FuzzContract: what is contracted expands to the same names, in the same order.
func FuzzContract(f *testing.F) {
	f.Add("web08 web09 web10 web11 w1 w2 w3")
	f.Add("0 1 2 00 01 02")
	f.Fuzz(func(t *testing.T, text string) {
		var want, got []string
		for _, name := range strings.Fields(text) {
			if !strings.ContainsAny(name, "[]") {
				want = append(want, name)
			}
		}
		for _, run := range Contract(want) {
			names, err := Expand(run.Text, 10_000)
			if err != nil || len(names) != run.Count {
				t.Fatal(run, err)
			}
			got = append(got, names...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
