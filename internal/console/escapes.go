package console

import "strings"

// An Escape is something to do beside the program, by ~ and a key at the beginning of a line.
type Escape struct {
	Key  rune
	Help string // what it does, in a few words; "" to be silent about it
	Do   func() // on a goroutine of its own
}

// Escape adds an escape, before Run.
func (s *Session) Escape(e Escape) { s.escapes = append(s.escapes, e) }

// listen sees the line after each key.
func (s *Session) listen(line []rune, pos int, _ rune) (newLine []rune, newPos int, ok bool) {
	s.line = string(line)
	if len(line) == 0 {
		s.literal = false
	}
	if newLine, newPos, ok := s.words.quote(line, pos); ok {
		s.line = string(newLine)
		return newLine, newPos, true
	}
	if len(line) != 2 || pos != 2 || line[0] != '~' || s.literal || s.question != nil || s.config.EnableMask {
		return nil, 0, false
	}
	if line[1] == '~' {
		s.line, s.literal = "~", true
		return []rune("~"), 1, true
	}
	if !s.escape(line[1]) {
		return nil, 0, false
	}
	s.line = ""
	return []rune{}, 0, true
}

// escape does what a key stands for, if it stands for something.
func (s *Session) escape(key rune) bool {
	switch key {
	case '?':
		s.help()
	case '.':
		s.end(ErrLeft)
	case 't':
		s.askTerminate("")
	default:
		for _, e := range s.escapes {
			if e.Key == key {
				go e.Do()
				return true
			}
		}
		return false
	}
	return true
}

// help announces the escapes.
func (s *Session) help() {
	lines := []string{"~.  leave: the program is ended, and its shell deleted"}
	for _, e := range s.escapes {
		if e.Help != "" {
			lines = append(lines, "~"+string(e.Key)+"  "+e.Help)
		}
	}
	lines = append(lines,
		"~t  terminate the program",
		"~!COMMAND  run a command of this machine",
		"~~  a ~ for the program",
		"~?  this help; escapes stand at the beginning of a line",
	)
	s.queued = append(s.queued, lines...)
}

// Banner is what tells a newcomer of the escapes.
func (s *Session) Banner(text string) { s.queued = append(s.queued, strings.TrimSpace(text)) }
