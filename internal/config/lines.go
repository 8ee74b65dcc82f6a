package config

import (
	"bytes"
	"sort"
)

// lines finds the line of a byte: it holds the offset of every newline.
type lines []int

func newLines(data []byte) lines {
	var out lines
	for at := 0; ; at++ {
		next := bytes.IndexByte(data[at:], '\n')
		if next < 0 {
			return out
		}
		at += next
		out = append(out, at)
	}
}

// at is the line, from 1, of the byte at an offset.
func (l lines) at(offset int) int { return sort.SearchInts(l, offset) + 1 }
