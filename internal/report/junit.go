package report

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// junit is a Report beside another one: a file for build servers, one test case a target.
type junit struct {
	next  Report
	to    io.Writer
	began time.Time

	mu                      sync.Mutex
	spool                   *os.File // the cases: their numbers, which come first in the file, are known at the end
	cases                   *bufio.Writer
	all, failures, failings int
	err                     error
}

// JUnit returns a Report that tells next everything, and at Close writes a JUnit report to w: a test case for each target,
// a failure for an exit code other than 0, an error where there is none. Of a target's output it has the last 64 KiB.
func JUnit(next Report, w io.Writer, began time.Time) (Report, error) {
	spool, err := os.CreateTemp("", "winrmctl-junit-")
	if err != nil {
		return nil, err
	}
	return &junit{next: next, to: w, began: began, spool: spool, cases: bufio.NewWriter(spool)}, nil
}

func (j *junit) Start(target, host string, at time.Time) Part {
	return &junitPart{junit: j, Part: j.next.Start(target, host, at), target: target, host: host}
}

func (j *junit) Close() error {
	err := j.next.Close()
	if failed := j.write(); err == nil {
		err = failed
	}
	return err
}

// write puts the file together.
func (j *junit) write() error {
	defer os.Remove(j.spool.Name())
	defer j.spool.Close()
	if j.err == nil {
		j.err = j.cases.Flush()
	}
	if j.err == nil {
		_, j.err = j.spool.Seek(0, io.SeekStart)
	}
	if j.err != nil {
		return j.err
	}
	counts := fmt.Sprintf(`tests="%d" failures="%d" errors="%d" skipped="0" time="%.3f"`, j.all, j.failures, j.failings, time.Since(j.began).Seconds())
	if _, err := fmt.Fprintf(j.to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"winrmctl\" %s>\n<testsuite name=\"winrmctl exec\" timestamp=\"%s\" %s>\n", counts, j.began.UTC().Format("2006-01-02T15:04:05"), counts); err != nil {
		return err
	}
	if _, err := io.Copy(j.to, j.spool); err != nil {
		return err
	}
	_, err := io.WriteString(j.to, "</testsuite>\n</testsuites>\n")
	return err
}

type junitPart struct {
	*junit
	Part
	target, host string
	out, errs    tail
}

func (p *junitPart) Stdout() io.Writer { return io.MultiWriter(p.Part.Stdout(), &p.out) }
func (p *junitPart) Stderr() io.Writer { return io.MultiWriter(p.Part.Stderr(), &p.errs) }

// testCase is the element of one target.
type testCase struct {
	XMLName   xml.Name `xml:"testcase"`
	Name      string   `xml:"name,attr"`
	ClassName string   `xml:"classname,attr"`
	Time      string   `xml:"time,attr"`
	Failure   *flaw    `xml:"failure"`
	Error     *flaw    `xml:"error"`
	Out       string   `xml:"system-out,omitempty"`
	Err       string   `xml:"system-err,omitempty"`
}

type flaw struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

func (p *junitPart) End(r Result) error {
	if err := p.Part.End(r); err != nil {
		return err
	}
	c := testCase{Name: p.target, ClassName: "winrmctl." + p.host, Time: fmt.Sprintf("%.3f", r.Duration.Seconds()), Out: p.out.String(), Err: p.errs.String()}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all++
	switch {
	case r.Error != nil:
		p.failings++
		c.Error = &flaw{r.Error.Message, r.Error.Kind, r.Error.Message}
	case !r.OK():
		p.failures++
		text := fmt.Sprintf("exit code %d", *r.ExitCode)
		c.Failure = &flaw{text, "exit_code", text}
	}
	b, err := xml.MarshalIndent(c, "", "  ")
	if err == nil {
		_, err = p.cases.Write(append(b, '\n'))
	}
	if p.err == nil {
		p.err = err
	}
	return nil
}

// tail keeps the end of an output.
type tail struct {
	b   []byte
	cut bool
}

// tailSize is how much of an output a JUnit report has.
const tailSize = 64 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b[max(0, len(b)-2*tailSize):]...)
	if len(t.b) > 2*tailSize {
		t.b = append(t.b[:0], t.b[len(t.b)-tailSize:]...)
		t.cut = true
	}
	return len(b), nil
}

func (t *tail) String() string {
	b := t.b
	if len(b) > tailSize {
		b, t.cut = b[len(b)-tailSize:], true
	}
	if t.cut {
		return "[the beginning is left out]\n" + string(bytes.ToValidUTF8(b, []byte("\ufffd")))
	}
	return string(bytes.ToValidUTF8(b, []byte("\ufffd")))
}
