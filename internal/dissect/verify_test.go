package dissect

import (
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// resultsOf runs the checks and returns their results by name, and all mistakes' codes.
func resultsOf(t *testing.T, tokens []*Token, o Options) (results map[string]Result, mistakes []string, x *Exchange) {
	t.Helper()
	report := Analyse(tokens, o)
	if len(report.Exchanges) != 1 {
		t.Fatalf("%d exchanges", len(report.Exchanges))
	}
	x, results = report.Exchanges[0], map[string]Result{}
	for _, c := range x.Checks {
		results[c.Name] = c.Result
		for _, m := range c.Mistakes {
			mistakes = append(mistakes, m.Code)
			if m.Hint == "" || m.Text == "" || !strings.Contains(c.Text, m.Text) {
				t.Errorf("mistake without words: %+v", c)
			}
		}
	}
	return results, mistakes, x
}

// TestMistakes: each usual mistake of a client is found, alone or with another one, and named.
func TestMistakes(t *testing.T) {
	for _, tc := range []struct {
		name     string
		edit     func(*login)
		account  string
		password string // "" for the right one
		want     string // codes
		words    string
	}{
		{name: "none", edit: func(*login) {}},
		{name: "none without domain", edit: func(l *login) { l.domain = "" }},
		{name: "user as it stands", edit: func(l *login) { l.keyName = "bobCorp" }, want: "user-not-upper-cased", words: `"bob", not upper-cased`},
		{name: "user lower-cased", edit: func(l *login) { l.user, l.keyName = "Bob", "bobCorp" }, want: "user-lower-cased"},
		{name: "domain upper-cased", edit: func(l *login) { l.keyName = "BOBCORP" }, want: "domain-upper-cased", words: `where the message says "Corp"`},
		{name: "domain lower-cased", edit: func(l *login) { l.keyName = "BOBcorp" }, want: "domain-lower-cased"},
		{name: "empty domain", edit: func(l *login) { l.keyName = "BOB" }, want: "domain-empty"},
		{name: "server's domain", edit: func(l *login) { l.domain, l.keyName = "", "BOBCORP" }, want: "domain-of-server", words: `"CORP" (MsvAvNbDomainName)`},
		{name: "server's name", edit: func(l *login) { l.domain, l.keyName = ".", "BOBWEB1" }, want: "domain-of-server", words: `"WEB1" (MsvAvNbComputerName) as domain, where the message says "."`},
		{name: "server's DNS domain", edit: func(l *login) { l.keyName = "BOBcorp.example" }, want: "domain-of-server"},
		{name: "domain in the user's name", edit: func(l *login) { l.keyName = `CORP\BOB` }, want: "user-with-domain,domain-empty"},
		{name: "UPN cut", edit: func(l *login) { l.user, l.domain, l.keyName = "bob@corp.example", "", "BOB" }, want: "user-without-realm"},
		{name: "UPN split", edit: func(l *login) { l.user, l.domain, l.keyName = "bob@lab.example", "", "BOBlab.example" }, want: "user-without-realm,domain-of-user"},
		{name: "domain sent in the user's name", edit: func(l *login) { l.user, l.domain, l.keyName = `Lab\bob`, "", "BOBLab" }, want: "user-without-domain,domain-of-user"},
		{name: "account of --user", edit: func(l *login) { l.keyName = "EVEother" }, account: `other\eve`, want: "user-other,domain-other"},
		{name: "account of --user that comes to the same", edit: func(l *login) { l.domain = "CORP" }, account: "bobcorp"},
		{name: "newline", edit: func(l *login) { l.password += "\n" }, want: "password-newline"},
		{name: "CR LF", edit: func(l *login) { l.password += "\r\n" }, want: "password-newline", words: "CR LF"},
		{name: "carriage return", edit: func(l *login) { l.password += "\r" }, want: "password-newline"},
		{name: "NUL", edit: func(l *login) { l.password += "\x00" }, want: "password-nul"},
		{name: "space", edit: func(l *login) { l.password += " " }, want: "password-space"},
		{name: "space given", edit: func(*login) {}, password: " " + testPassword, want: "password-trimmed"},
		{name: "Caps Lock", edit: func(l *login) { l.password = "s3CRET-pÄSSW0RD" }, want: "password-caps-lock"},
		{name: "UTF-8 as Latin-1", edit: func(l *login) { l.password = "S3cret-PÃ¤ssw0rd" }, want: "password-encoding"},
		{name: "empty", edit: func(l *login) { l.password = "" }, want: "password-empty"},
		{name: "pairs added afterwards", edit: func(l *login) {
			l.temp = func(pairs []byte) ([]byte, []byte) {
				return clientChallenge(l.pairs, pairs, 4), clientChallenge(l.pairs, l.pairs.Bytes(), 4)
			}
		}, want: "pairs-of-challenge"},
		{name: "pairs added afterwards, no zeros", edit: func(l *login) {
			l.temp = func(pairs []byte) ([]byte, []byte) {
				return clientChallenge(l.pairs, pairs, 4), clientChallenge(l.pairs, l.pairs.Bytes(), 0)
			}
		}, want: "pairs-of-challenge"},
		{name: "without the last zeros", edit: func(l *login) {
			l.temp = func(pairs []byte) ([]byte, []byte) {
				return clientChallenge(l.pairs, pairs, 4), clientChallenge(l.pairs, pairs, 0)
			}
		}, want: "temp-short"},
		{name: "zeros not sent", edit: func(l *login) {
			l.temp = func(pairs []byte) ([]byte, []byte) {
				return clientChallenge(l.pairs, pairs, 0), clientChallenge(l.pairs, pairs, 4)
			}
		}, want: "temp-long"},
		{name: "two at once", edit: func(l *login) { l.keyName, l.password = "bobCORP", l.password+"\n" },
			want: "password-newline,user-not-upper-cased,domain-upper-cased", words: ", and with "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := aLogin()
			tc.edit(l)
			password := testPassword
			if tc.password != "" {
				password = tc.password
			}
			results, mistakes, x := resultsOf(t, l.tokens(t), Options{Password: &password, Account: tc.account})
			want := Right
			if tc.want != "" {
				want = Wrong
			}
			if got := strings.Join(mistakes, ","); results[CheckProof] != want || got != tc.want || !strings.Contains(x.Checks[0].Text, tc.words) {
				t.Errorf("%s %q: %s", results[CheckProof], got, x.Checks[0])
			}
			// The key that the client used opens the rest all the same.
			if results[CheckMIC] != Right {
				t.Errorf("MIC: %v", x.Checks)
			}
			for _, c := range x.Checks {
				for _, secret := range []string{testPassword, "s3CRET", strings.TrimSpace(l.password)} {
					if secret != "" && strings.Contains(c.String()+c.Hint, secret) {
						t.Errorf("the password is shown: %s", c)
					}
				}
			}
		})
	}
}

