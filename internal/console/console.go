// Package console is the local end of an interactive session: a line editor at the bottom of a terminal, below the output of a
// program that runs elsewhere. It does not know where that is, nor how bytes get there.
//
// What the program has written last, without a line end, is its prompt: it stands before the line that is edited. Output that
// comes meanwhile is written above it. A line is sent when it is complete.
package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ergochat/readline"
)

// A Terminal is what the person sits at.
type Terminal interface {
	io.Reader         // keys as they are pressed
	io.Writer         // the screen
	Raw() error       // from here on: no echo, no lines, no signals of keys
	Restore()         // as it was
	Suspend()         // until the person comes back; nothing where that is impossible
	Size() (w, h int) // in characters; 0 where it is unknown
}

// A Program is what runs elsewhere. Its methods do not block for long, and are safe for concurrent use.
type Program interface {
	Done() <-chan struct{} // closed when it has ended and all its output is written
	Interrupt()            // Ctrl-C
	Terminate()
}

// Options say how a session is. They are not changed.
type Options struct {
	Terminal   Terminal
	Events     <-chan Event // what happens to the terminal
	Vi         bool         // keys of vi, else those of emacs
	Colors     bool
	History    *History    // nil for none
	Transcript *Transcript // nil for none
	Now        func() time.Time

	// Complete finds what could be meant by a word, nil for nothing; see [Question]. It ends when its context does.
	Complete func(context.Context, Question) []string

	// Local runs a command line of this machine on the terminal, which is as it was meanwhile.
	Local func(ctx context.Context, line string) error
}

// An Event happens to the terminal.
type Event int

// The events.
const (
	Resized   Event = iota
	Continued       // after this process was stopped
)

// Causes for [Session.Run] to end before the program.
var (
	// ErrLeft is a person who has left the session.
	ErrLeft = errors.New("the session was left")
	// ErrHungUp is a terminal that is gone.
	ErrHungUp = errors.New("the terminal is gone")
)

// A PanicError is a bug that has shown itself while the terminal was raw.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack) }

// A Session is one person at one program. All its fields but the channels are used by one goroutine at a time: by Run, and
// by the editor's reader while the editor waits for a key (see wait).
type Session struct {
	o        Options
	ctx      context.Context
	program  Program
	input    *input
	outputs  chan output
	notes    chan string
	closed   chan struct{} // when Run has ended: what is written then is gone
	running  atomic.Bool
	editor   *readline.Instance
	config   *readline.Config // the editor's own, so it changes only where the editor waits
	screen   screen
	keyboard *keyboard
	keys     keys

	cause    error       // why the session ends; nil while it does not
	line     string      // as far as it is edited
	literal  bool        // what is edited is no escape
	question *question   // asked here, not by the program
	queued   []string    // notes to show
	stopped  bool        // the end of input was sent
	asked    interrupted // the last Ctrl-C
	resized  func()      // tells the editor
	located  bool        // the editor wants to know where the cursor is
	echoing  bool        // who wrote the last prompt may echo
	who      Shell       // that was
	out      *crlf       // to the terminal
	act      func()      // what refresh is for
	escapes  []Escape    // beside the ones that are always there
	words    words       // of the last completion
}

// interrupted is a Ctrl-C that was passed on.
type interrupted struct {
	at      time.Time
	reacted bool // the program has written something since
}

// question is asked here, and answered by a line.
type question struct {
	prompt string
	answer func(line string)
}

// New prepares a session.
func New(o Options) *Session {
	return &Session{
		o: o, input: newInput(), outputs: make(chan output), notes: make(chan string), closed: make(chan struct{}),
		keyboard: newKeyboard(o.Terminal), keys: keys{vi: o.Vi},
	}
}

// Input is where the program reads what the person types.
func (s *Session) Input() io.Reader { return s.input }

// Stdout is where the program's output goes; its writes end when it is shown. Stderr is the same for errors.
func (s *Session) Stdout() io.Writer { return outlet{s, true} }

// Stderr is where the program's errors go.
func (s *Session) Stderr() io.Writer { return outlet{s, false} }

// Running reports that the person works: what is written to the terminal otherwise would disturb.
func (s *Session) Running() bool { return s.running.Load() }

