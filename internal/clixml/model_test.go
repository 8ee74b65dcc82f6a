package clixml

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"
)

// model says what shall come out of a stream of whole pieces, without parsing anything.
type model struct {
	random  *rand.Rand
	in      []string
	kinds   []string
	outs    []string
	waiting int
	open    int
	blank   bool
}

// pieces adds random ones, in an order that can be.
func (m *model) pieces(n int) {
	for range n {
		var possible []string
		if !m.blank {
			possible = append(possible, "text", "text")
		}
		if m.waiting+m.open < 6 {
			possible = append(possible, "header")
		}
		if m.waiting > 0 {
			possible = append(possible, "root", "root")
		}
		if m.open > 0 {
			possible = append(possible, "record", "record", "record", "end")
		}
		m.add(possible[m.random.IntN(len(possible))])
	}
}

func (m *model) add(kind string) {
	in, out := "", ""
	switch kind {
	case "text":
		in = m.pick("native output\r\n", "x", "100 % & more; ]]> _x0041_ \xff\r\n", "à la carte: 5 > 4\n\n")
		out = in
	case "header":
		in = head
		m.waiting++
	case "root":
		in = m.pick(root, "<Objs>", "<Objs xmlns='"+namespace+"' Version='1.1.0.1'>")
		m.waiting--
		m.open++
		m.blank = true
	case "end":
		in = "</Objs>"
		m.open--
		m.blank = false
	case "record":
		in, out = m.record()
		m.blank = false
	}
	m.in, m.kinds, m.outs = append(m.in, in), append(m.kinds, kind), append(m.outs, out)
}

func (m *model) record() (in, out string) {
	text := m.pick("", "one", "a <b> & \"c\"", "tab\t bell\a nul\x00 c1\u0085 \U0001F3B5", "_x000D_ and _X_x", "zwei\r\ndrei", "é漢字")
	switch m.random.IntN(6) {
	case 0:
		return fmt.Sprintf(`<S S="Error">%s</S>`, serialized(text+"\r\n")), text + "\r\n"
	case 1:
		return fmt.Sprintf(`<S S="warning">%s</S>`, serialized(text)), "WARNING: " + text + "\r\n"
	case 2:
		return fmt.Sprintf(`<S S="verbose">%s</S>`, serialized(text)), "VERBOSE: " + text + "\r\n"
	case 3:
		return fmt.Sprintf(`<Obj S="Error" RefId="1"><TN RefId="0"><T>x</T></TN><ToString>%s</ToString><MS><S N="m">y</S></MS></Obj>`, serialized(text)), text + "\r\n"
	case 4:
		one, _, _ := strings.Cut(preparing, "</Obj>")
		return one + "</Obj>", ""
	}
	return writeHost, ""
}

func (m *model) pick(s ...string) string { return s[m.random.IntN(len(s))] }

// serialized encodes as PowerShell does: InternalSerializer.EncodeString, then .NET's XmlWriter.
func serialized(s string) string {
	var b strings.Builder
	units := utf16.Encode([]rune(s))
	for i, c := range units {
		switch {
		case c <= 0x1F, c >= 0x7F && c <= 0x9F, c >= 0xD800 && c <= 0xDFFF,
			c == '_' && i+1 < len(units) && (units[i+1] == 'x' || units[i+1] == 'X'):
			fmt.Fprintf(&b, "_x%04X_", c)
		default:
			b.WriteRune(rune(c))
		}
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(b.String())
}

// want is what shall come out of the first n bytes: text of what is whole, and what is not settled as it is behind it.
func (m *model) want(n int) string {
	var out, owed strings.Builder
	for i, in := range m.in {
		part := in[:min(n, len(in))]
		n -= len(part)
		whole := len(part) == len(in)
		switch {
		case m.kinds[i] == "text":
			out.WriteString(part)
		case whole && (m.kinds[i] == "record" || m.kinds[i] == "end"):
			out.WriteString(m.outs[i])
			owed.Reset()
		default:
			owed.WriteString(part)
		}
		if n == 0 {
			break
		}
	}
	return out.String() + owed.String()
}

func TestModel(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	for seed := range rounds {
		m := model{random: rand.New(rand.NewPCG(uint64(seed), 1))}
		m.pieces(1 + m.random.IntN(30))
		in := strings.Join(m.in, "")
		// Every stream is cut somewhere as well: a PowerShell that was killed.
		for _, n := range []int{len(in), m.random.IntN(len(in) + 1), m.random.IntN(len(in) + 1)} {
			want := m.want(n)
			if got := decode(t, cut(m.random, in[:n])...); got != want {
				t.Fatalf("seed %d, %d of %d bytes\n  in %q\n got %q\nwant %q", seed, n, len(in), in[:n], got, want)
			}
		}
	}
}
