package main

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/winrmctl/winrmctl/internal/sandbox"
)

func outputSchema(t *testing.T, definition string) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(filepath.Join("..", "..", "docs", "output.schema.json") + definition)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, line string) map[string]any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		t.Fatalf("%s\n%v", line, err)
	}
	return v.(map[string]any)
}

// TestOutputSchema: whatever happens, stdout has what docs/output.schema.json says and nothing else.
func TestOutputSchema(t *testing.T) {
	s, err := sandbox.Start(sandbox.Options{Programs: sandbox.Builtin{}, User: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	denied, err := sandbox.ParseFault("fault,code=5,on=Create")
	if err != nil {
		t.Fatal(err)
	}
	refusing, err := sandbox.Start(sandbox.Options{Programs: sandbox.Builtin{}, User: "bob", Password: s.Password(), Faults: []sandbox.Fault{denied}})
	if err != nil {
		t.Fatal(err)
	}
	defer refusing.Close()
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte(s.Password()), 0o600); err != nil {
		t.Fatal(err)
	}
	login := []string{"-u", "bob", "--password-file", password}
	targets := s.URL() + "," + refusing.URL() + ",127.0.0.1:1"
	for _, tc := range []struct {
		name  string
		args  []string
		code  int
		lines int // 0 for any number
	}{
		{"success", append(login, s.URL(), "echo grüße ; err oops"), 0, 1},
		{"exit code", append(login, s.URL(), "exit 4294967295"), 255, 1},
		{"bytes", append(login, s.URL(), "bytes 00ff0d0a"), 0, 1},
		{"fault", append(login, refusing.URL(), "echo x"), 76, 1},
		{"unreachable", append(login, "127.0.0.1:1", "echo x"), 69, 1},
		{"no credentials", []string{s.URL(), "echo x"}, 77, 1},
		{"wrong user", []string{"-u", "eve", "--password-file", password, s.URL(), "echo x"}, 77, 1},
		{"timeout", append(login, "--timeout", "20ms", s.URL(), "sleep 60"), 124, 1},
		{"several", append(login, targets, "echo x"), 1, 3},
		{"fail-fast", append(login, "--fail-fast", "--parallel", "1", "127.0.0.1:1,"+s.URL(), "echo x"), 1, 2},
		{"sandbox", []string{"sandbox", "echo x"}, 0, 1},
		{"wrong usage", append(login, "--parallel", "0", s.URL(), "echo x"), 64, 0},
	} {
		for _, form := range []struct{ name, definition string }{{"json", "#/$defs/result"}, {"jsonl", ""}} {
			t.Run(tc.name+" "+form.name, func(t *testing.T) {
				schema := outputSchema(t, form.definition)
				junit := filepath.Join(dir, "junit.xml")
				a, stdout, stderr := testApp(t, "")
				status := a.run(t.Context(), append([]string{"exec", "-o", form.name, "--junit", junit}, tc.args...))
				if status.code != tc.code {
					t.Fatalf("exit code %d, want %d: %s", status.code, tc.code, stderr)
				}
				ends := 0
				for line := range strings.Lines(stdout.String()) {
					v := validate(t, schema, line)
					if form.name == "json" || v["event"] == "exit" || v["event"] == "error" {
						ends++
					}
				}
				if ends != tc.lines {
					t.Errorf("%d targets, want %d:\n%s", ends, tc.lines, stdout)
				}
				if tc.lines == 0 {
					return
				}
				b, err := os.ReadFile(junit)
				if err != nil {
					t.Fatal(err)
				}
				var suites struct {
					Tests int `xml:"tests,attr"`
				}
				if err := xml.Unmarshal(b, &suites); err != nil || suites.Tests != tc.lines {
					t.Errorf("%v: %s", err, b)
				}
			})
		}
	}
}

// TestOutputSchemaDetached: what --detach writes is as it is documented, on several targets too.
func TestOutputSchemaDetached(t *testing.T) {
	s, err := sandbox.Start(sandbox.Options{Programs: sandbox.Builtin{}, User: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(s.Password()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, form := range []struct{ name, definition string }{{"json", "#/$defs/running"}, {"jsonl", "#/$defs/detached"}} {
		a, stdout, stderr := testApp(t, "")
		status := a.run(t.Context(), []string{"exec", "--detach", "-o", form.name, "-u", "bob", "--password-file", password, s.URL() + ",127.0.0.1:1", "sleep 60"})
		if status.code != 1 {
			t.Fatalf("exit code %d: %s", status.code, stderr)
		}
		left := 0
		for line := range strings.Lines(stdout.String()) {
			v := validate(t, outputSchema(t, ""), line)
			if v["detached"] != nil {
				validate(t, outputSchema(t, form.definition), line)
				left++
			}
		}
		if left != 1 {
			t.Errorf("%s: %d commands were left:\n%s", form.name, left, stdout)
		}
	}
	if n := s.Stats().Shells; n != 2 {
		t.Errorf("%d shells", n)
	}
}

// TestOutputDocumentation: the schema takes the examples, and the tables name every field and every kind of error.
func TestOutputDocumentation(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "output.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	schema := outputSchema(t, "")
	examples := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "{") {
			validate(t, schema, line)
			examples++
		}
	}
	if examples < 10 {
		t.Errorf("%d examples", examples)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(text, -1) {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			documented = append(documented, m[1])
		}
	}
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "output.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var tree struct {
		Defs map[string]struct {
			Properties map[string]struct {
				Enum []string `json:"enum"`
			} `json:"properties"`
			Required []string `json:"required"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	for name, d := range tree.Defs {
		if len(d.Required) != len(d.Properties) {
			t.Errorf("%s: a field may be missing", name)
		}
		for field, p := range d.Properties {
			if !slices.Contains(documented, field) {
				t.Errorf("%s of %s is not documented", field, name)
			}
			for _, kind := range p.Enum {
				if name == "error" && !slices.Contains(documented, kind) {
					t.Errorf("the kind %s is not documented", kind)
				}
			}
		}
	}
}
