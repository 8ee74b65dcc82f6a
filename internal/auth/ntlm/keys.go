package ntlm

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rc4"
	"strings"
)

const md5Size = md5.Size

// NTOWFv2 is the key that an NTLMv2 password stands for (3.3.2): the user name upper-cased, the domain as it is.
func NTOWFv2(password, user, domain string) [16]byte {
	return ResponseKey(password, strings.ToUpper(user)+domain)
}

// NTProofStr computes the proof over the server's challenge and temp (3.3.2).
func NTProofStr(ntowfv2 [16]byte, serverChallenge [8]byte, temp []byte) [16]byte {
	return [16]byte(hmacMD5(ntowfv2[:], serverChallenge[:], temp))
}

// SessionBaseKey derives the session's first key from the proof (3.3.2). With NTLMv2 it is also the KeyExchangeKey (3.4.5.1).
func SessionBaseKey(ntowfv2, ntProofStr [16]byte) [16]byte {
	return [16]byte(hmacMD5(ntowfv2[:], ntProofStr[:]))
}

// lmv2Response is the LmChallengeResponse for a challenge without a timestamp (3.3.2).
func lmv2Response(ntowfv2 [16]byte, serverChallenge, clientChallenge [8]byte) []byte {
	return append(hmacMD5(ntowfv2[:], serverChallenge[:], clientChallenge[:]), clientChallenge[:]...)
}

// MIC computes the message integrity code over the three messages (3.1.5.1.2); the MIC field of authenticate counts as zero.
func MIC(exportedSessionKey [16]byte, negotiate, challenge, authenticate []byte) [16]byte {
	zeroed := append([]byte(nil), authenticate...)
	if len(zeroed) >= authenticateFixed {
		clear(zeroed[micOffset:authenticateFixed])
	}
	return [16]byte(hmacMD5(exportedSessionKey[:], negotiate, challenge, zeroed))
}

// exchangeKey encrypts or decrypts the ExportedSessionKey under the KeyExchangeKey (3.1.5.1.2: RC4K).
func exchangeKey(keyExchangeKey, key [16]byte) [16]byte {
	var out [16]byte
	newRC4(keyExchangeKey[:]).XORKeyStream(out[:], key[:])
	return out
}

// signKey and sealKey are SIGNKEY and SEALKEY (3.4.5.2, 3.4.5.3) for EXTENDED_SESSIONSECURITY; direction is
// "client-to-server" or "server-to-client".
func signKey(exportedSessionKey [16]byte, direction string) [16]byte {
	return md5.Sum([]byte(string(exportedSessionKey[:]) + "session key to " + direction + " signing key magic constant\x00"))
}

func sealKey(exportedSessionKey [16]byte, flags Flags, direction string) [16]byte {
	key := exportedSessionKey[:]
	switch {
	case flags.Has(Negotiate128):
	case flags.Has(Negotiate56):
		key = key[:7]
	default:
		key = key[:5]
	}
	return md5.Sum([]byte(string(key) + "session key to " + direction + " sealing key magic constant\x00"))
}

// ChannelBindings is the value of MsvAvChannelBindings: the MD5 of a gss_channel_bindings_struct that holds only
// application data, for TLS "tls-server-end-point:" and a hash (2.2.2.1, RFC 2744 3.11, RFC 5929 4.1).
func ChannelBindings(applicationData []byte) [16]byte {
	// initiator and acceptor address types and lengths, all zero, then the length of the application data
	bindings := make([]byte, 20, 20+len(applicationData))
	n := len(applicationData)
	bindings[16], bindings[17], bindings[18], bindings[19] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
	return md5.Sum(append(bindings, applicationData...))
}

func hmacMD5(key []byte, data ...[]byte) []byte {
	mac := hmac.New(md5.New, key)
	for _, d := range data {
		mac.Write(d)
	}
	return mac.Sum(nil)
}

func newRC4(key []byte) *rc4.Cipher {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic("ntlm: " + err.Error()) // only a key of 0 or more than 256 bytes is refused; ours have 16
	}
	return c
}
