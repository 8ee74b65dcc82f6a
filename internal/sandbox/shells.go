package sandbox

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// create makes a shell.
func (g *registry) create(in *request) (wsman.ResponseBody, error) {
	asked, ok := in.Body.(*wsman.Shell)
	if !ok {
		return nil, sender("InvalidBody", wsman.CodeInvalidBody, "The request packet does not have a valid SOAP body.")
	}
	s := g.server
	idle := s.options.IdleTimeout
	if asked.IdleTimeOut > 0 {
		idle = min(idle, asked.IdleTimeOut)
	}
	shell := &remoteShell{
		server: s, id: wsman.NewID(), idle: idle, codePage: in.Option("WINRS_CODEPAGE"),
		environment: asked.Environment, directory: asked.WorkingDirectory, commands: map[string]*command{}, replies: map[string]*reply{},
		attachment: attachment{possible: in.SessionID != "", client: in.SessionID, mode: wsman.BufferBlock}, // the default of OutputBufferingMode (3.1.4.1.34.3)
	}
	if asked.BufferMode == wsman.BufferDrop {
		shell.attachment.mode = wsman.BufferDrop
	}
	if asked.ID != "" {
		var err error
		if shell.id, err = proposedID(asked.ID, wsman.CodeBadShellID); err != nil {
			return nil, err
		}
		shell.attachment.strict = in.SessionID != ""
	}
	shell.name, shell.resource, shell.client, shell.inputStreams, shell.outputStreams = asked.Name, in.ResourceURI, in.remote, asked.InputStreams, asked.OutputStreams
	shell.noProfile = strings.EqualFold(in.Option("WINRS_NOPROFILE"), "TRUE")
	shell.created = time.Now()
	shell.rested = shell.created
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, fault("InternalError", wsman.CodeOperationAborted, "The server is shutting down.")
	}
	if len(g.shells) >= s.options.MaxShells {
		return nil, sender("QuotaLimit", wsman.CodeQuotaShells, "The WS-Management service cannot process the request. The maximum number of concurrent shells for this user has been exceeded. Close existing shells or raise the quota for this user.")
	}
	if g.shells[shell.id] != nil {
		return nil, taken(wsman.CodeShellIDTaken)
	}
	if g.shells == nil {
		g.shells = map[string]*remoteShell{}
	}
	g.shells[shell.id] = shell
	shell.timer = time.AfterFunc(idle, func() {
		s.log("shell %s was idle for too long and is reaped", shell.id)
		g.remove(shell)
	})
	return &wsman.ResourceCreated{Address: in.To, Shell: shell.describe()}, nil
}

func (g *registry) find(id string) *remoteShell {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shells[strings.ToUpper(strings.TrimPrefix(id, "uuid:"))]
}

// remove ends a shell and all that runs in it.
func (g *registry) remove(shell *remoteShell) {
	g.mu.Lock()
	delete(g.shells, shell.id)
	g.mu.Unlock()
	shell.close()
}

func (g *registry) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.shells)
}

func (g *registry) closeAll() {
	g.mu.Lock()
	shells := g.shells
	g.shells, g.closed = nil, true
	g.mu.Unlock()
	for _, shell := range shells {
		shell.close()
	}
}

// remoteShell is one shell.
type remoteShell struct {
	server      *Server
	id          string
	codePage    string
	environment []wsman.EnvVar
	directory   string

	// What enumerations show of it.
	name, resource, client, inputStreams, outputStreams string
	noProfile                                           bool
	created                                             time.Time

	mu         sync.Mutex
	idle       time.Duration
	rested     time.Time   // when the last request ended
	timer      *time.Timer // reaps the shell
	busy       int         // requests under way
	attachment attachment
	commands   map[string]*command
	replies    map[string]*reply // the last answer of each kind of request
	closed     bool
}

// reply is the answer to a request, which a client that lost it may ask for again with the same MessageID.
type reply struct {
	messageID string
	operation string
	cancel    context.CancelCauseFunc
	done      chan struct{}
	body      wsman.ResponseBody
	err       error
}

// perform carries out a request to this shell, once for a MessageID. It goes on when the client's connection breaks, so
// that the answer is there when it is asked for again.
func (s *remoteShell) perform(ctx context.Context, in *request) (wsman.ResponseBody, error) {
	commandID := ""
	switch body := in.Body.(type) {
	case *wsman.Receive:
		commandID = body.CommandID
	case *wsman.Send:
		commandID = body.CommandID
	case *wsman.Signal:
		commandID = body.CommandID
	case *wsman.Connect:
		commandID = body.CommandID
	}
	scope := in.operation + " " + commandID
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, aborted()
	}
	if !own(in) {
		if err := s.attachment.admit(in); err != nil {
			s.mu.Unlock()
			return nil, err
		}
	}
	last := s.replies[scope]
	if last == nil || last.messageID != in.MessageID {
		if last != nil {
			last.cancel(nil) // only one Receive, and one Send, may be outstanding (3.1.4.13, 3.1.4.14)
		}
		r := &reply{messageID: in.MessageID, operation: in.operation, done: make(chan struct{})}
		var operation context.Context
		operation, r.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
		s.replies[scope] = r
		s.timer.Stop()
		s.busy++
		go func() {
			defer close(r.done)
			defer r.cancel(nil)
			r.body, r.err = s.do(operation, in, commandID)
			s.rest()
		}()
		last = r
	}
	s.mu.Unlock()
	select {
	case <-last.done:
		return last.body, last.err
	case <-ctx.Done():
		return nil, aborted()
	}
}

