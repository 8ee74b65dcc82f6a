package sandbox

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// slow is a writer that waits before each piece.
type slow struct {
	began, proceed chan struct{}
	bytes.Buffer
}

func (s *slow) Write(b []byte) (int, error) {
	s.began <- struct{}{}
	<-s.proceed
	return s.Buffer.Write(b)
}

// TestStreamOfSlowReader has a reader that pauses for longer than programs left behind are waited for.
func TestStreamOfSlowReader(t *testing.T) {
	to := &slow{began: make(chan struct{}), proceed: make(chan struct{})}
	s, program, err := newStream(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := program.WriteString("first"); err != nil {
		t.Fatal(err)
	}
	<-to.began
	if _, err := program.WriteString(" last"); err != nil {
		t.Fatal(err)
	}
	_ = program.Close()
	finished := make(chan struct{})
	go func() {
		s.finish(20 * time.Millisecond)
		close(finished)
	}()
	select {
	case <-finished:
		t.Error("the rest is lost")
	case <-time.After(200 * time.Millisecond):
	}
	to.proceed <- struct{}{}
	<-to.began
	to.proceed <- struct{}{}
	<-finished
	if to.String() != "first last" {
		t.Errorf("%q", to.String())
	}
}

// TestStreamLeftOpen has an output that something else than the program keeps open.
func TestStreamLeftOpen(t *testing.T) {
	var to strings.Builder
	s, program, err := newStream(&to)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if _, err := program.WriteString("all"); err != nil {
		t.Fatal(err)
	}
	s.finish(50 * time.Millisecond)
	if to.String() != "all" {
		t.Errorf("%q", to.String())
	}
}
