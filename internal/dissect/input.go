package dissect

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"unicode/utf16"
)

// A Source is where a token was found.
type Source struct {
	Origin  string // what the caller calls the text that it was in; "" is the main one
	Line    int    // from 1; 0 for what has no lines
	Header  string // Authorization, WWW-Authenticate, ...; "" where it did not stand in a header
	Scheme  string // Negotiate, NTLM, ...; "" where none stood before it
	Form    string // base64, hex, dump, escaped or binary
	Problem string // why the text is not all of the token, or ""
}

// ErrNoToken is returned for input without a token in it.
var ErrNoToken = errors.New("no NTLM, SPNEGO or Kerberos token")

// Find finds the tokens in what somebody copied from somewhere: a token in base64 or hexadecimal, with or without spaces,
// colons or \x; several, one a line or with empty lines between; hex dumps with offsets; lines of HTTP headers as they
// stand in captures, requests, logs and HAR files, bodies and all; tokens within other text, escaped strings among it; or the
// bytes of a token. Where headers hold tokens nothing else is looked at. origin is kept in the sources. It returns [ErrNoToken] where there is none.
func Find(input []byte, origin string) ([]*Token, error) {
	if len(input) >= len(ntlmSignature) && Known(input) { // fewer may be a word
		return []*Token{newToken(input, Source{Origin: origin, Form: "binary"})}, nil
	}
	f := newFinder()
	r := newRewriter()
	text := r.percent.Replace(plainText(input))
	tokens := f.inHeaders(strings.Split(r.headers(text), "\n"))
	if len(tokens) == 0 {
		tokens = f.bare(strings.Split(text, "\n"))
	}
	if len(tokens) == 0 {
		tokens = f.embedded(strings.Split(text, "\n"))
	}
	for _, t := range tokens {
		t.Source.Origin = origin
	}
	if len(tokens) == 0 {
		return nil, ErrNoToken
	}
	return tokens, nil
}

func newToken(raw []byte, s Source) *Token {
	t := Dissect(raw)
	t.Source = s
	t.sourceFindings()
	return t
}

// plainText is text without the marks of its encoding: what a Windows shell writes into a file is UTF-16.
func plainText(b []byte) string {
	for mark, order := range map[string][2]int{"\xff\xfe": {0, 1}, "\xfe\xff": {1, 0}} {
		if !bytes.HasPrefix(b, []byte(mark)) {
			continue
		}
		var units []uint16
		for b = b[2:]; len(b) >= 2; b = b[2:] {
			units = append(units, uint16(b[order[0]])|uint16(b[order[1]])<<8)
		}
		return string(utf16.Decode(units))
	}
	return string(bytes.TrimPrefix(b, []byte("\ufeff")))
}

// A finder holds the patterns of one search.
type finder struct{ header, offer, dump, ntlm, literal *regexp.Regexp }

func newFinder() *finder {
	return &finder{
		// A header in a line: after the marks of curl -v, in the quotes of a program or a log, indented by Wireshark.
		header: regexp.MustCompile(`(?i)(?:^|[^a-z-])((?:proxy-)?authorization|(?:www|proxy)-authenticate)["']?\s*[:=]\s*(.*)`),
		// A scheme and its token68 (RFC 9110 11.4).
		offer: regexp.MustCompile(`(?i)(?:^|[\s,"'\[(])(negotiate|ntlm|kerberos|credssp|basic|bearer|digest)\s+([a-z0-9+/._~-]+=*)`),
		// A line of a hex dump: an offset, bytes, and perhaps what they are as text.
		dump: regexp.MustCompile(`^(?:0x)?[0-9a-fA-F]{3,8}(?::|h)?\s+((?:[0-9a-fA-F]{2}[ -]{0,2}){1,64})`),
		// NTLM's signature in base64, and what follows.
		ntlm: regexp.MustCompile(`TlRMTVNTUA[A-Za-z0-9+/_-]+=*`),
		// A string in quotes, with escapes in it.
		literal: regexp.MustCompile(`"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'`),
	}
}

// inHeaders reads the tokens of header lines.
func (x *finder) inHeaders(lines []string) []*Token {
	var tokens []*Token
	for i := range lines {
		found := x.header.FindStringSubmatch(lines[i])
		if found == nil {
			continue
		}
		header := canonical(found[1])
		for _, o := range x.offer.FindAllStringSubmatch(found[2], -1) {
			s := Source{Line: i + 1, Header: header, Scheme: canonical(o[1]), Form: "base64"}
			if isSecret(o[1]) {
				if strings.HasSuffix(header, "Authorization") {
					tokens = append(tokens, withheld(s))
				}
				continue
			}
			text := o[2]
			if strings.HasSuffix(strings.TrimRight(found[2], "\r"), text) {
				text += continuation(lines[i+1:], text)
			}
			var raw []byte
			raw, s.Problem = fromBase64(text)
			if Known(raw) || len(text) >= shortestToken {
				tokens = append(tokens, newToken(raw, s))
			}
		}
	}
	return tokens
}

// isSecret reports a scheme whose credentials are not proofs but the secret itself, or parameters.
func isSecret(scheme string) bool {
	switch strings.ToLower(scheme) {
	case "basic", "bearer", "digest":
		return true
	}
	return false
}

// shortestToken is how many characters of base64 are taken for a token of a protocol that is not known, and not for a word.
const shortestToken = 16

// continuation is the rest of a token that was wrapped: lines of nothing but base64, until an empty one or the padding.
func continuation(lines []string, before string) string {
	var more strings.Builder
	for _, l := range lines {
		l = strings.Trim(l, "<> \t\r")
		if l == "" || !isBase64(l) || strings.HasSuffix(before, "=") {
			break
		}
		more.WriteString(l)
		before = l
	}
	return more.String()
}

// canonical writes the names of headers and schemes as HTTP does.
func canonical(name string) string {
	for _, known := range []string{"Authorization", "Proxy-Authorization", "WWW-Authenticate", "Proxy-Authenticate",
		"Negotiate", "NTLM", "Kerberos", "CredSSP", "Basic", "Bearer", "Digest"} {
		if strings.EqualFold(known, name) {
			return known
		}
	}
	return name
}
