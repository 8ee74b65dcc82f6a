package enum

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// server answers requests by a script: one function for each request, the last for all that follow.
type server struct {
	t      *testing.T
	script []func(ctx context.Context, q *wsman.Request) (body string, err error)

	mu       sync.Mutex
	requests []*wsman.Request
	under    int // requests under way
}

func (s *server) Post(ctx context.Context, message []byte) ([]byte, error) {
	q, err := wsman.ParseRequest(message)
	if err != nil {
		s.t.Errorf("%v: %s", err, message)
		return nil, err
	}
	s.mu.Lock()
	if s.under++; s.under > 1 {
		s.t.Error("two requests at once")
	}
	answer := s.script[min(len(s.requests), len(s.script)-1)]
	s.requests = append(s.requests, q)
	s.mu.Unlock()
	body, err := answer(ctx, q)
	s.mu.Lock()
	s.under--
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return []byte(`<s:Envelope xmlns:s="` + wsman.NSEnvelope + `" xmlns:a="` + wsman.NSAddressing + `" xmlns:n="` + wsman.NSEnumeration + `" xmlns:w="` +
		wsman.NSManagement + `" xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" xmlns:p="urn:c"><s:Header><a:RelatesTo>` + q.MessageID + `</a:RelatesTo></s:Header><s:Body>` + body + `</s:Body></s:Envelope>`), nil
}

func (s *server) Close() error { return nil }

// ahead waits until the second page was asked for: the client is one page ahead of its reader.
func (s *server) ahead() {
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(s.log(), "Pull") && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
}

