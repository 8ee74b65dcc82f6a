package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/recorded"
)

var update = flag.Bool("update", false, "write the golden files anew")

// replayEnum runs enum on what a recorded host answered, with NTLM and sealing, and has the server report what a host would mind.
func replayEnum(t *testing.T, scenario string, args ...string) (stdout []byte) {
	t.Helper()
	port := replayServer(t, scenario, "ntlm")
	a, out, stderr := testApp(t, "pass\n")
	status := a.run(t.Context(), append([]string{"enum", "-u", "user", "--password-stdin", "127.0.0.1:" + port}, args...))
	if status.code != 0 || stderr.Len() > 0 {
		t.Errorf("exit %d, stderr %q", status.code, stderr)
	}
	if r := readReport(t, port); len(r.Problems) > 0 {
		t.Errorf("problems: %q", r.Problems)
	}
	return out.Bytes()
}

// TestReplayEnum: what recorded Windows hosts answered, as data. The golden files were compared with the XML, value by value, and
// with the types that the documentation of the classes gives: nulls, arrays of one and more, times, numbers beyond 32 bits, and text
// that looks like numbers.
func TestReplayEnum(t *testing.T) {
	const network, system, shells, none, config = "f3-wmi-netadapterconfig-arrays-nil-datetime", "f4-wmi-operatingsystem-1-page", "f8-enumerate-shells", "f9-enumerate-empty", "h1-get-config-maxenvelope"
	for _, tc := range []struct {
		scenario, golden string
		args             []string
	}{
		{network, "enum-f3.jsonl", []string{"network", "-o", "jsonl"}},
		{network, "enum-f3.jsonl", []string{"--wql", "SELECT * FROM Win32_NetworkAdapterConfiguration", "-o", "jsonl", "--batch", "32000"}},
		{network, "enum-f3.txt", []string{"network"}},
		{system, "enum-f4.json", []string{"os", "-o", "json"}},
		{shells, "enum-f8.jsonl", []string{"shells", "-o", "jsonl"}},
		{shells, "enum-f8.yaml", []string{"shells", "-o", "yaml"}},
		{none, "enum-f9.json", []string{"http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Command", "--filter", "ShellId=B6631D8E-65A0-49F2-9053-A1B156C95777", "-o", "json"}},
		{config, "enum-h1.json", []string{"config", "-o", "json"}},
		{config, "enum-h1.txt", []string{"config"}},
	} {
		t.Run(tc.golden, func(t *testing.T) {
			got := replayEnum(t, tc.scenario, tc.args...)
			file := filepath.Join("testdata", "golden", tc.golden)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestReplayXML: -o xml is what was received, byte for byte behind the start tag, which takes the namespaces from around it.
func TestReplayXML(t *testing.T) {
	got := string(replayEnum(t, "f4-wmi-operatingsystem-1-page", "os", "-o", "xml"))
	answer := string(recorded.File(t, "replay/corpus/soap/txwinrm-w2012-Win32_OperatingSystem-star-000-enumerate.xml"))
	_, items, ok := strings.Cut(answer, "<w:Items>")
	items, _, _ = strings.Cut(items, "</w:Items>")
	_, properties, _ := strings.Cut(items, ">")
	if !ok || len(properties) < 1000 || !strings.Contains(got, "<p:Win32_OperatingSystem ") || !strings.HasSuffix(got, properties+"\n</items>\n") {
		t.Errorf("%s", got)
	}
}

// TestReplayIdentify: an Identify behind the login. The recording has nothing for the shell that probe-auth opens then.
func TestReplayIdentify(t *testing.T) {
	port := replayServer(t, "g1-identify-authenticated", "ntlm")
	a, stdout, stderr := testApp(t, "pass\n")
	status := a.run(t.Context(), []string{"probe-auth", "-u", "user", "--password-stdin", "127.0.0.1:" + port})
	if status.code != 0 || !strings.Contains(stdout.String(), "Microsoft Corporation OS: 6.3.9600 SP: 0.0 Stack: 3.0") {
		t.Errorf("exit %d, stderr %q\n%s", status.code, stderr, stdout)
	}
	problems := slices.DeleteFunc(readReport(t, port).Problems, func(p string) bool { return strings.HasPrefix(p, "no recorded answer is left for action ") })
	if len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}
