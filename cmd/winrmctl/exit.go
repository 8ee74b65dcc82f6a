package main

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"syscall"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/enum"
	"github.com/winrmctl/winrmctl/internal/keypair"
	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/transport"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// The exit codes of winrmctl's own failures (CLI contract; those of sysexits.h and of timeout(1)).
const (
	exitUsage           = 64
	exitUnavailable     = 69
	exitBug             = 70
	exitRefused         = 76
	exitUnauthenticated = 77
	exitConfiguration   = 78
	exitTimeout         = 124
	exitInterrupted     = 130
)

// exitStatus is how a process ends.
type exitStatus struct {
	code   int
	signal os.Signal // to die of, instead; nil for none
	stream string    // that was closed, where the signal is SIGPIPE
	text   string    // one sentence, empty where nothing failed here
	hint   string    // what to do, or empty
}

// statusOf is the one place where errors become exit codes.
func (a *app) statusOf(err error) exitStatus {
	if err == nil {
		return exitStatus{}
	}
	if exit, ok := errors.AsType[*shell.ExitError](err); ok {
		return exitStatus{code: a.remoteCode(exit.Code)}
	}
	if w, ok := errors.AsType[*shell.WriteError](err); ok && isBrokenPipe(w.Err) {
		// As other Unix tools end when nobody reads their output: silently, of SIGPIPE.
		return exitStatus{code: 128 + int(syscall.SIGPIPE), signal: syscall.SIGPIPE, stream: w.Stream}
	}
	if s, ok := errors.AsType[*signalError](err); ok {
		return exitStatus{code: signalCode(s.signal), signal: s.signal, text: s.Error()}
	}
	status := exitStatus{code: codeOf(err), text: err.Error(), hint: hintOf(err)}
	if status.code == exitBug {
		status.hint = "this is a bug: please report it with the command and, if you can, a --trace"
	}
	return status
}

// codeOf chooses the exit code for a failure of our own. Causes that end a context come first: they lead to others.
func codeOf(err error) int {
	var (
		timeout   *timeoutError
		late      *lateError
		usage     *usageError
		target    *config.UsageError
		settings  *config.Error
		file      *fileError
		pair      *keypair.Error
		secret    *config.SecretError
		login     *auth.Error
		fault     *wsman.Fault
		way       *transport.Error
		answer    *wsman.AnswerError
		syntax    *wsman.SyntaxError
		character *wsman.CharacterError
		probed    *probeError
		several   *severalError
		verify    *verifyError
		malformed *malformedError
		name      *enum.NameError
		prepare   *prepareError
		signal    *signalError
		session   *brokenError
		gone      *goneError
	)
	switch {
	case errors.As(err, &timeout), errors.As(err, &late):
		return exitTimeout
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled), errors.As(err, &signal):
		return exitInterrupted
	case errors.As(err, &several):
		return exitSome
	case errors.As(err, &session), errors.As(err, &gone):
		return exitUnavailable
	case errors.As(err, &probed):
		if probed.reached {
			return exitUnauthenticated
		}
		return exitUnavailable
	case errors.As(err, &usage), errors.As(err, &target), errors.As(err, &character), errors.As(err, &name), errors.Is(err, sandbox.ErrNotLoopback):
		return exitUsage
	case errors.As(err, &settings), errors.As(err, &file), errors.As(err, &pair):
		return exitConfiguration
	case errors.As(err, &secret), errors.As(err, &login), errors.As(err, &verify):
		return exitUnauthenticated
	case errors.As(err, &malformed):
		return exitData
	case errors.As(err, &fault), errors.As(err, &prepare), errors.As(err, &way) && way.RequestTooLarge():
		return exitRefused
	case errors.As(err, &way), errors.As(err, &answer), errors.As(err, &syntax), errors.Is(err, shell.ErrNoExitCode):
		return exitUnavailable
	}
	if _, ok := errors.AsType[*shell.WriteError](err); ok {
		return exitIO
	}
	if _, ok := errors.AsType[*shell.ReadError](err); ok {
		return exitIO
	}
	return exitBug
}

// exitSome is for some targets of several.
const exitSome = 1

// exitData is for tokens that cannot be read to their end (sysexits.h: EX_DATAERR).
const exitData = 65

// exitIO is for local files and streams that fail (sysexits.h: EX_IOERR).
const exitIO = 74

