package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Builtin runs a few programs within the server, the same on every machine. A line is a sequence of programs separated by
// ";" as a word of its own; the last one's exit code counts, and exit ends the sequence.
//
//	echo TEXT...      TEXT and a line feed to stdout; err TEXT... to stderr
//	cat               stdin to stdout until its end
//	count             how many bytes stdin has
//	exit CODE         end with CODE
//	sleep SECONDS     wait, or until Ctrl-C
//	stubborn SECONDS  wait, whatever Ctrl-C says
//	env [NAME]        the shell's environment variables
//	args ARG...       each argument in a line
//	flood BYTES       so many bytes of a pattern, to stdout
//	bytes HEX         these bytes to stdout
//	cwd, codepage     what the shell was created with
type Builtin struct{}

// Start implements [Programs].
func (Builtin) Start(s Spec) (Program, error) {
	words := SplitArgs(s.Line)
	if len(words) == 0 || s.Direct && !slices.Contains(builtins(), words[0]) {
		return nil, exec.ErrNotFound
	}
	p := &builtinProgram{spec: s, words: words, done: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	go p.run()
	return p, nil
}

func builtins() []string {
	return []string{"echo", "err", "cat", "count", "exit", "sleep", "stubborn", "env", "args", "flood", "bytes", "cwd", "codepage"}
}

type builtinProgram struct {
	spec     Spec
	words    []string
	ctx      context.Context
	cancel   context.CancelCauseFunc
	stubborn atomic.Bool
	done     chan struct{}
	code     uint32
}

var (
	errControlC   = errors.New("ctrl_c")
	errTerminated = errors.New("terminated")
)

func (p *builtinProgram) Wait() uint32 {
	<-p.done
	return p.code
}

func (p *builtinProgram) Signal(s Signal) {
	switch {
	case s == Terminate:
		p.cancel(errTerminated)
	case !p.stubborn.Load():
		p.cancel(errControlC)
	}
}

func (p *builtinProgram) run() {
	defer close(p.done)
	for rest := p.words; len(rest) > 0; {
		words := rest
		if i := slices.Index(rest, ";"); i >= 0 {
			words, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if len(words) == 0 {
			continue
		}
		if p.code = p.one(words[0], words[1:]); words[0] == "exit" {
			break
		}
		if cause := context.Cause(p.ctx); cause != nil {
			p.code = exitTerminated
			if errors.Is(cause, errControlC) {
				p.code = exitControlC
			}
			break
		}
	}
}

// one runs one program and returns its exit code.
func (p *builtinProgram) one(name string, args []string) uint32 {
	out := p.spec.Stdout
	first := ""
	if len(args) > 0 {
		first = args[0]
	}
	switch name {
	case "echo":
		fmt.Fprintln(out, strings.Join(args, " "))
	case "err":
		fmt.Fprintln(p.spec.Stderr, strings.Join(args, " "))
	case "cat":
		p.read(out)
	case "count":
		fmt.Fprintln(out, p.read(io.Discard))
	case "exit":
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			n = 0
		}
		return uint32(n)
	case "sleep", "stubborn":
		p.stubborn.Store(name == "stubborn")
		seconds, _ := strconv.ParseFloat(first, 64)
		t := time.NewTimer(time.Duration(seconds * float64(time.Second)))
		defer t.Stop()
		select {
		case <-t.C:
		case <-p.ctx.Done():
			fmt.Fprintln(out, "interrupted")
		}
	case "env":
		for _, v := range p.spec.Env {
			if first == "" || strings.HasPrefix(v, first+"=") {
				fmt.Fprintln(out, v)
			}
		}
	case "args":
		for _, a := range args {
			fmt.Fprintf(out, "%s\n", a)
		}
	case "flood":
		n, _ := strconv.ParseInt(first, 10, 64)
		return p.flood(n)
	case "bytes":
		for ; len(first) >= 2; first = first[2:] {
			n, _ := strconv.ParseUint(first[:2], 16, 8)
			_, _ = out.Write([]byte{byte(n)})
		}
	case "cwd":
		fmt.Fprintln(out, p.spec.Dir)
	case "codepage":
		fmt.Fprintln(out, p.spec.CodePage)
	default:
		fmt.Fprintf(p.spec.Stderr, "'%s' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n", name)
		return 1
	}
	return 0
}

// read copies stdin until its end, or Ctrl-C.
func (p *builtinProgram) read(w io.Writer) int64 {
	type result struct{ n int64 }
	copied := make(chan result, 1)
	go func() {
		n, _ := io.Copy(w, p.spec.Stdin)
		copied <- result{n}
	}()
	select {
	case r := <-copied:
		return r.n
	case <-p.ctx.Done():
		return 0
	}
}

// flood writes n bytes: lines of 64, each with its number.
func (p *builtinProgram) flood(n int64) uint32 {
	var block []byte
	for line := int64(0); n > 0; {
		block = block[:0]
		for len(block) < 64<<10 && int64(len(block)) < n {
			block = fmt.Appendf(block, "%062d\r\n", line)
			line++
		}
		block = block[:min(int64(len(block)), n)]
		n -= int64(len(block))
		if _, err := p.spec.Stdout.Write(block); err != nil || p.ctx.Err() != nil {
			return 1
		}
	}
	return 0
}
