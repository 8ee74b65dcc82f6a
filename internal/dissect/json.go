package dissect

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// The form of a report in JSON. Keys are stable: docs/decode.md lists them, and a test holds it to these types.
type (
	jsonReport struct {
		Tokens    []jsonToken    `json:"tokens"`
		Exchanges []jsonExchange `json:"exchanges"`
	}
	jsonToken struct {
		Number   int           `json:"number"`
		Name     string        `json:"name"`
		Source   jsonSource    `json:"source"`
		Withheld bool          `json:"withheld"`
		Length   int           `json:"length"`
		Messages []jsonMessage `json:"messages"`
		Problems []jsonProblem `json:"problems"`
		Findings []jsonFinding `json:"findings"`
	}
	jsonSource struct {
		Origin string `json:"origin,omitempty"`
		Line   int    `json:"line,omitempty"`
		Header string `json:"header,omitempty"`
		Scheme string `json:"scheme,omitempty"`
		Form   string `json:"form"`
	}
	jsonMessage struct {
		Protocol string      `json:"protocol"`
		Type     string      `json:"type"`
		Offset   int         `json:"offset"`
		Length   int         `json:"length"`
		Fields   []jsonField `json:"fields"`
	}
	jsonField struct {
		Name   string      `json:"name"`
		Offset int         `json:"offset"`
		Length int         `json:"length"`
		Hex    string      `json:"hex"`
		Value  string      `json:"value,omitempty"`
		Note   string      `json:"note,omitempty"`
		Error  string      `json:"error,omitempty"`
		Bits   []jsonBit   `json:"bits,omitempty"`
		Fields []jsonField `json:"fields,omitempty"`
	}
	jsonBit struct {
		Mask    string `json:"mask"`
		Name    string `json:"name"`
		Meaning string `json:"meaning"`
	}
	jsonProblem struct {
		Message int    `json:"message"`
		Field   string `json:"field"`
		Offset  int    `json:"offset"`
		Text    string `json:"text"`
	}
	jsonFinding struct {
		Code     string `json:"code"`
		Severity string `json:"severity"`
		Text     string `json:"text"`
		Hint     string `json:"hint,omitempty"`
	}
	jsonExchange struct {
		Negotiate    string            `json:"negotiate,omitempty"`
		Challenge    string            `json:"challenge,omitempty"`
		Authenticate string            `json:"authenticate"`
		User         string            `json:"user"`
		Domain       string            `json:"domain"`
		Workstation  string            `json:"workstation"`
		Pairs        jsonPairs         `json:"av_pairs"`
		Checks       []jsonCheck       `json:"checks"`
		Findings     []jsonFinding     `json:"findings"`
		Keys         map[string]string `json:"keys,omitempty"`
	}
	jsonPairs struct {
		Known     bool     `json:"known"`
		Added     []string `json:"added"`
		Changed   []string `json:"changed"`
		Dropped   []string `json:"dropped"`
		Reordered bool     `json:"reordered"`
	}
	jsonCheck struct {
		Name     string        `json:"name"`
		Result   string        `json:"result"`
		Text     string        `json:"text"`
		Mistakes []jsonMistake `json:"mistakes,omitempty"`
		Guess    string        `json:"guess,omitempty"`
		Hint     string        `json:"hint,omitempty"`
	}
	jsonMistake struct {
		Code string `json:"code"`
		Text string `json:"text"`
		Hint string `json:"hint"`
	}
)

// JSON writes a report as one object.
func (r *Report) JSON(w io.Writer) error {
	out := jsonReport{Tokens: []jsonToken{}, Exchanges: []jsonExchange{}}
	for i, t := range r.Tokens {
		out.Tokens = append(out.Tokens, tokenJSON(i+1, t))
	}
	for _, x := range r.Exchanges {
		out.Exchanges = append(out.Exchanges, exchangeJSON(x))
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := w.Write(PrintableJSON(text.Bytes()))
	return err
}

// PrintableJSON escapes in an encoded text what encoding/json leaves as it is and a terminal may act on: control characters
// beyond ASCII, marks of direction. Such characters stand only within strings.
func PrintableJSON(text []byte) []byte {
	var out []byte
	for _, c := range string(text) {
		switch {
		case c == '\n' || strconv.IsPrint(c):
			out = utf8.AppendRune(out, c)
		case c > 0xffff:
			high, low := utf16.EncodeRune(c)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, c)
		}
	}
	return out
}

func tokenJSON(number int, t *Token) jsonToken {
	s := t.Source
	out := jsonToken{
		Number: number, Name: t.Name(), Source: jsonSource{s.Origin, s.Line, s.Header, s.Scheme, s.Form}, Withheld: t.Withheld, Length: len(t.Raw),
		Messages: []jsonMessage{}, Problems: []jsonProblem{}, Findings: findingsJSON(t.Findings),
	}
	for _, m := range t.Messages {
		out.Messages = append(out.Messages, jsonMessage{m.Protocol, m.Type, m.Offset, len(m.Raw), fieldsJSON(m.Fields)})
	}
	for _, p := range t.Problems() {
		out.Problems = append(out.Problems, jsonProblem(p))
	}
	return out
}

func fieldsJSON(fields []Field) []jsonField {
	out := []jsonField{}
	for _, f := range fields {
		j := jsonField{Name: f.Name, Offset: f.Offset, Length: len(f.Raw), Hex: hex.EncodeToString(f.Raw), Value: f.Value, Note: f.Note}
		if f.Problem != nil {
			j.Error = f.Problem.Text
		}
		for _, b := range f.Bits {
			j.Bits = append(j.Bits, jsonBit{fmt.Sprintf("0x%08x", b.Mask), b.Name, b.Meaning})
		}
		if len(f.Fields) > 0 {
			j.Fields = fieldsJSON(f.Fields)
		}
		out = append(out, j)
	}
	return out
}

func findingsJSON(all []Finding) []jsonFinding {
	out := []jsonFinding{}
	for _, f := range all {
		out = append(out, jsonFinding(f))
	}
	return out
}

func exchangeJSON(x *Exchange) jsonExchange {
	out := jsonExchange{
		Authenticate: x.Authenticate.String(), User: x.User, Domain: x.Domain, Workstation: x.Workstation,
		Pairs:  jsonPairs{x.Pairs.Known, idsJSON(x.Pairs.Added), idsJSON(x.Pairs.Changed), idsJSON(x.Pairs.Dropped), x.Pairs.Reordered},
		Checks: []jsonCheck{}, Findings: findingsJSON(x.Findings),
	}
	if x.Negotiate != nil {
		out.Negotiate = x.Negotiate.String()
	}
	if x.Challenge != nil {
		out.Challenge = x.Challenge.String()
	}
	for _, c := range x.Checks {
		j := jsonCheck{Name: c.Name, Result: string(c.Result), Text: c.Text, Guess: c.Guess, Hint: c.Hint}
		for _, m := range c.Mistakes {
			j.Mistakes = append(j.Mistakes, jsonMistake(m))
		}
		out.Checks = append(out.Checks, j)
	}
	if x.Keys != nil {
		out.Keys = map[string]string{}
		for _, key := range x.Keys.Named() {
			out.Keys[key[0]] = key[1]
		}
	}
	return out
}

func idsJSON(ids []ntlm.AVID) []string {
	out := []string{}
	for _, id := range ids {
		out = append(out, id.String())
	}
	return out
}
