package script

import (
	"io"
	"strings"
)

// batch runs a script of cmd.exe, which can only run a file: the first command writes it to one, findstr reading stdin to
// its end; the second runs it, with stdin free; the last deletes it. A text whose last line does not end is given a line
// end, because findstr gives it one.
func batch(text io.Reader, o Options) (*Plan, error) {
	file := `"%TEMP%\winrmctl-` + o.Unique + `.cmd"`
	line := file
	if len(o.Args) > 0 {
		line += " " + quoteForCmd(o.Args)
	}
	return &Plan{
		Prepare: `findstr "^" >` + file, Stage: terminated(text),
		Line: line, OwnsStdin: o.Name != "-", WhyNot: "the script itself comes from the local stdin",
		Cleanup: "del /q " + file,
	}, nil
}

// terminated ends a text with a line end.
func terminated(text io.Reader) io.Reader {
	t := &tail{text: text}
	return io.MultiReader(t, (*lineEnd)(t))
}

// tail remembers the last byte of a text.
type tail struct {
	text io.Reader
	last byte
	end  io.Reader
}

func (t *tail) Read(b []byte) (int, error) {
	n, err := t.text.Read(b)
	if n > 0 {
		t.last = b[n-1]
	}
	return n, err
}

// lineEnd is what a text lacks.
type lineEnd tail

func (e *lineEnd) Read(b []byte) (int, error) {
	if e.end == nil {
		e.end = strings.NewReader("\r\n")
		if e.last == '\n' || e.last == 0 {
			e.end = strings.NewReader("")
		}
	}
	return e.end.Read(b)
}

// quoteForCmd quotes arguments for a line that cmd.exe reads: in quotes where there is anything that means something to it.
// A quote within is doubled, as batch files and most programs take it; a percent sign cannot be kept from cmd.exe on a
// command line, and stays what it is to it.
func quoteForCmd(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if a != "" && !strings.ContainsAny(a, " \t\"&|<>^()@!,;=") {
			quoted[i] = a
			continue
		}
		quoted[i] = `"` + strings.ReplaceAll(a, `"`, `""`) + `"`
	}
	return strings.Join(quoted, " ")
}
