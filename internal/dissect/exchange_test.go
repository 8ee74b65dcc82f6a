package dissect

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// TestPairing: an AUTHENTICATE_MESSAGE belongs to what is before it on the same connection.
func TestPairing(t *testing.T) {
	raw, inSPNEGO := find(t, read(t, "exchange.http")), find(t, read(t, "spnego.txt"))
	refs := func(tokens ...*Token) string {
		var all []string
		for _, x := range Analyse(tokens, Options{}).Exchanges {
			text := ""
			for _, r := range []*Ref{x.Negotiate, x.Challenge, x.Authenticate} {
				if r == nil {
					text += "-"
					continue
				}
				text += fmt.Sprint(r.Token)
			}
			all = append(all, fmt.Sprintf("%s %v %v %v", text, x.mechTypes != nil, x.clientMIC != nil, x.serverMIC != nil))
		}
		return strings.Join(all, ", ")
	}
	for _, tc := range []struct {
		name, got, want string
	}{
		{"in order", refs(raw...), "123 false false false"},
		{"a second NEGOTIATE without a challenge", refs(raw[0], raw[1], raw[0], raw[2]), "3-4 false false false"},
		{"two challenges", refs(raw[0], raw[1], raw[1], raw[2]), "134 false false false"},
		{"SPNEGO", refs(inSPNEGO...), "123 true true true"},
		{"raw after SPNEGO", refs(append(append([]*Token{}, inSPNEGO...), raw...)...), "123 true true true, 567 false false false"},
		{"out of order", refs(raw[2], raw[1], raw[0]), "--1 false false false"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, tc.got, tc.want)
		}
	}
}

func TestPairChanges(t *testing.T) {
	server := serverPairs()
	l := aLogin()
	l.temp = func([]byte) ([]byte, []byte) {
		client := append(ntlm.AVPairs{server[1], server[0], {ID: ntlm.AvDNSDomainName, Value: u16("other")}, server[4]},
			ntlm.AVPair{ID: ntlm.AvFlags, Value: []byte{2, 0, 0, 0}}, ntlm.AVPair{ID: ntlm.AvTargetName, Value: u16("HTTP/web1")})
		temp := clientChallenge(server, client.Bytes(), 4)
		return temp, temp
	}
	c := Analyse(l.tokens(t), Options{}).Exchanges[0].Pairs
	if !c.Known || pairNames(c.Added) != "MsvAvFlags, MsvAvTargetName" || pairNames(c.Changed) != "MsvAvDnsDomainName" ||
		pairNames(c.Dropped) != "MsvAvDnsComputerName" || !c.Reordered {
		t.Errorf("%+v", c)
	}
	c = Analyse(aLogin().tokens(t), Options{}).Exchanges[0].Pairs
	if !c.Known || pairNames(c.Added) != "MsvAvFlags" || len(c.Changed)+len(c.Dropped) != 0 || c.Reordered {
		t.Errorf("%+v", c)
	}
}

func TestClock(t *testing.T) {
	server := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name  string
		pair  time.Time // MsvAvTimestamp of the client
		stamp time.Time // TimeStamp
		want  string
	}{
		{"copied", server, server, ""},
		{"its own", server, server.Add(-90 * time.Second), "info clock: TimeStamp is the client's own, 1m30s behind the server's time"},
		{"far off", server, server.Add(37 * time.Hour), "warning clock: TimeStamp is 37h0m0s ahead of the server's time"},
		{"years ago", server, time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC), "warning clock: TimeStamp is 1461 days behind the server's time"},
		{"never", server, time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), "warning clock: TimeStamp is "},
		{"of another challenge", server.Add(time.Minute), server, "warning another-challenge: "},
	} {
		l := aLogin()
		l.temp = func([]byte) ([]byte, []byte) {
			pairs := serverPairs()
			pairs[4].Value = fileTimeOf(tc.pair)
			temp := clientChallenge(ntlm.AVPairs{{ID: ntlm.AvTimestamp, Value: fileTimeOf(tc.stamp)}}, pairs.Bytes(), 4)
			return temp, temp
		}
		var got string
		for _, f := range Analyse(l.tokens(t), Options{}).Exchanges[0].Findings {
			got += f.Severity + " " + f.Code + ": " + f.Text
		}
		if !strings.HasPrefix(got, tc.want) || tc.want == "" && got != "" {
			t.Errorf("%s: %q", tc.name, got)
		}
	}
}

// TestOtherAccount: who a message logs in as is held against who it is said to be.
func TestOtherAccount(t *testing.T) {
	tokens := find(t, read(t, "exchange.http"))
	for account, other := range map[string]bool{"": false, "bob": false, "BOB": false, `.\bob`: false, `corp\bob`: false, `LAB\bob`: true, "eve": true, "bob@corp.example": true} {
		x := Analyse(tokens, Options{Account: account}).Exchanges[0]
		if got := slices.ContainsFunc(x.Findings, func(f Finding) bool { return f.Code == "other-account" }); got != other {
			t.Errorf("%s for %s of %s: %v", account, x.User, x.Domain, got)
		}
	}
}
