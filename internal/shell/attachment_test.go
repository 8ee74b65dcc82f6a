package shell_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// TestFullBuffer: while nobody fetches output, a program waits once the buffer is full, or loses its oldest output.
func TestFullBuffer(t *testing.T) {
	const piece, pieces, buffer = 64 << 10, 48, 1 << 20
	all := flood(piece * pieces)
	for _, mode := range []wsman.BufferMode{wsman.BufferDefault, wsman.BufferBlock, wsman.BufferDrop} {
		t.Run(string(mode), func(t *testing.T) {
			programs := newStage()
			f := newFixture(t, sandbox.Options{Programs: programs}, nil)
			shellID, commandID := f.launched(t, "x", shell.Detaching{BufferMode: mode})
			program := <-programs.started
			var written atomic.Int32
			go func() {
				for n := range pieces {
					program.say(all[n*piece : (n+1)*piece])
					written.Add(1)
				}
				program.exit(5)
			}()
			want, until := all, int32(buffer/piece)
			if mode == wsman.BufferDrop {
				want, until = all[len(all)-buffer:], pieces
			}
			for written.Load() < until {
				time.Sleep(time.Millisecond)
			}
			if n := written.Load(); n != until {
				t.Errorf("%d pieces were written", n)
			}
			if out, err := f.attached(t, shellID, commandID); !isExit(err, 5) || out != want {
				t.Errorf("%d bytes, %v", len(out), err)
			}
		})
	}
}

// slow takes its time to start programs.
type slow struct{ entered, leave chan struct{} }

func (s slow) Start(spec sandbox.Spec) (sandbox.Program, error) {
	close(s.entered)
	<-s.leave
	return sandbox.Builtin{}.Start(spec)
}

// TestNotGraceful: a shell on which an operation is under way that does not end is not disconnected, and stays usable.
func TestNotGraceful(t *testing.T) {
	programs := slow{make(chan struct{}), make(chan struct{})}
	f := newFixture(t, sandbox.Options{Programs: programs}, nil)
	s := f.detachable(t)
	launched := make(chan error, 1)
	go func() {
		_, err := s.Launch(t.Context(), shell.Command{Line: "echo x"}, nil)
		launched <- err
	}()
	<-programs.entered
	disconnect := &wsman.Request{Action: wsman.ActionDisconnect, SessionID: "uuid:" + s.ID(), OperationTimeout: 10 * time.Millisecond, Body: &wsman.Disconnect{}}
	if code := ask(t, f.elsewhere(t).Main, s.ID(), disconnect); code != wsman.CodeNotGraceful {
		t.Errorf("disconnect: %d", code)
	}
	close(programs.leave)
	if err := errors.Join(<-launched, s.Disconnect(t.Context(), shell.Detaching{})); err != nil {
		t.Errorf("once it has started: %v", err)
	}
}

// ask posts a request to a shell and returns the code of the fault that answers it, 0 for none.
func ask(t *testing.T, conn shell.Conn, shellID string, q *wsman.Request) wsman.Code {
	t.Helper()
	q.ResourceURI, q.MessageID = wsman.ResourceCmd, "uuid:"+wsman.NewID()
	if shellID != "" {
		q.Selectors = []wsman.Selector{{Name: "ShellId", Value: shellID}}
	}
	soap, err := q.Encode()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := conn.Post(t.Context(), soap)
	if err == nil {
		err = wsman.ParseEmpty(answer, q.MessageID)
	}
	fault, ok := errors.AsType[*wsman.Fault](err)
	switch {
	case err == nil:
		return 0
	case !ok:
		t.Fatal(err)
	}
	return fault.Code
}

