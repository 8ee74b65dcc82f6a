package script

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
)

// batch runs a script of cmd.exe, which can only run a file: the first command writes it to one, findstr reading stdin to
// its end, and tells by its exit code how many bytes the file has; the second runs it, with stdin free; the last deletes it.
// The % of the loop's variable stand behind those of %TEMP%: cmd.exe would take a text between two of them for a name.
func batch(text io.Reader, o Options) (*Plan, error) {
	args, err := quoteForCmd(o.Args)
	if err != nil {
		return nil, err
	}
	name := "winrmctl-" + o.Unique + ".cmd"
	file := `"%TEMP%\` + name + `"`
	stage := &staged{text: unmarked(text)}
	return &Plan{
		Prepare: `cd /d "%TEMP%"&&(findstr "^" >` + name + `&for %I in (` + name + `) do @exit %~zI)`, Stage: stage, Arrived: stage.arrived,
		Line: file + args, OwnsStdin: o.Name != "-", WhyNot: "the script itself comes from the local stdin",
		Cleanup: "del /q " + file + "&if exist " + file + " exit 1", // del has 0 for a file in use, too
	}, nil
}

// ErrLine is a line of a batch file that cmd.exe would not take.
var ErrLine = errors.New("cmd.exe takes 8,191 characters in a line at most")

// maxLine bounds a line in bytes. Findstr takes no longer ones from stdin either.
const maxLine = 8191

// staged is a text on its way to a file. A text whose last line does not end is given a line end: Findstr gives it one, or on
// old versions of Windows waits for one without end.
type staged struct {
	text  io.Reader
	lines int
	line  int // bytes of the line that has no end yet
	last  byte

	// For arrived, while Read may still be at work:
	sent, bare atomic.Uint32 // bytes, and line feeds among them that follow no carriage return
	ended      atomic.Bool
}

func (s *staged) Read(b []byte) (int, error) {
	n, err := s.text.Read(b)
	for _, c := range b[:n] {
		switch c {
		case '\n':
			s.lines, s.line = s.lines+1, 0
			if s.last != '\r' {
				s.bare.Add(1)
			}
		case '\r': // belongs to the line end
		default:
			s.line++
		}
		if s.last = c; s.line > maxLine {
			return 0, fmt.Errorf("line %d is too long: %w", s.lines+1, ErrLine)
		}
	}
	s.sent.Add(uint32(n))
	if err != io.EOF {
		return n, err
	}
	if s.last != '\n' && s.sent.Load() > 0 {
		s.text = strings.NewReader("\r\n")
		return n, nil
	}
	s.ended.Store(true)
	return n, io.EOF
}

// arrived reports whether a file of size bytes has the whole text, with its line feeds as they were or as Windows has them.
func (s *staged) arrived(size uint32) bool {
	sent := s.sent.Load()
	return s.ended.Load() && (size == sent || size == sent+s.bare.Load())
}

// ErrArgument is an argument that cannot stand on a command line.
var ErrArgument = errors.New("an argument for cmd.exe cannot have a line end in it")

// quoteForCmd quotes arguments for a line that cmd.exe reads, with a space before each: in quotes where there is anything that
// means something to it. A quote within is doubled, as batch files and most programs take it; a percent sign cannot be kept
// from cmd.exe on a command line, and stays what it is to it.
func quoteForCmd(args []string) (string, error) {
	var quoted strings.Builder
	for _, a := range args {
		if strings.ContainsAny(a, "\r\n") {
			return "", ErrArgument
		}
		if a == "" || strings.ContainsAny(a, " \t\"&|<>^()@!,;=") {
			a = `"` + strings.ReplaceAll(a, `"`, `""`) + `"`
		}
		quoted.WriteString(" " + a)
	}
	return quoted.String(), nil
}
