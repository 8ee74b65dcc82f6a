package ntlm

import (
	"encoding/hex"
	"fmt"

	"golang.org/x/crypto/md4" //lint:ignore SA1019 NTOWFv1 is MD4 by definition (3.3.1)
)

// NTOWFv1 is the MD4 of the password, what Windows keeps in place of it (3.3.1).
func NTOWFv1(password string) [16]byte {
	h := md4.New()
	h.Write(encodeUTF16(password))
	return [16]byte(h.Sum(nil))
}

// ResponseKey is [NTOWFv2] for a user and domain that stand as one name already. Who looks for what a client did wrong
// puts in the names as that client may have: the user not upper-cased, another domain.
func ResponseKey(password, name string) [16]byte {
	hash := NTOWFv1(password)
	return [16]byte(hmacMD5(hash[:], encodeUTF16(name)))
}

// SessionKeys are the keys of a session that began with an NTLMv2 response. They are as good as the password for as long
// as the session lasts.
type SessionKeys struct {
	SessionBase, KeyExchange, Exported                   [16]byte
	ClientSign, ServerSign, ClientSealing, ServerSealing [16]byte // zero without EXTENDED_SESSIONSECURITY
}

// DeriveKeys computes the keys of a session (3.1.5.1.2, 3.4.5) from the response key, the proof that was sent, and the
// EncryptedRandomSessionKey and flags of the AUTHENTICATE_MESSAGE. It is an error where the flags promise a key of the
// client's own and there is none of 16 bytes.
func DeriveKeys(ntowfv2, ntProofStr [16]byte, encrypted []byte, flags Flags) (SessionKeys, error) {
	k := SessionKeys{SessionBase: SessionBaseKey(ntowfv2, ntProofStr)}
	k.KeyExchange = k.SessionBase // 3.4.5.1, with NTLMv2
	k.Exported = k.KeyExchange
	if flags.Has(KeyExchange) && (flags&(Sign|Seal) != 0 || len(encrypted) > 0) {
		if len(encrypted) != 16 {
			return SessionKeys{}, fmt.Errorf("ntlm: EncryptedRandomSessionKey has %d bytes, not 16", len(encrypted))
		}
		k.Exported = exchangeKey(k.KeyExchange, [16]byte(encrypted))
	}
	if flags.Has(ExtendedSessionSecurity) {
		const client, server = "client-to-server", "server-to-client"
		k.ClientSign, k.ServerSign = signKey(k.Exported, client), signKey(k.Exported, server)
		k.ClientSealing, k.ServerSealing = sealKey(k.Exported, flags, client), sealKey(k.Exported, flags, server)
	}
	return k, nil
}

// String keeps the keys out of logs.
func (SessionKeys) String() string { return "***" }

// GoString keeps the keys out of logs.
func (SessionKeys) GoString() string { return "***" }

// Named lists the keys with what MS-NLMP calls them, in hexadecimal: for those who ask to see them.
func (k SessionKeys) Named() [][2]string {
	var out [][2]string
	for _, key := range []struct {
		name  string
		value [16]byte
	}{
		{"SessionBaseKey", k.SessionBase}, {"KeyExchangeKey", k.KeyExchange}, {"ExportedSessionKey", k.Exported},
		{"ClientSigningKey", k.ClientSign}, {"ServerSigningKey", k.ServerSign},
		{"ClientSealingKey", k.ClientSealing}, {"ServerSealingKey", k.ServerSealing},
	} {
		if key.value != [16]byte{} {
			out = append(out, [2]string{key.name, hex.EncodeToString(key.value[:])})
		}
	}
	return out
}

// MechListMIC is the signature with which a side protects SPNEGO's list of mechanisms, the first that it makes with the
// session's keys (MS-SPNG 3.2.5.1, 3.3.5.1). The flags must have EXTENDED_SESSIONSECURITY.
func MechListMIC(exportedSessionKey [16]byte, flags Flags, from Role, list []byte) [SignatureSize]byte {
	name := "client-to-server"
	if from == Server {
		name = "server-to-client"
	}
	d := newDirection(exportedSessionKey, flags, name)
	return d.checksum(list)
}

// DecodeText decodes a name as the flags say: UTF-16LE, or a machine's OEM code page, which is taken for windows-1252.
func DecodeText(b []byte, flags Flags) string {
	if flags.Has(Unicode) {
		return decodeUTF16(b)
	}
	return decodeOEM(b)
}
