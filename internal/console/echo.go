package console

// echo takes from the program's output what it repeats of a line that was typed: the very bytes, and the line end, directly
// behind the prompt. What differs in one byte is no echo and passes whole.
type echo struct {
	expected []byte // nil for nothing
	held     []byte // of the output: the beginning of what is expected
	matched  int    // how many bytes of what is expected that is
	who      Shell  // echoes
	mute     [shells]bool
}

// expect is called when a line is sent at a prompt of someone who may echo.
func (e *echo) expect(line string, who Shell) {
	e.give()
	e.expected, e.who = append([]byte(line), '\n'), who
}

// by reports whether to reckon with an echo: not where the last line had none, as in the cmd.exe of wine 8.
func (e *echo) by(who Shell) bool { return !e.mute[who] }

// strip returns what is no echo. One that was not reckoned with passes.
func (e *echo) strip(b []byte) []byte {
	if e.expected == nil {
		return b
	}
	for i, c := range b {
		switch {
		case c == '\r' && e.matched == len(e.expected)-1: // before the line end, and as often as it comes
		case c == e.expected[e.matched]:
			if e.matched++; e.matched == len(e.expected) {
				return e.found(b, i+1)
			}
		default:
			telling := len(e.expected) > 1 // an empty line tells nothing
			rest := append(e.give(), b[i:]...)
			if e.mute[e.who] {
				rest = b
			}
			e.mute[e.who] = e.mute[e.who] || telling
			return rest
		}
		e.held = append(e.held, c)
	}
	if e.mute[e.who] {
		return b
	}
	return nil
}

// found handles an echo that ends in b.
func (e *echo) found(b []byte, end int) []byte {
	muted := e.mute[e.who]
	if len(e.expected) > 1 {
		e.mute[e.who] = false
	}
	e.expected, e.held, e.matched = nil, nil, 0
	if muted {
		return b
	}
	return b[end:]
}

// give returns what is held back, and expects nothing any more.
func (e *echo) give() []byte {
	held := e.held
	if e.mute[e.who] {
		held = nil // it has passed
	}
	e.expected, e.held, e.matched = nil, nil, 0
	return held
}
