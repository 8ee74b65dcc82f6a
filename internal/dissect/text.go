package dissect

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// TextOptions is how a report is written for people.
type TextOptions struct {
	Full bool // every byte and every part, long lines or not
}

// Text writes a report for people: a table for each message, then what the exchanges come to. Nothing in a token can change
// how a terminal behaves.
func (r *Report) Text(w io.Writer, o TextOptions) error {
	p := &printer{full: o.Full}
	for i, t := range r.Tokens {
		p.token(i+1, len(r.Tokens), t)
	}
	for i, x := range r.Exchanges {
		p.exchange(i+1, len(r.Exchanges), x)
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

type printer struct {
	out  strings.Builder
	full bool
}

func (p *printer) line(format string, args ...any) {
	text := strings.TrimRight(fmt.Sprintf(format, args...), " ")
	p.out.WriteString(text + "\n")
}

func (p *printer) blank() {
	if p.out.Len() > 0 {
		p.line("")
	}
}

// bytesShown is how much of a value is shown where not all of it is asked for: a key, a hash, a MIC.
const (
	bytesShown = 16
	runesShown = 160
)

func (p *printer) token(number, of int, t *Token) {
	p.blank()
	title := t.Name()
	if of > 1 {
		title = fmt.Sprintf("token %d: %s", number, title)
	}
	if !t.Withheld {
		title += fmt.Sprintf(", %d bytes", len(t.Raw))
	}
	if from := t.Source.String(); from != "" {
		title += " (" + from + ")"
	}
	p.line("%s", harmless(title))
	for i, m := range t.Messages {
		if !t.Withheld {
			p.message(i, m)
		}
	}
	if problem := t.Source.Problem; problem != "" {
		p.line("! the %s text is damaged: %s", t.Source.Form, problem)
	}
	p.findings(t.Findings)
}

// String says where a token was found.
func (s Source) String() string {
	var parts []string
	for _, part := range []string{s.Origin, strings.TrimLeft(s.Header+": "+s.Scheme, ": "), s.Form} {
		if part = strings.TrimSuffix(part, ": "); part != "" {
			parts = append(parts, part)
		}
	}
	if s.Line > 0 {
		parts = append(parts, fmt.Sprintf("line %d", s.Line))
	}
	return strings.Join(parts, ", ")
}

// A row is one line of a message's table.
type row struct{ offset, length, name, hex, value string }

func (p *printer) message(index int, m Message) {
	if index > 0 {
		p.blank()
		p.line("%s %s, %d bytes at 0x%x of the token; offsets count from there", m.Protocol, m.Type, len(m.Raw), m.Offset)
	}
	rows := p.rows(m.Fields, 0)
	names, bytes := len("FIELD"), len("BYTES")
	for _, r := range rows {
		names, bytes = max(names, utf8.RuneCountInString(r.name)), max(bytes, len(r.hex))
	}
	if p.full {
		bytes = min(bytes, 2*bytesShown)
	}
	p.line("  %-6s  %6s  %-*s  %-*s  %s", "OFFSET", "LENGTH", names, "FIELD", bytes, "BYTES", "MEANING")
	for _, r := range rows {
		p.line("  %-6s  %6s  %-*s  %-*s  %s", r.offset, r.length, names, r.name, bytes, r.hex, r.value)
	}
}

func (p *printer) rows(fields []Field, depth int) []row {
	indent := strings.Repeat("  ", depth)
	var rows []row
	for _, f := range fields {
		if f.Minor && !p.full && f.Problem == nil {
			continue
		}
		value := p.short(harmless(f.Value))
		if f.Note != "" {
			value = strings.TrimSpace(value + " (" + harmless(f.Note) + ")")
		}
		rows = append(rows, row{fmt.Sprintf("0x%04x", f.Offset), strconv.Itoa(len(f.Raw)), indent + harmless(f.Name), p.hex(f.Raw), value})
		if f.Problem != nil {
			rows = append(rows, row{offset: fmt.Sprintf("0x%04x", f.Problem.Offset), name: indent + "  !", value: harmless(f.Problem.Text)})
		}
		for _, b := range f.Bits {
			rows = append(rows, row{name: indent + "  " + b.Name, hex: fmt.Sprintf("0x%08x", b.Mask), value: b.Meaning})
		}
		rows = append(rows, p.rows(f.Fields, depth+1)...)
	}
	return rows
}

func (p *printer) hex(b []byte) string {
	if p.full || len(b) <= bytesShown {
		return hex.EncodeToString(b)
	}
	return hex.EncodeToString(b[:bytesShown-2]) + "..."
}

func (p *printer) short(s string) string {
	if runes := []rune(s); !p.full && len(runes) > runesShown {
		return string(runes[:runesShown]) + "..."
	}
	return s
}

func (p *printer) findings(all []Finding) {
	for _, f := range all {
		mark := "-"
		if f.Severity == Warning {
			mark = "!"
		}
		p.line("%s %s", mark, harmless(f.Text))
		if f.Hint != "" {
			p.line("  %s", harmless(f.Hint))
		}
	}
}

func (p *printer) exchange(number, of int, x *Exchange) {
	p.blank()
	title := "exchange"
	if of > 1 {
		title = fmt.Sprintf("exchange %d", number)
	}
	p.line("%s", title)
	for _, m := range []struct {
		name string
		ref  *Ref
	}{{"NEGOTIATE", x.Negotiate}, {"CHALLENGE", x.Challenge}, {"AUTHENTICATE", x.Authenticate}} {
		if m.ref == nil {
			p.item(m.name, "not there")
		} else {
			p.item(m.name, m.ref.String())
		}
	}
	p.item("account", fmt.Sprintf("user %s, domain %s, workstation %s", quote(x.User), quote(x.Domain), quote(x.Workstation)))
	p.pairs(x.Pairs)
	for _, c := range x.Checks {
		p.item(c.Name, string(c.Result)+": "+c.Text)
		if c.Guess != "" {
			p.item("", c.Guess)
		}
		if c.Hint != "" {
			p.item("", c.Hint)
		}
	}
	if x.Keys != nil {
		for _, key := range x.Keys.Named() {
			p.item(key[0], key[1])
		}
	}
	p.findings(x.Findings)
}

func (p *printer) item(name, text string) { p.line("  %-25s  %s", name, harmless(text)) }

func (p *printer) pairs(c PairChanges) {
	if !c.Known {
		if len(c.Added) > 0 {
			p.item("AV pairs", "of the client, as far as can be told without the challenge: "+pairNames(c.Added))
		}
		return
	}
	if len(c.Added)+len(c.Changed)+len(c.Dropped) == 0 && !c.Reordered {
		p.item("AV pairs", "those of the challenge")
		return
	}
	for _, change := range []struct {
		what string
		ids  []ntlm.AVID
	}{{"added", c.Added}, {"changed", c.Changed}, {"dropped", c.Dropped}} {
		if len(change.ids) > 0 {
			p.item("AV pairs", change.what+" by the client: "+pairNames(change.ids))
		}
	}
	if c.Reordered {
		p.item("AV pairs", "those of the challenge stand in another order")
	}
}

func pairNames(ids []ntlm.AVID) string {
	var names []string
	for _, id := range ids {
		names = append(names, id.String())
	}
	return strings.Join(names, ", ")
}

// harmless writes what does not print, or could reorder what does, as an escape.
func harmless(s string) string {
	var out strings.Builder
	for _, c := range s {
		if strconv.IsPrint(c) {
			out.WriteRune(c)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(c)
		out.WriteString(quoted[1 : len(quoted)-1])
	}
	return out.String()
}

// quote puts a name of a token into a sentence: backslashes as they are, for DOMAIN\user.
func quote(name string) string { return `"` + harmless(name) + `"` }
