package config

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxTargets     = 10_000   // lines of a list
	maxTargetLine  = 4 << 10  // bytes
	maxTargetsSize = 16 << 20 // bytes, with comments
)

// ReadTargets reads a list of targets, in the form that Expand takes them: one a line, with "#" before a comment at the
// beginning of a line or after a space. It reads as it goes, and no more than a bounded list. name is what errors call
// the list; they name the line too, and are *UsageError.
func (c *Config) ReadTargets(r io.Reader, name string) ([]string, error) {
	limited := &io.LimitedReader{R: r, N: maxTargetsSize + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, maxTargetLine), maxTargetLine)
	var targets []string
	at := map[string]int{}
	number := 0
	refuse := func(text, hint string) ([]string, error) {
		return nil, &UsageError{fmt.Sprintf("%s:%d: %s", name, number, text), hint}
	}
	for lines.Scan() {
		number++
		line := lines.Text()
		if number == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		target := strings.TrimSpace(uncomment(line))
		same := c.identity(target)
		switch {
		case limited.N <= 0:
			return refuse("the list is larger than 16 MiB", "")
		case !utf8.ValidString(line) || strings.ContainsRune(line, 0):
			return refuse("is not UTF-8 text", "save it as UTF-8")
		case target == "":
			continue
		case strings.ContainsFunc(target, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == ',' }):
			return refuse("more than one target", "write one a line")
		case at[same] > 0:
			return refuse(fmt.Sprintf("target %s: named twice: also on line %d", showTarget(target), at[same]), "name it once")
		case len(targets) == maxTargets:
			return refuse(fmt.Sprintf("more than %d targets", maxTargets), "")
		}
		at[same] = number
		targets = append(targets, target)
	}
	number++
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return refuse("a line longer than 4 KiB", "write one target a line")
	case err != nil:
		return nil, &UsageError{name + ": " + bare(err).Error(), ""}
	case len(targets) == 0:
		return nil, &UsageError{name + ": has no targets", "write one a line"}
	}
	return targets, nil
}

// uncomment cuts a line at a "#" that is its first character or follows a space.
func uncomment(line string) string {
	for i, c := range line {
		if c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}
