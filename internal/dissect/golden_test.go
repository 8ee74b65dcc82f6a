package dissect

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; with -update it becomes\n%s", path, firstDifference(string(got), string(want)))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return strings.Join(g[i:min(i+3, len(g))], "\n") + "\nin place of\n" + strings.Join(w[min(i, len(w)):min(i+3, len(w))], "\n")
		}
	}
	return "(shorter)"
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func find(t testing.TB, input []byte) []*Token {
	t.Helper()
	tokens, err := Find(input, "")
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func text(t testing.TB, r *Report, o TextOptions) string {
	t.Helper()
	var out strings.Builder
	if err := r.Text(&out, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestGolden takes the specifications' examples and logins of our own apart, and tries their passwords.
func TestGolden(t *testing.T) {
	for _, tc := range []struct {
		file, password string
		full           bool
	}{
		{file: "ms-nlmp-4.2.2.txt", password: "Password"},
		{file: "ms-nlmp-4.2.3.txt", password: "Password"},
		{file: "ms-nlmp-4.2.4.txt", password: "Password", full: true},
		{file: "ms-spng-4.txt"},
		{file: "exchange.http", password: "S3cret-Pässw0rd"},
		{file: "spnego.txt", password: "S3cret-Pässw0rd"},
	} {
		t.Run(tc.file, func(t *testing.T) {
			o := Options{Keys: tc.full}
			if tc.password != "" {
				o.Password = &tc.password
			}
			tokens := find(t, read(t, tc.file))
			for _, token := range tokens {
				if problems := token.Problems(); len(problems) > 0 {
					t.Errorf("%s: %v", token.Name(), problems)
				}
			}
			report := Analyse(tokens, o)
			golden(t, tc.file, []byte(text(t, report, TextOptions{Full: tc.full})))
			tried, failed := report.Verified()
			if tried != (tc.password != "") || len(failed) > 0 {
				t.Errorf("tried: %v, failed: %v", tried, failed)
			}
		})
	}
}

// TestGoldenJSON: the same tree in the other form.
func TestGoldenJSON(t *testing.T) {
	password := "S3cret-Pässw0rd"
	report := Analyse(find(t, read(t, "exchange.http")), Options{Password: &password, Keys: true})
	var out bytes.Buffer
	if err := report.JSON(&out); err != nil {
		t.Fatal(err)
	}
	golden(t, "exchange.json", out.Bytes())
}
