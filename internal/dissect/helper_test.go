package dissect

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

const (
	testPassword = "S3cret-Pässw0rd"
	testFlags    = ntlm.Flags(0xe2888235)
)

// A login is one exchange, made with whatever mistakes a test wants.
type login struct {
	user, domain, password string
	keyName                string // what stands for upper-cased user and domain in the key; "" for what is right
	challenge, answered    [8]byte
	pairs                  ntlm.AVPairs // of the challenge
	added                  ntlm.AVPairs // by the client
	temp                   func(pairs []byte) (sent, computed []byte)
	mic                    func(keys ntlm.SessionKeys, n, c, a []byte) [16]byte
	noMIC                  bool // no place for one
	lm                     []byte
}

func u16(s string) []byte {
	var b []byte
	for _, c := range s {
		b = binary.LittleEndian.AppendUint16(b, uint16(c))
	}
	return b
}

func fileTimeOf(t time.Time) []byte {
	return binary.LittleEndian.AppendUint64(nil, uint64(t.Unix()+11644473600)*1e7)
}

func serverPairs() ntlm.AVPairs {
	return ntlm.AVPairs{
		{ID: ntlm.AvNbDomainName, Value: u16("CORP")}, {ID: ntlm.AvNbComputerName, Value: u16("WEB1")},
		{ID: ntlm.AvDNSDomainName, Value: u16("corp.example")}, {ID: ntlm.AvDNSComputerName, Value: u16("web1.corp.example")},
		{ID: ntlm.AvTimestamp, Value: fileTimeOf(time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC))},
	}
}

// aLogin is one without a mistake.
func aLogin() *login {
	return &login{
		user: "bob", domain: "Corp", password: testPassword, challenge: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, answered: [8]byte{1, 2, 3, 4, 5, 6, 7, 8},
		pairs: serverPairs(), added: ntlm.AVPairs{{ID: ntlm.AvFlags, Value: []byte{2, 0, 0, 0}}},
	}
}

// tokens makes the three messages.
func (l *login) tokens(t *testing.T) []*Token {
	t.Helper()
	must := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	version := &ntlm.Version{Major: 10, Build: 20348, Revision: 15}
	n := must((&ntlm.NegotiateMessage{Flags: testFlags, Version: version}).Bytes())
	c := must((&ntlm.ChallengeMessage{Flags: testFlags | ntlm.TargetTypeServer, TargetName: "WEB1", ServerChallenge: l.challenge, TargetInfo: l.pairs.Bytes(), Version: version}).Bytes())

	name := l.keyName
	if name == "" {
		name = "BOB" + l.domain
	}
	key := ntlm.ResponseKey(l.password, name)
	sent, computed := l.makeTemp()
	proof := ntlm.NTProofStr(key, l.answered, computed)
	exported := [16]byte{15: 0x77}
	keys, err := ntlm.DeriveKeys(key, proof, exported[:], testFlags)
	if err != nil {
		t.Fatal(err)
	}
	if l.lm == nil {
		l.lm = make([]byte, 24)
	}
	m := &ntlm.AuthenticateMessage{
		Flags: testFlags, LmChallengeResponse: l.lm, NtChallengeResponse: append(proof[:], sent...), Domain: l.domain, User: l.user,
		EncryptedRandomSessionKey: exported[:], Version: version,
	}
	if !l.noMIC {
		m.MIC = new([16]byte)
	}
	a := must(m.Bytes())
	if !l.noMIC {
		mic := ntlm.MIC(keys.Exported, n, c, a)
		if l.mic != nil {
			mic = l.mic(keys, n, c, a)
		}
		copy(a[72:], mic[:])
	}
	return []*Token{Dissect(n), Dissect(c), Dissect(a)}
}

func (l *login) makeTemp() (sent, computed []byte) {
	pairs := append(append(ntlm.AVPairs{}, l.pairs...), l.added...).Bytes()
	if l.temp != nil {
		return l.temp(pairs)
	}
	sent = clientChallenge(l.pairs, pairs, 4)
	return sent, sent
}

// clientChallenge is an NTLMv2_CLIENT_CHALLENGE with some zero bytes at its end.
func clientChallenge(server ntlm.AVPairs, pairs []byte, zeros int) []byte {
	temp := []byte{1, 1, 0, 0, 0, 0, 0, 0}
	stamp, ok := server.Get(ntlm.AvTimestamp)
	if !ok {
		stamp = fileTimeOf(time.Date(2024, 2, 29, 12, 0, 5, 0, time.UTC))
	}
	temp = append(temp, stamp...)
	temp = append(temp, 9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0)
	return append(append(temp, pairs...), make([]byte, zeros)...)
}
