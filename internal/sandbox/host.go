package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Host runs command lines by the local shell: sh on Unix, cmd.exe on Windows. On Unix it stands in for a cmd.exe that is to
// be worked in, too.
type Host struct{}

// Start implements [Programs].
func (Host) Start(s Spec) (Program, error) {
	if s.Dir != "" {
		if info, err := os.Stat(s.Dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("%w: %s", ErrDirectory, s.Dir)
		}
	}
	cmd := shellCommand(s.Line)
	if stand := standIn(s); stand != nil {
		cmd = stand
	} else if s.Direct {
		// A program of Windows gets one line, and takes it apart itself.
		args := append([]string{s.Program}, SplitArgs(strings.Join(s.Args, " "))...)
		if len(s.Args) == 0 {
			args = SplitArgs(s.Line)
		}
		if len(args) == 0 {
			return nil, exec.ErrNotFound
		}
		cmd = exec.Command(args[0], args[1:]...)
	}
	cmd.Env, cmd.Dir = slices.Concat(os.Environ(), cmd.Env, s.Env), s.Dir
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if s.Console {
		stdin = terminalInput(stdin)
	}
	p, err := startProcess(cmd, s, cmd.Start)
	if err != nil {
		return nil, err
	}
	go feed(stdin, s.Stdin)
	return p, nil
}

// orphans is how long the output of a program is waited for after its end, when children of it keep it open.
const orphans = time.Second

// process is a program of the operating system.
type process struct {
	cmd         *exec.Cmd
	output      [2]*stream
	left        func() // ends what the program has left behind and would keep its output open; nil for nothing
	interrupted atomic.Bool
	terminated  atomic.Bool
}

// startProcess starts a program with the output streams of s, by start.
func startProcess(cmd *exec.Cmd, s Spec, start func() error) (*process, error) {
	newGroup(cmd)
	p := &process{cmd: cmd}
	for i, to := range []io.Writer{s.Stdout, s.Stderr} {
		output, program, err := newStream(to)
		if err != nil {
			return nil, err
		}
		defer program.Close()
		p.output[i] = output
		if i == 0 {
			cmd.Stdout = program
		} else {
			cmd.Stderr = program
		}
	}
	return p, start()
}

// feed copies input to a program. It is not cmd.Stdin, because Wait would wait for input that nobody sends any more.
func feed(stdin io.WriteCloser, from io.Reader) {
	defer stdin.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if _, err := stdin.Write(buffer[:n]); err != nil {
			drain(from, buffer)
			return
		}
	}
}

// drain discards input that a program no longer reads.
func drain(r interface{ Read([]byte) (int, error) }, buffer []byte) {
	for {
		if _, err := r.Read(buffer); err != nil {
			return
		}
	}
}

func (p *process) Wait() uint32 {
	err := p.cmd.Wait()
	if p.left != nil {
		p.left()
	}
	var finished sync.WaitGroup
	for _, output := range p.output {
		finished.Go(func() { output.finish(orphans) })
	}
	finished.Wait()
	var exit *exec.ExitError
	switch {
	case p.terminated.Load():
		return exitTerminated
	case err == nil:
		return uint32(p.cmd.ProcessState.ExitCode())
	case errors.As(err, &exit):
		return exitCode(exit.ProcessState, p.interrupted.Load())
	}
	return exitTerminated
}

func (p *process) Signal(s Signal) {
	switch s {
	case Terminate:
		p.terminated.Store(true)
	case CtrlC:
		p.interrupted.Store(true)
	}
	signalGroup(p.cmd.Process, s)
}

// SplitArgs takes a command line apart by the rules of CommandLineToArgvW.
func SplitArgs(line string) []string {
	var args []string
	for i := 0; i < len(line); {
		if line[i] == ' ' || line[i] == '\t' {
			i++
			continue
		}
		var arg []byte
		quoted := false
		for ; i < len(line); i++ {
			c := line[i]
			if (c == ' ' || c == '\t') && !quoted {
				break
			}
			switch c {
			case '\\':
				n := 0
				for i < len(line) && line[i] == '\\' {
					n++
					i++
				}
				quote := i < len(line) && line[i] == '"'
				if quote {
					for range n / 2 {
						arg = append(arg, '\\')
					}
					if n%2 == 1 {
						arg = append(arg, '"')
						continue
					}
				} else {
					for range n {
						arg = append(arg, '\\')
					}
				}
				i--
			case '"':
				if quoted && i+1 < len(line) && line[i+1] == '"' {
					arg = append(arg, '"')
					i++
					continue
				}
				quoted = !quoted
			default:
				arg = append(arg, c)
			}
		}
		args = append(args, string(arg))
	}
	return args
}
