package main

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// TestRemoteCode: Windows keeps the whole value, Unix the low byte, which is never 0 for a failure.
func TestRemoteCode(t *testing.T) {
	for code, want := range map[uint32]struct{ unix, windows int }{
		1: {1, 1}, 255: {255, 255}, 256: {1, 256}, 259: {3, 259}, 3010: {194, 3010}, 1 << 31: {1, 1 << 31}, 3221225786: {58, 3221225786}, 4294967295: {255, 4294967295},
	} {
		err := &shell.ExitError{Code: code}
		unix, windows := (&app{}).statusOf(err), (&app{windows: true}).statusOf(err)
		if (unix != exitStatus{code: want.unix}) || (windows != exitStatus{code: want.windows}) {
			t.Errorf("%d: %+v, on Windows %+v", code, unix, windows)
		}
	}
}

// TestOutputFails: whatever a command writes, a closed stdout ends it silently, of SIGPIPE, and another failure is told.
func TestOutputFails(t *testing.T) {
	s, err := sandbox.Start(sandbox.Options{Programs: sandbox.Builtin{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, args := range [][]string{
		{"help"}, {"exec", "--help"}, {"version"}, {"completion", "bash"}, {"config", "path"}, {"config", "validate"}, {"config", "view", "sandbox"},
		{"sandbox"}, {"probe-auth", s.URL()}, {"probe-auth", "-o", "json", s.URL()}, {"probe-auth", "decode", "TlRMTVNTUAABAAAAt4II4gAAAAAoAAAAAAAAACgAAAAKAAAAAAAADw=="},
		{"exec", "sandbox", "echo x"}, {"exec", "-o", "json", "sandbox", "echo x"}, {"enum", "sandbox", "os"},
	} {
		for _, tc := range []struct {
			cause error
			want  exitStatus
			said  string
		}{
			{syscall.EPIPE, exitStatus{code: 141, signal: syscall.SIGPIPE, stream: "stdout"}, ""},
			{errors.New("disk full"), exitStatus{code: 74, text: "write to the local stdout: disk full"}, "winrmctl: write to the local stdout: disk full\n"},
		} {
			a, _, stderr := testApp(t, "")
			a.stdout = unwritable{tc.cause}
			if got := a.run(t.Context(), args); got != tc.want || stderr.String() != tc.said {
				t.Errorf("%q, %v: %+v\n%s", args, tc.cause, got, stderr)
			}
		}
	}
}

type unwritable struct{ err error }

func (u unwritable) Write([]byte) (int, error) { return 0, u.err }

// TestFaultsWithoutCodes: servers other than Windows tell what is wrong by subcodes alone.
func TestFaultsWithoutCodes(t *testing.T) {
	for subcode, want := range map[string]string{
		"FilteringNotSupported": "the server does not filter there", "FilterDialectRequestedUnavailable": "the server does not filter there",
		"CannotProcessFilter": "see the condition", "InvalidEnumerationContext": "the server has forgotten the enumeration", "Other": "",
	} {
		f := &wsman.Fault{Subcode: wsman.Name{Space: wsman.NSEnumeration, Local: subcode}}
		if got := faultHint(f); !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: %q", subcode, got)
		}
		if codeOf(f) != exitRefused {
			t.Errorf("%s: exit %d", subcode, codeOf(f))
		}
	}
}
