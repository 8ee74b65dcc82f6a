package transport

import (
	"net"
	"strings"
	"sync"
)

// greeting is a TCP connection that remembers how the other side begins: what is no HTTP has no typed error.
type greeting struct {
	net.Conn
	mu    sync.Mutex
	first []byte // at most of the length of httpBegins
}

const httpBegins = "HTTP/"

func (g *greeting) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if len(g.first) < len(httpBegins) { // only Read writes it, and http has one reader
		g.mu.Lock()
		g.first = append(g.first, b[:min(n, len(httpBegins)-len(g.first))]...)
		g.mu.Unlock()
	}
	return n, err
}

// isHTTP reports that the other side has begun as HTTP does, or not at all.
func (g *greeting) isHTTP() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.HasPrefix(httpBegins, string(g.first))
}
