package main

import (
	"encoding/base64"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf16"

	"github.com/winrmctl/winrmctl/internal/sandbox"
)

// recorder are programs that write down what reaches them, in numbered files: N.line has the command line, N.stdin all that
// came through stdin where the program reads it, and N.command the text of -EncodedCommand. They say "N" on stdout. A line that
// asks for the size of a file has the size of stdin for an exit code.
type recorder struct {
	dir string
	n   atomic.Int64
}

func (r *recorder) Start(s sandbox.Spec) (sandbox.Program, error) {
	return &recording{recorder: r, spec: s, n: strconv.FormatInt(r.n.Add(1), 10)}, nil
}

type recording struct {
	*recorder
	spec sandbox.Spec
	n    string
}

func (*recording) Signal(sandbox.Signal) {}

func (r *recording) Wait() uint32 {
	f, err := os.Create(filepath.Join(r.dir, r.n+".stdin"))
	if err != nil {
		return 1
	}
	defer f.Close()
	r.write("line", r.spec.Line+"\n")
	reads := !strings.HasPrefix(r.spec.Line, "del ")
	if _, encoded, ok := strings.Cut(r.spec.Line, " -EncodedCommand "); ok {
		b, _ := base64.StdEncoding.DecodeString(encoded)
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = binary.LittleEndian.Uint16(b[2*i:])
		}
		command := string(utf16.Decode(units))
		r.write("command", command+"\n")
		reads = strings.Contains(command, "OpenStandardInput")
	}
	var size int64
	if reads {
		size, _ = io.Copy(f, r.spec.Stdin)
	}
	_, _ = io.WriteString(r.spec.Stdout, r.n+"\n")
	if strings.Contains(r.spec.Line, "%~zI") {
		return uint32(size)
	}
	return 0
}

func (r *recording) write(name, text string) {
	_ = os.WriteFile(filepath.Join(r.dir, r.n+"."+name), []byte(text), 0o600)
}
