package report_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/winrmctl/winrmctl/internal/report"
)

var at = time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.FixedZone("", 3600))

func exit(code uint32) report.Result {
	return report.Result{ExitCode: &code, Duration: 1234567 * time.Microsecond, Requests: 5}
}

func failed(kind, message string) report.Result {
	return report.Result{Duration: time.Second, Error: &report.Error{Kind: kind, Message: message}}
}

func write(t *testing.T, w io.Writer, pieces ...string) {
	t.Helper()
	for _, p := range pieces {
		if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
}

func TestLines(t *testing.T) {
	var out, errs bytes.Buffer
	r := report.Lines(&out, &errs, func(target string) (string, string) { return target + ": ", "[" + target + "] " })
	a, b := r.Start("a", "", at), r.Start("b", "", at)
	write(t, a.Stdout(), "on", "e\r\ntwo")
	write(t, b.Stdout(), "first\nsecond\n\n")
	write(t, a.Stderr(), "oops")
	write(t, a.Stdout(), "\nno end")
	if err := errors.Join(a.End(exit(0)), b.End(exit(0)), r.Close()); err != nil {
		t.Fatal(err)
	}
	want := "a: one\r\nb: first\nb: second\nb: \na: two\na: no end\n"
	if out.String() != want || errs.String() != "[a] oops\n" {
		t.Errorf("%q, %q", out.String(), errs.String())
	}
}

// TestLongLines: a line without end is broken, not held.
func TestLongLines(t *testing.T) {
	var out bytes.Buffer
	r := report.Lines(&out, io.Discard, func(target string) (string, string) { return target + ": ", "" })
	a := r.Start("a", "", at)
	whole := strings.Repeat("0123456789abcdef", 3*64<<10/16)
	for i := 0; i < len(whole); i += 4000 {
		write(t, a.Stdout(), whole[i:min(i+4000, len(whole))])
		if pending := i - out.Len(); pending > 70<<10 {
			t.Fatalf("%d bytes are held", pending)
		}
	}
	write(t, a.Stdout(), "rest\nnext\n")
	if err := a.End(exit(0)); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(got) != 5 || got[3] != "a: rest" || got[4] != "a: next" || strings.ReplaceAll(got[0]+got[1]+got[2], "a: ", "") != whole {
		t.Errorf("%d lines, the last ones %.20q", len(got), got[3:])
	}
}

// TestLinesAreNotMixed: whatever the pieces, each line comes whole and those of one target in order.
func TestLinesAreNotMixed(t *testing.T) {
	var out bytes.Buffer
	r := report.Lines(&out, io.Discard, func(target string) (string, string) { return target + ": ", "" })
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			p := r.Start(fmt.Sprint("t", n), "", at)
			var all strings.Builder
			for line := range 200 {
				fmt.Fprintf(&all, "line %d of %d\n", line, n)
			}
			random := rand.New(rand.NewPCG(1, uint64(n)))
			for s := all.String(); s != ""; {
				k := 1 + random.IntN(min(60, len(s)))
				_, _ = io.WriteString(p.Stdout(), s[:k])
				s = s[k:]
			}
			_ = p.End(exit(0))
		})
	}
	wg.Wait()
	next := map[string]int{}
	for line := range strings.Lines(out.String()) {
		target, rest, _ := strings.Cut(line, ": ")
		if want := fmt.Sprintf("line %d of %s\n", next[target], strings.TrimPrefix(target, "t")); rest != want {
			t.Fatalf("%q, want %q", line, want)
		}
		next[target]++
	}
	if len(next) != 8 || next["t3"] != 200 {
		t.Error(next)
	}
}

