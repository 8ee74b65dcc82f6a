package dissect

import (
	"crypto/des"
	"crypto/hmac"
	"crypto/md5"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// ntlmv1Response is the NtChallengeResponse of NTLMv1 (3.3.1). clientChallenge is nil without extended session security.
func ntlmv1Response(password string, serverChallenge, clientChallenge []byte) []byte {
	hash := ntlm.NTOWFv1(password)
	if clientChallenge == nil {
		return desl(hash, serverChallenge)
	}
	both := md5.Sum(append(append([]byte(nil), serverChallenge...), clientChallenge...))
	return desl(hash, both[:8])
}

// desl encrypts eight bytes with three keys of 7, 7 and 2 bytes (section 6).
func desl(key [16]byte, data []byte) []byte {
	padded := append(append([]byte(nil), key[:]...), 0, 0, 0, 0, 0)
	out := make([]byte, 24)
	for i := range 3 {
		block, err := des.NewCipher(desKey([7]byte(padded[7*i:])))
		if err != nil {
			panic("dissect: " + err.Error()) // only a key that has not eight bytes is refused
		}
		block.Encrypt(out[8*i:], data)
	}
	return out
}

// desKey spreads 56 bits over the upper seven of eight bytes; DES does not look at the lowest, the parity.
func desKey(k [7]byte) []byte {
	key := make([]byte, 8)
	for i := range 56 {
		if k[i/8]&(0x80>>(i%8)) != 0 {
			key[i/7] |= 0x80 >> (i % 7)
		}
	}
	return key
}

// verifyV1 checks an NTLMv1 response: its key knows neither user nor domain.
func (x *Exchange) verifyV1(password string, known []*challenge) {
	a := x.authenticate
	if len(a.nt) < a.ntLength {
		x.check(CheckNTLMv1, Unchecked, "the message ends before the response does", "")
		return
	}
	var clientChallenge []byte
	if a.sessionSecurityV1() {
		clientChallenge = a.lm[:8]
	}
	var best []Mistake
	found := false
	for _, password := range passwords(password) {
		for _, challenge := range x.challenges(known) {
			made := made(password.mistake, challenge.mistake)
			if found && len(made) >= len(best) {
				continue
			}
			if hmac.Equal(ntlmv1Response(password.value, challenge.value.serverChallenge, clientChallenge), a.nt) {
				best, found = made, true
			}
		}
	}
	switch {
	case !found:
		x.check(CheckNTLMv1, Wrong, "none of the usual mistakes explains it: another password, or a challenge from another exchange, which cannot be told apart",
			"look at the password first; and WinRM refuses NTLMv1 all the same")
	case len(best) > 0:
		x.explained(CheckNTLMv1, best)
	default:
		x.check(CheckNTLMv1, Right, "the password and challenge fit, and WinRM refuses NTLMv1 all the same", "")
	}
}
