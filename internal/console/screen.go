package console

import (
	"bytes"
	"io"
)

// screen is the output of the program as far as it is known.
type screen struct {
	echo    echo
	partial []byte // behind the last line end
	waits   []byte // the prompt of a shell that waits, while others write; nil for none
	ahead   bool   // lines were sent while no shell waited for them: its next prompts are not for the person
	above   []byte // to be written above the line that is edited
}

// longestPrompt bounds the line that may become a prompt: what is longer is written, and goes on in the next line.
const longestPrompt = 4 << 10

// prompt is what a line that is edited answers.
func (s *screen) prompt() prompt {
	if s.waits != nil {
		return promptOf(s.waits)
	}
	return promptOf(s.partial)
}

// before is what stands before the line that is edited: the prompt, and above it what others write meanwhile.
func (s *screen) before() string {
	if s.waits == nil || len(s.partial) == 0 {
		return s.prompt().show
	}
	return promptOf(s.partial).show + "\n" + s.prompt().show
}

// accept notes that the person has ended the line on the screen.
func (s *screen) accept() {
	s.ahead = !s.prompt().command()
	s.partial, s.waits = nil, nil
}

// add takes output that is no echo. What comes while a shell waits is not from the shell, and does not move its prompt; but a
// prompt may come in two pieces.
func (s *screen) add(b []byte) {
	if len(b) == 0 {
		return
	}
	if s.waits == nil && !s.ahead && s.prompt().command() && (bytes.ContainsAny(b, "\r\n") || !promptOf(append(bytes.Clone(s.partial), b...)).command()) {
		s.waits, s.partial = s.partial, nil
	}
	s.append(b)
	if s.waits != nil && promptOf(s.partial).command() {
		s.waits = nil
	}
}

func (s *screen) append(b []byte) {
	if end := bytes.LastIndexByte(b, '\n'); end >= 0 {
		s.above = append(append(s.above, s.partial...), b[:end+1]...)
		s.partial, b = nil, b[end+1:]
	}
	s.partial = append(s.partial, b...)
	if feed := bytes.LastIndexByte(s.partial, '\f'); feed >= 0 { // cls: there is no screen of the remote console here
		s.above = append(s.above, clearScreen...)
		s.partial = bytes.Clone(s.partial[feed+1:])
	}
	if len(s.partial) > longestPrompt {
		s.fold()
	}
}

// fold shortens a line that was overwritten again and again, and ends one that does not end.
func (s *screen) fold() {
	if back := bytes.LastIndexByte(s.partial[:len(s.partial)-1], '\r'); back >= 0 && len(s.partial)-back < longestPrompt/2 {
		s.partial = bytes.Clone(s.partial[back:])
		return
	}
	s.above = append(append(s.above, s.partial...), '\n')
	s.partial = nil
}

// clearScreen is what makes a screen empty.
const clearScreen = "\x1b[H\x1b[2J"

// line adds a line that is not the program's.
func (s *screen) line(text string) { s.above = append(append(s.above, text...), '\n') }

// take returns what is to be written above, in the form that a raw terminal takes.
func (s *screen) take() []byte {
	b := bytes.ReplaceAll(s.above, []byte("\f"), []byte(clearScreen))
	s.above = nil
	return b
}

// crlf writes line ends as a raw terminal needs them.
type crlf struct {
	w        io.Writer
	held     *bytes.Buffer // where output is collected; nil to write at once
	returned bool
}

func (c *crlf) Write(b []byte) (int, error) {
	out := make([]byte, 0, len(b)+16)
	for _, x := range b {
		if x == '\n' && !c.returned {
			out = append(out, '\r')
		}
		c.returned = x == '\r'
		out = append(out, x)
	}
	if c.held != nil {
		c.held.Write(out)
		return len(b), nil
	}
	if _, err := c.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}
