package clixml

import "bytes"

// record is the one that is being read. Positions are in Writer.held, which begins with it or with white space before it.
type record struct {
	kind   kind
	stream stream
	open   []span // the names of the elements that are open, its own included
	begin  int    // of the character data that is being read
	mix    mix    // what that has in it
	leaf   bool   // the innermost element is read for its text: it has no elements in it
	text   span   // what stands in the record's place
	value  span   // the same, second choice
}

// span is a part of Writer.held; none where both are 0.
type span struct{ from, to int }

func (w *Writer) part(s span) []byte { return w.held[s.from:s.to] }

// kind is the element that a record is.
type kind int

const (
	isString kind = iota // <S>
	isObject             // <Obj>
	isNil                // <Nil>, no value
	isRef                // <Ref>, an object that was written before
)

func kindOf(name []byte) (k kind, ok bool) {
	switch string(name) {
	case "S":
		return isString, true
	case "Obj":
		return isObject, true
	case "Nil":
		return isNil, true
	case "Ref":
		return isRef, true
	}
	return 0, false
}

// beginRecord starts with the tag at mark. The other primitive types of MS-PSRP 2.2.5.1 are not expected: what PowerShell
// serializes to stderr are strings, error, information and progress records.
func (w *Writer) beginRecord(t tag) {
	k, ok := kindOf(t.name)
	if !ok || t.end || (k == isNil || k == isRef) && !t.empty || w.torn() && t.stream == nil {
		w.broken()
		return
	}
	w.record = record{kind: k, stream: streamOf(t.stream), open: w.record.open[:0], leaf: k == isString}
	if t.empty {
		if k == isString {
			w.record.text = span{len(w.held), len(w.held)}
		}
		w.endRecord()
		return
	}
	w.push(t)
	w.contentFollows()
}

func (w *Writer) push(t tag) {
	from := w.mark + 1
	w.record.open = append(w.record.open, span{from, from + len(t.name)})
}

func (w *Writer) contentFollows() {
	w.record.begin, w.record.mix = len(w.held), mix{}
	w.state = inContent
}

// content takes character data up to the next tag.
func (w *Writer) content(b []byte) int {
	i := bytes.IndexByte(b, '<')
	if i < 0 {
		i = len(b)
	}
	strict := !w.record.leaf || w.record.dropped()
	if at := w.record.mix.find(b[:i]); strict && at < i {
		n, ok := w.hold(b[:at])
		if ok {
			w.broken()
		}
		return n
	}
	n, ok := w.hold(b[:i])
	if !ok || i == len(b) {
		return n
	}
	if !validContent(w.held[w.record.begin:]) {
		w.broken()
		return n
	}
	w.mark, w.quote = len(w.held), 0
	n, ok = w.hold(b[i : i+1])
	if ok {
		w.state = inElement
	}
	return i + n
}

// element takes a tag within a record.
func (w *Writer) element(b []byte) int {
	if len(w.held)-w.mark == 1 && !beginsTag(b[0]) {
		w.broken()
		return 0
	}
	n, done := w.scan(b)
	if !done {
		return n
	}
	t, ok := parseTag(w.held[w.mark:])
	switch {
	case !ok:
		w.broken()
	case t.end:
		w.endElement(t)
	default:
		w.beginElement(t)
	}
	return n
}

func (w *Writer) beginElement(t tag) {
	r := &w.record
	if r.leaf || len(r.open) == maxDepth {
		w.broken()
		return
	}
	// ToString is how an object is displayed (MS-PSRP 2.2.5.2.4); a string that has properties is an object with an <S> in it
	// (2.2.5.2.5).
	chosen := len(r.open) == 1 && (string(t.name) == "ToString" && r.text == span{} || string(t.name) == "S" && r.value == span{})
	if !t.empty {
		r.leaf = chosen
		w.push(t)
	} else if chosen {
		r.keep(t.name, span{len(w.held), len(w.held)})
	}
	w.contentFollows()
}

func (w *Writer) endElement(t tag) {
	r := &w.record
	name := w.part(r.open[len(r.open)-1])
	if !bytes.Equal(name, t.name) {
		w.broken()
		return
	}
	r.open = r.open[:len(r.open)-1]
	if r.leaf {
		r.leaf = false
		r.keep(t.name, span{r.begin, w.mark})
	}
	if len(r.open) == 0 {
		w.endRecord()
		return
	}
	w.contentFollows()
}

// keep notes the text of an element that is read for it.
func (r *record) keep(name []byte, s span) {
	if r.kind == isObject && string(name) == "S" {
		r.value = s
	} else {
		r.text = s
	}
}

// endRecord puts text in the place of the record. One that has none is not of a shape that is known here.
func (w *Writer) endRecord() {
	r := &w.record
	if r.dropped() {
		w.settle()
		w.between()
		return
	}
	text := r.text
	if text == (span{}) {
		text = r.value
	}
	if text == (span{}) {
		w.broken()
		return
	}
	w.settle()
	w.scratch = r.appendText(w.scratch[:0], w.part(text), w.newline)
	w.out.add(w.scratch)
	w.between()
}
