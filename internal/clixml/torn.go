package clixml

import "bytes"

// PowerShell's XML reaches stderr in pieces of some 6,000 characters (see [Writer.foreign]), which end anywhere, so that text
// of others can stand within a record. It is told by its line ends: PowerShell writes none, it escapes all control characters
// (MS-PSRP 2.2.5.3.2; InternalSerializer.EncodeString). A record that is torn like this comes out as it is, so that the text
// is neither lost with a progress record nor kept until PowerShell goes on, and the next record is looked for.
//
// Text that falls into the string of an error or a message is not told from it. It comes out as a part of that.

// mix is what a piece of character data has in it: layout has no text, and PowerShell's text no control characters.
type mix struct{ control, text bool }

// find returns where both have come together, len(b) if they have not.
func (m *mix) find(b []byte) int {
	for i, c := range b {
		if c < ' ' {
			m.control = true
		} else if c != ' ' {
			m.text = true
		}
		if m.control && m.text {
			return i
		}
	}
	return len(b)
}

// torn reports whether the last record of the innermost root is torn. Only a record can follow then, with its stream: the
// elements within records have none.
func (w *Writer) torn() bool {
	n := len(w.roots)
	return n > 0 && w.roots[n-1]
}

// interrupted reports whether others are to blame that what is held makes no sense: they have torn this record, or the one
// before it.
func (w *Writer) interrupted() bool {
	if w.state == inContent || w.state == inElement {
		return w.record.mix == mix{true, true}
	}
	return w.torn()
}

// tear passes on what is held, but for what may be a header.
func (w *Writer) tear() {
	n := len(w.held) - headerBegins(w.held)
	w.out.add(w.held[:n])
	w.held = append(w.held[:0], w.held[n:]...)
	w.mark, w.state, w.fresh = 0, inText, false
	if len(w.held) > 0 {
		w.state = inHeader
	}
	w.roots[len(w.roots)-1] = true
}

// headerBegins is how many bytes at the end of b begin a header, of the two that can stand within a record.
func headerBegins(b []byte) int {
	switch {
	case bytes.HasSuffix(b, []byte("#<")):
		return 2
	case bytes.HasSuffix(b, []byte("#")):
		return 1
	}
	return 0
}
