// Package clixml turns what PowerShell writes to a redirected stderr into the text that its console would have shown, as it
// streams. It knows the form (MS-PSRP 2.2.5, and what PowerShell's console host makes of it), not WinRM.
//
// A block of CLIXML is a header line and one XML element of records:
//
//	#< CLIXML
//	<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><S S="Error">text_x000D__x000A_</S></Objs>
//
// Other programs write to the same stderr, so their text stands before, after and within blocks.
package clixml

import (
	"errors"
	"io"
)

const (
	// maxHeld bounds the bytes that are held back: one record, and the structure before it that has led to nothing yet. It
	// leaves room in 1 MiB for white space and a header behind them.
	maxHeld = 1<<20 - 2*maxSpace
	// maxSpace bounds the white space that counts as layout of the XML.
	maxSpace = 1 << 10
	// maxNesting bounds the headers that wait for their root and the roots that are open: a PowerShell that starts others.
	maxNesting = 64
	// maxDepth bounds the elements within a record. PowerShell writes objects up to 50 deep, of some three elements each.
	maxDepth = 256
)

// A Writer passes on what is written to it, with blocks of CLIXML turned into text:
//
//   - An error record becomes its text. Warnings, verbose and debug messages become lines that start "WARNING: ", "VERBOSE: "
//     and "DEBUG: ". Progress records are dropped, and so are information records, whose text PowerShell has written to
//     stdout where its console would have shown it.
//   - A record comes out as soon as its last byte is in. At most 1 MiB is held back for one that is incomplete, and outside
//     of blocks no more than the beginning of a header.
//   - A block that is malformed, or has an unknown shape, or needs more than that, comes out as it is from the first record
//     that is not text yet, up to the next header. So does a block that is incomplete when the Writer is closed.
//   - Text of other programs passes untouched, also where it interrupts a block between two records. Between a header and its
//     root it passes before the header: should no root follow, the header comes out after it. A record that it interrupts
//     comes out as it is, and the block goes on with the next.
//   - Bytes that are no UTF-8 stay what they are: the remote's code page may be another.
//
// The output depends on the bytes written, not on how they were cut. A Writer is not safe for concurrent use.
type Writer struct {
	out    sink
	closed bool

	state state
	held  []byte // what is not decided yet
	mark  int    // where in held the header or tag begins that is being read
	quote byte   // of the attribute value that is being read

	owed    []byte // headers and root tags that have led to no record yet
	waiting int    // headers whose root is to come
	roots   []bool // for each root that is open: whether others have torn its last record
	blank   bool   // the innermost root has had no record yet
	fresh   bool   // nothing but structure has come since the last piece of structure
	doubt   bool   // the block is broken, unless this is the header of another that has torn it
	newline string // the line end of the last header, so of the PowerShell that wrote it

	record  record
	scratch []byte
}

// state is what the next byte belongs to.
type state int

const (
	inText    state = iota // text of others
	inSpace                // white space behind a piece of structure
	inHeader               // perhaps a header
	inTag                  // perhaps a tag between records
	inContent              // character data within a record
	inElement              // a tag within a record
)

// NewWriter returns a Writer that writes to w what it is sure of, before each Write returns.
func NewWriter(w io.Writer) *Writer {
	return &Writer{out: sink{w: w}, newline: "\r\n"}
}

// Write takes all of b, and keeps a copy of what it cannot decide yet. An error is that of the underlying writer; it is kept,
// and returned by every later call.
func (w *Writer) Write(b []byte) (int, error) {
	if w.closed {
		return 0, errors.New("clixml: write after Close")
	}
	w.feed(b)
	w.out.flush()
	if w.out.err != nil {
		return 0, w.out.err
	}
	return len(b), nil
}

// Close writes what was held back as it is. It does not close the underlying writer. A second call only repeats the error.
func (w *Writer) Close() error {
	if !w.closed {
		w.closed = true
		w.out.add(w.owed)
		w.out.add(w.held)
		w.out.flush()
		w.owed, w.held = nil, nil
	}
	return w.out.err
}

func (w *Writer) feed(b []byte) {
	for len(b) > 0 && w.out.err == nil {
		b = b[w.step(b):]
	}
}

// step takes some bytes of b, or none where another state shall have them.
func (w *Writer) step(b []byte) int {
	switch w.state {
	case inSpace:
		return w.space(b)
	case inHeader:
		return w.header(b)
	case inTag:
		return w.tag(b)
	case inContent:
		return w.content(b)
	case inElement:
		return w.element(b)
	}
	return w.text(b)
}

// hold takes bytes that cannot be decided yet. Where they are too many the block is given up, and ok is false.
func (w *Writer) hold(b []byte) (n int, ok bool) {
	n = min(len(b), max(0, maxHeld-len(w.owed)-len(w.held)))
	w.held = append(w.held, b[:n]...)
	if n < len(b) {
		w.giveUp()
		return n, false
	}
	return n, true
}

// settle forgets structure that has led to a record: from here on it cannot come out as it is any more.
func (w *Writer) settle() {
	w.owed, w.blank = w.owed[:0], false
	if n := len(w.roots); n > 0 {
		w.roots[n-1] = false
	}
}

// broken deals with a block that makes no sense.
func (w *Writer) broken() {
	switch {
	case len(w.roots) == 0 || w.blank:
		w.giveUp()
	case w.interrupted():
		w.tear()
	case headerBegins(w.held) > 0:
		w.tear()
		w.doubt = true
	default:
		w.giveUp()
	}
}

// giveUp takes the block for text, and blocks around it: everything that is not text yet comes out as it is.
//
// What was held is looked through once more, because a header may have begun at its end. It cannot lie further inside (a
// header has "< " in it, which breaks tags and records at once), so that this never happens to the same byte again.
func (w *Writer) giveUp() {
	raw := w.held
	w.out.add(w.owed)
	w.settle()
	w.held, w.state = nil, inText
	w.waiting, w.roots, w.fresh, w.doubt = 0, w.roots[:0], false, false
	w.feed(raw)
}

// sink gathers what one Write has to say, so that a hundred records are not a hundred writes.
type sink struct {
	w   io.Writer
	buf []byte
	err error // the first
}

const sinkSize = 32 << 10

func (s *sink) add(b []byte) {
	if len(s.buf)+len(b) > sinkSize {
		s.flush()
	}
	if len(b) > sinkSize {
		s.write(b)
		return
	}
	s.buf = append(s.buf, b...)
}

func (s *sink) flush() {
	s.write(s.buf)
	s.buf = s.buf[:0]
}

func (s *sink) write(b []byte) {
	if s.err != nil || len(b) == 0 {
		return
	}
	n, err := s.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	s.err = err
}