// hintOf says what to do about a failure, in at most one sentence.
func hintOf(err error) string {
	if h, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return h.Hint()
	}
	if errors.Is(err, keypair.ErrNoKey) {
		return "--key names the file of its key"
	}
	if way, ok := errors.AsType[*transport.Error](err); ok {
		return wayHint(way)
	}
	if fault, ok := errors.AsType[*wsman.Fault](err); ok {
		return faultHint(fault)
	}
	return ""
}

func wayHint(e *transport.Error) string {
	switch e.Kind {
	case transport.KindUnreachable:
		return "is WinRM running there, and its port open? On the target: winrm quickconfig"
	case transport.KindUnresolved:
		return "check the name, or name a profile of the configuration: winrmctl config view"
	case transport.KindTLS:
		if _, ok := errors.AsType[*transport.FingerprintError](e); ok {
			return "if the server's certificate was renewed, put in the new fingerprint"
		}
		if _, ok := errors.AsType[x509.UnknownAuthorityError](e); ok {
			return "trust its authority by --ca-file, or the certificate itself by --fingerprint"
		}
	case transport.KindPlainText:
		return "use http and port 5985, or the port of the https listener, 5986 by default"
	case transport.KindNotFound, transport.KindNotWSMan:
		return "WinRM listens at port 5985 (http) or 5986 (https), path /wsman"
	case transport.KindNotReady:
		return "try again later"
	case transport.KindTunnel:
		if p, ok := errors.AsType[*transport.ProxyError](e); ok && p.Status == http.StatusProxyAuthRequired {
			return transport.ProxyLoginHint
		}
		return "--proxy has to name a proxy that allows CONNECT to the port of WinRM"
	case transport.KindUnsealed:
		return "someone may be tampering with the connection; only --encryption never accepts such answers"
	case transport.KindBadRequest:
		return "a proxy may have shared the connection, or the server has dropped the login"
	}
	return ""
}

func faultHint(f *wsman.Fault) string {
	// Servers other than Windows have no codes, only the subcodes of WS-Enumeration.
	bare := func(subcode string) bool {
		return f.Code == 0 && f.Subcode == wsman.Name{Space: wsman.NSEnumeration, Local: subcode}
	}
	switch {
	case f.Code.IsAccessDenied():
		return "the login was right, but the account may not do this: it has to be an administrator of the target, or a member of Remote Management Users"
	case f.Code.IsQuota():
		return "too many shells or operations on the target: end some, or raise the quota (winrm get winrm/config/winrs)"
	case f.Code == wsman.CodeFileNotFound:
		return "without cmd.exe (--direct) the program has to be named with its full path or be found in PATH"
	case f.Code == wsman.CodeBadDirectory:
		return "the directory of --cwd is not there on the target"
	case f.Code == wsman.CodeCommandLineTooLong:
		return "a command line has at most 8,191 characters"
	case f.Code == wsman.CodeFilterNotSupported, f.Code == wsman.CodeFilterDialect, bare("FilteringNotSupported"), bare("FilterDialectRequestedUnavailable"):
		return "the server does not filter there: ask for all, and choose afterwards, such as with -o jsonl and jq"
	case f.Code == wsman.CodeFilterInvalid, f.Code == wsman.CodeWMIInvalidQuery, bare("CannotProcessFilter"):
		return "see the condition: names of properties, text in quotes, and = <> < > <= >= LIKE AND OR NOT IS NULL between them"
	case f.Code == wsman.CodeContextInvalid, bare("InvalidEnumerationContext"):
		return "the server has forgotten the enumeration, which happens after some minutes without a request: read faster, or ask for less"
	case f.Code == wsman.CodeKeysNeeded:
		return "--get KEY=VALUE names the instance"
	case f.Code == wsman.CodeMaxEnvelopeExceeded:
		return "an item is larger than an answer may be: --select fewer properties"
	case f.Code == wsman.CodeTimedOut:
		return "give the server more time with --operation-timeout, or ask for less"
	case f.Code == wsman.CodeInvalidHeader:
		return "the server may not take this --operation-timeout"
	}
	return ""
}

// remoteCode is the remote exit code as this process can give it: whole on Windows; the low byte elsewhere, and 1 where
// that would turn a failure into 0.
func (a *app) remoteCode(code uint32) int {
	if a.windows {
		return int(code)
	}
	if low := int(code & 0xff); low != 0 {
		return low
	}
	return 1
}

func isBrokenPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed)
}

func signalCode(s os.Signal) int {
	if number, ok := s.(syscall.Signal); ok {
		return 128 + int(number)
	}
	return exitInterrupted
}
