package wsman

import (
	"encoding/xml"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/masterzen/winrm"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// requests are one of each kind, with text that needs care.
func requests() map[string]*Request {
	head := func(action string, body Body, edit func(*Request)) *Request {
		q := &Request{
			Action: action, To: "http://web1:5985/wsman?x&y", ResourceURI: ResourceCmd, MessageID: "uuid:1", SessionID: "uuid:S",
			OperationTimeout: 60 * time.Second, MaxEnvelopeSize: 512000, Locale: "en-US", Body: body,
		}
		if edit != nil {
			edit(q)
		}
		return q
	}
	of := func(q *Request) { q.Selectors = []Selector{{Name: "ShellId", Value: "SHELL-1"}} }
	return map[string]*Request{
		"create": head(ActionCreate, &Shell{
			Environment:      []EnvVar{{"STAGE", "a<b>&\"c\"\r\n\td'"}, {`A"B`, ""}},
			WorkingDirectory: `C:\R&D`, IdleTimeOut: 90 * time.Second, InputStreams: "stdin", OutputStreams: "stdout stderr",
		}, func(q *Request) { q.Options = []Option{{"WINRS_NOPROFILE", "FALSE"}, {"WINRS_CODEPAGE", "65001"}} }),
		"command": head(ActionCommand, &CommandLine{Command: `echo ]]> & < " ' é 日本`, Arguments: []string{"/x  y", "line\r\nbreak"}}, func(q *Request) {
			of(q)
			q.Options = []Option{{"WINRS_CONSOLEMODE_STDIN", "FALSE"}, {"WINRS_SKIP_CMD_SHELL", "FALSE"}}
		}),
		"receive": head(ActionReceive, &Receive{CommandID: "CMD-1", Streams: "stdout stderr"}, of),
		"send":    head(ActionSend, &Send{CommandID: "CMD-1", Stream: "stdin", Data: []byte{0, 0xff, '<'}, End: true}, of),
		"signal":  head(ActionSignal, &Signal{CommandID: "CMD-1", Code: SignalCtrlC}, of),
		"delete":  head(ActionDelete, nil, of),
		"create_detachable": head(ActionCreate, &Shell{
			ID: "4E41EC11-0D07-4465-8F84-2D463098A1C5", InputStreams: "stdin", OutputStreams: "stdout stderr", BufferMode: BufferDrop,
		}, nil),
		"command_id":      head(ActionCommand, &CommandLine{ID: "77DF7BB6-B5A0-4777-ABD9-9823C0774074", Command: "dir"}, of),
		"disconnect":      head(ActionDisconnect, &Disconnect{IdleTimeOut: 3 * time.Minute, BufferMode: BufferBlock}, of),
		"disconnect_only": head(ActionDisconnect, &Disconnect{}, of),
		"reconnect":       head(ActionReconnect, nil, of),
		"connect":         head(ActionConnect, &Connect{}, of),
		"connect_command": head(ActionConnect, &Connect{CommandID: "CMD-1"}, of),
		"selectors": head(ActionGet, nil, func(q *Request) {
			q.Selectors = []Selector{{Name: "Name", Value: "w<32>time"}, {Name: "Other", Value: "1"}}
		}),
	}
}

// TestRequests holds the wire form to golden files, and reads each request back with our reader and with encoding/xml.
func TestRequests(t *testing.T) {
	for name, q := range requests() {
		wire, err := q.Encode()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		golden := filepath.Join("testdata", name+".xml")
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, wire, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(golden); err != nil || string(wire) != string(want) {
			t.Errorf("%s: %v (run with -update to accept)\n%s", name, err, wire)
		}
		var any struct{ XMLName xml.Name }
		if err := xml.Unmarshal(wire, &any); err != nil || any.XMLName.Local != "Envelope" {
			t.Errorf("%s: encoding/xml: %v", name, err)
		}
		back, err := ParseRequest(wire)
		if err != nil || !reflect.DeepEqual(back, q) {
			t.Errorf("%s: read back: %v\n%+v %+v\n%+v %+v", name, err, back, back.Body, q, q.Body)
		}
	}
}

// TestRequestsOfOthers reads what masterzen/winrm writes, CDATA included.
func TestRequestsOfOthers(t *testing.T) {
	const to = "http://web1:5985/wsman"
	p := winrm.NewParameters("PT60S", "en-US", 153600)
	for _, tc := range []struct {
		name, wire string
		action     string
		body       Body
	}{
		{"Create", winrm.NewOpenShellRequest(to, p).String(), ActionCreate, &Shell{InputStreams: "stdin", OutputStreams: "stdout stderr"}},
		{"Command", winrm.NewExecuteCommandRequest(to, "S", "dir & x", []string{"<a>"}, p).String(), ActionCommand, &CommandLine{Command: "dir & x", Arguments: []string{"<a>"}}},
		{"Receive", winrm.NewGetOutputRequest(to, "S", "C", "stdout stderr", p).String(), ActionReceive, &Receive{CommandID: "C", Streams: "stdout stderr"}},
		{"Send", winrm.NewSendInputRequest(to, "S", "C", []byte("in"), true, p).String(), ActionSend, &Send{CommandID: "C", Stream: "stdin", Data: []byte("in"), End: true}},
		{"Signal", winrm.NewSignalRequest(to, "S", "C", p).String(), ActionSignal, &Signal{CommandID: "C", Code: SignalTerminate}},
		{"Delete", winrm.NewDeleteShellRequest(to, "S", p).String(), ActionDelete, nil},
	} {
		q, err := ParseRequest([]byte(tc.wire))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if q.Action != tc.action || q.To != to || q.OperationTimeout != time.Minute || q.MaxEnvelopeSize != 153600 || q.Locale != "en-US" ||
			tc.name != "Create" && q.Selector("ShellID") != "S" || !reflect.DeepEqual(q.Body, tc.body) {
			t.Errorf("%s: %+v %+v", tc.name, q, q.Body)
		}
	}
}

// TestCharacters: what XML cannot carry is refused with its place, all else arrives.
func TestCharacters(t *testing.T) {
	for bad, want := range map[string]string{
		"a\x01b":       "command: U+0001 at offset 1 cannot be sent: XML 1.0 has no way to write it",
		"é\x00":        "command: U+0000 at offset 2 cannot be sent: XML 1.0 has no way to write it",
		"\uFFFE":       "command: U+FFFE at offset 0 cannot be sent: XML 1.0 has no way to write it",
		"ab\xff":       "command: byte 0xFF, which is not UTF-8, at offset 2 cannot be sent: XML 1.0 has no way to write it",
		"\x1b[31mred":  "command: U+001B at offset 0 cannot be sent: XML 1.0 has no way to write it",
		"\xed\xa0\x80": "command: byte 0xED, which is not UTF-8, at offset 0 cannot be sent: XML 1.0 has no way to write it",
	} {
		q := Request{Action: ActionCommand, Body: &CommandLine{Command: bad}}
		_, err := q.Encode()
		var char *CharacterError
		if !errors.As(err, &char) || err.Error() != want {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("]]> & < \" ' é 日本 \r\n\t\uFFFD", "x")
	f.Add("\x01", "a\xffb")
	f.Fuzz(func(t *testing.T, command, value string) {
		q := &Request{Action: ActionCommand, MessageID: "uuid:1", Selectors: []Selector{{Name: "ShellId", Value: "1"}}, Body: &CommandLine{Command: command, Arguments: []string{value}}}
		wire, err := q.Encode()
		if err != nil {
			var char *CharacterError
			if !errors.As(err, &char) {
				t.Error(err)
			}
			return
		}
		back, err := ParseRequest(wire)
		if err != nil || back.Body.(*CommandLine).Command != command || back.Body.(*CommandLine).Arguments[0] != value {
			t.Errorf("%q %q: %v, %+v", command, value, err, back)
		}
	})
}

func TestDurations(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"PT60S": time.Minute, "PT60.000S": time.Minute, "PT7200.000S": 2 * time.Hour, "P0DT0H0M9S": 9 * time.Second, "PT1M30.5S": 90500 * time.Millisecond,
		"P1DT2H": 26 * time.Hour, "PT30M": 30 * time.Minute, " PT1S ": time.Second, "PT9223372037S": 1 << 62,
	} {
		if got, err := parseDuration(s); err != nil || got != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "P", "PT", "60", "PT60", "PTS", "PT-1S", "P1S", "PT1D", "P1Y", "PT1e3S", "PTinfS", "PT1ST1S", "PT0x1S"} {
		if got, err := parseDuration(s); err == nil {
			t.Errorf("%q: %v", s, got)
		}
	}
	if got := formatDuration(90500 * time.Millisecond); got != "PT90.500S" {
		t.Error(got)
	}
}

func TestResponses(t *testing.T) {
	code := uint32(3221225786)
	head := Response{MessageID: "uuid:M", RelatesTo: "uuid:Q"}
	with := func(action string, body ResponseBody) []byte {
		r := head
		r.Action, r.Body = action, body
		return r.Encode()
	}
	shell, err := ParseCreated(with(ActionCreate, &ResourceCreated{Address: "http://h/wsman?a&b", Shell: Shell{
		ID: "S-1", ResourceURI: ResourceCmd, Owner: `H\<bob>`, ClientIP: "127.0.0.1", IdleTimeOut: time.Hour, InputStreams: "stdin", OutputStreams: "stdout stderr"}}), "uuid:Q")
	if err != nil || shell.ID != "S-1" || shell.Owner != `H\<bob>` || shell.IdleTimeOut != time.Hour || shell.OutputStreams != "stdout stderr" {
		t.Errorf("Create: %+v, %v", shell, err)
	}
	if id, err := ParseCommandResponse(with(ActionCommand, CommandResponse{"C-1"}), "uuid:Q"); err != nil || id != "C-1" {
		t.Errorf("Command: %q, %v", id, err)
	}
	want := &ReceiveResponse{Streams: []Stream{{"stdout", []byte{0, 1, 0xff}, false}, {"stderr", nil, true}}, State: StateDone, ExitCode: &code}
	sent := *want
	sent.CommandID = "C-1"
	if got, err := ParseReceive(with(ActionReceive, &sent), "uuid:Q"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Receive: %+v, %v", got, err)
	}
	for _, body := range []ResponseBody{SendResponse{}, SignalResponse{}, nil} {
		if err := ParseEmpty(with(ActionSend, body), "uuid:q"); err != nil {
			t.Errorf("%T: %v", body, err)
		}
	}
	for _, f := range []*Fault{
		{Sender: true, Subcode: Name{NSManagement, "InvalidSelectors"}, Code: CodeInvalidSelectors, Reason: "no shell", Message: "no shell", Machine: "h", Detail: "http://x/UnexpectedSelectors"},
		{Subcode: Name{NSAddressing, "ActionNotSupported"}, Code: CodeActionNotSupported, Reason: "no", Message: "why <not>\u0001", Machine: "h", Provider: "Shell cmd plugin"},
	} {
		err := ParseEmpty(with(ActionSend, f), "uuid:Q")
		var got *Fault
		expect := *f
		expect.Message = strings.ReplaceAll(f.Message, "\u0001", "\uFFFD")
		if !errors.As(err, &got) || !reflect.DeepEqual(*got, expect) {
			t.Errorf("fault %+v: %+v (%v)", expect, got, err)
		}
	}
	if err := ParseEmpty(with(ActionSend, SendResponse{}), "uuid:other"); err == nil {
		t.Error("the answer to another message is taken")
	}
}

// TestAnswers: forms of answers that servers other than Windows write, and answers that are none.
func TestAnswers(t *testing.T) {
	const open = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:r="http://schemas.microsoft.com/wbem/wsman/1/windows/shell"><s:Header/><s:Body><r:ReceiveResponse>`
	const end = `</r:ReceiveResponse></s:Body></s:Envelope>`
	const done = `State="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Done"`
	code := func(n uint32) *uint32 { return &n }
	for _, tc := range []struct {
		name, body string
		want       *ReceiveResponse
	}{
		{"wrapped base64", "<r:Stream Name='stdout'>\n  aGVs\n  bG8=\r\n</r:Stream>", &ReceiveResponse{Streams: []Stream{{"stdout", []byte("hello"), false}}}},
		{"base64 in CDATA", "<r:Stream Name='stdout' End='1'><![CDATA[aGVsbG8=]]></r:Stream>", &ReceiveResponse{Streams: []Stream{{"stdout", []byte("hello"), true}}}},
		{"empty stream", "<r:Stream Name='stdout'/>", &ReceiveResponse{}},
		{"ExitCode as an attribute", "<r:CommandState " + done + " ExitCode='7'/>", &ReceiveResponse{State: StateDone, ExitCode: code(7)}},
		{"signed", "<r:CommandState " + done + "><r:ExitCode> -1073741510 </r:ExitCode></r:CommandState>", &ReceiveResponse{State: StateDone, ExitCode: code(3221225786)}},
		{"Done without a code", "<r:CommandState " + done + "/>", &ReceiveResponse{State: StateDone}},
		{"Done, then Running", "<r:CommandState " + done + "><r:ExitCode>1</r:ExitCode></r:CommandState><r:CommandState State='http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Running'/>",
			&ReceiveResponse{State: StateDone, ExitCode: code(1)}},
		{"unknown elements", "<r:Other><r:ExitCode>9</r:ExitCode></r:Other>", &ReceiveResponse{}},
	} {
		got, err := ParseReceive([]byte(open+tc.body+end), "uuid:1")
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
	}
	for name, answer := range map[string]string{
		"bad base64":     open + "<r:Stream Name='stdout'>!!</r:Stream>" + end,
		"bad exit code":  open + "<r:CommandState " + done + "><r:ExitCode>x</r:ExitCode></r:CommandState>" + end,
		"huge exit code": open + "<r:CommandState " + done + "><r:ExitCode>4294967296</r:ExitCode></r:CommandState>" + end,
		"truncated":      open,
		"HTML":           "<html><body>no</body></html>",
		"SOAP 1.1":       `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>`,
		"no body":        `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/></s:Envelope>`,
		"empty body":     `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>`,
		"empty":          "",
		"junk behind":    strings.Replace(open+end, "</s:Envelope>", "</s:Envelope>x", 1),
	} {
		if got, err := ParseReceive([]byte(answer), "uuid:1"); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	empty := `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>`
	if _, err := ParseCreated([]byte(empty), ""); err == nil {
		t.Error("Create: an empty ShellId is taken")
	}
	if _, err := ParseCommandResponse([]byte(empty), ""); err == nil {
		t.Error("Command: an empty CommandId is taken")
	}
}

// FuzzAnswers: no answer makes a parser panic, and no error is lost.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(receiveAnswer("uuid:1", "x", 1)))
	f.Add((&Response{Body: &Fault{Code: 5, Provider: "p"}}).Encode())
	f.Add([]byte("\xff\xfe<\x00a\x00/\x00>\x00"))
	f.Add((&Response{Body: &ConnectResponse{InputStreams: "stdin", OutputStreams: "stdout"}}).Encode())
	for _, name := range []string{"disconnect", "connect_command"} {
		wire, err := requests()[name].Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Add([]byte(`<rsp:Command xmlns:rsp="` + NSShell + `"><rsp:CommandId>C</rsp:CommandId><rsp:CommandLine>x<rsp:Command>y</rsp:Command></rsp:CommandLine><rsp:CommandState>/Done</rsp:CommandState></rsp:Command>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r := NewReader(b); r.Next() == Start {
			_ = ReadCommand(r)
		}
		if r := NewReader(b); r.Next() == Start {
			_ = ReadShell(r)
		}
		_, _ = ParseCreated(b, "uuid:1")
		_, _ = ParseCommandResponse(b, "uuid:1")
		_, _ = ParseReceive(b, "uuid:1")
		_, _ = ParseConnect(b, "uuid:1")
		_ = ParseEmpty(b, "uuid:1")
		_, _ = ParseRequest(b)
	})
}
