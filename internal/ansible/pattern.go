package ansible

import (
	"errors"
	"strings"

	"github.com/winrmctl/winrmctl/internal/ranges"
)

// expand lists the hosts that an entry stands for: it may have ranges, and end in a port for them all.
func expand(pattern string) (names []string, port string, err error) {
	name, port := cutPort(pattern)
	if port == "" && strings.HasSuffix(name, ":") && !strings.HasSuffix(name, "::") {
		return nil, "", errors.New("a host with a colon at its end and no port")
	}
	names, err = ranges.Expand(name, maxHosts)
	return names, port, err
}

// cutPort takes the port from host:port and [address]:port. A bare IPv6 address has none.
func cutPort(text string) (host, port string) {
	at := strings.LastIndexByte(text, ':')
	if at < 0 || at+1 == len(text) || strings.Trim(text[at+1:], "0123456789") != "" {
		return text, ""
	}
	host, port = text[:at], text[at+1:]
	if strings.HasPrefix(host, "[") && strings.IndexByte(host, ']') == len(host)-1 {
		return host[1 : len(host)-1], port
	}
	depth := 0
	for _, c := range host {
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == ':' && depth == 0:
			return text, ""
		}
	}
	if depth != 0 {
		return text, ""
	}
	return host, port
}
