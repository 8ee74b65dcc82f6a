package main

import (
	"bytes"
	"context"
	"strings"
	"sync"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/console"
	"github.com/winrmctl/winrmctl/internal/shell"
)

// finder asks a target for paths and commands, over a connection and in a shell of its own, so that the session does not
// notice. Both are made when they are first needed.
type finder struct {
	mu     sync.Mutex
	make   func(context.Context) (*shell.Shell, error)
	end    func()
	shell  *shell.Shell
	closed bool
}

// open tells where to ask.
func (f *finder) open(t *config.Target, c *connection) {
	main, side := c.dialer.Lane(), c.dialer.Lane()
	f.make = func(ctx context.Context) (*shell.Shell, error) {
		o := shellOptions(t, c, main, side)
		o.CodePage, o.NoProfile = 65001, true
		return shell.Open(ctx, o)
	}
	f.end = func() {
		_ = main.Close()
		_ = side.Close()
	}
}

// close deletes the shell.
func (f *finder) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.drop()
	f.end()
}

func (f *finder) drop() {
	if f.shell != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		_ = f.shell.Close(ctx) // the server reaps it
		f.shell = nil
	}
}

// find implements [console.Options.Complete].
func (f *finder) find(ctx context.Context, q console.Question) []string {
	line, base, ok := listing(q)
	if !ok {
		return nil
	}
	out := f.run(ctx, line)
	return append(parseListing(out, q.Shell, base), shellWords(q)...)
}

// run runs a line and returns what it writes, no more than fits.
func (f *finder) run(ctx context.Context, line string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ""
	}
	if f.shell == nil {
		var err error
		if f.shell, err = f.make(ctx); err != nil {
			return ""
		}
	}
	var out limited
	err := f.shell.Run(ctx, shell.Command{Line: line}, shell.Streams{Stdout: &out})
	if isGone(err) || ctx.Err() != nil {
		f.drop()
	}
	return out.String()
}

// limited keeps the beginning of what is written.
type limited struct{ bytes.Buffer }

const listingSize = 256 << 10

func (l *limited) Write(b []byte) (int, error) {
	l.Buffer.Write(b[:min(len(b), listingSize-l.Len())])
	return len(b), nil
}

// listing is the command line that lists what a word could become, and what stands before each name in the answer. It is
// false for words that cannot be asked for.
//
// The parts are divided by lines that no file's name can be.
func listing(q console.Question) (line, base string, ok bool) {
	if strings.ContainsAny(q.Word+q.Dir, "\"%\r\n\x00") || q.Dir == "" {
		return "", "", false
	}
	if q.Shell == console.Sh {
		return listingSh(q), "", true
	}
	cut := strings.LastIndexAny(q.Word, `\/:`) + 1
	base = q.Word[:cut]
	pattern := `"` + q.Word + `*"`
	line = `cd /d "` + q.Dir + `" 2>nul && dir /b /ad ` + pattern + ` 2>nul & echo :& dir /b /a-d ` + pattern + ` 2>nul & echo :`
	if q.First && cut == 0 && q.Word != "" {
		line += `& where ` + pattern + ` 2>nul`
	}
	return line, base, true
}

func listingSh(q console.Question) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	line := "cd " + quote(q.Dir) + " && ls -1dp -- " + quote(q.Word) + "* 2>/dev/null; echo :; echo :"
	if q.First && q.Word != "" && !strings.Contains(q.Word, "/") {
		line += `; IFS=:; for d in $PATH; do for f in "$d"/` + quote(q.Word) + `*; do [ -x "$f" ] && echo "$f"; done; done`
	}
	return line
}

// parseListing reads the answer: directories, files, programs with their paths.
func parseListing(out string, who console.Shell, base string) []string {
	var found []string
	part := 0
	for line := range strings.Lines(out) {
		name := strings.TrimRight(line, "\r\n")
		switch {
		case name == ":":
			part++
		case name == "":
		case part == 0 && who != console.Sh:
			found = append(found, base+name+`\`)
		case part < 2:
			found = append(found, base+name)
		default:
			name = name[strings.LastIndexAny(name, `\/`)+1:]
			if dot := strings.LastIndexByte(name, '.'); dot > 0 && who != console.Sh {
				name = name[:dot]
			}
			found = append(found, name)
		}
	}
	return found
}

// shellWords are the commands that are no programs.
func shellWords(q console.Question) []string {
	switch {
	case !q.First:
		return nil
	case q.Shell == console.Cmd:
		return strings.Fields("assoc call cd chdir cls color copy date del dir echo endlocal erase exit for ftype goto if md mkdir mklink move path pause popd prompt pushd rd rem ren rename rmdir set setlocal shift start time title type ver verify vol")
	case q.Shell == console.Sh:
		return strings.Fields("alias cd echo eval exec exit export pwd read set test trap type ulimit umask unset wait")
	}
	return nil
}
