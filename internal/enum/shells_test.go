package enum_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/enum"
	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/transport"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// TestShells: shells with their state, and the commands of one of them.
func TestShells(t *testing.T) {
	server, err := sandbox.Start(sandbox.Options{Programs: sandbox.Builtin{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	d, err := transport.NewDialer(transport.Config{URL: server.URL(), UserAgent: "test"}, auth.NewNTLM(server.User(), server.Password()))
	if err != nil {
		t.Fatal(err)
	}
	lane := d.Lane()
	t.Cleanup(func() { _ = lane.Close() })
	open := func(line string, end bool) (s *shell.Shell, command string) {
		t.Helper()
		s, err := shell.Open(t.Context(), shell.Options{Main: lane, Side: lane, To: server.URL(), Detachable: true})
		if err != nil {
			t.Fatal(err)
		}
		if command, err = s.Launch(t.Context(), shell.Command{Line: line}, nil); err != nil {
			t.Fatal(err)
		}
		if end {
			p, err := s.Attach(t.Context(), command, shell.Streams{})
			if err == nil {
				err = p.Wait()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return s, command
	}
	first, running := open("stubborn 60", false)
	second, done := open("echo a  b", true)
	if err := second.Disconnect(t.Context(), shell.Detaching{BufferMode: wsman.BufferDrop}); err != nil {
		t.Fatal(err)
	}
	client := &enum.Client{Conn: lane, To: server.URL()}
	got := map[string]string{}
	for s, err := range client.Shells(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[s.ID] = fmt.Sprintf("%s %s %s", s.State, s.BufferMode, s.Owner)
	}
	if len(got) != 2 || got[first.ID()] != `Connected Block SANDBOX\sandbox` || got[second.ID()] != `Disconnected Drop SANDBOX\sandbox` {
		t.Errorf("%v", got)
	}
	for id, want := range map[string][]wsman.CommandItem{
		first.ID():  {{ID: running, Line: "stubborn 60", State: "Running"}},
		second.ID(): {{ID: done, Line: "echo a  b", State: "Done"}},
		"no shell":  nil,
	} {
		var commands []wsman.CommandItem
		for c, err := range client.Commands(t.Context(), id) {
			if err != nil {
				t.Fatal(err)
			}
			commands = append(commands, c)
		}
		if !slices.Equal(commands, want) {
			t.Errorf("%s: %+v", id, commands)
		}
	}
}