// rest starts the idle timer when nothing is under way any more.
func (s *remoteShell) rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rested = time.Now()
	if s.busy--; s.busy == 0 && !s.closed {
		s.timer.Reset(s.idle)
	}
}

func (s *remoteShell) do(ctx context.Context, in *request, commandID string) (wsman.ResponseBody, error) {
	if body, ok := in.Body.(*wsman.CommandLine); ok && in.Action == wsman.ActionCommand {
		return s.start(in, body)
	}
	if own(in) {
		return s.attach(ctx, in)
	}
	s.mu.Lock()
	c := s.commands[strings.ToUpper(commandID)]
	s.mu.Unlock()
	if c == nil {
		return nil, noCommand()
	}
	timeout := in.OperationTimeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	switch body := in.Body.(type) {
	case *wsman.Receive:
		size := s.server.options.MaxEnvelope
		if in.MaxEnvelopeSize > 0 {
			size = min(size, in.MaxEnvelopeSize)
		}
		return c.receive(ctx, timeout, (size-envelope)/4*3)
	case *wsman.Send:
		return c.send(ctx, timeout, body)
	case *wsman.Signal:
		if strings.EqualFold(string(body.Code), string(wsman.SignalTerminate)) {
			s.mu.Lock()
			delete(s.commands, strings.ToUpper(commandID))
			s.mu.Unlock()
			c.terminate()
			return wsman.SignalResponse{}, nil
		}
		return c.signal(body.Code)
	}
	f := sender("ActionNotSupported", wsman.CodeActionNotSupported, "The WS-Management service does not support the action specified in the request.")
	f.Subcode.Space = wsman.NSAddressing
	return nil, f
}

func noCommand() error {
	f := sender("InvalidSelectors", wsman.CodeInvalidSelectors, "The WS-Management service cannot process the request because the request contained invalid selectors for the resource.")
	f.Message = "The Windows Remote Shell received a request to perform an operation on a command identifier that does not exist. Either the command has completed execution or the client specified an invalid command identifier."
	f.Detail = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/UnexpectedSelectors"
	return f
}

// start runs a command.
func (s *remoteShell) start(in *request, line *wsman.CommandLine) (wsman.ResponseBody, error) {
	spec := Spec{
		Line: strings.Join(append([]string{line.Command}, line.Arguments...), " "), Program: line.Command, Args: line.Arguments,
		Direct: strings.EqualFold(in.Option("WINRS_SKIP_CMD_SHELL"), "TRUE"), Console: strings.EqualFold(in.Option("WINRS_CONSOLEMODE_STDIN"), "TRUE"),
		Dir: s.directory, CodePage: s.codePage,
	}
	for _, v := range s.environment {
		spec.Env = append(spec.Env, v.Name+"="+v.Value)
	}
	const longest, longestProcess = 8191, 32767 // characters: of cmd.exe, of CreateProcess
	switch n := len([]rune(spec.Line)); {
	case n > longestProcess:
		f := fault("InternalError", wsman.CodeCommandLineTooLong, "The filename or extension is too long.")
		f.Provider = "Shell cmd plugin"
		return nil, f
	case n > longest && !spec.Direct:
		spec.Refused = "The command line is too long.\r\n"
	}
	id := wsman.NewID()
	if line.ID != "" {
		var err error
		if id, err = proposedID(line.ID, wsman.CodeBadCommandID); err != nil {
			return nil, err
		}
		s.mu.Lock()
		other := s.commands[id]
		s.mu.Unlock()
		if other != nil {
			return nil, taken(wsman.CodeCommandIDTaken)
		}
	}
	c, err := startCommand(s.server.options.Programs, id, spec)
	if err != nil {
		f := fault("InternalError", wsman.CodeFileNotFound, "The system cannot find the file specified.")
		if errors.Is(err, ErrDirectory) {
			f = fault("InternalError", wsman.CodeBadDirectory, "The directory name is invalid.")
		}
		f.Provider = "Shell cmd plugin"
		s.server.log("%v", err)
		return nil, f
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		c.terminate()
		return nil, aborted()
	}
	s.commands[id] = c
	s.mu.Unlock()
	s.server.log("shell %s runs %q", s.id, spec.Line)
	return wsman.CommandResponse{CommandID: id}, nil
}

// close ends all commands and requests.
func (s *remoteShell) close() {
	s.mu.Lock()
	s.closed = true
	s.timer.Stop()
	commands, replies := s.commands, s.replies
	s.commands = nil
	s.mu.Unlock()
	for _, r := range replies {
		r.cancel(nil)
	}
	for _, c := range commands {
		c.terminate()
	}
}

func aborted() error {
	return fault("InternalError", wsman.CodeOperationAborted, "The I/O operation has been aborted because of either a thread exit or an application request.")
}
