package console

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Question is what completion wants to know.
type Question struct {
	Shell Shell
	Dir   string // where the shell is
	Word  string // the beginning of a path or a command, without quotation marks
	First bool   // where a command is due
}

// words are what the last completion has found.
type words struct {
	line       string // that was completed, up to the cursor
	at         time.Time
	start      int // of the word
	candidates []string
}

// Bounds of completion.
const (
	patience   = 2 * time.Second // with who is asked
	fresh      = 5 * time.Second // how long an answer counts
	candidates = 500
)

// completer is the editor's.
type completer struct{ s *Session }

// Do returns the ends of what the word before the cursor could become.
func (c completer) Do(line []rune, pos int) (ends [][]rune, length int) {
	s := c.s
	shell, dir := s.screen.prompt().shell()
	if s.question != nil || s.config.EnableMask || shell == Unknown {
		return nil, 0
	}
	start, word, first := wordAt(line[:pos], shell)
	if so := string(line[:pos]); s.words.line != so || s.o.Now().Sub(s.words.at) > fresh {
		found := s.find(Question{shell, dir, word, first})
		if first && s.o.History != nil {
			found = append(found, commandsOf(s.o.History.Lines(), shell)...)
		}
		s.words = words{so, s.o.Now(), start, matching(found, word, shell)}
	}
	for _, w := range s.words.candidates {
		ends = append(ends, []rune(w)[len([]rune(word)):])
	}
	return ends, len([]rune(word))
}

// find asks, until the person presses Ctrl-C or patience ends.
func (s *Session) find(q Question) []string {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	found := make(chan []string, 1)
	go func() { found <- s.o.Complete(ctx, q) }()
	for {
		select {
		case words := <-found:
			return words
		case <-ctx.Done():
			return nil
		case text := <-s.notes: // of who is asked, it may be
			s.queued = append(s.queued, text)
		case b, ok := <-s.keyboard.pressed():
			s.pressed(b, ok)
			if !ok || slices.Contains(b, 3) {
				return nil
			}
		}
	}
}

// wordAt finds the word that ends a line: where it begins, what it says, and whether it is a command.
func wordAt(line []rune, shell Shell) (start int, word string, first bool) {
	separators, ends := " \t,;=", "&|("
	if shell == Sh {
		separators, ends = " \t", "&|(;"
	}
	first = true
	var quote rune
	var text []rune
	seen := false // the command of this part is there
	for i, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\'' && shell != Cmd):
			quote = r
		case quote == 0 && strings.ContainsRune(ends, r):
			start, text, seen = i+1, nil, false
		case quote == 0 && strings.ContainsRune(separators+"<>", r):
			seen = seen || len(text) > 0
			start, text = i+1, nil
		default:
			text = append(text, r)
		}
	}
	return start, string(text), !seen
}

// matching returns the words that begin as a word does, each once.
func matching(found []string, word string, shell Shell) []string {
	fold := func(s string) string {
		if shell == Sh {
			return s
		}
		return strings.ToLower(s)
	}
	var all []string
	for _, w := range found {
		if len([]rune(w)) > len([]rune(word)) && strings.HasPrefix(fold(w), fold(word)) && !strings.ContainsFunc(w, func(r rune) bool { return r < ' ' }) {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(fold(a), fold(b)) })
	all = slices.CompactFunc(all, func(a, b string) bool { return fold(a) == fold(b) })
	return all[:min(len(all), candidates)]
}

// commandsOf are the commands that lines began with.
func commandsOf(lines []string, shell Shell) []string {
	var all []string
	for _, line := range lines {
		if word, _, _ := strings.Cut(line, " "); word != "" && !strings.ContainsAny(word, "\"'&|<>(~") {
			all = append(all, word)
		}
	}
	return all
}

// quote puts a word that was completed into quotation marks where it has spaces.
func (w *words) quote(line []rune, pos int) ([]rune, int, bool) {
	if len(w.candidates) == 0 || w.start > pos || pos > len(line) || w.start < len(line) && strings.ContainsRune("\"'", line[w.start]) {
		return nil, 0, false
	}
	word := string(line[w.start:pos])
	if !strings.Contains(word, " ") || len(word) <= len(w.line)-len(string([]rune(w.line)[:w.start])) {
		return nil, 0, false
	}
	whole := slices.ContainsFunc(w.candidates, func(c string) bool { return strings.EqualFold(c, word) })
	if !whole && !slices.ContainsFunc(w.candidates, func(c string) bool { return strings.HasPrefix(strings.ToLower(c), strings.ToLower(word)) }) {
		return nil, 0, false
	}
	quoted := `"` + word
	if whole && !strings.HasSuffix(word, `\`) && !strings.HasSuffix(word, "/") {
		quoted += `"`
	}
	w.candidates = nil
	newLine := append(append(append([]rune{}, line[:w.start]...), []rune(quoted)...), line[pos:]...)
	return newLine, w.start + len([]rune(quoted)), true
}
