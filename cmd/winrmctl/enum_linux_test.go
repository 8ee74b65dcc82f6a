package main

import (
	"strings"
	"testing"
)

// TestEnumStalled: a target that takes the connection and says nothing holds up no other, even where there is one place only.
func TestEnumStalled(t *testing.T) {
	healthy := startFleet(t, 2)
	silent, end := stalled(t, 50)
	a, _, stderr := testApp(t, "S3cret\n")
	stdout := &cue{text: `"Name":"WinRM"`, times: 2, do: end}
	a.stdout = stdout
	targets := strings.Join([]string{silent, healthy.targets[0], healthy.targets[1]}, ",")
	status := a.run(t.Context(), []string{"enum", "-u", "bob", "--password-stdin", "--parallel", "1", "--connect-timeout", "5m", targets, "services", "-o", "jsonl"})
	if status.code != 1 || !strings.Contains(stderr.String(), "\nwinrmctl: 1 of 3 targets failed\n") {
		t.Errorf("exit %d, stdout %q, stderr %q", status.code, stdout, stderr)
	}
}