// TestStaleChallenge: a response to another challenge of the same capture is found by trying them.
func TestStaleChallenge(t *testing.T) {
	l := aLogin()
	first := l.tokens(t)
	l.challenge[0] = 99
	second := l.tokens(t) // answers the first challenge
	password := testPassword
	_, mistakes, x := resultsOf(t, []*Token{first[0], first[1], second[0], second[1], second[2]}, Options{Password: &password})
	if strings.Join(mistakes, ",") != "challenge-stale" || !strings.Contains(x.Checks[0].Text, "the challenge of token 2, not that of token 4") {
		t.Errorf("%v", x.Checks)
	}
}

func TestMIC(t *testing.T) {
	for _, tc := range []struct {
		name     string
		edit     func(*login)
		alter    func([]*Token) []*Token
		want     Result
		mistakes string
		words    string
	}{
		{name: "right", edit: func(*login) {}, want: Right, words: "as they were sent"},
		{name: "with the key exchange key", edit: func(l *login) {
			l.mic = func(k ntlm.SessionKeys, n, c, a []byte) [16]byte { return ntlm.MIC(k.KeyExchange, n, c, a) }
		}, want: Wrong, mistakes: "mic-key"},
		{name: "without NEGOTIATE", edit: func(l *login) {
			l.mic = func(k ntlm.SessionKeys, _, c, a []byte) [16]byte { return ntlm.MIC(k.Exported, nil, c, a) }
		}, want: Wrong, mistakes: "mic-without-negotiate"},
		{name: "without NEGOTIATE, with the key exchange key", edit: func(l *login) {
			l.mic = func(k ntlm.SessionKeys, _, c, a []byte) [16]byte { return ntlm.MIC(k.KeyExchange, nil, c, a) }
		}, want: Wrong, mistakes: "mic-without-negotiate"},
		{name: "of something else", edit: func(l *login) {
			l.mic = func(ntlm.SessionKeys, []byte, []byte, []byte) [16]byte { return [16]byte{1} }
		}, want: Wrong, words: "byte for byte"},
		{name: "zero although promised", edit: func(l *login) {
			l.mic = func(ntlm.SessionKeys, []byte, []byte, []byte) [16]byte { return [16]byte{} }
		}, want: Missing, words: "the field is zero"},
		{name: "no place although promised", edit: func(l *login) { l.noMIC = true }, want: Missing, words: "no place for it"},
		{name: "absent", edit: func(l *login) { l.noMIC, l.added = true, nil }, want: Absent, words: "none is promised"},
		{name: "zero and not promised", edit: func(l *login) {
			l.added, l.mic = nil, func(ntlm.SessionKeys, []byte, []byte, []byte) [16]byte { return [16]byte{} }
		}, want: Absent, words: "the field is zero"},
		{name: "not promised", edit: func(l *login) { l.added = nil }, want: Right, words: "does not promise it"},
		{name: "not promised and wrong", edit: func(l *login) {
			l.added, l.mic = nil, func(ntlm.SessionKeys, []byte, []byte, []byte) [16]byte { return [16]byte{1} }
		}, want: Absent, words: "servers do not look at it"},
		{name: "NEGOTIATE unknown", edit: func(*login) {}, alter: func(t []*Token) []*Token { return t[1:] }, want: Unchecked, words: "it takes the NEGOTIATE_MESSAGE"},
		{name: "NEGOTIATE cut", edit: func(*login) {}, alter: func(t []*Token) []*Token {
			return []*Token{Dissect(t[0].Raw[:30]), t[1], t[2]}
		}, want: Unchecked, words: "not whole"},
		{name: "CHALLENGE cut", edit: func(*login) {}, alter: func(t []*Token) []*Token {
			return []*Token{t[0], Dissect(t[1].Raw[:len(t[1].Raw)-6]), t[2]}
		}, want: Unchecked, words: "not whole"},
		{name: "altered NEGOTIATE", edit: func(*login) {}, alter: func(t []*Token) []*Token {
			n := append([]byte(nil), t[0].Raw...)
			n[33] ^= 1
			return []*Token{Dissect(n), t[1], t[2]}
		}, want: Wrong},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := aLogin()
			tc.edit(l)
			tokens := l.tokens(t)
			if tc.alter != nil {
				tokens = tc.alter(tokens)
			}
			password := testPassword
			results, mistakes, x := resultsOf(t, tokens, Options{Password: &password})
			said := x.Checks[1].Text + x.Checks[1].Hint
			if results[CheckProof] != Right || results[CheckMIC] != tc.want || strings.Join(mistakes, ",") != tc.mistakes || !strings.Contains(said, tc.words) {
				t.Errorf("%v %v %s", results, mistakes, said)
			}
			if failed := x.Checks[1].Failed(); failed != (tc.want == Wrong || tc.want == Missing) {
				t.Errorf("failed: %v", failed)
			}
		})
	}
	t.Run("blanked session key", func(t *testing.T) {
		tokens := aLogin().tokens(t)
		a := append([]byte(nil), tokens[2].Raw...)
		clear(a[len(a)-16:])
		password := testPassword
		_, _, x := resultsOf(t, []*Token{tokens[0], tokens[1], Dissect(a)}, Options{Password: &password})
		if x.Checks[1].Result != Wrong || !strings.Contains(x.Checks[1].Guess, "a guess: EncryptedRandomSessionKey was blanked out") {
			t.Errorf("%+v", x.Checks[1])
		}
	})
}

