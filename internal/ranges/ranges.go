// Package ranges expands ranges in names, web[01:20].corp.example, by the rules of Ansible's inventories; it does
// not know what the names stand for.
package ranges

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Error says why a name cannot be expanded.
type Error struct {
	text, hint string
}

// Error is one sentence, which shows of the name only the range.
func (e *Error) Error() string { return e.text }

// Hint is how to write it instead, or "".
func (e *Error) Hint() string { return e.hint }

// Expand lists what a name with ranges stands for, the last range counting fastest; a name without any stands for
// itself. It refuses to make more than most names. The error is *Error.
func Expand(name string, most int) ([]string, error) {
	prefixes := []string{""}
	for rest := name; ; {
		before, body, after, ok := cut(rest)
		if !ok {
			return join(prefixes, []string{rest}), nil
		}
		r, err := parse(body)
		if err != nil {
			return nil, err
		}
		if r.count() > most/len(prefixes) {
			return nil, &Error{fmt.Sprintf("the range [%s] makes more than %d names", body, most), ""}
		}
		prefixes = join(join(prefixes, []string{before}), r.names())
		rest = after
	}
}

func join(prefixes, parts []string) []string {
	out := make([]string, 0, len(prefixes)*len(parts))
	for _, prefix := range prefixes {
		for _, part := range parts {
			out = append(out, prefix+part)
		}
	}
	return out
}

// cut finds the first range. An address has brackets, too: [::1] is none, since a range has an end.
func cut(name string) (before, body, after string, ok bool) {
	for from := 0; ; {
		open := strings.IndexByte(name[from:], '[')
		if open < 0 {
			return name, "", "", false
		}
		open += from
		length := strings.IndexByte(name[open:], ']')
		if length < 0 {
			return name, "", "", false
		}
		end := open + length
		body = name[open+1 : end]
		if ip, err := netip.ParseAddr(body); err != nil || !ip.Is6() {
			return name[:open], body, name[end+1:], true
		}
		from = end + 1
	}
}

// A series is what a range counts: numbers, or the letters of an alphabet.
type series struct {
	first, last, step int
	width             int // to which numbers are filled with zeros
	letters           bool
}

// alphabet is the order of letters.
const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func parse(body string) (series, error) {
	shown := "[" + body + "]"
	if len(shown) > 40 {
		shown = shown[:40] + "…"
	}
	refuse := func(why, hint string) (series, error) {
		return series{}, &Error{fmt.Sprintf("not a range: %q%s", shown, why), hint}
	}
	parts := strings.Split(body, ":")
	if len(parts) != 2 && len(parts) != 3 {
		return refuse("", "write it as [01:20], [a:f] or [1:10:2]")
	}
	s := series{step: 1}
	if len(parts) == 3 {
		var ok bool
		if s.step, ok = digits(parts[2]); !ok || s.step == 0 {
			return refuse(": its step is no number above 0", "write it as [1:10:2]")
		}
	}
	first, last := parts[0], parts[1]
	if first == "" {
		first = "0"
	}
	var numbers bool
	if s.first, numbers = digits(first); numbers {
		s.last, numbers = digits(last)
	}
	switch {
	case numbers && first[0] == '0' && len(first) > 1 && len(first) != len(last):
		return refuse(": its ends have to be equally long where the first begins with 0", "write it as [01:20]")
	case numbers && first[0] == '0':
		s.width = len(first)
	case numbers:
	case len(first) == 1 && len(last) == 1 && strings.Contains(alphabet, first) && strings.Contains(alphabet, last):
		s.letters, s.first, s.last = true, strings.Index(alphabet, first), strings.Index(alphabet, last)
	case isNumber(first) && isNumber(last):
		return refuse(": its numbers have more than 9 digits", "")
	default:
		return refuse(": its ends are neither two numbers nor two letters", "write it as [01:20], [a:f] or [1:10:2]")
	}
	if s.first > s.last {
		return refuse(": its end is before its beginning", "")
	}
	return s, nil
}

// digits reads a number that is not longer than any real one.
func digits(text string) (int, bool) {
	if !isNumber(text) || len(text) > 9 {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

func isNumber(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

func (s series) count() int { return (s.last-s.first)/s.step + 1 }

func (s series) names() []string {
	out := make([]string, 0, s.count())
	for n := s.first; n <= s.last; n += s.step {
		if s.letters {
			out = append(out, alphabet[n:n+1])
		} else {
			out = append(out, fmt.Sprintf("%0*d", s.width, n))
		}
	}
	return out
}
