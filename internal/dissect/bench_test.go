package dissect

import "testing"

// BenchmarkUnexplained is the search for a mistake that is none of the usual ones.
func BenchmarkUnexplained(b *testing.B) {
	tokens, err := Find(read(b, "exchange.http"), "")
	if err != nil {
		b.Fatal(err)
	}
	password := "another one"
	for b.Loop() {
		if _, failed := Analyse(tokens, Options{Password: &password}).Verified(); len(failed) != 1 {
			b.Fatal(failed)
		}
	}
}