// log is what was asked, a word for each request.
func (s *server) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var words []string
	for _, q := range s.requests {
		word := q.Action[strings.LastIndexByte(q.Action, '/')+1:]
		switch body := q.Body.(type) {
		case *wsman.Enumerate:
			word += fmt.Sprint(" ", body.MaxElements)
		case *wsman.Pull:
			word += fmt.Sprint(" ", body.Context, " ", body.MaxElements)
		case *wsman.Release:
			word += " " + body.Context
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// say is an answer that is the same whatever the request.
func say(body string) func(context.Context, *wsman.Request) (string, error) {
	return func(context.Context, *wsman.Request) (string, error) { return body, nil }
}

func fail(err error) func(context.Context, *wsman.Request) (string, error) {
	return func(context.Context, *wsman.Request) (string, error) { return "", err }
}

func things(from, to int) string {
	var b strings.Builder
	for n := from; n <= to; n++ {
		fmt.Fprintf(&b, "<p:X><p:N>%d</p:N></p:X>", n)
	}
	return b.String()
}

func firstPage(context string, from, to int) string {
	return `<n:EnumerateResponse><n:EnumerationContext>` + context + `</n:EnumerationContext><w:Items>` + things(from, to) + `</w:Items></n:EnumerateResponse>`
}

func nextPage(context string, from, to int, end string) string {
	if context != "" {
		context = `<n:EnumerationContext>` + context + `</n:EnumerationContext>`
	}
	return `<n:PullResponse>` + context + `<n:Items>` + things(from, to) + `</n:Items>` + end + `</n:PullResponse>`
}

func faultBody(code wsman.Code) string {
	return `<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>w:X</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="">why</s:Text></s:Reason><s:Detail><f:WSManFault Code="` +
		strconv.FormatUint(uint64(code), 10) + `"><f:Message>why</f:Message></f:WSManFault></s:Detail></s:Fault>`
}

const (
	endHere  = `<n:EndOfSequence/>`
	endThere = `<w:EndOfSequence/>`
	released = `<n:ReleaseResponse/>`
)

// take reads an enumeration, and stops after so many items; 0 for never. ahead is called before it does.
func take(ctx context.Context, c *Client, q Query, stop int, ahead func()) (numbers string, err error) {
	var got []string
	for item, failed := range c.All(ctx, q) {
		if failed != nil {
			err = failed
			continue
		}
		v, _ := item.Get("N")
		mark := ""
		if item.PageEnd {
			mark = "|"
		}
		got = append(got, v.Text+mark)
		if len(got) == stop {
			ahead()
			break
		}
	}
	return strings.Join(got, " "), err
}

// TestPages: the ways in which servers hand items out, and what is asked of them.
func TestPages(t *testing.T) {
	type script = []func(context.Context, *wsman.Request) (string, error)
	lost := errors.New("lost")
	for _, tc := range []struct {
		name   string
		q      Query
		script script
		stop   int
		items  string
		asked  string
		fails  string // empty for no error
	}{
		{"all in the first answer, whose context is empty", Query{}, script{say(`<n:EnumerateResponse><n:EnumerationContext/><w:Items>` + things(1, 3) + `</w:Items><w:EndOfSequence/></n:EnumerateResponse>`)}, 0, "1 2 3|", "Enumerate 1000", ""},
		{"nothing", Query{}, script{say(`<n:EnumerateResponse><n:EnumerationContext/><w:EndOfSequence/></n:EnumerateResponse>`)}, 0, "", "Enumerate 1000", ""},
		{"a context that changes", Query{Batch: 2}, script{say(firstPage("a", 1, 1)), say(nextPage("b", 2, 3, "")), say(nextPage("c", 4, 5, "")), say(nextPage("", 6, 6, endHere))}, 0,
			"1| 2 3| 4 5| 6|", "Enumerate 2, Pull a 2, Pull b 2, Pull c 2", ""},
		{"a context that is not repeated", Query{}, script{say(firstPage("a", 1, 1)), say(nextPage("", 2, 2, "")), say(nextPage("", 3, 3, endThere))}, 0,
			"1| 2| 3|", "Enumerate 1000, Pull a 1000, Pull a 1000", ""},
		{"not optimised", Query{}, script{say(`<n:EnumerateResponse><n:EnumerationContext>a</n:EnumerationContext></n:EnumerateResponse>`), say(nextPage("", 1, 2, endHere))}, 0, "1 2|", "Enumerate 1000, Pull a 1000", ""},
		{"empty pages are no end", Query{}, script{say(firstPage("a", 1, 1)), say(nextPage("b", 1, 0, "")), say(nextPage("c", 1, 0, "")), say(nextPage("", 2, 2, endHere))}, 0,
			"1| 2|", "Enumerate 1000, Pull a 1000, Pull b 1000, Pull c 1000", ""},
		{"an end without items", Query{}, script{say(firstPage("a", 1, 2)), say(`<n:PullResponse><n:EndOfSequence/></n:PullResponse>`)}, 0, "1 2|", "Enumerate 1000, Pull a 1000", ""},
		{"nothing within OperationTimeout: asked again", Query{}, script{say(firstPage("a", 1, 1)), say(faultBody(wsman.CodeTimedOut)), say(nextPage("", 2, 2, endHere))}, 0,
			"1| 2|", "Enumerate 1000, Pull a 1000, Pull a 1000", ""},
		{"the reader stops: released", Query{Batch: 3}, script{say(firstPage("a", 1, 3)), say(nextPage("b", 4, 6, "")), say(released)}, 2,
			"1 2", "Enumerate 3, Pull a 3, Release b", ""},
		{"the reader stops at the end: nothing to release", Query{}, script{say(firstPage("a", 1, 3)), say(nextPage("", 4, 6, endHere))}, 2, "1 2", "Enumerate 1000, Pull a 1000", ""},
		{"as many as are wanted, and not one more asked for", Query{Batch: 3, Max: 4}, script{say(firstPage("a", 1, 3)), say(nextPage("b", 4, 4, "")), say(released)}, 0,
			"1 2 3| 4|", "Enumerate 3, Pull a 1, Release b", ""},
		{"as many as are wanted, from a server that sends more", Query{Max: 2}, script{say(firstPage("a", 1, 9)), say(released)}, 0, "1 2", "Enumerate 2, Release a", ""},
		{"refused", Query{}, script{say(faultBody(5))}, 0, "", "Enumerate 1000", "enumerate x: why (code 5)"},
		{"refused later, and the context with it", Query{}, script{say(firstPage("a", 1, 2)), say(faultBody(wsman.CodeContextInvalid))}, 0, "1 2|", "Enumerate 1000, Pull a 1000", "read more of x: why (code 2150858779)"},
		{"refused later: released", Query{}, script{say(firstPage("a", 1, 2)), say(faultBody(5)), say(released)}, 0, "1 2|", "Enumerate 1000, Pull a 1000, Release a", "read more of x: why (code 5)"},
		{"lost between two pages", Query{}, script{say(firstPage("a", 1, 2)), fail(lost), say(released)}, 0, "1 2|", "Enumerate 1000, Pull a 1000, Release a", "read more of x: lost"},
		{"neither context nor end", Query{}, script{say(`<n:EnumerateResponse/>`)}, 0, "", "Enumerate 1000", "enumerate x: wsman: answer: neither an enumeration context nor the end of the sequence"},
		{"malformed behind two items", Query{}, script{say(`<n:EnumerateResponse><n:EnumerationContext>a</n:EnumerationContext><w:Items>` + things(1, 2) + `<p:X><y:Z/></p:X></w:Items><w:EndOfSequence/></n:EnumerateResponse>`)}, 0,
			"1 2|", "Enumerate 1000", `enumerate x: `},
	} {
		s := &server{t: t, script: tc.script}
		tc.q.ResourceURI = "urn:a/x"
		got, err := take(t.Context(), &Client{Conn: s, To: "http://h/wsman"}, tc.q, tc.stop, s.ahead)
		if got != tc.items || s.log() != tc.asked {
			t.Errorf("%s:\nitems %q, want %q\nasked %q, want %q", tc.name, got, tc.items, s.log(), tc.asked)
		}
		if (err == nil) != (tc.fails == "") || err != nil && !strings.HasPrefix(err.Error(), tc.fails) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// TestPagesAhead: while the reader is at work on one page the next is fetched, and no more than that.
func TestPagesAhead(t *testing.T) {
	n := 0
	asked := make(chan int, 100)
	s := &server{t: t, script: []func(context.Context, *wsman.Request) (string, error){say(firstPage("0", 0, 0)), func(context.Context, *wsman.Request) (string, error) {
		n++
		asked <- n
		if n == 5 {
			return nextPage("", n, n, endHere), nil
		}
		return nextPage(strconv.Itoa(n), n, n, ""), nil
	}}}
	seen := 0
	for item, err := range (&Client{Conn: s}).All(t.Context(), Query{ResourceURI: "urn:x"}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen < 5 {
			<-asked // the page behind this one is under way without this one's end
		}
		if v, _ := item.Get("N"); v.Text != strconv.Itoa(seen) {
			t.Errorf("%s, want %d", v.Text, seen)
		}
		if len(asked) > 0 {
			t.Errorf("at item %d more than one page was asked for", seen)
		}
		seen++
	}
	if seen != 6 {
		t.Errorf("%d items", seen)
	}
}

// TestInterrupted: when ctx ends, an answer that is on its way gets a moment, then the enumeration is released. One that does not
// come costs its connection only.
func TestInterrupted(t *testing.T) {
	cause := errors.New("interrupted")
	for name, stuck := range map[string]bool{"the answer comes": false, "no answer comes": true} {
		ctx, cancel := context.WithCancelCause(t.Context())
		s := &server{t: t, script: []func(context.Context, *wsman.Request) (string, error){say(firstPage("a", 1, 1)), func(ctx context.Context, _ *wsman.Request) (string, error) {
			cancel(cause)
			if stuck {
				<-ctx.Done()
				return "", context.Cause(ctx)
			}
			return nextPage("b", 2, 2, ""), nil
		}, say(released)}}
		grace := time.Minute
		if stuck {
			grace = time.Millisecond
		}
		got, err := take(ctx, &Client{Conn: s, Grace: grace}, Query{ResourceURI: "urn:x"}, 0, nil)
		want := map[bool]string{false: "Enumerate 1000, Pull a 1000, Release b", true: "Enumerate 1000, Pull a 1000, Release a"}[stuck]
		if err != cause || s.log() != want || got != "1|" && got != "" { // the first item, if that was taken before
			t.Errorf("%s: %v, items %q, asked %q", name, err, got, s.log())
		}
	}
	// One that has ended before asks nothing.
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	s := &server{t: t}
	if got, err := take(ctx, &Client{Conn: s}, Query{}, 0, nil); got != "" || err != cause || len(s.requests) > 0 {
		t.Errorf("%q, %v, %s", got, err, s.log())
	}
}

// TestOneInstance: Get, and methods.
func TestOneInstance(t *testing.T) {
	s := &server{t: t, script: []func(context.Context, *wsman.Request) (string, error){
		say(`<p:Win32_Service><p:Name>x</p:Name><p:ProcessId>7</p:ProcessId></p:Win32_Service>`),
		say(`<p:StopService_OUTPUT><p:ReturnValue>0</p:ReturnValue></p:StopService_OUTPUT>`),
		say(faultBody(wsman.CodeResourceNotFound)),
	}}
	c := &Client{Conn: s}
	q := Query{ResourceURI: wsman.PrefixWMI + "root/cimv2/Win32_Service", Class: "Win32_Service", Selectors: []wsman.Selector{{Name: "Name", Value: "x"}}}
	item, err := c.Get(t.Context(), q)
	if err != nil || show(&item) != `Win32_Service{Name:"x" ProcessId:7}` {
		t.Errorf("%v %s", err, show(&item))
	}
	q.Raw = true
	item, err = c.Invoke(t.Context(), q, "StopService", []wsman.Parameter{{Name: "A", Value: "1"}})
	if err != nil || show(&item) != `StopService_OUTPUT{ReturnValue:0}` || !strings.HasPrefix(string(item.XML), "<p:StopService_OUTPUT ") {
		t.Errorf("%v %s %s", err, show(&item), item.XML)
	}
	if _, err = c.Get(t.Context(), q); err == nil || err.Error() != "get Win32_Service: why (code 2150858752)" {
		t.Errorf("%v", err)
	}
	asked := s.requests[1]
	if asked.Action != q.ResourceURI+"/StopService" || !slices.Equal(asked.Selectors, q.Selectors) {
		t.Errorf("%+v", asked)
	}
	if in, ok := asked.Body.(*wsman.Input); !ok || in.Space != q.ResourceURI || in.Method != "StopService" || len(in.Parameters) != 1 {
		t.Errorf("%+v", asked.Body)
	}
}

// TestClasses: declarations of one class, and of all.
func TestClasses(t *testing.T) {
	class := `<CLASS NAME="A" SUPERCLASS="B"><PROPERTY NAME="K" TYPE="uint8"><QUALIFIER NAME="key"><VALUE>true</VALUE></QUALIFIER></PROPERTY></CLASS>`
	s := &server{t: t, script: []func(context.Context, *wsman.Request) (string, error){say(class),
		say(`<n:EnumerateResponse><n:EnumerationContext/><w:Items>` + class + `<CLASS NAME="C"/></w:Items><w:EndOfSequence/></n:EnumerateResponse>`)}}
	c := &Client{Conn: s}
	one, err := c.Class(t.Context(), "root/x", "A")
	if err != nil || one.Name != "A" || !slices.Equal(one.Keys(), []string{"K"}) {
		t.Errorf("%v %+v", err, one)
	}
	var names []string
	for class, err := range c.Classes(t.Context(), "root/x") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, class.Name+":"+class.Superclass)
	}
	if !slices.Equal(names, []string{"A:B", "C:"}) {
		t.Errorf("%v", names)
	}
	for _, q := range s.requests {
		if q.ResourceURI != wsman.ResourceClass || q.Selector(wsman.SelectorNamespace) != "root/x" {
			t.Errorf("%+v", q)
		}
	}
}
