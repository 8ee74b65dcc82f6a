package bench

import (
	"io"
	"testing"

	"github.com/winrmctl/winrmctl/internal/auth"
	"github.com/winrmctl/winrmctl/internal/enum"
	"github.com/winrmctl/winrmctl/internal/enum/format"
	"github.com/winrmctl/winrmctl/internal/sandbox"
	"github.com/winrmctl/winrmctl/internal/transport"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// BenchmarkEnum reads 100,000 instances of Sandbox_Number, sealed, and writes them as each format does, with client and server in
// one process: items a second.
func BenchmarkEnum(b *testing.B) {
	const items = 100_000
	for _, name := range []string{format.JSONL, format.CSV, format.Table, format.XML} {
		b.Run(name, func(b *testing.B) {
			s, err := sandbox.Start(sandbox.Options{Programs: sandbox.Builtin{}})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			d, err := transport.NewDialer(transport.Config{URL: s.URL()}, auth.NewNTLM(s.User(), s.Password()))
			if err != nil {
				b.Fatal(err)
			}
			lane := d.Lane()
			defer lane.Close()
			client := &enum.Client{Conn: lane, To: s.URL()}
			b.ReportAllocs()
			for b.Loop() {
				w := format.New(io.Discard, format.Options{Format: name, Class: "Sandbox_Number"})
				n := 0
				for item, err := range client.All(b.Context(), enum.Query{ResourceURI: wsman.PrefixWMI + "root/cimv2/Sandbox_Number", Class: "Sandbox_Number", Max: items, Raw: name == format.XML}) {
					if err != nil {
						b.Fatal(err)
					}
					if err := w.Item("", &item); err != nil {
						b.Fatal(err)
					}
					n++
				}
				if err := w.Close(); err != nil || n != items {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(items*float64(b.N)/b.Elapsed().Seconds(), "items/s")
		})
	}
}
