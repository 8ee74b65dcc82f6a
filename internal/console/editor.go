package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"github.com/ergochat/readline"
)

// outlet is where the program's output comes in.
type outlet struct {
	session *Session
	echoes  bool
}

type output struct {
	bytes  []byte
	echoes bool // of the stream that what was typed is echoed on
	done   chan<- struct{}
}

// Write returns when the output is shown: the program is no faster than the terminal.
func (o outlet) Write(b []byte) (int, error) {
	done := make(chan struct{})
	select {
	case o.session.outputs <- output{b, o.echoes, done}:
		<-done
	case <-o.session.closed:
	}
	return len(b), nil
}

// edit prepares the editor.
//
// It does not know of the terminal: its keys come from Read, and what it writes goes through Write. It runs in lockstep with
// Read (see its terminal.ioloop): as long as Read waits, nothing else of it runs.
func (s *Session) edit() error {
	s.config = &readline.Config{
		Stdin: keysOf{s}, Stdout: screenOf{s}, Stderr: screenOf{s},
		FuncIsTerminal: func() bool { return true }, FuncMakeRaw: func() error { return nil }, FuncExitRaw: func() error { return nil },
		FuncGetSize: s.size, FuncOnWidthChanged: func(f func()) { s.resized = f },
		FuncFilterInputRune: s.filter, Listener: s.listen, VimMode: s.o.Vi,
		EOFPrompt: "\n", HistoryLimit: historyLength, DisableAutoSaveHistory: true, Undo: true,
	}
	if s.o.Complete != nil {
		s.config.AutoComplete = completer{s}
	}
	s.out = &crlf{w: s.o.Terminal}
	editor, err := readline.NewFromConfig(s.config)
	if err != nil {
		return err
	}
	s.editor = editor
	if s.o.History != nil {
		for _, line := range s.o.History.Lines() {
			_ = editor.SaveToHistory(line)
		}
	}
	_, err = io.WriteString(s.o.Terminal, bracketedPaste)
	return err
}

// Whether a terminal marks what is pasted.
const (
	bracketedPaste = "\x1b[?2004h"
	plainPaste     = "\x1b[?2004l"
)

