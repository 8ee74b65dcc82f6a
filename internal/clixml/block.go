package clixml

import "bytes"

const (
	headerLine  = "#< CLIXML"
	rootOpening = "<Objs"
	namespace   = "http://schemas.microsoft.com/powershell/2004/04"
)

// text passes the text of others on, up to what may be a header, and where a block may begin or go on, a tag.
func (w *Writer) text(b []byte) int {
	var i int
	if w.waiting == 0 && len(w.roots) == 0 {
		i = bytes.IndexByte(b, '#')
	} else {
		i = bytes.IndexAny(b, "#<")
	}
	if i < 0 {
		w.out.add(b)
		return len(b)
	}
	w.out.add(b[:i])
	w.begin(b[i])
	return i + 1
}

// begin starts reading a header or a tag.
func (w *Writer) begin(c byte) {
	w.mark, w.quote = len(w.held), 0
	w.held = append(w.held, c)
	w.state = inTag
	if c == '#' {
		w.state = inHeader
	}
}

// between is where a block goes on, after a header, a root's tag or a record.
func (w *Writer) between() {
	w.held = w.held[:0]
	w.state, w.fresh = inSpace, true
}

// space holds white space back that may be layout. PowerShell writes none, but CLIXML that was stored often has some.
func (w *Writer) space(b []byte) int {
	n := 0
	for n < len(b) && isSpace(b[n]) && len(w.held)+n < maxSpace {
		n++
	}
	w.held = append(w.held, b[:n]...)
	switch {
	case n == len(b):
		return n
	case b[n] == '#', b[n] == '<':
		w.begin(b[n])
		return n + 1
	}
	w.foreign()
	return n
}

// foreign passes on what was held and turned out to be the text of somebody else.
//
// PowerShell writes its header together with its first record, but the XML only when it has some 6,000 characters of it, or
// ends (it leaves them in the buffer of .NET's XmlWriter: WrappedSerializer in PowerShell's Serialization.cs). Whatever
// other programs say meanwhile therefore stands behind the header, or between two records. It does not stand behind a root's
// tag, which is written together with what follows: there it is a damaged block.
func (w *Writer) foreign() {
	if w.blank {
		w.broken()
		return
	}
	w.out.add(w.held)
	w.held = w.held[:0]
	w.state, w.fresh = inText, false
}

// header compares with the header, whose line ends as the remote's lines do.
func (w *Writer) header(b []byte) int {
	n, c := len(w.held)-w.mark, b[0]
	switch {
	case n < len(headerLine) && c == headerLine[n], n == len(headerLine) && c == '\r':
		w.held = append(w.held, c)
		return 1
	case n >= len(headerLine) && c == '\n':
		w.newline = "\r\n"[len(headerLine)+1-n:]
		w.held = append(w.held, c)
		w.headed()
		return 1
	case w.doubt:
		w.giveUp()
	default:
		w.foreign()
	}
	return 0
}

// headed notes a header. A PowerShell that starts another has its own header before the other's, and its root after it.
func (w *Writer) headed() {
	w.owed = append(w.owed, w.held...)
	w.waiting++
	w.doubt = false
	w.between()
	if w.waiting+len(w.roots) > maxNesting || len(w.owed) > maxHeld {
		w.giveUp()
	}
}

// tag reads a tag between records. Where no root is open only that of a root counts, and only behind a header.
func (w *Writer) tag(b []byte) int {
	switch n := len(w.held) - w.mark; {
	case len(w.roots) > 0:
		if n == 1 && !beginsTag(b[0]) {
			w.foreign() // "a < b"
			return 0
		}
	case n <= len(rootOpening):
		if !rootGoesOn(n, b[0]) {
			w.noRoot()
			return 0
		}
		b = b[:1]
	}
	n, done := w.scan(b)
	if done {
		w.tagged()
	}
	return n
}

// rootGoesOn reports whether c can be byte n of the root's tag.
func rootGoesOn(n int, c byte) bool {
	if n < len(rootOpening) {
		return c == rootOpening[n]
	}
	return isSpace(c) || c == '/' || c == '>'
}

// noRoot passes on markup of others. Right behind a header it says that this was none, so that comes out in its place.
func (w *Writer) noRoot() {
	if w.fresh {
		w.out.add(w.owed)
		w.settle()
	}
	w.foreign()
}

// tagged does what a tag between records asks for.
func (w *Writer) tagged() {
	t, ok := parseTag(w.held[w.mark:])
	root := string(t.name) == "Objs"
	switch {
	case !ok || t.alien:
		w.broken()
	case root && t.end:
		w.leaveBlock()
	case root && w.waiting > 0:
		w.enterBlock(t)
	default:
		w.beginRecord(t)
	}
}

func (w *Writer) enterBlock(t tag) {
	w.waiting--
	w.roots = append(w.roots, false)
	w.owed, w.blank = append(w.owed, w.held...), true
	w.between()
	if t.empty {
		w.leaveBlock()
	}
}

// leaveBlock returns to the block around this one, or to text, all of which passes: no layout follows the last root.
func (w *Writer) leaveBlock() {
	w.settle()
	w.roots = w.roots[:len(w.roots)-1]
	w.between()
	if len(w.roots) == 0 {
		w.state, w.fresh = inText, false
	}
}
