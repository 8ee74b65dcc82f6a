package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// FaultKind is a way to misbehave.
type FaultKind string

// The kinds.
const (
	FaultDrop       FaultKind = "drop"        // cut the connection in place of an answer, nothing being done
	FaultLose       FaultKind = "lose"        // do what was asked, then cut the connection in place of the answer
	FaultTruncate   FaultKind = "truncate"    // cut the connection in the middle of the answer
	FaultClose      FaultKind = "close"       // close the connection behind the answer
	FaultSplitLogin FaultKind = "split-login" // close the connection behind the challenge: keep-alive is broken
	FaultSPNEGO     FaultKind = "spnego"      // insist on SPNEGO: raw NTLM messages get no challenge
	FaultRefuseBody FaultKind = "refuse-body" // refuse a login whose last request carries a message
	FaultCorrupt    FaultKind = "corrupt"     // falsify the signature of an answer
	FaultUnsealed   FaultKind = "unsealed"    // answer in clear
	FaultDelay      FaultKind = "delay"       // wait before the answer
	FaultFault      FaultKind = "fault"       // answer with a fault, nothing being done
	FaultStatus     FaultKind = "status"      // answer with a page of an HTTP status, nothing being done
	FaultVia        FaultKind = "via"         // answer with the header that proxies add
	FaultComputer   FaultKind = "computer"    // challenge as another computer does
	FaultClock      FaultKind = "clock"       // challenge with a time that is off
	FaultExpired    FaultKind = "expired"     // show a certificate whose time is over
	FaultOtherName  FaultKind = "other-name"  // show a certificate of another host
)

func faultKinds() []FaultKind {
	return []FaultKind{
		FaultDrop, FaultLose, FaultTruncate, FaultClose, FaultSplitLogin, FaultSPNEGO, FaultRefuseBody, FaultCorrupt, FaultUnsealed,
		FaultDelay, FaultFault, FaultStatus, FaultVia, FaultComputer, FaultClock, FaultExpired, FaultOtherName,
	}
}

// login is the operation of requests that are no SOAP messages: faults happen to them only where they ask for it, or are
// about logins.
const login = "login"

// operations are what a fault may be about.
func operations() []string {
	return []string{
		"Create", "Command", "Receive", "Send", "Signal", "Delete", "Disconnect", "Reconnect", "Connect", "Identify", "Enumerate", "Pull", "Release",
		"Get", "Invoke", login,
	}
}

// Fault is one misbehaviour.
type Fault struct {
	Kind FaultKind
	On   string // the operation: Create, Command, Receive, Send, Signal, Delete, Disconnect, Reconnect, Connect, Identify, Enumerate, Pull, Release, Get, Invoke, login; "" for each but login
	Nth  int    // of these operations, counted from 1; 0 for each of them
	Code uint32 // of a fault, or an HTTP status
	For  time.Duration
}

// ParseFault reads a fault as users write it: a kind, then settings separated by commas, such as
//
//	drop,on=Receive,nth=2      fault,code=5,on=Create      status,code=502,on=login      delay,for=2s,on=Command
func ParseFault(spec string) (Fault, error) {
	kind, rest, more := strings.Cut(spec, ",")
	f := Fault{Kind: FaultKind(kind)}
	if !slices.Contains(faultKinds(), f.Kind) {
		return f, fmt.Errorf("fault %q: unknown kind %q: need one of %v", spec, kind, faultKinds())
	}
	for more {
		var setting string
		setting, rest, more = strings.Cut(rest, ",")
		key, value, _ := strings.Cut(setting, "=")
		var err error
		switch key {
		case "on":
			if !slices.Contains(operations(), value) {
				return f, fmt.Errorf("fault %q: on: need one of %v", spec, operations())
			}
			f.On = value
		case "nth":
			f.Nth, err = strconv.Atoi(value)
			if err != nil || f.Nth < 1 {
				return f, fmt.Errorf("fault %q: nth: need a number from 1", spec)
			}
		case "code":
			n, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return f, fmt.Errorf("fault %q: code: need a number", spec)
			}
			f.Code = uint32(n)
		case "for":
			f.For, err = time.ParseDuration(value)
			if err != nil || f.For < 0 && f.Kind != FaultClock {
				return f, fmt.Errorf("fault %q: for: need a duration such as 2s", spec)
			}
		default:
			return f, fmt.Errorf("fault %q: unknown setting %q: need on, nth, code or for", spec, key)
		}
	}
	switch {
	case (f.Kind == FaultFault || f.Kind == FaultStatus) && f.Code == 0:
		return f, fmt.Errorf("fault %q: code=NUMBER is missing", spec)
	case f.Kind == FaultStatus && (f.Code < 200 || f.Code > 599):
		return f, fmt.Errorf("fault %q: code: need an HTTP status", spec)
	case (f.Kind == FaultDelay || f.Kind == FaultClock) && f.For == 0:
		return f, fmt.Errorf("fault %q: for=DURATION is missing", spec)
	case f.On == login && f.Kind.ofMessages(), f.On != "" && f.On != login && f.Kind.ofLogin():
		return f, fmt.Errorf("fault %q: on: %s does not happen to %s", spec, f.Kind, f.On)
	}
	return f, nil
}

// ofLogin reports a kind that is about logins, and nothing else.
func (k FaultKind) ofLogin() bool {
	switch k {
	case FaultSplitLogin, FaultSPNEGO, FaultRefuseBody, FaultComputer, FaultClock:
		return true
	}
	return false
}

// ofMessages reports a kind that is about SOAP messages and their answers, which the requests of a login are not.
func (k FaultKind) ofMessages() bool {
	switch k {
	case FaultLose, FaultTruncate, FaultCorrupt, FaultUnsealed, FaultFault:
		return true
	}
	return false
}

// code returns the HTTP status of the fault.
func (f *Fault) code(otherwise int) int {
	if f.Code == 0 {
		return otherwise
	}
	return int(f.Code)
}

// injector counts operations, and hands out the faults that are due.
type injector struct {
	mu     sync.Mutex
	faults []Fault
	seen   map[int]int // by index of the fault
}

// has reports a fault that is about the server as a whole.
func (i *injector) has(kind FaultKind) bool {
	return slices.ContainsFunc(i.faults, func(f Fault) bool { return f.Kind == kind })
}

// take returns the fault of a kind that is due for an operation, nil for none. Each call counts as one operation for that
// kind.
func (i *injector) take(kind FaultKind, operation string) *Fault {
	i.mu.Lock()
	defer i.mu.Unlock()
	var due *Fault
	for n := range i.faults {
		f := &i.faults[n]
		if f.Kind != kind || f.On != "" && f.On != operation || f.On == "" && operation == login && !kind.ofLogin() {
			continue
		}
		if i.seen == nil {
			i.seen = map[int]int{}
		}
		i.seen[n]++
		if f.Nth == 0 || f.Nth == i.seen[n] {
			due = f
		}
	}
	return due
}
