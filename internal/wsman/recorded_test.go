package wsman

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/winrmctl/winrmctl/internal/recorded"
)

// TestRecordedAnswers reads every recorded answer by the kind that its name tells.
func TestRecordedAnswers(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recorded.Dir(t), "replay/corpus/soap/*.xml"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	relates := regexp.MustCompile(`RelatesTo>([^<]*)<`)
	count := 0
	for _, file := range files {
		name := filepath.Base(file)
		answer := recorded.File(t, "replay/corpus/soap/"+name)
		if strings.HasSuffix(name, ".request.xml") {
			if q, err := ParseRequest(answer); err != nil || q.Action == "" && q.Body != (Identify{}) {
				t.Errorf("%s: %+v, %v", name, q, err)
			}
			continue
		}
		count++
		id := ""
		if m := relates.FindSubmatch(answer); m != nil {
			id = string(m[1])
		}
		var fault *Fault
		switch {
		case strings.Contains(name, "identify"):
			if id, err := ParseIdentify(answer); err != nil || id.ProductVersion != "OS: 6.3.9600 SP: 0.0 Stack: 3.0" || len(id.SecurityProfiles) != 2 {
				t.Errorf("%s: %+v, %v", name, id, err)
			}
		case strings.Contains(name, "fault"), strings.Contains(name, "wmi-error"):
			if err := ParseEmpty(answer, id); !errors.As(err, &fault) || fault.Code == 0 || fault.Reason == "" {
				t.Errorf("%s: %v", name, err)
			}
		case strings.Contains(name, "create"):
			if s, err := ParseCreated(answer, id); err != nil || len(s.ID) != 36 || s.IdleTimeOut == 0 || s.Owner == "" {
				t.Errorf("%s: %+v, %v", name, s, err)
			}
		case strings.Contains(name, "command"):
			if c, err := ParseCommandResponse(answer, id); err != nil || len(c) != 36 {
				t.Errorf("%s: %q, %v", name, c, err)
			}
		case strings.Contains(name, "receive"):
			if _, err := ParseReceive(answer, id); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		default:
			if err := ParseEmpty(answer, id); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		// The same as UTF-16 with a byte order mark, as some servers send everything.
		units := utf16.Encode([]rune("\uFEFF" + string(answer)))
		wide := make([]byte, 0, 2*len(units))
		for _, u := range units {
			wide = append(wide, byte(u), byte(u>>8))
		}
		if err := ParseEmpty(wide, id); err != nil && !errors.As(err, &fault) {
			t.Errorf("%s as UTF-16: %v", name, err)
		}
	}
	if count < 20 {
		t.Errorf("only %d answers", count)
	}
}

// TestRecordedFaults reads faults as the scenarios expect them.
func TestRecordedFaults(t *testing.T) {
	for _, tc := range []struct {
		file     string
		code     Code
		subcode  string
		provider string
		message  string
	}{
		{"pypsrp-psrp_is_alive_invalid_selectors-04-get-fault.xml", CodeInvalidSelectors, "InvalidSelectors", "Shell provider", "contained invalid selectors for the resource."},
		{"pypsrp-winrs_bad_cmd_id-02-receive-fault.xml", CodeInvalidSelectors, "InvalidSelectors", "", "a command identifier that does not exist"},
		{"pypsrp-winrs_no_cmd_shell-01-command-fault.xml", CodeFileNotFound, "InternalError", "Shell cmd plugin", "The system cannot find the file specified."},
		{"pypsrp-winrs_operation_timeout-03-receive-fault.xml", CodeTimedOut, "TimedOut", "", "within the time specified in OperationTimeout."},
		{"winrb-wmi-error-v2.xml", CodeQuotaShells, "QuotaLimit", "", "a maximum number of 30 concurrent shells"},
	} {
		answer := recorded.File(t, "replay/corpus/soap/"+tc.file)
		id := ""
		if m := regexp.MustCompile(`RelatesTo>([^<]*)<`).FindSubmatch(answer); m != nil {
			id = string(m[1])
		}
		var f *Fault
		if err := ParseEmpty(answer, id); !errors.As(err, &f) {
			t.Errorf("%s: %v", tc.file, err)
			continue
		}
		if f.Code != tc.code || f.Subcode != (Name{NSManagement, tc.subcode}) || f.Provider != tc.provider || !strings.Contains(f.Message, tc.message) {
			t.Errorf("%s: %+v", tc.file, f)
		}
		if f.TimedOut() != (tc.code == CodeTimedOut) || f.Code.IsQuota() != (tc.code == CodeQuotaShells) {
			t.Errorf("%s: TimedOut %v, IsQuota %v", tc.file, f.TimedOut(), f.Code.IsQuota())
		}
	}
}

// TestRecordedSession reads the requests of a recorded session with our reader.
func TestRecordedSession(t *testing.T) {
	var s struct {
		Messages []struct{ Plaintext, Direction string }
	}
	if err := json.Unmarshal(recorded.File(t, "recordings/sealed-session/session.json"), &s); err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, m := range s.Messages {
		if m.Plaintext == "" || m.Direction != "client" {
			continue
		}
		q, err := ParseRequest(recorded.File(t, "recordings/sealed-session/"+m.Plaintext))
		if err != nil {
			t.Fatal(err)
		}
		actions = append(actions, q.Action[strings.LastIndex(q.Action, "/")+1:])
		if send, ok := q.Body.(*Send); ok && (len(send.Data) < 20000 || !send.End) {
			t.Errorf("Send: %d bytes, end %v", len(send.Data), send.End)
		}
	}
	if got := strings.Join(actions, " "); got != "Create Command Send Receive Signal Delete" {
		t.Error(got)
	}
}
