// Package shell is the client of a remote text-based command shell (MS-WSMV 3.1.4.1.31): it creates a shell, runs commands
// in it with their streams live, and deletes it; it does not know how messages travel.
//
// Section numbers in comments are those of MS-WSMV.
package shell

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// A Conn carries requests, one at a time. An error whose chain has a method Lost() bool that reports true means that no
// answer came, that the server may have acted all the same, and that asking once more may succeed. One with Astray() bool means
// that somebody else answered, one with NotSent() bool that nothing was sent.
type Conn interface {
	Post(ctx context.Context, soap []byte) (answer []byte, err error)
	Close() error
}

// Options say where and how a shell is made. They are not changed.
type Options struct {
	// Main carries Create, Command, Receive and Delete. Side carries Send and Signal while a Receive is parked on Main;
	// it should dial no sooner than it is used. Spare, where there is one, carries Signal and Disconnect while a Send is
	// under way: that is parked on Side when the program takes no input. The caller closes them.
	Main, Side, Spare Conn

	To        string // the endpoint's address, as it stands in every request
	Resource  string // the kind of shell, for Connect and Delete; "" for cmd.exe's
	SessionID string // one for all shells of a client session; "" for a new one

	// Detachable has the client choose the ids of shell and commands, without which a server does not disconnect a shell
	// (3.1.4.15). Servers before Windows 8 and Server 2012 know nothing of that.
	Detachable bool

	Name             string // of the shell, for people
	BufferMode       wsman.BufferMode
	Environment      []wsman.EnvVar
	WorkingDirectory string
	CodePage         int // 0 leaves it to the server
	NoProfile        bool
	IdleTimeout      time.Duration // after which the server reaps the shell; 0 leaves it to the server
	OperationTimeout time.Duration // how long the server holds a Receive; 0 for 60 s

	// RequestSize bounds a request in bytes, base64 included; 0 for 153,600, which even the oldest servers take
	// (MaxEnvelopeSizekb 150, 2.2.4.10).
	RequestSize int

	// Reconnect is how long a lost Receive is asked for again; 0 for a minute.
	Reconnect time.Duration

	// Reconnected is called when Main has another connection than before, since that one broke, and before what arrives on
	// it is written; nil for nobody.
	Reconnected func()

	// Panicked is told of a bug that shows itself in a goroutine of this package, which would end the program otherwise.
	Panicked func(value any, stack []byte)

	// EOFAfter is when a program without a local stdin is told that there is none; 0 for two seconds.
	EOFAfter time.Duration
}

// Defaults of [Options].
const (
	defaultOperationTimeout = time.Minute
	defaultRequestSize      = 150 << 10
	defaultReconnect        = time.Minute
	defaultEOFAfter         = 2 * time.Second
)

// answerSize is what a request allows an answer to have: MaxEnvelopeSizekb's default (2.2.4.10) in bytes.
const answerSize = 500 << 10

// createGrace is how long the answer to a Create is waited for when nobody wants the shell any more.
const createGrace = 3 * time.Second

// closeGrace is how long deleting such a shell may take.
const closeGrace = 3 * time.Second

// slack is what is added to OperationTimeout before an answer counts as lost: the way there and back.
const slack = 30 * time.Second

// A Shell is a shell on the server. Commands run in it one after the other; its methods may be called by one goroutine at a time.
type Shell struct {
	options  Options
	id       string
	idle     time.Duration
	taken    bool        // by Connect: commands have to be taken up too
	rivals   int         // other processes that may be connected to it, after TakeOver
	last     string      // id of the last command that the server has not discarded, "" for none
	mainCut  atomic.Bool // Main was closed in the middle of a request: Side may be the shorter way
	sideUsed atomic.Bool
	running  atomic.Pointer[Process] // the last one that was started or attached to
}

// Open creates a shell. When ctx ends meanwhile, what was created is deleted. On an error of kind "lost" a shell may have been
// created, of which nobody knows the id; a detachable one is deleted.
func Open(ctx context.Context, o Options) (*Shell, error) {
	asked := &wsman.Shell{
		Name: o.Name, Environment: o.Environment, WorkingDirectory: o.WorkingDirectory, IdleTimeOut: o.IdleTimeout,
		InputStreams: "stdin", OutputStreams: "stdout stderr", BufferMode: o.BufferMode,
	}
	if o.Detachable {
		asked.ID = wsman.NewID()
		if o.SessionID == "" {
			o.SessionID = creatorSession(asked.ID)
		}
	}
	s := newShell(o)
	q := s.request(wsman.ActionCreate, asked)
	q.Options = []wsman.Option{{Name: "WINRS_NOPROFILE", Value: upper(o.NoProfile)}}
	if o.CodePage != 0 {
		q.Options = append(q.Options, wsman.Option{Name: "WINRS_CODEPAGE", Value: strconv.Itoa(o.CodePage)})
	}
	answer, err := s.create(ctx, q)
	if err != nil && lost(err) && asked.ID != "" {
		s.id = asked.ID // which makes it the one case where what may have been created can be deleted
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
		defer cancel()
		_ = s.Close(closing)
	}
	if err != nil {
		return nil, failed("create the shell", err)
	}
	created, err := wsman.ParseCreated(answer, q.MessageID)
	if err != nil {
		return nil, failed("create the shell", err)
	}
	s.id, s.idle = created.ID, created.IdleTimeOut
	if ctx.Err() != nil {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
		defer cancel()
		return nil, failed("create the shell", errors.Join(context.Cause(ctx), s.Close(closing)))
	}
	return s, nil
}

