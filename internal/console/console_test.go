package console

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ergochat/readline"
)

func TestPrompt(t *testing.T) {
	for _, tc := range []struct {
		line, text, show string
		shell            Shell
		dir              string
		secret, any      bool
	}{
		{line: `C:\Users\bob>`, shell: Cmd, dir: `C:\Users\bob`},
		{line: `(base) d:\x>`, shell: Cmd, dir: `d:\x`},
		{line: `\\server\share\x>`, shell: Cmd, dir: `\\server\share\x`},
		{line: `PS C:\Program Files> `, shell: PowerShell, dir: `C:\Program Files`},
		{line: `PS C:\>> `, shell: PowerShell, dir: `C:\`},
		{line: `[web1]: PS C:\> `, shell: PowerShell, dir: `C:\`},
		{line: `sandbox:/a b$ `, shell: Sh, dir: `/a b`},
		{line: "\x1b[32mC:\\>\x1b[0m", text: `C:\>`, show: "\x1b[32mC:\\>\x1b[0m\x1b[0m", shell: Cmd, dir: `C:\`},
		{line: `Name: `}, {line: `mysql> `}, {line: `C:\x`}, {line: `echo C:\x>`}, {line: ``},
		{line: `Enter the password for bob: `, secret: true},
		{line: `PASSPHRASE:`, secret: true}, {line: `Kennwort: `, secret: true}, {line: `PIN: `, secret: true},
		{line: `C:\password>`, shell: Cmd, dir: `C:\password`},
		{line: `The password is wrong. Name: `}, {line: `spinning: `},
		{line: `Press any key to continue . . . `, any: true}, {line: `Press any key to continue... `, any: true},
		{line: `Drücken Sie eine beliebige Taste . . . `, any: true},
		{line: "10%\r20%\r9%", text: "9%%"}, {line: "abc\b\bX", text: "aXc"}, {line: "a\tb", text: "a       b"},
		{line: "a\x1b[2Kb\x1b]0;title\x07c\x1b[1", text: "abc"}, {line: "bell\a\x1b", text: "bell"}, {line: "日\xe6\x97", text: "日"},
		{line: "\xff!", text: "\ufffd!"},
	} {
		p := promptOf([]byte(tc.line))
		if tc.text == "" {
			tc.text = tc.line
		}
		if tc.show == "" {
			tc.show = tc.text
		}
		shell, dir := p.shell()
		if p.text != tc.text || p.show != tc.show || shell != tc.shell || dir != tc.dir || p.secret() != tc.secret || p.anyKey() != tc.any {
			t.Errorf("%q: %q, %d %q, secret %v, any key %v", tc.line, p, shell, dir, p.secret(), p.anyKey())
		}
	}
}

// FuzzPrompt: nothing but colours and what is to be seen gets to the editor, which fails on the rest.
func FuzzPrompt(f *testing.F) {
	f.Add([]byte("\x1b[1;31mC:\\>\x1b[0m\x1b["))
	f.Add([]byte("a\rb\b\t\x1b]0;x\x1b\\\xe6"))
	f.Fuzz(func(t *testing.T, line []byte) {
		p := promptOf(line)
		plain := p.show
		for {
			begin := strings.IndexByte(plain, 0x1b)
			if begin < 0 {
				break
			}
			m := colour.FindString(plain[begin:])
			if m == "" {
				t.Fatalf("%q: %q", line, p.show)
			}
			plain = plain[:begin] + plain[begin+len(m):]
		}
		if plain != p.text || strings.ContainsFunc(plain, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("%q: %q, %q", line, p.show, p.text)
		}
	})
}

func TestEcho(t *testing.T) {
	for _, tc := range []struct{ typed, output, want string }{
		{"dir", "dir\r\n Volume\r\n", " Volume\r\n"},
		{"dir", "dir\nx", "x"},
		{"dir", "dir\r\r\nx", "x"},
		{"dir", "dirt\r\n", "dirt\r\n"},
		{"dir", "dir", "dir"},
		{"dir", "dir\rx\n", "dir\rx\n"},
		{"dir", "\r\ndir\r\n", "\r\ndir\r\n"},
		{"echo dir", "echo dir\r\ndir\r\n", "dir\r\n"},
		{"dir", "dir\r\ndir\r\n", "dir\r\n"},
		{"", "\r\nC:\\>", "C:\\>"},
		{"日本", "日本\r\nx", "x"},
	} {
		for _, size := range []int{1, 2, 3, 100} {
			var e echo
			e.expect(tc.typed, Cmd)
			got := ""
			for rest := []byte(tc.output); len(rest) > 0; {
				n := min(size, len(rest))
				got += string(e.strip(rest[:n:n]))
				rest = rest[n:]
			}
			if got += string(e.give()); got != tc.want {
				t.Errorf("%q typed, %q in pieces of %d: %q, want %q", tc.typed, tc.output, size, got, tc.want)
			}
		}
	}
}

// TestEchoMute: who does not echo is believed, until an echo comes.
func TestEchoMute(t *testing.T) {
	var e echo
	for _, tc := range []struct{ typed, output, want string }{
		{"hostname", "web1\r\n", "web1\r\n"},
		{"echo x", "x\r\n", "x\r\n"},
		{"web1", "web1\r\n", "web1\r\n"}, // held against nothing: it may be output
		{"dir", "dir\r\nx\r\n", "x\r\n"}, // but now somebody echoes
	} {
		e.expect(tc.typed, Cmd)
		if got := string(e.strip([]byte(tc.output))); got != tc.want {
			t.Errorf("%q: %q, want %q", tc.typed, got, tc.want)
		}
	}
	if !e.by(PowerShell) || !e.by(Cmd) {
		t.Error("someone counts as mute")
	}
}

func feed(vi bool, pieces ...string) (got []string) {
	k := keys{vi: vi}
	for _, p := range pieces {
		k.feed([]byte(p))
		for {
			key, ok := k.next()
			if !ok {
				break
			}
			switch {
			case key.r == keyLine:
				got = append(got, "line "+key.line)
			case key.r >= ' ' && key.r < keyEscape:
				got = append(got, string(key.r))
			default:
				got = append(got, fmt.Sprintf("%x", key.r))
			}
		}
	}
	return got
}

func TestKeys(t *testing.T) {
	hex := func(r rune) string { return fmt.Sprintf("%x", r) }
	for _, tc := range []struct {
		vi   bool
		in   []string
		want []string
	}{
		{in: []string{"aé\r"}, want: []string{"a", "é", "d"}},
		{in: []string{"\xc3", "\xa9"}, want: []string{"é"}},
		{in: []string{"\x1b[A\x1bOB\x1b[1;5C\x1b[3~"}, want: []string{hex(readline.CharPrev), hex(readline.CharNext), hex(keyWordRight), hex(keyDelete)}},
		{in: []string{"\x1b", "[", "A"}, want: []string{hex(readline.CharPrev)}},
		{in: []string{"\x1bb", "\x1b", "f"}, want: []string{hex(keyWordLeft), hex(keyWordRight)}},
		{vi: true, in: []string{"\x1b", "k\x1bj"}, want: []string{hex(keyEscape), "k", hex(keyEscape), "j"}},
		{in: []string{"\x03\x1a"}, want: []string{"7", "3", hex(keySuspend)}},
		{in: []string{"\x1b[999999999999999999999999999999999999999999999"}, want: nil},
		{in: []string{"\x1b[200~one line\x1b[201~"}, want: append(append([]string{hex(keyPasteBegin)}, strings.Split("one line", "")...), hex(keyPasteEnd))},
		{in: []string{"\x1b[20", "0~a\r", "b\x03\x1b[A\r\nc\td\n\ne\x1b[2", "01~f"}, want: []string{
			hex(keyPasteBegin), "a", "d", "line b[A", "line c\td", "line ", "e", hex(keyPasteEnd), "f"}},
		{in: []string{"\x1b[200~a\tb\rc\xe6\x97", "\xa5\x1b[201~"}, want: []string{hex(keyPasteBegin), "a", " ", "b", "d", "c", "日", hex(keyPasteEnd)}},
	} {
		if got := feed(tc.vi, tc.in...); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%q: %q, want %q", tc.in, got, tc.want)
		}
	}
}

// FuzzKeys: a paste is the same however it is cut, and nothing is held back without bound.
func FuzzKeys(f *testing.F) {
	f.Add("one\rtwo\r\nthree\nf\xc3\xa9", uint64(1))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		whole := pasteBegin + strings.ReplaceAll(text, "\x1b", "") + pasteEnd
		r := rand.New(rand.NewPCG(seed, 0))
		var pieces []string
		for rest := whole; rest != ""; {
			n := 1 + r.IntN(len(rest))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		if a, b := feed(false, whole), feed(false, pieces...); !reflect.DeepEqual(a, b) {
			t.Errorf("%q: %q, cut to %q: %q", text, a, pieces, b)
		}
	})
}

func TestScreen(t *testing.T) {
	for _, tc := range []struct {
		name   string
		do     func(s *screen)
		above  string
		before string
		asks   string
	}{
		{"a prompt", func(s *screen) { s.append([]byte("a\r\nC:\\>")) }, "a\r\n", `C:\>`, `C:\>`},
		{"in pieces", func(s *screen) { s.add([]byte("a\r")); s.add([]byte("\nC:")); s.add([]byte("\\>")) }, "a\r\n", `C:\>`, `C:\>`},
		{"PowerShell's in pieces", func(s *screen) { s.add([]byte(`PS C:\>`)); s.add([]byte(` `)) }, "", `PS C:\> `, `PS C:\> `},
		{"others write meanwhile", func(s *screen) { s.add([]byte(`C:\>`)); s.add([]byte("x\r\ny")) }, "x\r\n", "y\nC:\\>", `C:\>`},
		{"and the prompt comes again", func(s *screen) { s.add([]byte(`C:\>`)); s.add([]byte("x\r\nC:\\y>")) }, "x\r\n", `C:\y>`, `C:\y>`},
		{"a line was sent ahead", func(s *screen) { s.ahead = true; s.add([]byte(`C:\>`)); s.add([]byte("dir\r\n")) }, "C:\\>dir\r\n", "", ""},
		{"a line was sent", func(s *screen) { s.add([]byte(`C:\>`)); s.accept(); s.add([]byte("x")) }, "", "x", "x"},
		{"the screen is cleared", func(s *screen) { s.add([]byte("a\r\n\fC:\\>")) }, "a\r\n" + clearScreen, `C:\>`, `C:\>`},
		{"overwritten for ever", func(s *screen) {
			for i := range 10000 {
				s.add(fmt.Appendf(nil, "\r%d %%", i))
			}
		}, "", "9999 %", "9999 %"},
	} {
		var s screen
		tc.do(&s)
		if above, before, asks := string(s.take()), s.before(), s.prompt().text; above != tc.above || before != tc.before || asks != tc.asks {
			t.Errorf("%s: above %q, before %q, prompt %q", tc.name, above, before, asks)
		}
	}
	var s screen
	for range 1000 {
		s.add([]byte(strings.Repeat("x", 100)))
		s.take()
	}
	if len(s.partial) > longestPrompt {
		t.Errorf("%d bytes are held", len(s.partial))
	}
}

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "history")
	open := func() *History {
		h, err := OpenHistory(path)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	h := open()
	for i := range 3 * historyLength {
		if err := h.Add(fmt.Sprint("line ", i)); err != nil {
			t.Fatal(err)
		}
		_ = h.Add(fmt.Sprint("line ", i)) // once is enough
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first shortens the file
		lines := open().Lines()
		if len(lines) != historyLength || lines[0] != fmt.Sprint("line ", 2*historyLength) || lines[historyLength-1] != fmt.Sprint("line ", 3*historyLength-1) {
			t.Fatalf("%d lines, from %s", len(lines), lines[0])
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() > 12*historyLength {
		t.Errorf("%v, %v", info, err)
	}
}

func TestTranscript(t *testing.T) {
	var b strings.Builder
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	tr := NewTranscript(&b, func() time.Time { return at }, true)
	tr.output([]byte("Hello\r\n\x1b[32mC:"))
	tr.output([]byte("\\>\x1b[0m"))
	tr.input("dir", false)
	tr.output([]byte("Password: "))
	tr.input("s3cret", true)
	tr.output([]byte("10%\r20%"))
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	const stamp = "2026-01-02T03:04:05.006Z "
	want := stamp + "< Hello\n" + stamp + "< C:\\>\n" + stamp + "> dir\n" + stamp + "< Password: \n" + stamp + "> (not shown)\n" + stamp + "< 20%\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// TestTranscriptOfLines: without a line editor, lines are whole, wherever they are cut on their way.
func TestTranscriptOfLines(t *testing.T) {
	for _, inputs := range []bool{true, false} {
		var b, out strings.Builder
		at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
		tr := NewTranscript(&b, func() time.Time { return at }, inputs)
		stdout, stdin := tr.Output(&out), tr.Input(iotest.OneByteReader(strings.NewReader("dir\r\nno end")))
		_, _ = io.WriteString(stdout, "one\ntw")
		if in, err := io.ReadAll(stdin); string(in) != "dir\r\nno end" || err != nil {
			t.Errorf("%q, %v", in, err)
		}
		_, _ = io.WriteString(stdout, "o\nC:\\>")
		if err := tr.Close(); err != nil || out.String() != "one\ntwo\nC:\\>" {
			t.Errorf("%v, %q", err, out.String())
		}
		const stamp = "2026-01-02T03:04:05.006Z "
		want := stamp + "< one\n" + stamp + "> dir\n" + stamp + "> no end\n" + stamp + "< two\n" + stamp + "< C:\\>\n"
		if !inputs {
			want = stamp + "< one\n" + stamp + "< two\n" + stamp + "< C:\\>\n"
		}
		if b.String() != want {
			t.Errorf("got\n%swant\n%s", b.String(), want)
		}
	}
}

func TestWords(t *testing.T) {
	for _, tc := range []struct {
		line  string
		shell Shell
		start int
		word  string
		first bool
	}{
		{"", Cmd, 0, "", true}, {"ip", Cmd, 0, "ip", true}, {`type C:\Us`, Cmd, 5, `C:\Us`, false},
		{`type "C:\Program F`, Cmd, 5, `C:\Program F`, false}, {`dir & ec`, Cmd, 6, "ec", true}, {`dir|fi`, Cmd, 4, "fi", true},
		{`type x >C:\o`, Cmd, 8, `C:\o`, false}, {`cd 'a b`, PowerShell, 3, "a b", false}, {`ls; ec`, Sh, 4, "ec", true}, {`日本 "é`, Cmd, 3, "é", false},
	} {
		if start, word, first := wordAt([]rune(tc.line), tc.shell); start != tc.start || word != tc.word || first != tc.first {
			t.Errorf("%q: %d, %q, %v", tc.line, start, word, first)
		}
	}
	if got := matching([]string{"Zoo", "abc", "ABD", "abc", "ab", "ab\ncd"}, "ab", Cmd); !reflect.DeepEqual(got, []string{"abc", "ABD"}) {
		t.Errorf("%q", got)
	}
	w := words{line: "type c:\\pro", start: 5, candidates: []string{`c:\Program Files\`, `c:\Program Notes.txt`}}
	for _, tc := range []struct{ line, want string }{
		{`type c:\program `, `type "c:\program `}, {`type c:\program Files\`, `type "c:\program Files\`}, {`type c:\program Notes.txt`, `type "c:\program Notes.txt"`},
		{`type c:\other x`, ""}, {`type c:\program`, ""},
	} {
		w := w
		got, pos, ok := w.quote([]rune(tc.line), len([]rune(tc.line)))
		if string(got) != tc.want || ok != (tc.want != "") || ok && pos != len(got) {
			t.Errorf("%q: %q, %d", tc.line, string(got), pos)
		}
	}
}

// pretender is a terminal and a program.
type pretender struct {
	io.Reader
	io.Writer
	raw, restored int
}

func (p *pretender) Raw() error            { p.raw++; return nil }
func (p *pretender) Restore()              { p.restored++ }
func (p *pretender) Suspend()              {}
func (p *pretender) Size() (w, h int)      { return 0, 0 }
func (p *pretender) Done() <-chan struct{} { return nil }
func (p *pretender) Interrupt()            { panic("interrupt") }
func (p *pretender) Terminate()            {}

type panicker struct{}

func (panicker) Write([]byte) (int, error) { panic("write") }

// TestPanic: a bug that shows itself leaves the terminal as it was, wherever that is.
func TestPanic(t *testing.T) {
	for _, tc := range []struct{ keys, want string }{{"\x03", "interrupt"}, {"x\r", "write"}, {"", ErrHungUp.Error()}} {
		p := &pretender{Reader: strings.NewReader(tc.keys), Writer: io.Discard}
		s := New(Options{Terminal: p, Now: time.Now, Transcript: NewTranscript(panicker{}, time.Now, true)})
		err := s.Run(t.Context(), p)
		var bug *PanicError
		if errors.As(err, &bug) && bug.Value != tc.want || bug == nil && err.Error() != tc.want {
			t.Errorf("%q: %v", tc.keys, err)
		}
		if p.raw != 1 || p.restored != 1 {
			t.Errorf("%q: raw %d times, restored %d", tc.keys, p.raw, p.restored)
		}
	}
}
