package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The reference has each key's row as the table of keys has it, in the same order, and no other.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	_, table, _ := strings.Cut(text, "\n| key | where | variable | built in | meaning |\n|---|---|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var want []string
	for _, key := range Keys() {
		var places []string
		for _, in := range key.In() {
			places = append(places, strings.ToUpper(in[:1]))
		}
		builtIn := ""
		if key.Default != "" {
			builtIn = "`" + key.Default + "` "
		}
		want = append(want, fmt.Sprintf("| `%s` | %s | `%s` | %s| %s |", key.Name, strings.Join(places, " "), key.Env(), builtIn, key.Help))
	}
	if table != strings.Join(want, "\n") {
		t.Errorf("the table of keys should be\n%s", strings.Join(want, "\n"))
	}
	examples := regexp.MustCompile("(?s)```(yaml|toml)\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(examples) != 4 {
		t.Errorf("%d examples", len(examples))
	}
	for _, example := range examples {
		if _, _, err := fromText(t, "config."+example[1], example[2], nil); err != nil {
			t.Errorf("example: %v", err)
		}
	}
}
