package transport

import (
	"net"
	"syscall"
)

// prompt acknowledges at once what it reads. Linux waits up to 40 ms for something to send along, and a server that writes
// header and body apart waits for that before the body (RFC 896): on each request.
type prompt struct {
	net.Conn
	raw syscall.RawConn
}

// acknowledging makes a connection prompt, if it is one of TCP.
func acknowledging(nc net.Conn) net.Conn {
	if tcp, ok := nc.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			return &prompt{nc, raw}
		}
	}
	return nc
}

func (p *prompt) Read(b []byte) (int, error) {
	// The system takes the option back as soon as something is sent.
	_ = p.raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1) })
	return p.Conn.Read(b)
}