// TestRefusals: what a server says to whom, by the state of the shell and the session of the client.
func TestRefusals(t *testing.T) {
	f := newFixture(t, sandbox.Options{}, nil)
	const id, other, command = "4E41EC11-0D07-4465-8F84-2D463098A1C5", "5E41EC11-0D07-4465-8F84-2D463098A1C5", "77DF7BB6-B5A0-4777-ABD9-9823C0774074"
	create := func(id string) wsman.Body {
		return &wsman.Shell{ID: id, InputStreams: "stdin", OutputStreams: "stdout stderr"}
	}
	type step struct {
		action, session, shell string
		body                   wsman.Body
		want                   wsman.Code
	}
	receive, send := &wsman.Receive{CommandID: command, Streams: "stdout stderr"}, &wsman.Send{CommandID: command, Stream: "stdin", Data: []byte("x")}
	signal := &wsman.Signal{CommandID: command, Code: wsman.SignalCtrlBreak}
	for n, s := range []step{
		{wsman.ActionCreate, "uuid:A", "", create("no-guid"), wsman.CodeBadShellID},
		{wsman.ActionCreate, "uuid:A", "", create(id), 0},
		{wsman.ActionCreate, "uuid:A", "", create(strings.ToLower(id)), wsman.CodeShellIDTaken},
		{wsman.ActionCreate, "", "", create(other), 0},
		{wsman.ActionDisconnect, "", other, &wsman.Disconnect{}, wsman.CodeNotDisconnectable}, // no SessionId
		{wsman.ActionConnect, "uuid:B", other, &wsman.Connect{}, wsman.CodeCannotConnect},
		{wsman.ActionCommand, "uuid:B", other, &wsman.CommandLine{Command: "stubborn 60"}, 0}, // it was never anybody's
		{wsman.ActionCommand, "uuid:A", id, &wsman.CommandLine{ID: "1", Command: "stubborn 60"}, wsman.CodeBadCommandID},
		{wsman.ActionCommand, "uuid:A", id, &wsman.CommandLine{ID: command, Command: "stubborn 60"}, 0},
		{wsman.ActionCommand, "uuid:A", id, &wsman.CommandLine{ID: command, Command: "stubborn 60"}, wsman.CodeCommandIDTaken},
		// Connected to A.
		{wsman.ActionReceive, "uuid:a", id, receive, wsman.CodeTimedOut},
		{wsman.ActionReceive, "uuid:B", id, receive, wsman.CodeConnectedElsewhere},
		{wsman.ActionSend, "", id, send, wsman.CodeConnectedElsewhere},
		{wsman.ActionDisconnect, "uuid:B", id, &wsman.Disconnect{}, wsman.CodeSessionMismatch},
		{wsman.ActionDisconnect, "uuid:A", id, &wsman.Disconnect{BufferMode: "Keep"}, wsman.CodeSchemaValidation},
		{wsman.ActionReconnect, "uuid:A", id, nil, 0},
		{wsman.ActionReconnect, "uuid:B", id, nil, wsman.CodeConnectedElsewhere},
		{wsman.ActionConnect, "uuid:B", id, &wsman.Connect{}, wsman.CodeConnectedElsewhere},
		{wsman.ActionConnect, "uuid:A", id, &wsman.Connect{}, wsman.CodeCannotConnect},
		{wsman.ActionConnect, "uuid:A", id, &wsman.Connect{CommandID: command}, 0},
		{wsman.ActionConnect, "uuid:A", id, &wsman.Connect{CommandID: other}, wsman.CodeInvalidSelectors},
		{wsman.ActionConnect, "uuid:A", id, nil, wsman.CodeInvalidBody},
		{wsman.ActionDisconnect, "uuid:A", id, &wsman.Disconnect{}, 0},
		// Disconnected from A.
		{wsman.ActionDisconnect, "uuid:A", id, &wsman.Disconnect{}, 0},
		{wsman.ActionCommand, "uuid:A", id, &wsman.CommandLine{Command: "echo"}, wsman.CodeShellDisconnected},
		{wsman.ActionReceive, "uuid:A", id, receive, wsman.CodeShellDisconnected},
		{wsman.ActionSend, "uuid:A", id, send, wsman.CodeShellDisconnected},
		{wsman.ActionSignal, "uuid:A", id, signal, wsman.CodeShellDisconnected},
		{wsman.ActionConnect, "uuid:B", id, &wsman.Connect{CommandID: command}, wsman.CodeShellDisconnected},
		{wsman.ActionReconnect, "uuid:B", id, nil, wsman.CodeSessionMismatch},
		{wsman.ActionConnect, "", id, &wsman.Connect{}, wsman.CodeSessionMismatch},
		{wsman.ActionConnect, "uuid:B", id, &wsman.Connect{}, 0},
		// Connected to B.
		{wsman.ActionReceive, "uuid:A", id, receive, wsman.CodeConnectedElsewhere},
		{wsman.ActionReconnect, "uuid:A", id, nil, wsman.CodeConnectedElsewhere},
		{wsman.ActionReceive, "uuid:B", id, receive, wsman.CodeTimedOut},
		{wsman.ActionDisconnect, "uuid:B", id, &wsman.Disconnect{}, 0},
		{wsman.ActionDelete, "uuid:C", id, nil, 0}, // 3.1.4.1.31.7
		{wsman.ActionConnect, "uuid:B", id, &wsman.Connect{}, wsman.CodeInvalidSelectors},
	} {
		q := &wsman.Request{Action: s.action, SessionID: s.session, OperationTimeout: 10 * time.Millisecond, Body: s.body}
		if got := ask(t, f.options.Main, s.shell, q); got != s.want {
			t.Errorf("step %d, %s by %q: %d, want %d", n, s.action[strings.LastIndex(s.action, "/"):], s.session, got, s.want)
		}
	}
}

// TestProposedIDs: what a client needs to leave a shell is sent where that is wanted (3.1.4.15), and only there.
func TestProposedIDs(t *testing.T) {
	for _, detachable := range []bool{false, true} {
		var ids []string
		c := scripted{"Create": func(q *wsman.Request) wsman.ResponseBody {
			ids = append(ids, q.Body.(*wsman.Shell).ID)
			return &wsman.ResourceCreated{Shell: wsman.Shell{ID: "S"}}
		}, "Command": func(q *wsman.Request) wsman.ResponseBody {
			ids = append(ids, q.Body.(*wsman.CommandLine).ID)
			return wsman.CommandResponse{CommandID: "C"}
		}, "Send": func(*wsman.Request) wsman.ResponseBody { return wsman.SendResponse{} }}
		s, err := shell.Open(t.Context(), shell.Options{Main: c, Side: c, Detachable: detachable})
		if err == nil {
			_, err = s.Launch(t.Context(), shell.Command{Line: "x"}, nil)
		}
		if err != nil || len(ids) != 2 || (len(ids[0]) == 36) != detachable || (len(ids[1]) == 36) != detachable || ids[0] == ids[1] && detachable {
			t.Errorf("%v: %q, %v", detachable, ids, err)
		}
	}
}

// TestOtherKinds: shells of other kinds are deleted by their own resource URI.
func TestOtherKinds(t *testing.T) {
	const powershell = "http://schemas.microsoft.com/powershell/Microsoft.PowerShell"
	var asked []string
	c := scripted{"Delete": func(q *wsman.Request) wsman.ResponseBody {
		asked = append(asked, q.ResourceURI+" "+q.Selector("ShellId"))
		return nil
	}}
	for _, resource := range []string{powershell, ""} {
		if err := shell.Delete(t.Context(), shell.Options{Main: c, Side: c, Resource: resource}, " S "); err != nil {
			t.Error(err)
		}
	}
	if want := []string{powershell + " S", wsman.ResourceCmd + " S"}; !slices.Equal(asked, want) {
		t.Errorf("%q", asked)
	}
}
