package config

import (
	"fmt"
	"strings"
)

// didYouMean is a hint that names the known name closest to a wrong one, or "".
func didYouMean(wrong string, known []string) string {
	if name := nearest(wrong, known); name != "" {
		return fmt.Sprintf("did you mean %s?", name)
	}
	return ""
}

// nearest is the name that someone who wrote wrong probably meant: one that differs in case, by a
// slip or two of the finger, or by its ending (user, username). Empty when none is near.
func nearest(wrong string, known []string) string {
	best, least := "", 1+min(2, len(wrong)/3)
	low := strings.ToLower(wrong)
	for _, name := range known {
		if name == wrong {
			continue
		}
		if d := distance(low, strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	for _, name := range known {
		if best == "" && (len(low) >= 2 && strings.HasPrefix(name, low) || len(name) >= 3 && strings.HasPrefix(low, name)) {
			best = name
		}
	}
	return best
}

// distance counts the letters to change, add, drop or swap with the next to make b of a.
func distance(a, b string) int {
	if d := len(a) - len(b); d > 2 || d < -2 {
		return 3
	}
	before, last, this := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		this[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			this[j+1] = min(last[j]+cost, last[j+1]+1, this[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				this[j+1] = min(this[j+1], before[j-1]+1)
			}
		}
		before, last, this = last, this, before
	}
	return last[len(b)]
}
