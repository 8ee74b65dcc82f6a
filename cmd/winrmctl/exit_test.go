package main

import (
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

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
