package enum

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest returns the names, three at most, that someone who wrote wrong may have meant, the most likely first.
func Nearest(wrong string, names []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	low := strings.ToLower(wrong)
	var near []candidate
	for _, name := range names {
		other := strings.ToLower(name)
		_, bare, ok := strings.Cut(other, "_") // Service for Win32_Service
		d := distance(low, other)
		if ok {
			d = min(d, distance(low, bare)+1)
		}
		if d <= max(2, len(low)/4) || strings.HasPrefix(other, low) && len(low) > 5 {
			near = append(near, candidate{name, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var out []string
	for _, c := range near[:min(3, len(near))] {
		out = append(out, c.name)
	}
	return out
}

// distance is how many slips of a finger there are between two names: characters changed, added or left out.
func distance(a, b string) int {
	if n := len(a) - len(b); n > 8 || n < -8 {
		return 99
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