func (s *Session) size() (width, height int) {
	width, height = s.o.Terminal.Size()
	if width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// remember adds a line to the history.
func (s *Session) remember(line string) {
	if s.o.History == nil {
		return
	}
	if strings.TrimSpace(line) == "" || strings.HasPrefix(line, " ") {
		s.revert()
		return
	}
	_ = s.editor.SaveToHistory(line)
	if err := s.o.History.Add(line); err != nil {
		s.queued = append(s.queued, err.Error())
	}
}

// revert lets the editor begin at the end of the history again.
func (s *Session) revert() { _ = s.editor.SaveToHistory("") }

// keysOf is the editor's stdin.
type keysOf struct{ s *Session }

// Read gives the editor one key, and is where everything happens meanwhile.
func (k keysOf) Read(b []byte) (n int, err error) {
	s := k.s
	defer func() {
		if v := recover(); v != nil {
			s.end(&PanicError{v, debug.Stack()})
			n, err = 0, io.EOF
		}
	}()
	if s.located {
		s.located = false
		return copy(b, "\x1b[1;1R"), nil // the line that is edited begins where the prompt does
	}
	s.show()
	for s.cause == nil {
		if key, ok := s.keys.next(); ok {
			switch key.r {
			case keySuspend:
				s.suspend()
			case keyLine:
				s.pastedLine(key.line)
			default:
				if s.single(key.r) {
					continue
				}
				return utf8.EncodeRune(b, key.r), nil
			}
			continue
		}
		s.wait()
	}
	s.last(true)
	return 0, io.EOF
}

// wait waits for something to happen.
func (s *Session) wait() {
	select {
	case b, ok := <-s.keyboard.pressed():
		s.pressed(b, ok)
	case o := <-s.outputs:
		s.output(o)
		s.show()
		close(o.done)
	case text := <-s.notes:
		s.queued = append(s.queued, text)
		s.show()
	case e := <-s.o.Events:
		if e == Continued {
			_ = s.raw()
		}
		s.resized()
		s.editor.Refresh()
	case <-s.program.Done():
		s.end(errDone)
	case <-s.ctx.Done():
		s.end(context.Cause(s.ctx))
	}
}

func (s *Session) pressed(b []byte, ok bool) {
	if !ok {
		s.end(ErrHungUp)
		return
	}
	s.keyboard.taken()
	s.keys.feed(b)
}

// output takes a piece of the program's output.
func (s *Session) output(o output) {
	s.asked.reacted = true
	b := o.bytes
	if o.echoes {
		b = s.screen.echo.strip(b)
	}
	s.screen.add(b)
	s.o.Transcript.output(b)
}

// single sends a key to a program that waits for any.
func (s *Session) single(r rune) bool {
	if r < ' ' && r != '\r' && r != '\n' || r >= keyEscape || s.line != "" || s.question != nil || !s.screen.prompt().anyKey() {
		return false
	}
	s.screen.partial = append(s.screen.partial, ' ') // no prompt any more; what follows goes on behind it
	_ = s.input.put([]byte(string(r)))
	return true
}

// pastedLine sends a line of a paste, which its echo shows; where there is none, it is shown here.
func (s *Session) pastedLine(line string) {
	if !s.echoing || !s.screen.echo.by(s.who) {
		s.screen.line(line)
	}
	s.o.Transcript.input(line, false)
	s.screen.ahead = true
	s.put(line)
	s.show()
}

// show brings the screen up to date.
func (s *Session) show() {
	for _, note := range s.queued {
		if s.o.Colors {
			note = "\x1b[2m" + note + "\x1b[0m"
		}
		s.screen.line(note)
	}
	s.queued = nil
	s.refresh(nil)
}

// refresh has the editor take its line off the screen and put it back, and do in between what is to be done: write what
// belongs above, change the prompt, and act.
func (s *Session) refresh(act func()) {
	if act == nil && len(s.screen.above) == 0 && s.shown() {
		return
	}
	s.act = act
	s.out.held = &bytes.Buffer{}
	_, _ = s.editor.Write(nil)
	s.flush()
}

func (s *Session) flush() {
	b := s.out.held
	s.out.held = nil
	if b != nil && b.Len() > 0 {
		if _, err := s.o.Terminal.Write(b.Bytes()); err != nil {
			s.end(ErrHungUp)
		}
	}
}

// shown reports that the prompt on the screen is the right one.
func (s *Session) shown() bool {
	show, mask := s.promptNow()
	return s.config.Prompt == show && s.config.EnableMask == mask
}

func (s *Session) promptNow() (show string, mask bool) {
	if s.question != nil {
		return s.question.prompt, false
	}
	p := s.screen.prompt()
	if p.text != "" {
		s.echoing = p.echoes()
		s.who, _ = p.shell()
	}
	return s.screen.before(), p.secret()
}

// screenOf is the editor's stdout.
type screenOf struct{ s *Session }

// Write passes on what the editor writes. It asks where the cursor is when it begins a line; the answer is known. To write
// nothing is what refresh does.
func (w screenOf) Write(b []byte) (int, error) {
	s := w.s
	switch {
	case len(b) == 0:
		_, _ = s.out.Write(s.screen.take())
		if s.act != nil {
			s.flush()
			s.act()
			s.out.held = &bytes.Buffer{}
		}
		s.config.Prompt, s.config.EnableMask = s.promptNow()
		return 0, nil
	case string(b) == "\x1b[6n":
		s.located = true
		return len(b), nil
	case string(b) == " \b":
		return len(b), nil
	}
	return s.out.Write(b)
}

// suspend stops this process, until the person comes back.
func (s *Session) suspend() {
	s.refresh(func() {
		s.restore()
		s.o.Terminal.Suspend()
		if err := s.raw(); err != nil {
			s.end(err)
		}
	})
	s.resized()
	s.editor.Refresh()
}

func (s *Session) raw() error {
	if err := s.o.Terminal.Raw(); err != nil {
		return err
	}
	_, err := io.WriteString(s.o.Terminal, bracketedPaste)
	return err
}

func (s *Session) restore() {
	_, _ = io.WriteString(s.o.Terminal, plainPaste)
	s.o.Terminal.Restore()
}

// last leaves the screen in order: below all that the program has written. While a line is edited, the editor ends it.
func (s *Session) last(editing bool) {
	s.question = nil
	s.screen.add(s.screen.echo.give())
	s.screen.waits = nil
	if s.screen.prompt().command() && !errors.Is(s.cause, errDone) {
		s.screen.partial = nil // nobody answers it
	}
	if len(s.screen.partial) > 0 && (!editing || s.line == "") {
		s.screen.append([]byte{'\n'})
	}
	s.show()
}