// TestNoSessionKey: a client that promises a key of its own and sends none, as curl does.
func TestNoSessionKey(t *testing.T) {
	for _, tc := range []struct {
		edit func(*login)
		want Result
	}{
		{func(l *login) { l.noMIC, l.added = true, nil }, Absent},
		{func(*login) {}, Unchecked},
	} {
		l := aLogin()
		tc.edit(l)
		tokens := l.tokens(t)
		m, err := ntlm.ParseAuthenticate(tokens[2].Raw)
		if err != nil {
			t.Fatal(err)
		}
		m.EncryptedRandomSessionKey = nil
		raw, err := m.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		password := testPassword
		results, _, _ := resultsOf(t, []*Token{tokens[0], tokens[1], Dissect(raw)}, Options{Password: &password, Keys: true})
		if results[CheckProof] != Right || results[CheckMIC] != tc.want {
			t.Errorf("%v, want %s", results, tc.want)
		}
	}
}

// TestLMv2 checks the other response where a challenge without a timestamp has one.
func TestLMv2(t *testing.T) {
	l := aLogin()
	l.pairs, l.added, l.noMIC = l.pairs[:4], nil, true
	cc := []byte{9, 9, 9, 9, 9, 9, 9, 9}
	right := ntlm.NTProofStr(ntlm.NTOWFv2(testPassword, l.user, l.domain), l.challenge, cc)
	l.lm = append(right[:], cc...)
	password := testPassword
	if results, _, _ := resultsOf(t, l.tokens(t), Options{Password: &password}); results[CheckLMv2] != Right || results[CheckProof] != Right {
		t.Errorf("%v", results)
	}
	l.lm[0] ^= 1
	tokens := l.tokens(t)
	results, _, _ := resultsOf(t, tokens, Options{Password: &password})
	if results[CheckLMv2] != Wrong || results[CheckProof] != Right {
		t.Errorf("%v", results)
	}
	if _, failed := Analyse(tokens, Options{Password: &password}).Verified(); len(failed) > 0 {
		t.Errorf("servers do not look at it: %v", failed)
	}
}

