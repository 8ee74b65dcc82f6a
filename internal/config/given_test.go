package config

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGiven(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(file, []byte("from a file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, stdin, file string
		ask               bool
		want, failure     string
	}{
		{name: "neither"},
		{name: "stdin", stdin: "first\nsecond", ask: true, want: "first"},
		{name: "file", stdin: "unread", file: file, want: "from a file"},
		{name: "empty", stdin: "\n", ask: true, failure: "--password-stdin: the password is empty"},
		{name: "no file", file: file + "2", failure: "--password-file: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := strings.NewReader(tc.stdin)
			password, ok, err := (&Secrets{Stdin: in}).Given(t.Context(), tc.ask, tc.file)
			var secret *SecretError
			switch {
			case tc.failure == "" && err != nil,
				tc.failure != "" && (!errors.As(err, &secret) || !strings.HasPrefix(err.Error(), tc.failure)):
				t.Errorf("%v, want %q", err, tc.failure)
			case password != tc.want || ok != (tc.want != ""):
				t.Errorf("%q %v", password, ok)
			}
			if rest, _ := io.ReadAll(in); tc.ask && tc.failure == "" && string(rest) != "second" || !tc.ask && string(rest) != tc.stdin {
				t.Errorf("%q is left of stdin", rest)
			}
		})
	}
}

// TestGivenInterrupted: a password that does not come does not outlast an interrupt.
func TestGivenInterrupted(t *testing.T) {
	never, stop := io.Pipe()
	defer stop.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	cancel(cause)
	if _, ok, err := (&Secrets{Stdin: never}).Given(ctx, true, ""); ok || !errors.Is(err, cause) {
		t.Errorf("%v %v", ok, err)
	}
}
