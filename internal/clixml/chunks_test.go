package clixml

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// inputs are all samples and cases, and all of them behind one another.
func inputs() []sample {
	all := append(samples(), cases()...)
	var joined strings.Builder
	for _, s := range all {
		if len(s.in) < 4096 {
			joined.WriteString(s.in)
		}
	}
	return append(all, sample{name: "all", in: joined.String()})
}

func TestEverySingleCut(t *testing.T) {
	for _, s := range inputs() {
		want := decode(t, s.in)
		step := 1
		if len(s.in) > 16<<10 {
			step = len(s.in)/7 + 1
		}
		for i := 0; i <= len(s.in); i += step {
			if got := decode(t, s.in[:i], s.in[i:]); got != want {
				t.Fatalf("%s, cut at %d:\n got %.300q\nwant %.300q", s.name, i, got, want)
			}
		}
	}
}

func TestSingleBytes(t *testing.T) {
	for _, s := range inputs() {
		if got, want := decodeBytes(t, s.in), decode(t, s.in); got != want {
			t.Errorf("%s:\n got %.300q\nwant %.300q", s.name, got, want)
		}
	}
}

// decodeBytes writes every byte for itself.
func decodeBytes(t testing.TB, in string) string {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out)
	data := []byte(in)
	for i := range data {
		if n, err := w.Write(data[i : i+1]); n != 1 || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestRandomCuts(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	for _, s := range inputs() {
		want := decode(t, s.in)
		rounds := 50
		if len(s.in) > 16<<10 {
			rounds = 2
		}
		for range rounds {
			if got := decode(t, cut(random, s.in)...); got != want {
				t.Fatalf("%s:\n got %.300q\nwant %.300q", s.name, got, want)
			}
		}
	}
}

// cut makes pieces of s, most of them short where s is.
func cut(random *rand.Rand, s string) (pieces []string) {
	longest := 1 + random.IntN(len(s)/8+10)
	for s != "" {
		n := min(len(s), random.IntN(longest+1))
		pieces = append(pieces, s[:n])
		s = s[n:]
	}
	return pieces
}

// TestTimeIsLinear writes 1 MiB in single bytes, in shapes that would cost minutes if anything that is held were looked
// through again with each byte, or each marker.
func TestTimeIsLinear(t *testing.T) {
	const size = 1 << 20
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, in := range map[string]string{
		"text":                 fill("text "),
		"markers":              fill("#<"),
		"headers":              fill(head),
		"starts of headers":    fill("#< CLIXML\r"),
		"a long record":        head + root + "<S>" + fill("x"),
		"references":           head + root + "<S>" + fill("&amp;"),
		"underscores":          head + root + "<S>" + fill("_x00"),
		"a long tag":           head + root + `<S S="` + fill("x"),
		"attributes":           head + root + "<S" + fill(` a="b"`),
		"records":              head + root + fill(`<S S="Error">x</S>`),
		"an object of objects": head + root + "<Obj>" + fill(`<Obj></Obj>`),
		"deep objects":         head + root + fill(`<Obj>`),
		"broken blocks":        fill(head + root + "<S>&</S>"),
		"roots behind headers": head + fill("<Objs <Objs"),
		"nested blocks":        fill(head + root),
		"nested broken blocks": fill(strings.Repeat(head, 32) + strings.Repeat(root+"<Obj>", 32) + "</x>"),
		"text within a block":  head + root + "<S/>" + fill("a<b "),
		"torn records":         head + root + "<S/>" + fill("<Obj><S N='a\n"),
		"torn by headers":      head + root + "<S/>" + fill("<Obj>#<"),
		"torn by blocks":       head + root + "<S/>" + fill("<S S='E'>"+head+root+"<S/></Objs>"),
		"layout":               head + root + fill(" "),
	} {
		begin := time.Now()
		got := decodeBytes(t, in)
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%s: %v for %d bytes", name, took, len(in))
		}
		begin = time.Now()
		want := decode(t, in)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s: %v at once", name, took)
		}
		if got != want {
			t.Errorf("%s: single bytes give something else", name)
		}
	}
}
