package sandbox

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// ask has the server answer a request about data, and returns the answer's text as it travels.
func ask(s *Server, uri string, size int, body wsman.Body) (wsman.ResponseBody, string, error) {
	in := &request{Request: &wsman.Request{ResourceURI: uri, MaxEnvelopeSize: size, Body: body}}
	answer, err := s.repository().perform(context.Background(), in)
	if err != nil {
		return nil, "", err
	}
	r := wsman.Response{Action: wsman.ActionPull, MessageID: "uuid:" + wsman.NewID(), RelatesTo: "uuid:" + wsman.NewID(), Body: answer}
	return answer, string(r.Encode()), nil
}

func codeOf(err error) wsman.Code {
	f, ok := errors.AsType[*wsman.Fault](err)
	if !ok {
		return 0
	}
	return f.Code
}

// TestAnswersFit: whatever a request allows an answer to have is used, and not exceeded; every item comes once, in its order, and each
// context is good for one request.
func TestAnswersFit(t *testing.T) {
	s := start(t, Options{})
	const all = wsman.PrefixWMI + "root/cimv2/*"
	number := regexp.MustCompile(`<p:Number>(\d+)</p:Number>`)
	for _, size := range []int{minEnvelope, 20_000, 153_600, 0} {
		var got []string
		var stale string
		var body wsman.Body = &wsman.Enumerate{Optimize: true, MaxElements: 32000, Filter: &wsman.Filter{Dialect: wsman.DialectWQL, Text: "SELECT * FROM Sandbox_Number WHERE Number <= 700"}}
		for pages := 1; ; pages++ {
			answer, text, err := ask(s, all, size, body)
			if err != nil {
				t.Fatal(err)
			}
			limit := size
			if limit == 0 {
				limit = s.options.MaxEnvelope
			}
			if len(text) > limit {
				t.Errorf("an answer of %d bytes where %d are allowed", len(text), limit)
			}
			for _, m := range number.FindAllStringSubmatch(text, -1) {
				got = append(got, m[1])
			}
			next, end := "", false
			switch a := answer.(type) {
			case *wsman.EnumerateResponse:
				next, end = a.Context, a.End
			case *wsman.PullResponse:
				next, end = a.Context, a.End
			}
			if end {
				if least := 1 + 700*300/limit; next != "" || pages < least {
					t.Errorf("%d bytes: context %q at the end, %d pages, want %d at least", size, next, pages, least)
				}
				break
			}
			if stale != "" {
				if _, _, err := ask(s, all, size, &wsman.Pull{Context: stale, MaxElements: 1}); codeOf(err) != wsman.CodeContextInvalid {
					t.Errorf("a context that was used: %v", err)
				}
			}
			stale, body = next, &wsman.Pull{Context: next, MaxElements: 32000}
		}
		for i, n := range got {
			if n != fmt.Sprint(i+1) {
				t.Fatalf("item %d is number %s", i, n)
			}
		}
		if len(got) != 700 || s.Stats().Enumerations != 0 {
			t.Errorf("%d items, %+v", len(got), s.Stats())
		}
	}
}

