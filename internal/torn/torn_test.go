package torn

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestYAML(t *testing.T) {
	for _, test := range []struct {
		text string
		line int
		want string
	}{
		{"profiles:\n  web1:\n    host: a\n   port: 5\n", 4, "did not find expected key"},
		{"profiles:\n  web1:\n    host: a\n  - x\n", 4, "did not find expected key"},
		{"profiles:\n  web1:\n    host: a\n    port: 5: 6\n", 4, "mapping values are not allowed in this context"},
		{"profiles:\n  web1:\n    tls: {ca_file: x\n    port: 5\n", 3, "did not find expected ',' or '}'"},
		{"groups:\n  a: [x,\n    y]\n  b: [z\n", 4, "did not find expected ',' or ']'"},
		{"a: b\nc: \"d\n  e\"\nf: \"g\nh: i\n", 4, "found unexpected end of stream"},
		{"a: b\nc\nd: e\n", 2, "could not find expected ':'"},
		{"a: b\nc: *d\n", 2, "unknown anchor 'd' referenced"},
		{"%YAM\n---\na: b\n", 1, "found unknown directive name"},
		{"\ta: b", 1, "found character that cannot start any token"},
		{"a: b\r\nc:\r\n\td: e\r\n", 3, "found character that cannot start any token"},
		{"a: b\n---\nc: d\n---\n- e\nf: g\n", 6, "did not find expected '-' indicator"},
		{strings.Repeat("a: b # far above the budget, because every line is read again and again\n", 300) + "\tc: d\n", 301, "found character that cannot start any token"},
	} {
		var node yaml.Node
		decoder := yaml.NewDecoder(strings.NewReader(test.text))
		err := decoder.Decode(&node)
		for err == nil {
			err = decoder.Decode(&node)
		}
		if line, text := YAML([]byte(test.text), err); line != test.line || text != test.want {
			t.Errorf("%.60q: %d: %s, want %d: %s", test.text, line, text, test.line, test.want)
		}
	}
}

// In a file with many lines, whole or not, the line is found from afar.
func TestYAMLLarge(t *testing.T) {
	for _, bad := range []int{0, 77, 1_999} {
		lines := strings.Split(strings.Repeat("a: [b,\n  c]\n", 1_000), "\n")
		lines[bad/2*2] = "\tx"
		text := strings.Join(lines, "\n")
		var node yaml.Node
		err := yaml.Unmarshal([]byte(text), &node)
		if line, _ := YAML([]byte(text), err); line != bad/2*2+1 {
			t.Errorf("%d, want %d: %v", line, bad/2*2+1, err)
		}
	}
}
