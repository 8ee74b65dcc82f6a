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

// budget bounds the work, in bytes that are read again.
const budget = 64 << 20

// YAML turns the library's error of reading a file into the line, from 1, and a sentence. The library names the line where the
// mapping or the list begins that it could not finish, counted from 0 or from 1, or none: so the line is that of Line, and
// only in a file that is too large for it the library's.
func YAML(data []byte, err error) (line int, text string) {
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	if n := Line(data, readsYAML); n > 0 {
		line = n
	}
	return line, text
}

// Line is the line, from 1, behind the last at which the file could end, by a function that tells whether it can be read. It
// looks at every line of a small file; in a large one it goes from afar to near, and is led astray by nothing but texts and
// lists of very many lines. 0 is for a file that is too large even so.
func Line(data []byte, reads func([]byte) bool) int {
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
	for step := 0; step != 1; {
		step = max(1, (torn-whole)/64)
		for n := torn - step; n > whole; n -= step {
			if left -= ends[n]; left < 0 {
				return 0
			}
			if reads(data[:ends[n]]) {
				whole = n
				break
			}
			torn = n
		}
	}
	return whole + 1
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
