package wsman

import "fmt"

// Page is the answer to an Enumerate or a Pull. What it says beside its items is known before these are read.
type Page struct {
	Context string // to be used in the next request; every answer may bring another one, or none
	End     bool   // nothing follows
	Count   int    // of the items

	items []*Reader // each before the content of an Items element
}

// ParsePage reads the answer to an Enumerate or a Pull, but not its items: see [Page.Items]. w:Items and n:Items count
// alike, and so do w:EndOfSequence and n:EndOfSequence: answers to Enumerate have those of DSP0226, answers to Pull those
// of WS-Enumeration (recorded).
func ParsePage(answer []byte, messageID string) (*Page, error) {
	r, more, err := openAnswer(answer, messageID)
	if err != nil {
		return nil, err
	}
	if !more || !r.Is(NSEnumeration, "EnumerateResponse") && !r.Is(NSEnumeration, "PullResponse") {
		return nil, &AnswerError{"no EnumerateResponse or PullResponse in the answer"}
	}
	page := &Page{}
	for depth := r.Depth(); r.Depth() >= depth; {
		switch t := r.Next(); {
		case t == EOF:
			return nil, r.Err()
		case t != Start:
		case r.Name().Space != NSEnumeration && r.Name().Space != NSManagement:
			r.Skip()
		case r.Name().Local == "EnumerationContext":
			page.Context = text(r.Content())
		case r.Name().Local == "EndOfSequence":
			page.End = true
			r.Skip()
		case r.Name().Local == "Items":
			items, count := r.postpone()
			page.items = append(page.items, items)
			page.Count += count
		default:
			r.Skip()
		}
	}
	return page, finish(r)
}

// Items calls item with a Reader at the start tag of each item, which item may read up to its end tag; an error of item
// ends the reading. It is called once, by one goroutine.
func (p *Page) Items(item func(*Reader) error) error {
	for _, r := range p.items {
		for depth := r.Depth(); r.Depth() >= depth; {
			switch r.Next() {
			case EOF:
				return r.Err()
			case Start:
				if err := readElement(r, item); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// readElement calls read at a start tag, and steps to the end tag where read stopped before it.
func readElement(r *Reader, read func(*Reader) error) error {
	depth := r.Depth()
	if err := read(r); err != nil {
		return err
	}
	for r.Depth() >= depth {
		if r.Next() == EOF {
			return r.Err()
		}
	}
	return r.Err()
}

// ParseContent reads the answer to a Get or to the invocation of a method: it calls read with the Reader at the start tag
// of the one element in the body, which read may read up to its end tag.
func ParseContent(answer []byte, messageID string, read func(*Reader) error) error {
	r, more, err := openAnswer(answer, messageID)
	if err != nil {
		return err
	}
	if !more {
		return &AnswerError{"the answer is empty"}
	}
	if err := readElement(r, read); err != nil {
		return err
	}
	return finish(r)
}

// ReadEndpointReference reads an endpoint reference, or an element with the content of one, from its start tag to its
// end tag.
func ReadEndpointReference(r *Reader) EndpointReference {
	e := EndpointReference{}
	for depth := r.Depth(); r.Depth() >= depth; {
		if t := r.Next(); t == EOF {
			return e
		} else if t == Start {
			e.Element(r)
		}
	}
	return e
}

// Element reads one element of an endpoint reference, at any depth of it: at a start tag of interest up to its end tag.
func (e *EndpointReference) Element(r *Reader) {
	switch r.Name() {
	case Name{NSAddressing, "Address"}:
		if a := text(r.Content()); a != addressAnonymous {
			e.Address = a
		}
	case Name{NSManagement, "ResourceURI"}:
		e.ResourceURI = text(r.Content())
	case Name{NSManagement, "Selector"}:
		e.Selectors = append(e.Selectors, readSelector(r))
	}
}

// readSelector reads a selector from its start tag to its end tag: text, or an endpoint reference.
func readSelector(r *Reader) Selector {
	s := Selector{Name: attr0(r, "Name")}
	for depth := r.Depth(); r.Depth() >= depth; {
		switch t := r.Next(); {
		case t == EOF:
			return s
		case t == Text && s.Reference == nil:
			s.Value += string(r.Text())
		case t == Start && r.Is(NSAddressing, "EndpointReference"):
			e := ReadEndpointReference(r)
			s.Reference, s.Value = &e, ""
		case t == Start:
			r.Skip()
		}
	}
	return s
}

// String names the resource on one line.
func (e *EndpointReference) String() string { return fmt.Sprintf("%s %v", e.ResourceURI, e.Selectors) }
