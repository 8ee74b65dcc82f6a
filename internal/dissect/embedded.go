package dissect

import (
	"regexp"
	"strconv"
	"strings"
)

// formEscaped is a string of a programming language, or of strace.
const formEscaped = "escaped"

// A rewriter turns what programs print around headers into header lines. It adds and takes no lines.
type rewriter struct {
	breaks, percent *strings.Replacer
	nameFirst       *regexp.Regexp
	valueFirst      *regexp.Regexp
}

func newRewriter() *rewriter {
	const name = `"name"\s*:\s*"((?i:(?:proxy-)?authorization|(?:www|proxy)-authenticate))"`
	const value = `"value"\s*:\s*"([^"]*)"`
	return &rewriter{
		// As Python's http.client and Wireshark print lines; JSON may escape digits of base64.
		breaks:  strings.NewReplacer(`\r\n`, " ", `\/`, "/", `\u002B`, "+", `\u002b`, "+", `\u002F`, "/", `\u002f`, "/", `\u003D`, "=", `\u003d`, "="),
		percent: strings.NewReplacer("%2B", "+", "%2b", "+", "%2F", "/", "%2f", "/", "%3D", "=", "%3d", "="),
		// HAR (of browsers, Fiddler, mitmproxy) has the two apart, in either order.
		nameFirst:  regexp.MustCompile(name + `\s*,\s*` + value),
		valueFirst: regexp.MustCompile(value + `\s*,\s*` + name),
	}
}

// headers rewrites a text.
func (r *rewriter) headers(text string) string {
	text = r.breaks.Replace(text)
	text = r.joined(text, r.nameFirst, 1, 2)
	return r.joined(text, r.valueFirst, 2, 1)
}

// joined makes header lines of names and values that stand apart.
func (r *rewriter) joined(text string, pattern *regexp.Regexp, name, value int) string {
	var out strings.Builder
	end := 0
	for _, at := range pattern.FindAllStringSubmatchIndex(text, -1) {
		out.WriteString(text[end:at[0]])
		// In front, so that what stands before it in the line is no part of it.
		out.WriteString(" " + text[at[2*name]:at[2*name+1]] + ": " + text[at[2*value]:at[2*value+1]] + " ")
		out.WriteString(strings.Repeat("\n", strings.Count(text[at[0]:at[1]], "\n")))
		end = at[1]
	}
	out.WriteString(text[end:])
	return out.String()
}

// embedded reads tokens that stand within lines of other text: behind their scheme, or NTLM messages by how they begin, in
// base64 or as an escaped string.
func (x *finder) embedded(lines []string) []*Token {
	var tokens []*Token
	for i, line := range lines {
		before := len(tokens)
		for _, o := range x.offer.FindAllStringSubmatch(line, -1) {
			if raw, problem := fromBase64(o[2]); Known(raw) && !isSecret(o[1]) {
				tokens = append(tokens, newToken(raw, Source{Line: i + 1, Scheme: canonical(o[1]), Form: formBase64, Problem: problem}))
			}
		}
		if len(tokens) > before {
			continue
		}
		for _, text := range x.ntlm.FindAllString(line, -1) {
			if raw, problem := fromBase64(text); Known(raw) {
				tokens = append(tokens, newToken(raw, Source{Line: i + 1, Form: formBase64, Problem: problem}))
			}
		}
		for _, literal := range x.literal.FindAllStringSubmatch(line, -1) {
			if raw, ok := unescaped(literal[1] + literal[2]); ok && Known(raw) {
				tokens = append(tokens, newToken(raw, Source{Line: i + 1, Form: formEscaped}))
			}
		}
	}
	return tokens
}

// unescaped reads the escapes of C, Python and strace. It reports false for a text without any, or with others.
func unescaped(text string) ([]byte, bool) {
	if !strings.Contains(text, `\`) {
		return nil, false
	}
	var out []byte
	for text != "" {
		c := text[0]
		if text = text[1:]; c != '\\' {
			out = append(out, c)
			continue
		}
		if text == "" {
			return nil, false
		}
		c, text = text[0], text[1:]
		digits := ""
		switch {
		case c == 'x':
			digits = text[:min(2, len(text))]
			text = text[len(digits):]
			n, err := strconv.ParseUint(digits, 16, 8)
			if err != nil {
				return nil, false
			}
			out = append(out, byte(n))
		case c >= '0' && c <= '7':
			digits = string(c)
			for len(digits) < 3 && text != "" && text[0] >= '0' && text[0] <= '7' {
				digits, text = digits+text[:1], text[1:]
			}
			n, err := strconv.ParseUint(digits, 8, 8)
			if err != nil {
				return nil, false
			}
			out = append(out, byte(n))
		default:
			at := strings.IndexByte(`abfnrtv\'"e`, c)
			if at < 0 {
				return nil, false
			}
			out = append(out, "\a\b\f\n\r\t\v\\'\"\x1b"[at])
		}
	}
	return out, true
}
