package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestReplayEnum: what recorded Windows hosts answered, with NTLM and sealing, as JSON. The golden files were compared with
// the XML by eye, and hold: nulls, arrays of one and more, times, numbers beyond 32 bits, and text that looks like numbers.
func TestReplayEnum(t *testing.T) {
	for _, tc := range []struct {
		scenario, golden string
		args             []string
	}{
		{"f3-wmi-netadapterconfig-arrays-nil-datetime", "enum-f3.jsonl", []string{"network", "-o", "jsonl"}},
		{"f3-wmi-netadapterconfig-arrays-nil-datetime", "enum-f3.jsonl", []string{"--wql", "SELECT * FROM Win32_NetworkAdapterConfiguration", "-o", "jsonl", "--batch", "32000"}},
		{"f3-wmi-netadapterconfig-arrays-nil-datetime", "enum-f3.txt", []string{"network"}},
		{"f4-wmi-operatingsystem-1-page", "enum-f4.json", []string{"os", "-o", "json"}},
		{"f4-wmi-operatingsystem-1-page", "enum-f4.xml", []string{"os", "-o", "xml"}},
		{"f8-enumerate-shells", "enum-f8.jsonl", []string{"shells", "-o", "jsonl"}},
		{"f8-enumerate-shells", "enum-f8.yaml", []string{"shells", "-o", "yaml"}},
		{"f9-enumerate-empty", "enum-f9.json", []string{"shells", "-o", "json"}},
		{"h1-get-config-maxenvelope", "enum-h1.json", []string{"config", "-o", "json"}},
		{"h1-get-config-maxenvelope", "enum-h1.txt", []string{"config"}},
	} {
		t.Run(tc.golden, func(t *testing.T) {
			port := replayServer(t, tc.scenario, "ntlm")
			password := filepath.Join(t.TempDir(), "password")
			if err := os.WriteFile(password, []byte("pass\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			a, stdout, stderr := testApp(t, "")
			status := a.run(t.Context(), append([]string{"enum", "-u", "user", "--password-file", password, "127.0.0.1:" + port}, tc.args...))
			if status.code != 0 || stderr.Len() > 0 {
				t.Errorf("exit %d, stderr %q", status.code, stderr)
			}
			file := filepath.Join("testdata", "golden", tc.golden)
			if os.Getenv("WINRMCTL_UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(file, stdout.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if stdout.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", stdout, want)
			}
			if r := readReport(t, port); len(r.Problems) > 0 {
				t.Errorf("problems: %q", r.Problems)
			}
		})
	}
}
