package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// TestDecodeInterrupted: tokens, or a password, that do not come do not outlast Ctrl-C.
func TestDecodeInterrupted(t *testing.T) {
	for _, args := range []string{"probe-auth decode -", "probe-auth decode --password-stdin TlRMTVNTUAABAAAABQIAAA=="} {
		never, stop := io.Pipe()
		defer stop.Close()
		signals := make(chan os.Signal, 1)
		signals <- os.Interrupt
		var stdout, stderr bytes.Buffer
		a := &app{stdin: never, stdout: &stdout, stderr: &stderr, signals: signals}
		done := make(chan exitStatus, 1)
		go func() { done <- a.run(t.Context(), strings.Fields(args)) }()
		select {
		case status := <-done:
			if status.code != exitInterrupted || stdout.Len() > 0 {
				t.Errorf("%s: exit code %d, %s%s", args, status.code, &stdout, &stderr)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: still waiting", args)
		}
	}
}

// TestDecodeUnread: a report that nobody takes is no success.
func TestDecodeUnread(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	for _, output := range []string{"text", "json"} {
		var stderr bytes.Buffer
		a := &app{stdin: strings.NewReader(""), stdout: w, stderr: &stderr}
		status := a.run(t.Context(), []string{"probe-auth", "decode", "-o", output, "TlRMTVNTUAABAAAABQIAAA=="})
		if status.code == 0 || status.code == exitBug || status.code == exitUsage {
			t.Errorf("%s: exit code %d, %s", output, status.code, &stderr)
		}
	}
}
