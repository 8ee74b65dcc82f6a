package main

import "testing"

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain é 日本":                "plain é 日本",
		"a\r\nb\tc":                 "a  b c",
		"\x1b[31mred\x07\x7f\u0085": "[31mred",
		"abc\u202edcba\u200b":       "abcdcba",
		"two\u2028lines":            "two lines",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
