package console

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/ergochat/readline"
)

// Keys that are no characters travel to the editor as runes of a private plane, see [Session.filter].
const (
	keyEscape rune = 0xF0000 + iota
	keyDelete
	keyWordLeft
	keyWordRight
	keyWordDelete
	keyWordBackspace
	keyBackTab
	keyPasteBegin // what follows was pasted, not typed
	keyPasteEnd
	keyLast

	keySuspend = -1 // not for the editor
	keyLine    = -2 // a whole line that was pasted
)

// filter gives the editor's names to keys.
func (s *Session) filter(r rune) (rune, bool) {
	switch r {
	case keyEscape:
		return readline.CharEsc, true
	case keyDelete:
		return readline.MetaDeleteKey, true
	case keyWordLeft:
		return readline.MetaBackward, true
	case keyWordRight:
		return readline.MetaForward, true
	case keyWordDelete:
		return readline.MetaDelete, true
	case keyWordBackspace:
		return readline.MetaBackspace, true
	case keyBackTab:
		return readline.MetaShiftTab, true
	case keyPasteBegin:
		s.literal = true
		return 0, false
	case keyPasteEnd:
		return 0, false
	}
	return r, true
}

// A key is pressed, or a line pasted.
type key struct {
	r    rune
	line string // of keyLine
}

// keys makes keys of what a terminal sends.
type keys struct {
	vi    bool
	queue []key
	rest  []byte // incomplete: a character, an escape sequence

	pasting bool
	lines   int    // that the paste had so far
	text    []byte // of the paste behind its last line end
}

// Bounds of what is held back.
const (
	longestSequence = 32
	longestPasted   = 64 << 10 // in one line
)

// next takes a key.
func (k *keys) next() (key, bool) {
	if len(k.queue) == 0 {
		return key{}, false
	}
	first := k.queue[0]
	k.queue = k.queue[1:]
	return first, true
}

func (k *keys) add(r ...rune) {
	for _, r := range r {
		k.queue = append(k.queue, key{r: r})
	}
}

