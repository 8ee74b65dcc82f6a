package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := testdata(t, name); got != want {
		t.Errorf("%s is now\n%s\nwant\n%s", name, got, want)
	}
}

func TestView(t *testing.T) {
	// With a relative name, because a column is as wide as the longest path in it.
	vars := map[string]string{"WINRMCTL_CODE_PAGE": "850", "WINRMCTL_ENV": "E=\x1b[2J"}
	c, err := load("full.yaml", []byte(testdata(t, "full.yaml")), nil, around("home", vars))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		golden, target string
		over           map[string]string
	}{
		{"view_file.golden", "", nil},
		{"view_profile.golden", "web1.corp.example", map[string]string{"port": "443", "env.F": "1"}},
		{"view_url.golden", "eve@lab", map[string]string{"password_stdin": "true"}},
		{"view_skipped.golden", "eve@web1.corp.example", nil},
		{"view_host.golden", "https://other", nil},
		{"view_sandbox.golden", "sandbox", nil},
	}
	for _, test := range tests {
		var out bytes.Buffer
		if test.target == "" {
			err = c.View(&out)
		} else {
			err = mustResolve(t, c, test.target, test.over).View(&out)
		}
		if err != nil {
			t.Fatal(err)
		}
		golden(t, test.golden, out.String())
	}
}
