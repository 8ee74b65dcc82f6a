package auth

import (
	"net/http"
	"strings"
)

// A Challenge is one offer of a WWW-Authenticate header.
type Challenge struct {
	Scheme string // as the server wrote it; compare with strings.EqualFold
	Token  string // a token68, such as a base64 message; "" where there is none
	Params string // what else stands behind the scheme, as written: realm="WSMAN"
}

// Challenges reads all offers of an answer: several header lines, or one line with commas (RFC 9110 11.6.1).
func Challenges(h http.Header) []Challenge {
	var all []Challenge
	for _, line := range h.Values("WWW-Authenticate") {
		for _, item := range splitList(line) {
			word, rest, _ := strings.Cut(item, " ")
			rest = strings.TrimSpace(rest)
			if strings.ContainsAny(word, `="`) { // a parameter of the scheme before it
				if n := len(all); n > 0 {
					all[n-1].Params = strings.TrimPrefix(all[n-1].Params+", "+item, ", ")
				}
				continue
			}
			c := Challenge{Scheme: word}
			if isToken68(rest) {
				c.Token = rest
			} else {
				c.Params = rest
			}
			all = append(all, c)
		}
	}
	return all
}

// Schemes returns the names of the offers, each once.
func Schemes(all []Challenge) []string {
	var names []string
next:
	for _, c := range all {
		for _, n := range names {
			if strings.EqualFold(n, c.Scheme) {
				continue next
			}
		}
		names = append(names, c.Scheme)
	}
	return names
}

// Find returns the offer of a scheme, the one with a token where there are several.
func Find(all []Challenge, scheme string) (c Challenge, ok bool) {
	for _, candidate := range all {
		if strings.EqualFold(candidate.Scheme, scheme) && (!ok || candidate.Token != "") {
			c, ok = candidate, true
		}
	}
	return c, ok
}

// splitList splits at commas outside quotes.
func splitList(line string) []string {
	var items []string
	quoted, start := false, 0
	for i := 0; i <= len(line); i++ {
		switch {
		case i == len(line), line[i] == ',' && !quoted:
			if item := strings.TrimSpace(line[start:i]); item != "" {
				items = append(items, item)
			}
			start = i + 1
		case line[i] == '"':
			quoted = !quoted
		case line[i] == '\\' && quoted && i+1 < len(line):
			i++
		}
	}
	return items
}

// isToken68 tells a token68 from parameters: it has "=" only at its end.
func isToken68(s string) bool {
	body := strings.TrimRight(s, "=")
	if body == "" {
		return false
	}
	for i := range len(body) {
		c := body[i]
		if !(c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-._~+/", c) >= 0) {
			return false
		}
	}
	return true
}
