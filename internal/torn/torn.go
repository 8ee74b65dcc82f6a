// Package torn tells at which line a file stops being in its language, where the library that reads it does not; it does not
// know what the file is for.
package torn

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	budget       = 64 << 20 // bytes that are read again
	certainLines = 1000
)

// YAML turns the library's error of reading a file into the line, from 1, and a sentence. The library names the line where the
// mapping or the list begins that it could not finish, counted from 0 or from 1, or none: so the line is that of Line, and the
// library's only where that is nearer in a large file.
func YAML(data []byte, err error) (line int, text string) {
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	n, certain := Line(data, readsYAML)
	if certain {
		return n, text
	}
	return max(n, line), text // neither is behind the place that is meant
}

// Line is the line, from 1, behind the last at which the file could end, by a function that tells whether it can be read. It
// looks at every line of a file that is not long, which is certain; in a longer one it goes from afar to near, and may find a
// line before that one, where texts and lists have several lines.
func Line(data []byte, reads func([]byte) bool) (line int, certain bool) {
	ends := []int{0}
	for at, c := range data {
		if c == '\n' {
			ends = append(ends, at+1)
		}
	}
	if ends[len(ends)-1] < len(data) {
		ends = append(ends, len(data))
	}
	whole, torn, left := 0, len(ends)-1, budget
	certain = torn < certainLines
	for step := 0; step != 1; {
		step = max(1, (torn-whole)/64)
		if certain {
			step = 1
		}
		for n := torn - step; n > whole; n -= step {
			if left -= ends[n]; left < 0 {
				return whole + 1, false
			}
			if reads(data[:ends[n]]) {
				whole = n
				break
			}
			torn = n
		}
	}
	return whole + 1, certain
}

// readsYAML reports that all documents of some text are YAML.
func readsYAML(data []byte) bool {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}
