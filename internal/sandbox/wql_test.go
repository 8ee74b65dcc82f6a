package sandbox

import (
	"slices"
	"strings"
	"testing"
)

// widgets is a class with a property of each kind.
const widgets = `{"__CLASS": "Lab_Widget", "__KEYS": ["Id"], "__TYPES": {"Id": "uint32", "Made": "datetime"}}
{"__CLASS": "Lab_Widget", "Id": 1, "Name": "first", "Weight": -1.5, "Big": 18446744073709551615, "On": true, "Made": "2024-05-01T12:00:00Z", "Tags": ["a", "b"]}
{"__CLASS": "Lab_Widget", "Id": 2, "Name": "Second's", "Weight": 2, "Big": 9007199254740993, "On": false, "Made": "2024-05-02T00:00:00+02:00", "Tags": ["c"]}
{"__CLASS": "Lab_Widget", "Id": 3, "Name": null, "Weight": null, "Big": 0, "On": null, "Made": null}
{"__CLASS": "Lab_Widget", "Id": 4, "Name": "50%_[x]\\y", "Weight": 1e3, "Big": 9007199254740992, "On": true, "Made": "2023-01-01T00:00:00Z"}
`

// TestWQL: what a condition lets pass, by the rules of WMI: names, keywords and text do not mind case, null is neither equal nor
// unequal to anything but by IS, and whole numbers compare exactly.
func TestWQL(t *testing.T) {
	d, err := ReadDataset(strings.NewReader(widgets))
	if err != nil {
		t.Fatal(err)
	}
	class := d.classes[0]
	for where, want := range map[string]string{
		"":                                   "1234",
		"Id = 2":                             "2",
		"id=2 OR ID=3":                       "23",
		"2 = Id":                             "2",
		"2 < Id":                             "34",
		"Id >= 2 AND Id <= 3":                "23",
		"Id > 1 and NOT Id = 3":              "24",
		"NOT (Id = 1 OR Id = 2)":             "34",
		"Id = 1 OR Id = 2 AND On=FALSE":      "12",
		"Id <> 1":                            "234",
		"Id != 1":                            "234",
		"Name = 'FIRST'":                     "1",
		`Name = "second's"`:                  "2",
		`Name = 'second\'s'`:                 "2",
		"Name <> 'first'":                    "24",
		"Name IS NULL":                       "3",
		"Name IS NOT NULL":                   "124",
		"Name = NULL":                        "3",
		"Name <> NULL":                       "124",
		"Name LIKE '%s%'":                    "12",
		"Name LIKE 'f_rst'":                  "1",
		"Name LIKE '[e-g]%'":                 "1",
		"Name LIKE '[^e-g]%'":                "24",
		`Name LIKE '50[%][_][[]x]\\y'`:       "4",
		"Name LIKE ''":                       "",
		"NOT Name LIKE '%s%'":                "34",
		"Weight < 0":                         "1",
		"Weight = 1000.0":                    "4",
		"Weight > 1.5":                       "24",
		"Big = 18446744073709551615":         "1",
		"Big = 9007199254740993":             "2",
		"Big > 9007199254740992":             "12",
		"Big = '0'":                          "3",
		"On = TRUE":                          "14",
		"On = 0":                             "2",
		"On <> TRUE":                         "2",
		"Made > '20240501120000.000000+000'": "2",
		"Made = '20240501120000.000000+000'": "1",
		"Made = '2024-05-02T00:00:00+02:00'": "2",
		"Made < '20240101000000.000000+000'": "4",
		"Made = '20240502000000.000000+120'": "2",
		"__CLASS = 'lab_widget' AND Id < 3":  "12",
		"((((Id = 1))))":                     "1",
		"Id = -1":                            "",
		"Id > -1":                            "1234",
		"Name > 'f'":                         "12",
	} {
		query := "SELECT * FROM Lab_Widget"
		if where != "" {
			query += " WHERE " + where
		}
		q, err := parseWQL(query)
		if err == nil && q.where != nil {
			err = q.where.bind(class)
		}
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		got := ""
		row := make([]cimValue, len(class.Properties))
		for c := class.open(0); c.next(row); {
			if q.where == nil || q.where.match(row) {
				got += row[class.index("Id")].string()
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

// TestWQLMistakes: each says what is wrong.
func TestWQLMistakes(t *testing.T) {
	d, err := ReadDataset(strings.NewReader(widgets))
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"":                                               "SELECT is missing",
		"SELECT":                                         "a name is missing",
		"SELECT * Lab_Widget":                            "FROM is missing",
		"SELECT * FROM":                                  "a name is missing",
		"SELECT Id, FROM Lab_Widget":                     "FROM is missing",
		"SELECT * FROM Lab_Widget WHERE":                 "a name is missing",
		"SELECT * FROM Lab_Widget Id = 1":                `unexpected "Id"`,
		"SELECT * FROM Lab_Widget WHERE Id":              "an operator is missing",
		"SELECT * FROM Lab_Widget WHERE Id=":             "a constant is missing",
		"SELECT * FROM Lab_Widget WHERE Id = one":        `"one" is no constant: strings stand in quotes`,
		"SELECT * FROM Lab_Widget WHERE Id = 'one":       "a string is not closed",
		"SELECT * FROM Lab_Widget WHERE (Id = 1":         "a parenthesis is not closed",
		"SELECT * FROM Lab_Widget WHERE Id = 1)":         `unexpected ")"`,
		"SELECT * FROM Lab_Widget WHERE Id IS 1":         "NULL is missing behind IS",
		"SELECT * FROM Lab_Widget WHERE Name LIKE 1":     "LIKE needs a string",
		"SELECT * FROM Lab_Widget WHERE Nothing = 1":     "the class Lab_Widget has no property Nothing",
		"SELECT * FROM Lab_Widget WHERE Id=1 OR Other=1": "the class Lab_Widget has no property Other",
		"SELECT * FROM Lab_Widget WHERE Tags = 'a'":      "the property Tags is an array, which cannot be compared",
		"SELECT * FROM Lab_Widget WHERE " + strings.Repeat("NOT ", 300) + "Id=1": "the condition is nested too deeply",
		"SELECT * FROM Lab_Widget WHERE " + strings.Repeat("(", 300) + "Id=1":    "the condition is nested too deeply",
	} {
		q, err := parseWQL(query)
		if err == nil && q.where != nil {
			err = q.where.bind(d.classes[0])
		}
		if err == nil || err.Error() != want {
			t.Errorf("%.60s: %v, want %s", query, err, want)
		}
	}
}

// FuzzWQL: no query makes the parser panic; one that is understood can be carried out on every row.
func FuzzWQL(f *testing.F) {
	f.Add(`SELECT Id,Name FROM Lab_Widget WHERE (Id >= 1 AND NOT Name LIKE '%[^a-f]_%') OR Made IS NOT NULL`)
	f.Add(`select * from Lab_Widget where 1 < Id or Name = "a\"b" and On != FALSE and Weight<=-1.5e3`)
	d, err := ReadDataset(strings.NewReader(widgets))
	if err != nil {
		f.Fatal(err)
	}
	class := d.classes[0]
	f.Fuzz(func(t *testing.T, query string) {
		q, err := parseWQL(query)
		if err != nil {
			return
		}
		if !isWQLIdentifier(q.class) || slices.Contains(q.properties, "") {
			t.Errorf("%+v", q)
		}
		if q.where == nil || q.where.bind(class) != nil {
			return
		}
		row := make([]cimValue, len(class.Properties))
		for c := class.open(0); c.next(row); {
			q.where.match(row)
		}
	})
}
