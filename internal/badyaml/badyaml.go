// Package badyaml tells where a file stops being YAML. The YAML library names the line where the mapping or the list begins
// that it could not finish, counted from 0 or from 1, or none; it does not know what the file is for.
package badyaml

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

// Explain turns the library's error of reading a file into the line, from 1, and a sentence. The line is the one behind the
// last at which the file could end; in a file that is too large to find that out, the one that the library names, 0 where it
// names none.
func Explain(data []byte, err error) (line int, text string) {
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	if n, ok := lastWhole(data); ok {
		line = n + 1
	}
	return line, text
}

// lastWhole is the number of lines up to the last at which the file could end. It looks at every line of a small file; in a
// large one it goes from afar to near, and is led astray by nothing but texts and lists of very many lines.
func lastWhole(data []byte) (lines int, ok bool) {
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
				return 0, false
			}
			if reads(data[:ends[n]]) {
				whole = n
				break
			}
			torn = n
		}
	}
	return whole, true
}

// reads reports that all documents of some text are YAML.
func reads(data []byte) bool {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}
