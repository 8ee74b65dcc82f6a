package dissect

import (
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// TestHarmless: what a token says cannot change how a terminal behaves, or what its lines seem to say.
func TestHarmless(t *testing.T) {
	m := &ntlm.AuthenticateMessage{
		Flags: testFlags, User: "bob\x1b]0;owned\x07\x1b[2J\r\nNTProofStr right", Domain: "\u202eCORP\u2066\u200b", Workstation: "\u009b31m\x00",
		NtChallengeResponse: make([]byte, 24),
	}
	raw, err := m.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	out := text(t, Analyse([]*Token{Dissect(raw)}, Options{}), TextOptions{})
	for _, forbidden := range []string{"\x1b", "\x07", "\r", "\u202e", "\u2066", "\u200b", "\u009b", "\x00"} {
		if strings.Contains(out, forbidden) {
			t.Errorf("%q is in the text", forbidden)
		}
	}
	for _, want := range []string{`bob\x1b]0;owned\a\x1b[2J\r\nNTProofStr right`, `\u202eCORP\u2066\u200b`} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	var asJSON strings.Builder
	report := Analyse([]*Token{Dissect(raw)}, Options{})
	if err := report.JSON(&asJSON); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"value": "bob\u001b]0;owned\u0007\u001b[2J\r\nNTProofStr right"`, `"domain": "\u202eCORP\u2066\u200b"`, `"workstation": "\u009b31m\u0000"`} {
		if !strings.Contains(asJSON.String(), want) {
			t.Errorf("%s is not in the JSON", want)
		}
	}
	if got := string(PrintableJSON([]byte("a\U000e0001é"))); got != `a\udb40\udc01é` {
		t.Errorf("beyond the first plane: %s", got)
	}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "NTProofStr right") {
			t.Error("a name begins a line of its own")
		}
	}
}

// TestLongValues are shortened, unless all is asked for.
func TestLongValues(t *testing.T) {
	name := strings.Repeat("x", 5000)
	raw, err := (&ntlm.AuthenticateMessage{Flags: testFlags, User: name, NtChallengeResponse: make([]byte, 24)}).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	report := &Report{Tokens: []*Token{Dissect(raw)}}
	if out := text(t, report, TextOptions{}); len(out) > 10000 || !strings.Contains(out, strings.Repeat("x", runesShown)+"...") || !strings.Contains(out, "  10000  UserName ") {
		t.Errorf("%d bytes of text", len(out))
	}
	if out := text(t, report, TextOptions{Full: true}); !strings.Contains(out, name) || !strings.Contains(out, strings.Repeat("7800", 5000)) {
		t.Errorf("%d bytes of text", len(out))
	}
}

// TestVersions names Windows by its build, and gives numbers for what it does not know.
func TestVersions(t *testing.T) {
	for raw, want := range map[string]string{
		"\x06\x01\xb1\x1d\x00\x00\x00\x0f": "6.1 build 7601, NTLM revision 15 (Windows 7 SP1, Windows Server 2008 R2 SP1)",
		"\x0a\x00\x7c\x4f\x00\x00\x00\x0f": "10.0 build 20348, NTLM revision 15 (Windows Server 2022)",
		"\x0a\x00\xf4\x65\x00\x00\x00\x0f": "10.0 build 26100, NTLM revision 15 (Windows 11 24H2, Windows Server 2025)",
		"\x09\x01\x01\x00\x00\x00\x00\x01": "9.1 build 1, NTLM revision 1 ()",
		"\x00\x00\x00\x00\x00\x00\x00\x00": "zero (although the flags announce it)",
	} {
		f := Field{Raw: []byte(raw)}
		versionOf(ntlm.NegotiateVersion)(&f)
		if got := f.Value + " (" + f.Note + ")"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	f := Field{Raw: []byte("\x06\x01\xb1\x1d\x00\x00\x00\x0f")}
	if versionOf(0)(&f); !strings.Contains(f.Note, "the flags do not announce it") {
		t.Error(f.Note)
	}
}

func TestFileTime(t *testing.T) {
	for ft, want := range map[uint64]string{
		0: "zero: no time", 1: "1601-01-01T00:00:00.0000001Z", 0x01cd6a9498b0622e: "2012-07-25T18:37:51.3012782Z",
		2650467743999999999: "9999-12-31T23:59:59.9999999Z", 2650467744000000000: "beyond the year 9999 (0x24c85a5ed1c04000)",
	} {
		if got := fileTime(ft); got != want {
			t.Errorf("%d: %s, want %s", ft, got, want)
		}
	}
}

// TestFindings: what deserves a second look has its code.
func TestFindings(t *testing.T) {
	message := func(m interface{ Bytes() ([]byte, error) }) *Token {
		raw, err := m.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return Dissect(raw)
	}
	pairs := serverPairs()
	for _, tc := range []struct {
		name  string
		token *Token
		want  string // codes
	}{
		{"NEGOTIATE", message(&ntlm.NegotiateMessage{Flags: testFlags, Version: &ntlm.Version{Major: 10}}), ""},
		{"NEGOTIATE without sealing", message(&ntlm.NegotiateMessage{Flags: testFlags &^ ntlm.Negotiate128}), "cannot-seal"},
		{"NEGOTIATE without target", message(&ntlm.NegotiateMessage{Flags: testFlags &^ ntlm.RequestTarget}), "no-request-target"},
		{"CHALLENGE", message(&ntlm.ChallengeMessage{Flags: testFlags, TargetInfo: pairs.Bytes()}), ""},
		{"CHALLENGE without time", message(&ntlm.ChallengeMessage{Flags: testFlags, TargetInfo: pairs[:4].Bytes()}), "no-timestamp"},
		{"CHALLENGE without TargetInfo", message(&ntlm.ChallengeMessage{Flags: testFlags}), "no-target-info"},
		{"AUTHENTICATE that is anonymous", message(&ntlm.AuthenticateMessage{Flags: testFlags, LmChallengeResponse: []byte{0}}), "anonymous"},
		{"AUTHENTICATE with NTLMv1", message(&ntlm.AuthenticateMessage{Flags: testFlags, NtChallengeResponse: make([]byte, 24), EncryptedRandomSessionKey: []byte("0123456789abcdef")}), "ntlmv1"},
		{"AUTHENTICATE without its key", message(&ntlm.AuthenticateMessage{Flags: testFlags, NtChallengeResponse: make([]byte, 24)}), "ntlmv1 no-session-key"},
		{"AUTHENTICATE without key exchange", message(&ntlm.AuthenticateMessage{Flags: testFlags &^ ntlm.KeyExchange, NtChallengeResponse: make([]byte, 24)}), "ntlmv1"},
		{"AUTHENTICATE without SEAL", message(&ntlm.AuthenticateMessage{Flags: testFlags &^ ntlm.Seal, NtChallengeResponse: make([]byte, 24)}), "cannot-seal ntlmv1 no-session-key"},
		{"a blanked key", message(&ntlm.AuthenticateMessage{Flags: testFlags, NtChallengeResponse: make([]byte, 24), EncryptedRandomSessionKey: make([]byte, 16)}), "ntlmv1 zero-session-key"},
		{"the scheme NTLM", find(t, []byte("Authorization: NTLM TlRMTVNTUAABAAAANYKI4gAAAAAoAAAAAAAAACgAAAAGAbEdAAAADw=="))[0], "ntlm-scheme"},
	} {
		var codes []string
		for _, f := range tc.token.Findings {
			codes = append(codes, f.Code)
			if f.Text == "" || f.Severity != Info && f.Severity != Warning {
				t.Errorf("%s: %+v", tc.name, f)
			}
		}
		if got := strings.Join(codes, " "); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
