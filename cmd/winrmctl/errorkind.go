package main

import (
	"errors"

	"github.com/winrmctl/winrmctl/internal/fanout"
	"github.com/winrmctl/winrmctl/internal/transport"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// errorKind names a failure for programs that read results, by one of the words that docs/output.md explains. code is that
// of a fault, nil where there is none.
func errorKind(err error) (kind string, code *uint32) {
	if errors.Is(err, fanout.ErrFailFast) {
		return "fail-fast", nil
	}
	switch codeOf(err) {
	case exitTimeout:
		return "timeout", nil
	case exitInterrupted:
		return "interrupted", nil
	case exitUsage:
		return "usage", nil
	case exitConfiguration:
		return "configuration", nil
	case exitUnauthenticated:
		return "authentication", nil
	case exitIO:
		return "io", nil
	case exitUnavailable:
		return wayKind(err), nil
	case exitRefused:
		if fault, ok := errors.AsType[*wsman.Fault](err); ok {
			n := uint32(fault.Code)
			return "fault", &n
		}
		return "refused", nil
	}
	return "bug", nil
}

// wayKind names what is wrong with the way to a target, or with what should be there.
func wayKind(err error) string {
	if _, ok := errors.AsType[*goneError](err); ok {
		return "gone"
	}
	way, ok := errors.AsType[*transport.Error](err)
	if !ok {
		return "protocol"
	}
	switch way.Kind {
	case transport.KindUnresolved, transport.KindUnreachable, transport.KindTunnel:
		return "unreachable"
	case transport.KindLost, transport.KindTimeout:
		return "lost"
	case transport.KindTLS, transport.KindPlainText:
		return "tls"
	case transport.KindNotReady:
		return "not-ready"
	}
	return "protocol"
}
