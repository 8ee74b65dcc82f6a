package main

import (
	"strings"
	"testing"

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
