package transport

import (
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/winrmctl/winrmctl/internal/auth"
)

// TestPrompt: a connection that has gone back and forth delays its acknowledgements; ours does not while it reads.
func TestPrompt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	d, err := NewDialer(Config{URL: "http://" + l.Addr().String()}, auth.NewBasic("u", "p"))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := d.dialTCP(t.Context(), "tcp", d.address())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	plain, err := net.Dial("tcp", d.address())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	exchange := func(nc net.Conn) {
		t.Helper()
		if _, err := nc.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(nc, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	rounds := 1
	for exchange(plain); atOnce(t, plain.(*net.TCPConn)); exchange(plain) {
		if rounds++; rounds > 10000 {
			t.Skip("this system delays no acknowledgements")
		}
	}
	for range rounds + 10 {
		if exchange(ours); !atOnce(t, ours.(*prompt).Conn.(*net.TCPConn)) {
			t.Fatal("acknowledgements are delayed")
		}
	}
}

// atOnce reports that the system acknowledges what comes in without a delay.
func atOnce(t *testing.T, c *net.TCPConn) bool {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	on := 0
	if failed := raw.Control(func(fd uintptr) { on, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK) }); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
	return on != 0
}
