package dissect

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// The forms of a token in text.
const (
	formBase64 = "base64"
	formHex    = "hex"
	formDump   = "dump"
)

// A reading is what a line says if it is written in a form: hexadecimal digits, or base64.
type reading struct{ form, text string }

// bare reads tokens that stand in no header: lines that begin like one, each with the lines that go on with it.
func (x *finder) bare(lines []string) []*Token {
	var tokens []*Token
	var open group
	end := func() {
		if t := open.token(); t != nil {
			tokens = append(tokens, t)
		}
		open = group{}
	}
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if found := x.offer.FindStringSubmatch(line); found != nil && strings.HasPrefix(line, found[0]) {
			// It may be a header's value without the name, or a sentence that begins with the word.
			raw, _ := fromBase64(found[2])
			if isSecret(found[1]) && bytes.ContainsRune(raw, ':') {
				end()
				tokens = append(tokens, withheld(Source{Line: i + 1, Scheme: canonical(found[1]), Form: formBase64}))
				continue
			}
			if Known(raw) {
				end()
				open = group{form: formBase64, line: i + 1, scheme: canonical(found[1]), text: found[2]}
				continue
			}
		}
		readings := x.readings(line)
		if first := beginning(readings); first.form != "" {
			end()
			open = group{form: first.form, line: i + 1, text: first.text}
		} else if !open.take(readings) {
			end()
		}
	}
	end()
	if len(tokens) > 0 {
		return tokens
	}
	return x.squeezed(lines)
}

// squeezed reads one token that is cut into pieces too small to know it by, such as a list of single bytes.
func (x *finder) squeezed(lines []string) []*Token {
	all := beginning(x.readings(strings.Join(lines, "")))
	if all.form == "" {
		return nil
	}
	open := group{form: all.form, line: 1, text: all.text}
	return []*Token{open.token()}
}

// A group is the lines of one token.
type group struct {
	form, scheme string
	line         int
	text         string
	more         strings.Builder
}

// take adds a line that goes on with the token. Hexadecimal digits are base64 too.
func (g *group) take(readings []reading) bool {
	if g.form == "" {
		return false
	}
	for _, r := range readings {
		if r.form == g.form && !g.padded() {
			g.more.WriteString(r.text)
			return true
		}
	}
	return false
}

func (g *group) padded() bool {
	if g.more.Len() > 0 {
		return strings.HasSuffix(g.more.String(), "=")
	}
	return strings.HasSuffix(g.text, "=")
}

// token decodes the group, nil where it is none.
func (g *group) token() *Token {
	if g.form == "" {
		return nil
	}
	s := Source{Line: g.line, Form: g.form, Scheme: g.scheme}
	var raw []byte
	if raw, s.Problem = decode(g.form, g.text+g.more.String()); len(raw) == 0 {
		return nil
	}
	return newToken(raw, s)
}

// beginning returns the reading that begins a token, a zero one where none does.
func beginning(readings []reading) reading {
	for _, r := range readings {
		if raw, _ := decode(r.form, r.text); Known(raw) {
			return r
		}
	}
	return reading{}
}

func decode(form, text string) ([]byte, string) {
	if form == formBase64 {
		return fromBase64(text)
	}
	return fromHex(text)
}

// readings lists how a line may be meant.
func (x *finder) readings(line string) []reading {
	var all []reading
	digits := strings.NewReplacer(`\x`, "", "0x", "", "0X", "", " ", "", "\t", "", ":", "", ",", "", ";", "", "-", "",
		`"`, "", "'", "", "{", "", "}", "", "[", "", "]", "", `\`, "").Replace(line)
	if digits != "" && strings.Trim(digits, "0123456789abcdefABCDEF") == "" {
		all = append(all, reading{formHex, digits})
	}
	if m := x.dump.FindStringSubmatch(line); m != nil {
		// At most 16 bytes: what follows them is text, although it may look like more.
		digits := strings.NewReplacer(" ", "", "-", "").Replace(m[1])
		all = append(all, reading{formDump, digits[:min(len(digits), 32)]})
	}
	if text := strings.Trim(line, `"',;<>`+"` \t\\"); isBase64(text) {
		all = append(all, reading{formBase64, text})
	}
	return all
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"

func isBase64(s string) bool {
	s = strings.TrimRight(s, "=")
	return s != "" && strings.Trim(s, base64Digits) == ""
}

// fromHex decodes as many bytes as there are.
func fromHex(text string) (raw []byte, problem string) {
	if len(text)%2 != 0 {
		problem = "an odd number of hexadecimal digits"
		text = text[:len(text)-1]
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		problem = err.Error()
	}
	return raw, problem
}

// fromBase64 decodes as many bytes as there are, of either alphabet, padded or not.
func fromBase64(text string) (raw []byte, problem string) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(text)
	body := strings.TrimRight(text, "=")
	if at := strings.IndexFunc(body, func(c rune) bool { return !strings.ContainsRune(base64Digits, c) }); at >= 0 {
		problem = fmt.Sprintf("character %d is none of base64", at+1)
		body = body[:at]
	}
	if len(body)%4 == 1 {
		if problem == "" {
			problem = "it ends within a group of four characters"
		}
		body = body[:len(body)-1]
	}
	raw, err := base64.RawStdEncoding.DecodeString(body)
	if err != nil && problem == "" {
		problem = err.Error()
	}
	return raw, problem
}