// Note shows a line that is not the program's.
func (s *Session) Note(text string) {
	select {
	case s.notes <- text:
	case <-s.closed:
	}
}

// Run lets the person work until the program ends, and returns nil then. Else it returns the context's cause, [ErrLeft],
// [ErrHungUp] or a [*PanicError]. The terminal is as it was before.
func (s *Session) Run(ctx context.Context, p Program) (err error) {
	s.ctx, s.program = ctx, p
	defer close(s.closed)
	if err := s.o.Terminal.Raw(); err != nil {
		return err
	}
	defer s.input.close()
	s.running.Store(true)
	defer s.running.Store(false)
	defer s.restore()
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{v, debug.Stack()}
		}
	}()
	if err := s.edit(); err != nil {
		return err
	}
	defer s.editor.Close()
	for s.cause == nil {
		s.config.Prompt, s.config.EnableMask = s.promptNow()
		line, err := s.editor.ReadLine()
		switch {
		case s.cause != nil:
		case err == nil:
			s.accepted(line)
		case errors.Is(err, readline.ErrInterrupt):
			s.interrupt()
		case errors.Is(err, io.EOF):
			s.endOfFile()
		default:
			return err
		}
		s.line, s.literal = "", false
	}
	s.last(false)
	if errors.Is(s.cause, errDone) {
		return nil
	}
	return s.cause
}

// errDone is a program that has ended.
var errDone = errors.New("the program has ended")

// end ends the session.
func (s *Session) end(cause error) {
	if s.cause == nil {
		s.cause = cause
	}
}

// accepted handles a line that the person has completed.
func (s *Session) accepted(line string) {
	switch q := s.question; {
	case q != nil:
		s.question = nil
		q.answer(line)
	case strings.HasPrefix(line, "~!") && !s.literal:
		s.local(strings.TrimSpace(line[2:]))
	default:
		s.send(line)
	}
}

// send sends a line that was edited behind a prompt.
func (s *Session) send(line string) {
	prompt := s.screen.prompt()
	secret := prompt.secret()
	if prompt.text != "" && !secret && !s.stopped {
		s.remember(line)
	} else if s.o.History != nil {
		s.revert()
	}
	s.o.Transcript.input(line, secret)
	s.screen.accept()
	if who, _ := prompt.shell(); prompt.echoes() {
		s.screen.echo.expect(line, who)
	}
	s.put(line)
}

// put sends a line.
func (s *Session) put(line string) {
	switch err := s.input.put([]byte(line + "\r\n")); {
	case errors.Is(err, errFull):
		s.queued = append(s.queued, "the program does not take more input: this line is dropped")
	case err != nil:
		s.queued = append(s.queued, "the end of input was sent: nothing can follow")
	}
}

// twice is how fast a second Ctrl-C has to come to mean more than the first.
const twice = time.Second

// interrupt handles Ctrl-C: at a prompt for commands it only clears the line.
func (s *Session) interrupt() {
	if s.question != nil {
		s.question = nil
		return
	}
	if prompt := s.screen.prompt(); prompt.command() || prompt.text != "" && s.line != "" {
		return
	}
	now := s.o.Now()
	if !s.asked.reacted && now.Sub(s.asked.at) < twice {
		s.askTerminate("The program does not react. ")
		return
	}
	s.asked = interrupted{at: now}
	s.input.discard()
	s.program.Interrupt()
}

func (s *Session) askTerminate(why string) {
	s.question = &question{why + "Terminate it, and end the session? [y/N] ", func(line string) {
		if a := strings.ToLower(strings.TrimSpace(line)); a == "y" || a == "yes" {
			s.program.Terminate()
		}
	}}
}

// endOfFile handles Ctrl-D on an empty line.
func (s *Session) endOfFile() {
	if s.question != nil {
		s.question = nil
		return
	}
	s.stopped = true
	s.screen.accept()
	s.input.close()
}

// local runs a command of this machine.
func (s *Session) local(line string) {
	if line == "" || s.o.Local == nil {
		s.queued = append(s.queued, "~!COMMAND runs a command of this machine")
		return
	}
	s.restore()
	err := s.o.Local(s.ctx, line)
	if again := s.raw(); again != nil {
		s.end(again)
	}
	if err != nil {
		s.queued = append(s.queued, err.Error())
	}
}