// TestNTLMv1 checks the examples of 4.2.2 and 4.2.3 with the right password, another one, and with mistakes.
func TestNTLMv1(t *testing.T) {
	for _, file := range []string{"ms-nlmp-4.2.2.txt", "ms-nlmp-4.2.3.txt"} {
		for password, want := range map[string]string{"Password": "right", "pASSWORD": "wrong password-caps-lock", "other": "wrong"} {
			results, mistakes, x := resultsOf(t, find(t, read(t, file)), Options{Password: &password, Keys: true})
			if got := strings.TrimSpace(string(results[CheckNTLMv1]) + " " + strings.Join(mistakes, ",")); got != want || len(results) != 1 || x.Keys != nil {
				t.Errorf("%s, %s: %q, want %q (%v)", file, password, got, want, results)
			}
		}
	}
}

// TestCutPairs: where the AV pairs break off it is not known whether they promise a MIC.
func TestCutPairs(t *testing.T) {
	tokens := aLogin().tokens(t)
	cut := Dissect(tokens[2].Raw[:220])
	results, _, x := resultsOf(t, []*Token{tokens[0], tokens[1], cut}, Options{})
	if results[CheckMIC] != Unchecked || !strings.Contains(x.Checks[1].Text, "the AV pairs end before") {
		t.Errorf("%v", x.Checks)
	}
	if mic := fieldsOf(cut.Messages[0])["MIC"]; mic.Note != "" {
		t.Errorf("MIC: %s", mic.Note)
	}
	if mic := fieldsOf(tokens[2].Messages[0])["MIC"]; mic.Note != "promised by MsvAvFlags" {
		t.Errorf("MIC: %s", mic.Note)
	}
}

// TestUntried: a password that cannot be tried is no success.
func TestUntried(t *testing.T) {
	tokens := aLogin().tokens(t)
	cut := Dissect(tokens[2].Raw[:200])
	password := testPassword
	for _, tc := range []struct {
		name   string
		tokens []*Token
		want   string
	}{
		{"no challenge", tokens[2:], "it takes the CHALLENGE_MESSAGE"},
		{"no response", tokens[:2], "there is no AUTHENTICATE_MESSAGE"},
		{"a response that is cut", []*Token{tokens[0], tokens[1], cut}, "the message ends before the response does"},
		{"a challenge that is cut", []*Token{tokens[0], Dissect(tokens[1].Raw[:26]), tokens[2]}, "it takes the CHALLENGE_MESSAGE"},
	} {
		report := Analyse(tc.tokens, Options{Password: &password})
		if tried, failed := report.Verified(); tried || len(failed) > 0 || !strings.Contains(report.Untried(), tc.want) {
			t.Errorf("%s: %v %v %s", tc.name, tried, failed, report.Untried())
		}
	}
	report := Analyse(tokens, Options{})
	if tried, _ := report.Verified(); tried || !strings.Contains(report.Untried(), "it takes the password") {
		t.Errorf("no password: %s", report.Untried())
	}
}

// TestSearchIsBounded: the worst input costs a tenth of a second, not more.
func TestSearchIsBounded(t *testing.T) {
	l := aLogin()
	l.user, l.domain, l.keyName = `A\b@c`, "d", "nothing of this"
	tokens := l.tokens(t)
	input := []*Token{tokens[0]}
	for i := range 200 {
		l.challenge = [8]byte{byte(i), 42}
		input = append(input, l.tokens(t)[1])
	}
	input = append(input, tokens[2])
	password := testPassword
	results, _, x := resultsOf(t, input, Options{Password: &password, Account: `X\y`})
	if results[CheckProof] != Wrong {
		t.Errorf("%v", results)
	}
	account := ntlm.ParseAccount(`X\y`)
	var known []*challenge
	for i, token := range input {
		known = appendChallenge(known, &Ref{Token: i + 1}, token)
	}
	n := len(passwords(password)) * len(x.users(account)) * len(x.domains(account)) * len(x.challenges(known)) * len(x.temps())
	if n < 10000 || n > 100000 {
		t.Errorf("%d attempts", n)
	}
}
