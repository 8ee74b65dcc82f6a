package ranges

import (
	"fmt"
	"strings"
)

// Run is a name, or a range that stands for several that follow each other.
type Run struct {
	Text  string
	Count int
}

// Contract writes names that follow each other as ranges of numbers: Expand makes the same names of them, in the same
// order. Two names stay as they are.
func Contract(names []string) []Run {
	var out []Run
	for at := 0; at < len(names); {
		text, n := longest(names[at:])
		out = append(out, Run{text, n})
		at += n
	}
	return out
}

// longest is a range that the first names make, and how many these are; it is the first name where that is none.
func longest(names []string) (string, int) {
	if len(names) < 3 || strings.ContainsAny(names[0], "[]:") {
		return names[0], 1
	}
	first := split(names[0])
	for i := 1; i < len(first); i += 2 {
		n, ok := digits(first[i])
		if !ok {
			continue
		}
		width := 1
		if first[i][0] == '0' {
			width = len(first[i])
		}
		before, after := strings.Join(first[:i], ""), strings.Join(first[i+1:], "")
		count, last := 1, first[i]
		for count < len(names) {
			next := fmt.Sprintf("%0*d", width, n+count)
			if width > 1 && len(next) > width || len(next) > 9 || names[count] != before+next+after {
				break
			}
			count, last = count+1, next
		}
		if count > 2 {
			return fmt.Sprintf("%s[%s:%s]%s", before, first[i], last, after), count
		}
	}
	return names[0], 1
}

// split cuts a name into what are no digits and what are, in turn.
func split(name string) []string {
	var out []string
	from := 0
	for at := range len(name) {
		if isDigit := name[at] >= '0' && name[at] <= '9'; isDigit != (len(out)%2 == 1) {
			out, from = append(out, name[from:at]), at
		}
	}
	return append(out, name[from:])
}
