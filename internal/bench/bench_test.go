// Package bench measures winrmctl beside masterzen/winrm's Client, against the same server in the same run: only ratios
// mean anything.
package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/masterzen/winrm"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/transport"
)

// run runs one command and returns its output.
type run func(b *testing.B, command string, out io.Writer)

func ours(s *sandbox.Server) run {
	return func(b *testing.B, command string, out io.Writer) {
		d, err := transport.NewDialer(transport.Config{URL: s.URL()}, auth.NewNTLM(s.User(), s.Password()))
		if err != nil {
			b.Fatal(err)
		}
		main, side := d.Lane(), d.Lane()
		defer main.Close()
		defer side.Close()
		sh, err := shell.Open(b.Context(), shell.Options{Main: main, Side: side, To: s.URL()})
		if err != nil {
			b.Fatal(err)
		}
		if err := sh.Run(b.Context(), shell.Command{Line: command}, shell.Streams{Stdout: out}); err != nil {
			b.Fatal(err)
		}
		if err := sh.Close(context.WithoutCancel(b.Context())); err != nil {
			b.Fatal(err)
		}
	}
}

func theirs(s *sandbox.Server) run {
	return func(b *testing.B, command string, out io.Writer) {
		p := winrm.NewParameters("PT60S", "en-US", 512000)
		p.TransportDecorator = func() winrm.Transporter {
			e, err := winrm.NewEncryption("ntlm")
			if err != nil {
				b.Fatal(err)
			}
			return e
		}
		endpoint := winrm.NewEndpoint("127.0.0.1", s.Port(), false, true, nil, nil, nil, time.Minute)
		client, err := winrm.NewClientWithParameters(endpoint, s.User(), s.Password(), p)
		if err != nil {
			b.Fatal(err)
		}
		if code, err := client.RunWithContext(b.Context(), command, out, io.Discard); err != nil || code != 0 {
			b.Fatal(code, err)
		}
	}
}

// BenchmarkExec runs both in turn within each iteration and reports how many times faster ours is (theirs/ours), and the
// requests of each.
func BenchmarkExec(b *testing.B) {
	for _, tc := range []struct {
		name, command string
		bytes         int
	}{
		{"quick", "echo hello", 6},
		{"8MiB", "flood 8388608", 8 << 20},
	} {
		b.Run(tc.name, func(b *testing.B) {
			s, err := sandbox.Start(sandbox.Options{Programs: sandbox.Builtin{}})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			runs := []run{ours(s), theirs(s)}
			var spent [2]time.Duration
			var requests [2]int
			for b.Loop() {
				for i, r := range runs {
					var out bytes.Buffer
					before, begin := s.Stats().Requests, time.Now()
					r(b, tc.command, &out)
					spent[i] += time.Since(begin)
					requests[i] += s.Stats().Requests - before
					if out.Len() != tc.bytes {
						b.Fatal(fmt.Errorf("%d bytes of output", out.Len()))
					}
				}
			}
			b.ReportMetric(spent[1].Seconds()/spent[0].Seconds(), "theirs/ours")
			b.ReportMetric(float64(requests[0])/float64(b.N), "requests")
			b.ReportMetric(float64(requests[1])/float64(b.N), "their-requests")
		})
	}
}