// newShell fills in the defaults of the options.
func newShell(o Options) *Shell {
	if o.SessionID == "" {
		o.SessionID = "uuid:" + wsman.NewID()
	}
	if o.Resource == "" {
		o.Resource = wsman.ResourceCmd
	}
	if o.OperationTimeout == 0 {
		o.OperationTimeout = defaultOperationTimeout
	}
	if o.RequestSize == 0 {
		o.RequestSize = defaultRequestSize
	}
	if o.Reconnect == 0 {
		o.Reconnect = defaultReconnect
	}
	if o.EOFAfter == 0 {
		o.EOFAfter = defaultEOFAfter
	}
	return &Shell{options: o}
}

// create sends the Create, and waits for the answer a little longer than ctx where the connection can.
func (s *Shell) create(ctx context.Context, q *wsman.Request) ([]byte, error) {
	through, ok := s.options.Main.(interface {
		PostThrough(ctx context.Context, grace time.Duration, soap []byte) ([]byte, error)
	})
	if !ok {
		return s.post(ctx, s.options.Main, q)
	}
	soap, err := q.Encode()
	if err != nil {
		return nil, err
	}
	ctx, cancel := s.answerIn(ctx)
	defer cancel()
	return through.PostThrough(ctx, createGrace, soap)
}

// ID returns the shell's id.
func (s *Shell) ID() string { return s.id }

// IdleTimeout is how long the server keeps the shell that it has created when nobody uses it; 0 where it does not tell.
func (s *Shell) IdleTimeout() time.Duration { return s.idle }

// Close deletes the shell, which ends what still runs in it (3.1.4.4.1). A shell that is gone already is no error, so that it is
// safe to ask once more where the answer is lost.
func (s *Shell) Close(ctx context.Context) error {
	lane := s.options.Main
	if s.mainCut.Load() && s.sideUsed.Load() {
		lane = s.options.Side
	}
	err := s.simple(ctx, lane, wsman.ActionDelete, nil)
	if lost(err) && ctx.Err() == nil {
		err = s.simple(ctx, lane, wsman.ActionDelete, nil)
	}
	if f, ok := errors.AsType[*wsman.Fault](err); ok && f.Code == wsman.CodeInvalidSelectors {
		return nil
	}
	return failed("delete the shell", err)
}

// request makes a request with the headers of this shell.
func (s *Shell) request(action string, body wsman.Body) *wsman.Request {
	q := &wsman.Request{
		Action: action, To: s.options.To, ResourceURI: s.options.Resource, MessageID: "uuid:" + wsman.NewID(), SessionID: s.options.SessionID,
		OperationTimeout: s.options.OperationTimeout, MaxEnvelopeSize: answerSize, Locale: "en-US", Body: body,
	}
	if s.id != "" {
		q.Selectors = []wsman.Selector{{Name: "ShellId", Value: s.id}}
	}
	return q
}

// errNoAnswer is the cause of a request's own deadline.
var errNoAnswer = errors.New("the server does not answer in time")

// post sends a request and waits for the answer, no longer than the server may take.
func (s *Shell) post(ctx context.Context, lane Conn, q *wsman.Request) ([]byte, error) {
	soap, err := q.Encode()
	if err != nil {
		return nil, err
	}
	return s.postBytes(ctx, lane, soap)
}

func (s *Shell) postBytes(ctx context.Context, lane Conn, soap []byte) ([]byte, error) {
	ctx, cancel := s.answerIn(ctx)
	defer cancel()
	return lane.Post(ctx, soap)
}

// answerIn bounds how long an answer may take.
func (s *Shell) answerIn(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.options.OperationTimeout+slack, errNoAnswer)
}

// guard is deferred by each goroutine.
func (s *Shell) guard() {
	if s.options.Panicked == nil {
		return
	}
	if v := recover(); v != nil {
		s.options.Panicked(v, debug.Stack())
	}
}

// simple sends a request whose answer says nothing but that it was done.
func (s *Shell) simple(ctx context.Context, lane Conn, action string, body wsman.Body) error {
	q := s.request(action, body)
	answer, err := s.post(ctx, lane, q)
	if err != nil {
		return err
	}
	return wsman.ParseEmpty(answer, q.MessageID)
}

// An OpError says which operation on a shell failed, and why.
type OpError struct {
	Op  string // such as "create the shell"
	Err error
}

// OpSend is the operation of input, which is never repeated: where it is lost, the program may or may not have got it.
const OpSend = "send stdin"

func (e *OpError) Error() string { return e.Op + ": " + e.Err.Error() }

func (e *OpError) Unwrap() error { return e.Err }

// failed wraps an error that is not nil.
func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return &OpError{op, err}
}

func upper(b bool) string { return strings.ToUpper(strconv.FormatBool(b)) }

// ExitError is a command that ended with another exit code than 0.
type ExitError struct{ Code uint32 }

func (e *ExitError) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// ErrNoExitCode is a command that is done, of which the server does not say how it ended.
var ErrNoExitCode = errors.New("the command is done, but the server does not say with which exit code")

// A WriteError is a local stream that takes no more output.
type WriteError struct {
	Stream string // stdout or stderr
	Err    error
}

func (e *WriteError) Error() string { return fmt.Sprintf("write to the local %s: %v", e.Stream, e.Err) }

func (e *WriteError) Unwrap() error { return e.Err }

// A ReadError is a local stdin that cannot be read.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return fmt.Sprintf("read the local stdin: %v", e.Err) }

func (e *ReadError) Unwrap() error { return e.Err }
