package dissect

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documentation is docs/decode.md.
func documentation(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "decode.md"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

// TestDocumentedKeys: the documentation has each key of the JSON form, in its order, and no other.
func TestDocumentedKeys(t *testing.T) {
	var got []string
	for _, row := range regexp.MustCompile("(?m)^\\| `((?:tokens|exchanges)\\S*)` \\| \\S").FindAllStringSubmatch(documentation(t), -1) {
		got = append(got, row[1])
	}
	want := keysOf(reflect.TypeFor[jsonReport](), "", map[reflect.Type]bool{})
	if !slices.Equal(got, want) {
		t.Errorf("the table of keys has\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// keysOf lists the keys of a type as the documentation writes them; what has been listed once is not listed again.
func keysOf(of reflect.Type, prefix string, seen map[reflect.Type]bool) []string {
	if of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || seen[of] {
		return nil
	}
	seen[of] = true
	var keys []string
	for i := range of.NumField() {
		field := of.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct {
			name += "[]"
		}
		if options == "omitempty" {
			name = "[" + name + "]"
		}
		keys = append(keys, prefix+name)
		keys = append(keys, keysOf(field.Type, prefix+name+".", seen)...)
	}
	return keys
}

// TestDocumentedCodes: the tables have each code of the sources, and no other.
func TestDocumentedCodes(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var source string
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source += string(b)
		}
	}
	for heading, pattern := range map[string]string{
		"| mistake | the client computed with |": `(?:\.add\(.*?, |Mistake\{\{)"([a-z]+-[a-z-]+)", `,
		"| code | what it means |":               `\.remark\((?:Info|Warning), "([a-z0-9-]+)"`,
	} {
		_, table, ok := strings.Cut(documentation(t), heading)
		table, _, _ = strings.Cut(table, "\n\n")
		documented := map[string]bool{}
		for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\| \\S").FindAllStringSubmatch(table, -1) {
			documented[row[1]] = true
		}
		used := map[string]bool{}
		for _, code := range regexp.MustCompile(pattern).FindAllStringSubmatch(source, -1) {
			used[code[1]] = true
			if !documented[code[1]] {
				t.Errorf("%s: %s is not documented", heading, code[1])
			}
		}
		for code := range documented {
			if !used[code] {
				t.Errorf("%s: there is no %s", heading, code)
			}
		}
		if !ok || len(used) < 15 {
			t.Errorf("%s: %d codes", heading, len(used))
		}
	}
}

// TestDocumentedExample: what the example shows is what comes out.
func TestDocumentedExample(t *testing.T) {
	text1 := documentation(t)
	examples := regexp.MustCompile("(?s)```text\n(.*?)```").FindAllStringSubmatch(text1, -1)
	token := regexp.MustCompile(`(?m)^    winrmctl probe-auth decode (TlRM\S+)$`).FindStringSubmatch(text1)
	if len(examples) != 2 || token == nil {
		t.Fatalf("%d examples, %q", len(examples), token)
	}
	if want := text(t, Analyse(find(t, []byte(token[1])), Options{}), TextOptions{}); examples[0][1] != want {
		t.Errorf("the first example should be\n%s", want)
	}
	password := testPassword
	all := text(t, Analyse(find(t, read(t, "exchange.http")), Options{Password: &password}), TextOptions{})
	if want := all[strings.Index(all, "\nexchange\n")+1:]; examples[1][1] != want {
		t.Errorf("the second example should be\n%s", want)
	}
}
