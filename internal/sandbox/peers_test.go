package sandbox

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/masterzen/winrm"
)

// endpoint is how masterzen/winrm addresses a server.
func endpoint(t *testing.T, s *Server) *winrm.Endpoint {
	t.Helper()
	host, port := "127.0.0.1", s.Port()
	return winrm.NewEndpoint(host, port, s.options.HTTPS, true, s.CA(), nil, nil, 10*time.Second)
}

// TestMasterzen runs a client that others wrote: its NTLM, sealing, SOAP and command loop against ours.
func TestMasterzen(t *testing.T) {
	encryption, err := winrm.NewEncryption("ntlm")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name      string
		options   Options
		transport func() winrm.Transporter
		noStdin   bool // it shares an NTLM session among goroutines, or pins no connection: Send and Receive destroy each other's logins
	}{
		{"Basic", Options{Auth: []string{AuthBasic}, AllowUnencrypted: true}, nil, false},
		{"ClientNTLM", Options{AllowUnencrypted: true}, func() winrm.Transporter { return &winrm.ClientNTLM{} }, true},
		{"ClientNTLM over https", Options{HTTPS: true}, func() winrm.Transporter { return &winrm.ClientNTLM{} }, true},
		{"Encryption(ntlm)", Options{}, func() winrm.Transporter { return encryption }, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.options.Programs = Builtin{}
			s := start(t, tc.options)
			p := winrm.NewParameters("PT60S", "en-US", 153600)
			p.TransportDecorator = tc.transport
			client, err := winrm.NewClientWithParameters(endpoint(t, s), s.User(), s.Password(), p)
			if err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			code, err := client.RunWithContext(ctx, `echo hello ; err oops ; flood 300000 ; exit 7`, &stdout, &stderr)
			if err != nil || code != 7 || !strings.HasPrefix(stdout.String(), "hello\n") || stdout.Len() != 300006 || stderr.String() != "oops\n" {
				t.Errorf("code %d, %d bytes %.20q, %q: %v", code, stdout.Len(), stdout.String(), stderr.String(), err)
			}
			stdout.Reset()
			if tc.noStdin {
				return
			}
			if code, err := client.RunWithContextWithInput(ctx, `cat`, &stdout, &stderr, strings.NewReader("line 1\nline 2\n")); err != nil || code != 0 || stdout.String() != "line 1\nline 2\n" {
				t.Errorf("stdin: code %d, %q: %v", code, stdout.String(), err)
			}
			if n := s.Stats().Shells; n != 0 {
				t.Errorf("%d shells are left", n)
			}
		})
	}
}
