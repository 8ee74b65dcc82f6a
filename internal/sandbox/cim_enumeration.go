package sandbox

import (
	"sync"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// Bounds of a default Windows host: MaxBatchItems (2.2.4.10), MaxConcurrentOperationsPerUser and EnumerationTimeoutms
// (2.2.4.36).
const (
	maxBatchItems       = 32000
	maxEnumerations     = 1500
	defaultEnumerations = 4 * time.Minute
)

// source gives items as XML: instances of a class that a condition lets pass, or a list that is there.
type source struct {
	items [][]byte // those that are there

	writer    *itemWriter // nil where all items are there
	instances cursor
	where     condition
	row       []cimValue
}

func newSource(class *cimClass, instances cursor, resource string, columns []int, mode wsman.EnumerationMode, where condition) *source {
	return &source{
		writer: newItemWriter(class, resource, columns, mode), instances: instances, where: where,
		row: make([]cimValue, len(class.Properties)),
	}
}

// next appends the next item, if there is one.
func (s *source) next(b []byte) (_ []byte, ok bool) {
	if s.writer == nil {
		if len(s.items) == 0 {
			return b, false
		}
		b = append(b, s.items[0]...)
		s.items = s.items[1:]
		return b, true
	}
	for s.instances.next(s.row) {
		if s.where == nil || s.where.match(s.row) {
			return s.writer.append(b, s.row), true
		}
	}
	return b, false
}

// enumerations holds those that are open.
type enumerations struct {
	server *Server
	mu     sync.Mutex
	open   map[string]*openEnumeration // by context
}

// openEnumeration is one enumeration. Requests have it one at a time: its context changes with each.
type openEnumeration struct {
	source *source
	timer  *time.Timer // reaps it (3.1.4.1.36)
	page   []byte      // of the last answer; its end may hold an item that did not fit
	ahead  int         // how many bytes of it that is
	more   bool        // there is an item ahead
}

// start opens an enumeration, and answers with its first items where the request is optimised.
func (e *enumerations) start(in *request, body *wsman.Enumerate, s *source) (wsman.ResponseBody, error) {
	o := &openEnumeration{source: s}
	o.page, o.more = s.next(nil)
	o.ahead = len(o.page)
	answer := &wsman.EnumerateResponse{}
	if body.Optimize {
		items, err := o.take(in, body.MaxElements, e.server.options.MaxEnvelope)
		if err != nil {
			return nil, err
		}
		if len(items) > 0 { // without instances there is no w:Items (recorded)
			answer.Items = items
		}
		answer.End = !o.more
	}
	if answer.End {
		return answer, nil
	}
	var err error
	answer.Context, err = e.keep(o)
	return answer, err
}

// keep holds an enumeration for the next request, under a new context.
func (e *enumerations) keep(o *openEnumeration) (context string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.open) >= maxEnumerations {
		return "", fault("InternalError", wsman.CodeQuotaOperations, "The maximum number of concurrent operations for this user has been exceeded. Close existing operations for this user, or raise the quota for this user.")
	}
	if e.open == nil {
		e.open = map[string]*openEnumeration{}
	}
	context = "uuid:" + wsman.NewID()
	e.open[context] = o
	o.timer = time.AfterFunc(e.server.options.EnumerationTimeout, func() {
		if e.get(context) != nil {
			e.server.log("the enumeration %s has expired", context)
		}
	})
	return context, nil
}

// get takes an enumeration out, nil where there is none.
func (e *enumerations) get(context string) *openEnumeration {
	e.mu.Lock()
	defer e.mu.Unlock()
	o := e.open[context]
	if o != nil {
		o.timer.Stop()
		delete(e.open, context)
	}
	return o
}

func (e *enumerations) pull(in *request, body *wsman.Pull) (wsman.ResponseBody, error) {
	o := e.get(body.Context)
	if o == nil {
		return nil, invalidContext()
	}
	items, err := o.take(in, body.MaxElements, e.server.options.MaxEnvelope)
	if err != nil {
		return nil, err
	}
	answer := &wsman.PullResponse{Items: items, End: !o.more}
	if o.more {
		answer.Context, err = e.keep(o)
	}
	return answer, err
}

func (e *enumerations) release(context string) error {
	if e.get(context) == nil {
		return invalidContext()
	}
	return nil
}

func (e *enumerations) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.open)
}

// closeAll forgets all of them.
func (e *enumerations) closeAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range e.open {
		o.timer.Stop()
	}
	e.open = nil
}

// take returns the items of one answer: as many as were asked for, and fit. The result is valid until the next call.
func (o *openEnumeration) take(in *request, maxElements, maxEnvelope int) ([]byte, error) {
	if in.MaxEnvelopeSize > 0 {
		maxEnvelope = min(maxEnvelope, in.MaxEnvelopeSize)
	}
	maxEnvelope -= envelope
	wanted := min(max(maxElements, 1), maxBatchItems) // 3.1.4.1.14; 1 is what DSP0226 8.4 has in place of none
	// The item that was ahead comes to the front.
	o.page = append(o.page[:0], o.page[len(o.page)-o.ahead:]...)
	if !o.more {
		return o.page[:0], nil
	}
	if len(o.page) > maxEnvelope {
		return nil, fault("EncodingLimit", wsman.CodeMaxEnvelopeExceeded, "The WS-Management service cannot process the request. An item is larger than the MaxEnvelopeSize of the request, or of the server.")
	}
	for n := 1; ; n++ {
		end := len(o.page)
		o.page, o.more = o.source.next(o.page)
		o.ahead = len(o.page) - end
		if !o.more || n == wanted || len(o.page) > maxEnvelope {
			return o.page[:end:end], nil
		}
	}
}

// invalidContext is the fault of an enumeration that is not there, or not there any more (DSP0226 14.6).
func invalidContext() *wsman.Fault {
	return filterFault("InvalidEnumerationContext", wsman.CodeContextInvalid, "The supplied enumeration context is invalid.")
}
