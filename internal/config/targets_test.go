package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadTargets(t *testing.T) {
	list := "\ufeff# the fleet\nweb1\r\n  web[01:03].corp.example  # three\n\n\t@db\t#x\nbob@h:5985\nhttps://h/a#b\n#\n   # y\nLast\nlast"
	want := []string{"web1", "web[01:03].corp.example", "@db", "bob@h:5985", "https://h/a#b", "Last", "last"}
	c := mustLoad(t, "profiles: {last: {host: h}, Last: {host: h}}", nil)
	for _, content := range []string{list, list + "\n", list + "\r\n\r\n"} {
		got, err := c.ReadTargets(iotest.OneByteReader(strings.NewReader(content)), "x")
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %q", got, err, want)
		}
	}
}

// endless is a stream of one line, again and again.
type endless struct {
	line string
	n    int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.line[(e.n+i)%len(e.line)]
	}
	e.n += len(p)
	return len(p), nil
}

func TestReadTargetsRefuses(t *testing.T) {
	c := mustLoad(t, "", nil)
	var many strings.Builder
	for i := range maxTargets + 1 {
		fmt.Fprintf(&many, "h%d\n", i)
	}
	for _, test := range []struct {
		list      io.Reader
		err, hint string
	}{
		{strings.NewReader(""), "list: has no targets", "write one a line"},
		{strings.NewReader("\n# none\n"), "list: has no targets", "write one a line"},
		{strings.NewReader("a\nb c\n"), "list:2: more than one target", "write one a line"},
		{strings.NewReader("# x\na,b\n"), "list:2: more than one target", "write one a line"},
		{strings.NewReader("a\nb\x1b[1mc\n"), "list:2: more than one target", "write one a line"},
		{strings.NewReader("a\n\nb\na # again\n"), `list:4: target "a": named twice: also on line 1`, "name it once"},
		{strings.NewReader("a.x\nA.X\n"), `list:2: target "A.X": named twice: also on line 1`, "name it once"},
		{strings.NewReader("bob:hunter2@a\nbob:hunter2@a\n"), `list:2: target "a": named twice: also on line 1`, "name it once"},
		{strings.NewReader("a\n\xe4\n"), "list:2: is not UTF-8 text", "save it as UTF-8"},
		{strings.NewReader("\xff\xfea\x00\n\x00"), "list:1: is not UTF-8 text", "save it as UTF-8"},
		{strings.NewReader("a\n" + strings.Repeat("b", 5000)), "list:2: a line longer than 4 KiB", "write one target a line"},
		{strings.NewReader(many.String()), "list:10001: more than 10000 targets", ""},
		{&endless{line: "# nothing but comments, for ever and ever, and a line is 64 bytes\n"}, "list:254201: the list is larger than 16 MiB", ""},
		{iotest.ErrReader(&fs.PathError{Op: "read", Path: "list", Err: fs.ErrClosed}), "list: file already closed", ""},
		{&endless{line: "b"}, "list:1: a line longer than 4 KiB", "write one target a line"},
	} {
		got, err := c.ReadTargets(test.list, "list")
		var usage *UsageError
		if !errors.As(err, &usage) || got != nil || err.Error() != test.err || hint(err) != test.hint {
			t.Errorf("%d targets, %T %v | %s\nwant %s | %s", len(got), err, err, hint(err), test.err, test.hint)
		}
	}
}

// FuzzReadTargets: whatever is in a list, it is refused or all of it can be expanded, line by line.
func FuzzReadTargets(f *testing.F) {
	for _, list := range []string{"web1\n# x\n@g\n", "\ufeffa\r\nb", "h[1:3]\n", "a #b\n", "\r\n \r"} {
		f.Add(list)
	}
	c, err := load("c.yaml", []byte("profiles: {web1: {host: h}}\ngroups: {g: [web1, a.b]}\n"), nil, around("/nonexistent", nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, list string) {
		targets, err := c.ReadTargets(strings.NewReader(list), "x")
		if err != nil {
			var usage *UsageError
			if !errors.As(err, &usage) || !strings.HasPrefix(err.Error(), "x:") {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		for _, target := range targets {
			names, err := c.Expand(target)
			var usage *UsageError
			if err == nil && len(names) == 0 || err != nil && !errors.As(err, &usage) {
				t.Errorf("%q: %q %v", target, names, err)
			}
		}
	})
}
