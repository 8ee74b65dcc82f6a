package sandbox

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestFaultsAreDocumented holds docs/sandbox.md to the kinds.
func TestFaultsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range faultKinds() {
		if strings.Count(string(text), "\n| `"+string(kind)+"` |") != 1 {
			t.Errorf("%s has no row in docs/sandbox.md", kind)
		}
	}
}

func TestParseFault(t *testing.T) {
	for _, tc := range []struct {
		spec string
		want Fault
		text string // of the error
	}{
		{spec: "drop", want: Fault{Kind: FaultDrop}},
		{spec: "lose,on=Receive,nth=2", want: Fault{Kind: FaultLose, On: "Receive", Nth: 2}},
		{spec: "status,code=502,on=login", want: Fault{Kind: FaultStatus, Code: 502, On: "login"}},
		{spec: "clock,for=-10m", want: Fault{Kind: FaultClock, For: -10 * time.Minute}},
		{spec: "", text: "unknown kind"},
		{spec: "drop,nth=0", text: "nth: need a number from 1"},
		{spec: "drop,on=Nothing", text: "on: need one of"},
		{spec: "drop,colour=red", text: "unknown setting"},
		{spec: "fault", text: "code=NUMBER is missing"},
		{spec: "status,code=99", text: "need an HTTP status"},
		{spec: "delay", text: "for=DURATION is missing"},
		{spec: "delay,for=-1s", text: "need a duration"},
		{spec: "clock", text: "for=DURATION is missing"},
		{spec: "close,on=login", want: Fault{Kind: FaultClose, On: "login"}},
		{spec: "truncate,on=login", text: "truncate does not happen to login"},
		{spec: "split-login,on=Create", text: "split-login does not happen to Create"},
	} {
		got, err := ParseFault(tc.spec)
		if tc.text == "" && (err != nil || got != tc.want) || tc.text != "" && (err == nil || !strings.Contains(err.Error(), tc.text)) {
			t.Errorf("%q: %+v, %v", tc.spec, got, err)
		}
	}
}

// TestFaultsOfLogins: faults without an operation leave logins alone, unless they are about logins.
func TestFaultsOfLogins(t *testing.T) {
	i := &injector{faults: []Fault{{Kind: FaultDrop}, {Kind: FaultStatus, On: login, Nth: 2, Code: 502}, {Kind: FaultSplitLogin}}}
	for _, tc := range []struct {
		kind      FaultKind
		operation string
		due       bool
	}{
		{FaultDrop, login, false}, {FaultDrop, "Create", true}, {FaultStatus, "Create", false}, {FaultStatus, login, false},
		{FaultStatus, login, true}, {FaultStatus, login, false}, {FaultSplitLogin, login, true},
	} {
		if got := i.take(tc.kind, tc.operation) != nil; got != tc.due {
			t.Errorf("%s on %s: %v", tc.kind, tc.operation, got)
		}
	}
}
