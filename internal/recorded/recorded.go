// Package recorded finds the recordings of real hosts that tests read; it does not know what is in them. They belong to
// others and are no part of this project: a test that needs one is skipped where they are absent.
package recorded

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the directory of shared test data: $WINRMCTL_SHARED, or the directory "shared" beside the project's.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("WINRMCTL_SHARED")
	if dir == "" {
		root, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			if filepath.Dir(root) == root {
				t.Fatal("recorded: no go.mod above the working directory")
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(filepath.Dir(root), "shared")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the shared recordings are not on this machine")
	}
	return dir
}

// File reads one file, named by its path below Dir.
func File(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(Dir(t), filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// JSON decodes one file into v.
func JSON(t testing.TB, path string, v any) {
	t.Helper()
	if err := json.Unmarshal(File(t, path), v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