const (
	pasteBegin = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

// feed takes what was read at once: an escape character that ends it is the Escape key.
func (k *keys) feed(b []byte) {
	b = append(k.rest, b...)
	k.rest = nil
	for len(b) > 0 {
		n := 0
		if k.pasting {
			n = k.pasted(b)
		} else {
			n = k.pressed(b)
		}
		if n == 0 {
			k.rest = bytes.Clone(b)
			return
		}
		b = b[n:]
	}
}

// pressed takes one key and returns its length, 0 where it is incomplete.
func (k *keys) pressed(b []byte) int {
	switch c := b[0]; {
	case c == 0x1b:
		return k.escape(b)
	case c == 0x1a:
		k.add(keySuspend)
		return 1
	case c == readline.CharInterrupt && !k.vi:
		k.add(readline.CharBell, readline.CharInterrupt) // out of a search or a list of words first
		return 1
	case c < 0x20 && strings.IndexByte("\x0f\x11\x16\x18\x1c\x1d\x1e\x00", c) >= 0:
		return 1 // of no use to the editor, which would take them as characters
	}
	if !utf8.FullRune(b) && len(b) < utf8.UTFMax {
		return 0
	}
	r, n := utf8.DecodeRune(b)
	if r < keyEscape {
		k.add(r)
	}
	return n
}

// escape takes an escape sequence, or the Escape key.
func (k *keys) escape(b []byte) int {
	if len(b) == 1 {
		if k.vi {
			k.add(keyEscape)
			return 1
		}
		return 0 // Meta: the next key follows
	}
	switch b[1] {
	case '[', 'O':
		end := 2
		for end < len(b) && b[1] == '[' && b[end] >= 0x20 && b[end] < 0x40 {
			end++
		}
		if end == len(b) {
			if end > longestSequence {
				return end
			}
			return 0
		}
		k.sequence(string(b[2:end]), b[end])
		return end + 1
	}
	if k.vi {
		k.add(keyEscape)
		return 1
	}
	switch b[1] {
	case 'b':
		k.add(keyWordLeft)
	case 'f':
		k.add(keyWordRight)
	case 'd':
		k.add(keyWordDelete)
	case 0x7f, 0x08:
		k.add(keyWordBackspace)
	case 0x1b:
		return 1
	}
	return 2
}

// sequence takes a control sequence by its parameters and its last byte.
func (k *keys) sequence(parameters string, last byte) {
	_, modifier, _ := strings.Cut(parameters, ";")
	word := modifier == "3" || modifier == "5" // Alt or Ctrl
	switch last {
	case 'A':
		k.add(readline.CharPrev)
	case 'B':
		k.add(readline.CharNext)
	case 'C':
		k.add(pick(word, keyWordRight, readline.CharForward))
	case 'D':
		k.add(pick(word, keyWordLeft, readline.CharBackward))
	case 'H':
		k.add(readline.CharLineStart)
	case 'F':
		k.add(readline.CharLineEnd)
	case 'Z':
		k.add(keyBackTab)
	case '~':
		switch parameters {
		case "1", "7":
			k.add(readline.CharLineStart)
		case "4", "8":
			k.add(readline.CharLineEnd)
		case "3":
			k.add(keyDelete)
		case "200":
			k.pasting, k.lines, k.text = true, 0, nil
			k.add(keyPasteBegin)
		}
	}
}

func pick[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

// pasted takes a piece of a paste and returns its length, 0 where it is incomplete. The first line of several goes behind what
// is edited already; the others are lines of their own; what follows the last line end is there to be edited.
func (k *keys) pasted(b []byte) int {
	if bytes.HasPrefix(b, []byte(pasteEnd)) {
		k.pasting = false
		k.insert()
		k.add(keyPasteEnd)
		return len(pasteEnd)
	}
	switch c := b[0]; c {
	case 0x1b:
		if len(b) < len(pasteEnd) && strings.HasPrefix(pasteEnd, string(b)) {
			return 0
		}
		return 1
	case '\r', '\n':
		if c == '\r' && len(b) == 1 {
			return 0
		}
		if k.lines++; k.lines == 1 {
			k.insert()
			k.add(readline.CharEnter)
		} else {
			k.queue = append(k.queue, key{keyLine, string(k.text)})
		}
		k.text = nil
		if bytes.HasPrefix(b, []byte("\r\n")) {
			return 2
		}
		return 1
	default:
		if c >= 0x20 && c != 0x7f || c == '\t' {
			k.text = append(k.text, c)
		}
		if len(k.text) > longestPasted {
			k.insert()
		}
		return 1
	}
}

// insert hands pasted text to the editor. A tab would be a key there.
func (k *keys) insert() {
	for _, r := range strings.ReplaceAll(string(k.text), "\t", " ") {
		if r < keyEscape {
			k.add(r)
		}
	}
	k.text = nil
}

// keyboard reads from the terminal when it is asked to, and not before: what is typed for another program is left to it.
type keyboard struct {
	want    chan struct{}
	read    chan []byte // closed when the terminal is gone
	waiting bool
}

func newKeyboard(r io.Reader) *keyboard {
	k := &keyboard{want: make(chan struct{}), read: make(chan []byte)}
	go func() {
		defer close(k.read)
		buffer := make([]byte, 16<<10)
		for range k.want {
			n, err := r.Read(buffer)
			if n > 0 {
				k.read <- bytes.Clone(buffer[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	return k
}

// pressed is where the next keys come from. The one who takes them says so by taken.
func (k *keyboard) pressed() <-chan []byte {
	if !k.waiting {
		select {
		case k.want <- struct{}{}:
			k.waiting = true
		case b, ok := <-k.read: // it is closed
			_, _ = b, ok
		}
	}
	return k.read
}

func (k *keyboard) taken() { k.waiting = false }