// TestEnumerationRules: what MaxElements, modes, Release and the kinds of resources mean.
func TestEnumerationRules(t *testing.T) {
	s := start(t, Options{})
	const services = wsman.PrefixWMI + "root/cimv2/Win32_Service"
	count := func(text string) int { return strings.Count(text, "<p:Win32_Service ") }
	answer, text, err := ask(s, services, 0, &wsman.Enumerate{})
	first, ok := answer.(*wsman.EnumerateResponse)
	if err != nil || !ok || first.Items != nil || first.End || count(text) != 0 {
		t.Fatalf("not optimised: %v %s", err, text)
	}
	answer, text, err = ask(s, services, 0, &wsman.Pull{Context: first.Context})
	second, ok := answer.(*wsman.PullResponse)
	if err != nil || !ok || count(text) != 1 { // DSP0226 8.4: one where nothing is said
		t.Fatalf("without MaxElements: %v %s", err, text)
	}
	if answer, _, err = ask(s, services, 0, &wsman.Release{Context: second.Context}); err != nil || answer != nil || s.Stats().Enumerations != 0 {
		t.Errorf("Release: %v %v", answer, err)
	}
	for name, tc := range map[string]struct {
		uri  string
		body wsman.Body
		code wsman.Code
	}{
		"released twice":           {services, &wsman.Release{Context: second.Context}, wsman.CodeContextInvalid},
		"pulled when released":     {services, &wsman.Pull{Context: second.Context}, wsman.CodeContextInvalid},
		"no such class":            {services + "s", &wsman.Enumerate{}, wsman.CodeResourceNotFound},
		"no such namespace":        {wsman.PrefixWMI + "root/none/X", &wsman.Enumerate{}, wsman.CodeResourceNotFound},
		"all classes, no filter":   {wsman.PrefixWMI + "root/cimv2/*", &wsman.Enumerate{}, wsman.CodeFilterInvalid},
		"WQL on one class":         {services, &wsman.Enumerate{Filter: &wsman.Filter{Dialect: wsman.DialectWQL, Text: "SELECT * FROM Win32_Service"}}, wsman.CodeWQLNeedsAll},
		"a dialect nobody has":     {services, &wsman.Enumerate{Filter: &wsman.Filter{Dialect: "urn:cql"}}, wsman.CodeFilterDialect},
		"a filter on listeners":    {wsman.ResourceListener, &wsman.Enumerate{Filter: &wsman.Filter{Dialect: wsman.DialectSelector}}, wsman.CodeFilterNotSupported},
		"WQL on commands":          {wsman.ResourceCommands, &wsman.Enumerate{Filter: &wsman.Filter{Dialect: wsman.DialectWQL}}, wsman.CodeFilterDialect},
		"references of shells":     {wsman.ResourceShells, &wsman.Enumerate{Mode: wsman.ModeEPR}, wsman.CodeModeNotSupported},
		"a mode nobody has":        {services, &wsman.Enumerate{Mode: "EnumerateNothing"}, wsman.CodeModeNotSupported},
		"a selector of no key":     {services, &wsman.Enumerate{Filter: &wsman.Filter{Dialect: wsman.DialectSelector, Selectors: []wsman.Selector{{Name: "None", Value: "1"}}}}, wsman.CodeFilterInvalid},
		"a selector with a quote":  {services, &wsman.Enumerate{Filter: &wsman.Filter{Dialect: wsman.DialectSelector, Selectors: []wsman.Selector{{Name: "Name", Value: "a'b"}}}}, wsman.CodeFilterInvalid},
		"a method of nobody":       {services, &wsman.Input{Space: services, Method: "Explode"}, wsman.CodeWMIInvalidMethod},
		"a resource of nobody":     {"http://schemas.example/x", &wsman.Enumerate{}, wsman.CodeInvalidResourceURI},
		"an association of nobody": {wsman.PrefixWMI + "root/cimv2/*", &wsman.Enumerate{Filter: &wsman.Filter{Dialect: wsman.DialectAssociation}}, wsman.CodeFilterInvalid},
	} {
		if _, _, err := ask(s, tc.uri, 0, tc.body); codeOf(err) != tc.code {
			t.Errorf("%s: %v, want code %d", name, err, tc.code)
		}
	}
	if n := s.Stats().Enumerations; n != 0 {
		t.Errorf("%d enumerations are open", n)
	}
}

// TestMachine: facts of this machine make sense, whatever it is.
func TestMachine(t *testing.T) {
	s := start(t, Options{})
	for class, wanted := range map[string][]string{
		"Win32_OperatingSystem": {"CSName", "LocalDateTime", "TotalVisibleMemorySize"},
		"Win32_ComputerSystem":  {"Name", "NumberOfLogicalProcessors", "TotalPhysicalMemory"},
		"Win32_Process":         {"Handle", "ProcessId", "CreationClassName"},
	} {
		c := s.repository().classes[classKey("root/cimv2", class)]
		row := make([]cimValue, len(c.Properties))
		n := 0
		for rows := c.open(0); rows.next(row); n++ {
			for _, name := range wanted {
				if row[c.index(name)].kind == cimNull {
					t.Errorf("%s: %s is null", class, name)
				}
			}
		}
		if n == 0 {
			t.Errorf("%s has no instances", class)
		}
	}
}
