package main

import (
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

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

// TestFlagsOfAll: a flag that every command takes means the same with each. Only the sandbox has its own account and its own https.
func TestFlagsOfAll(t *testing.T) {
	a, _, _ := testApp(t, "")
	root := a.rootCommand(&globals{})
	var check func(*cobra.Command)
	check = func(c *cobra.Command) {
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if global := root.PersistentFlags().Lookup(f.Name); global != nil && c.Name() != "sandbox" {
				t.Errorf("%s: --%s is %q, elsewhere %q", c.CommandPath(), f.Name, f.Usage, global.Usage)
			}
		})
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	check(root)
}
