package clixml

import (
	"io"
	"strings"
	"testing"
)

func BenchmarkWriter(b *testing.B) {
	errors := head + root + preparing + strings.Repeat(unknownCommand, 1000) + end
	for name, in := range map[string]string{
		"text":     strings.Repeat("an ordinary line of some program's output\r\n", 20_000),
		"errors":   errors,
		"progress": head + root + strings.Repeat(preparing, 1000) + end,
		"objects":  head + root + strings.Repeat(writeHost, 500) + end,
	} {
		for _, size := range []int{32 << 10, 1} {
			label := "/chunks"
			if size == 1 {
				label = "/bytes"
			}
			b.Run(name+label, func(b *testing.B) {
				data := []byte(in)
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					w := NewWriter(io.Discard)
					for from := 0; from < len(data); from += size {
						if _, err := w.Write(data[from:min(from+size, len(data))]); err != nil {
							b.Fatal(err)
						}
					}
					if err := w.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