func TestJSON(t *testing.T) {
	for _, tc := range []struct {
		name        string
		out, errs   string
		result      report.Result
		want        string
		wantOut     string
		wantErrs    string
		wantEncoded bool
	}{
		{name: "text", out: "grüße\r\n", errs: "a <b> & c\n", result: exit(3), want: `{"target":"web1","host":"web1.example","exit_code":3,"stdout":"grüße\r\n","stderr":"a <b> & c\n","encoding":"utf-8","started_at":"2026-03-04T04:06:07.890Z","duration_ms":1234.567,"requests":5,"error":null}`},
		{name: "bytes in stdout", out: "\x00\xff", errs: "text", result: exit(0), want: `{"target":"web1","host":"web1.example","exit_code":0,"stdout":"AP8=","stderr":"dGV4dA==","encoding":"base64","started_at":"2026-03-04T04:06:07.890Z","duration_ms":1234.567,"requests":5,"error":null}`},
		{name: "bytes in stderr", out: "", errs: "\xfc", result: exit(4294967295), want: `{"target":"web1","host":"web1.example","exit_code":4294967295,"stdout":"","stderr":"/A==","encoding":"base64","started_at":"2026-03-04T04:06:07.890Z","duration_ms":1234.567,"requests":5,"error":null}`},
		{name: "failure", out: "part", result: failed("lost", "lost: EOF"), want: `{"target":"web1","host":"web1.example","exit_code":null,"stdout":"part","stderr":"","encoding":"utf-8","started_at":"2026-03-04T04:06:07.890Z","duration_ms":1000,"requests":0,"error":{"kind":"lost","message":"lost: EOF","code":null}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b bytes.Buffer
			r := report.JSON(&b)
			p := r.Start("web1", "web1.example", at)
			write(t, p.Stdout(), tc.out)
			write(t, p.Stderr(), tc.errs)
			if err := errors.Join(p.End(tc.result), r.Close()); err != nil || b.String() != tc.want+"\n" {
				t.Errorf("%v\n got %s\nwant %s", err, b.String(), tc.want)
			}
		})
	}
}

// TestLargeJSON: outputs of any size come out as they were, and leave no files behind.
func TestLargeJSON(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, dir)
	}
	text := strings.Repeat("grüße \"日本\" \x00\u2028 😀\r\n<&>\\", 20_000)
	for name, tc := range map[string]struct{ out, errs, encoding string }{
		"text":             {text, text, "utf-8"},
		"bytes at the end": {text + "\xf0\x9f\x98", "", "base64"},
		"bytes within":     {"", text + "\xff" + text, "base64"},
	} {
		for _, size := range []int{1000, 4097, len(text)} {
			var b bytes.Buffer
			r := report.JSON(&b)
			p := r.Start("a<b", "web1.example", at)
			for _, stream := range []struct {
				to   io.Writer
				text string
			}{{p.Stdout(), tc.out}, {p.Stderr(), tc.errs}} {
				for s := stream.text; s != ""; {
					n := min(size, len(s))
					write(t, stream.to, s[:n])
					s = s[n:]
				}
			}
			if err := errors.Join(p.End(exit(0)), r.Close()); err != nil {
				t.Fatal(err)
			}
			var got struct{ Target, Stdout, Stderr, Encoding string }
			if err := json.Unmarshal(b.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if tc.encoding == "base64" {
				for _, s := range []*string{&got.Stdout, &got.Stderr} {
					decoded, err := base64.StdEncoding.DecodeString(*s)
					if err != nil {
						t.Fatal(err)
					}
					*s = string(decoded)
				}
			}
			if got.Target != "a<b" || got.Stdout != tc.out || got.Stderr != tc.errs || got.Encoding != tc.encoding {
				t.Errorf("%s, written in pieces of %d: %d and %d bytes as %s", name, size, len(got.Stdout), len(got.Stderr), got.Encoding)
			}
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}

// TestEvents: each event is a line; what is said arrives whole, wherever it is cut.
func TestEvents(t *testing.T) {
	text := "a grüße 日本 😀 e\u0301 end"
	for _, all := range []string{text, text + "\xff\xfe" + text, "\xf0\x9f\x98", "\xc3", ""} {
		for size := 1; size <= len(all)+1; size++ {
			var b bytes.Buffer
			r := report.Events(&b, func() time.Time { return at })
			p := r.Start("web1", "web1.example", at)
			for s := all; s != ""; {
				n := min(size, len(s))
				write(t, p.Stdout(), s[:n])
				s = s[n:]
			}
			if err := errors.Join(p.End(exit(0)), r.Close()); err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			var kinds []string
			for line := range strings.Lines(b.String()) {
				var e struct{ Time, Target, Event, Data, Encoding string }
				if err := json.Unmarshal([]byte(line), &e); err != nil || e.Time != "2026-03-04T04:06:07.890Z" || e.Target != "web1" {
					t.Fatalf("%s: %v", line, err)
				}
				if e.Encoding == "base64" {
					data, err := base64.StdEncoding.DecodeString(e.Data)
					if err != nil {
						t.Fatal(err)
					}
					e.Data = string(data)
					if utf8.ValidString(e.Data) || all == text {
						t.Errorf("%q in pieces of %d: base64 of %q", all, size, data)
					}
				}
				got.WriteString(e.Data)
				kinds = append(kinds, e.Event)
			}
			if got.String() != all || kinds[0] != "start" || kinds[len(kinds)-1] != "exit" {
				t.Errorf("%q in pieces of %d: %q, %v", all, size, got.String(), kinds)
			}
		}
	}
}

func TestEventsOfFailure(t *testing.T) {
	var b bytes.Buffer
	r := report.Events(&b, func() time.Time { return at })
	code := uint32(5)
	res := failed("fault", "access denied")
	res.Error.Code = &code
	if err := r.Start("w", "h", at).End(res); err != nil {
		t.Fatal(err)
	}
	want := `{"time":"2026-03-04T04:06:07.890Z","target":"w","event":"start","host":"h"}
{"time":"2026-03-04T04:06:07.890Z","target":"w","event":"error","exit_code":null,"duration_ms":1000,"requests":0,"error":{"kind":"fault","message":"access denied","code":5}}
`
	if b.String() != want {
		t.Error(b.String())
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// TestBrokenStream: a stream that takes nothing is told of at once.
func TestBrokenStream(t *testing.T) {
	for _, r := range []report.Report{
		report.Lines(brokenWriter{}, io.Discard, func(string) (string, string) { return "", "" }), report.JSON(brokenWriter{}), report.Events(brokenWriter{}, time.Now),
	} {
		p := r.Start("a", "", at)
		_, err := io.WriteString(p.Stdout(), "x\n")
		if err == nil {
			err = p.End(exit(0))
		}
		if !errors.Is(err, errBroken) {
			t.Errorf("%T: %v", r, err)
		}
	}
}

func TestJUnit(t *testing.T) {
	var file, out bytes.Buffer
	r, err := report.JUnit(report.JSON(&out), &file, at)
	if err != nil {
		t.Fatal(err)
	}
	good, bad, gone := r.Start("good", "h1", at), r.Start("bad <&>", "h2", at), r.Start("gone", "h3", at)
	write(t, good.Stdout(), "fine\n")
	write(t, bad.Stderr(), "\x1b[31mred\x1b[0m \xff\n")
	long := gone.Stdout()
	for i := range 40000 {
		write(t, long, fmt.Sprintf("line %d\n", i))
	}
	if err := errors.Join(good.End(exit(0)), bad.End(exit(7)), gone.End(failed("unreachable", "no \"way\"")), r.Close()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 3 {
		t.Errorf("%d objects", n)
	}
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Suite    struct {
			Tests int    `xml:"tests,attr"`
			Stamp string `xml:"timestamp,attr"`
			Cases []struct {
				Name    string `xml:"name,attr"`
				Class   string `xml:"classname,attr"`
				Time    string `xml:"time,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
					Type    string `xml:"type,attr"`
				} `xml:"failure"`
				Error *struct {
					Message string `xml:"message,attr"`
					Type    string `xml:"type,attr"`
				} `xml:"error"`
				Out string `xml:"system-out"`
				Err string `xml:"system-err"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(file.Bytes(), &suites); err != nil {
		t.Fatalf("%v\n%s", err, file.String())
	}
	s := suites.Suite
	if suites.Tests != 3 || suites.Failures != 1 || suites.Errors != 1 || s.Tests != 3 || s.Stamp != "2026-03-04T04:06:07" || len(s.Cases) != 3 {
		t.Fatalf("%+v", suites)
	}
	if c := s.Cases[0]; c.Name != "good" || c.Class != "winrmctl.h1" || c.Time != "1.235" || c.Failure != nil || c.Error != nil || c.Out != "fine\n" {
		t.Errorf("%+v", c)
	}
	if c := s.Cases[1]; c.Name != "bad <&>" || c.Failure == nil || c.Failure.Message != "exit code 7" || c.Error != nil || c.Err != "\ufffd[31mred\ufffd[0m \ufffd\n" {
		t.Errorf("%+v", c)
	}
	if c := s.Cases[2]; c.Error == nil || c.Error.Type != "unreachable" || c.Failure != nil || !strings.HasPrefix(c.Out, "[the beginning is left out]\n") || !strings.HasSuffix(c.Out, "line 39999\n") || len(c.Out) > 65<<10 {
		t.Errorf("%+v %d", c.Error, len(c.Out))
	}
}

// TestProgress: the line tells how far all is, what is written stands above it, and at the end it is gone.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen syncBuffer
		p := report.NewProgress(&screen, 3, time.Now)
		p.Over(report.Lines(p, p, func(target string) (string, string) { return target + ": ", "" }))
		a, b := p.Start("a", "", time.Now()), p.Start("b", "", time.Now().Add(5*time.Second))
		write(t, a.Stdout(), "hello\n")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if s := screen.String(); !strings.Contains(s, "a: hello\n") || !strings.Contains(s, "0/3 done, 2 running, 0 failed, slowest a 10s") {
			t.Errorf("%q", s)
		}
		if err := errors.Join(a.End(exit(0)), b.End(exit(1))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s := screen.String(); !strings.Contains(s, "2/3 done, 0 running, 1 failed") {
			t.Errorf("%q", s)
		}
		c := p.Start("c", "", time.Now())
		write(t, c.Stdout(), "the last words\n")
		if err := errors.Join(c.End(exit(0)), p.Close()); err != nil {
			t.Fatal(err)
		}
		s := screen.String()
		_, last, _ := strings.Cut(s, "c: the last words\n")
		if line, ok := strings.CutSuffix(strings.TrimSuffix(last, "\r"), "\x1b[1A\x1b[J"); !ok || strings.Count(line, "\n") != strings.Count(line, "\x1b[1A\x1b[J")+1 {
			t.Errorf("%q", s[max(0, len(s)-300):])
		}
	})
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
