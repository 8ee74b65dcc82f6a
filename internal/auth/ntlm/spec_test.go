package ntlm

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

// unhex decodes the dumps of MS-NLMP 4.2, written with spaces.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The messages of MS-NLMP 4.2.4.3.
const (
	specChallenge = `
4e 54 4c 4d 53 53 50 00 02 00 00 00 0c 00 0c 00 38 00 00 00 33 82 8a e2 01 23 45 67 89 ab cd ef
00 00 00 00 00 00 00 00 24 00 24 00 44 00 00 00 06 00 70 17 00 00 00 0f 53 00 65 00 72 00 76 00
65 00 72 00 02 00 0c 00 44 00 6f 00 6d 00 61 00 69 00 6e 00 01 00 0c 00 53 00 65 00 72 00 76 00
65 00 72 00 00 00 00 00`
	specAuthenticate = `
4e 54 4c 4d 53 53 50 00 03 00 00 00 18 00 18 00 6c 00 00 00 54 00 54 00 84 00 00 00 0c 00 0c 00
48 00 00 00 08 00 08 00 54 00 00 00 10 00 10 00 5c 00 00 00 10 00 10 00 d8 00 00 00 35 82 88 e2
05 01 28 0a 00 00 00 0f 44 00 6f 00 6d 00 61 00 69 00 6e 00 55 00 73 00 65 00 72 00 43 00 4f 00
4d 00 50 00 55 00 54 00 45 00 52 00 86 c3 50 97 ac 9c ec 10 25 54 76 4a 57 cc cc 19 aa aa aa aa
aa aa aa aa 68 cd 0a b8 51 e5 1c 96 aa bc 92 7b eb ef 6a 1c 01 01 00 00 00 00 00 00 00 00 00 00
00 00 00 00 aa aa aa aa aa aa aa aa 00 00 00 00 02 00 0c 00 44 00 6f 00 6d 00 61 00 69 00 6e 00
01 00 0c 00 53 00 65 00 72 00 76 00 65 00 72 00 00 00 00 00 00 00 00 00 c5 da d2 54 4f c9 79 90
94 ce 1c e9 0b c9 d0 3e`
)

// TestSpecMessages decodes the messages of 4.2.4.3 and encodes them again, byte for byte.
func TestSpecMessages(t *testing.T) {
	wire := unhex(t, specChallenge)
	c, err := ParseChallenge(wire)
	if err != nil {
		t.Fatal(err)
	}
	wantPairs := AVPairs{{AvNbDomainName, encodeUTF16("Domain")}, {AvNbComputerName, encodeUTF16("Server")}}
	if c.Flags != 0xe28a8233 || c.TargetName != "Server" || c.ServerChallenge != [8]byte{1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef} ||
		!reflect.DeepEqual(c.Pairs, wantPairs) || *c.Version != (Version{Major: 6, Build: 6000, Revision: 15}) {
		t.Errorf("challenge: %+v", c)
	}
	if again, err := c.Bytes(); err != nil || !bytes.Equal(again, wire) {
		t.Errorf("challenge encoded again: %v\n%x\n%x", err, again, wire)
	}

	wire = unhex(t, specAuthenticate)
	a, err := ParseAuthenticate(wire)
	if err != nil {
		t.Fatal(err)
	}
	if a.Flags != 0xe2888235 || a.Domain != "Domain" || a.User != "User" || a.Workstation != "COMPUTER" || a.MIC != nil ||
		*a.Version != (Version{Major: 5, Minor: 1, Build: 2600, Revision: 15}) {
		t.Errorf("authenticate: %+v", a)
	}
	if again, err := a.Bytes(); err != nil || !bytes.Equal(again, wire) {
		t.Errorf("authenticate encoded again: %v\n%x\n%x", err, again, wire)
	}
}

// TestSpecKeys computes every value of 4.2.4.1, 4.2.4.2 and 4.2.4.4 from the password.
func TestSpecKeys(t *testing.T) {
	a, err := ParseAuthenticate(unhex(t, specAuthenticate))
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseNTLMv2Response(a.NtChallengeResponse)
	if err != nil {
		t.Fatal(err)
	}
	challenge := [8]byte(unhex(t, "0123456789abcdef"))
	key := NTOWFv2("Password", "User", "Domain")
	proof := NTProofStr(key, challenge, r.Temp)
	base := SessionBaseKey(key, proof)
	exported := [16]byte(bytes.Repeat([]byte{0x55}, 16))
	encrypted := exchangeKey(base, exported)
	clientSeal, clientSign := sealKey(exported, a.Flags, "client-to-server"), signKey(exported, "client-to-server")
	for _, v := range []struct {
		name string
		got  []byte
		want string
	}{
		{"NTOWFv2 (4.2.4.1.1)", key[:], "0c 86 8a 40 3b fd 7a 93 a3 00 1e f2 2e f0 2e 3f"},
		{"SessionBaseKey (4.2.4.1.2)", base[:], "8d e4 0c ca db c1 4a 82 f1 5c b0 ad 0d e9 5c a3"},
		{"LMv2 response (4.2.4.2.1)", lmv2Response(key, challenge, r.ChallengeFromClient), "86 c3 50 97 ac 9c ec 10 25 54 76 4a 57 cc cc 19 aa aa aa aa aa aa aa aa"},
		{"NTProofStr (4.2.4.2.2)", proof[:], "68 cd 0a b8 51 e5 1c 96 aa bc 92 7b eb ef 6a 1c"},
		{"EncryptedRandomSessionKey (4.2.4.2.3)", encrypted[:], "c5 da d2 54 4f c9 79 90 94 ce 1c e9 0b c9 d0 3e"},
		{"client seal key (4.2.4.4)", clientSeal[:], "59 f6 00 97 3c c4 96 0a 25 48 0a 7c 19 6e 4c 58"},
		{"client sign key (4.2.4.4)", clientSign[:], "47 88 dc 86 1b 47 82 f3 5d 43 fd 98 fe 1a 2d 39"},
	} {
		if want := unhex(t, v.want); !bytes.Equal(v.got, want) {
			t.Errorf("%s: %x, want %x", v.name, v.got, want)
		}
	}

	s, err := NewSession(exported, a.Flags, Client)
	if err != nil {
		t.Fatal(err)
	}
	header, data, _, err := s.Seal(encodeUTF16("Plaintext"))
	if err != nil {
		t.Fatal(err)
	}
	if want := unhex(t, "54 e5 01 65 bf 19 36 dc 99 60 20 c1 81 1b 0f 06 fb 5f"); !bytes.Equal(data, want) {
		t.Errorf("GSS_WrapEx data (4.2.4.4): %x, want %x", data, want)
	}
	if want := unhex(t, "01 00 00 00 7f b3 8e c5 c5 5d 49 76 00 00 00 00"); !bytes.Equal(header, want) {
		t.Errorf("GSS_WrapEx signature (4.2.4.4): %x, want %x", header, want)
	}
}

// TestFlagNames holds the flags of 4.2.4 to their names.
func TestFlagNames(t *testing.T) {
	want := []string{"NTLMSSP_NEGOTIATE_UNICODE", "NTLM_NEGOTIATE_OEM", "NTLMSSP_NEGOTIATE_SIGN", "NTLMSSP_NEGOTIATE_SEAL",
		"NTLMSSP_NEGOTIATE_NTLM", "NTLMSSP_NEGOTIATE_ALWAYS_SIGN", "NTLMSSP_TARGET_TYPE_SERVER",
		"NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY", "NTLMSSP_NEGOTIATE_TARGET_INFO", "NTLMSSP_NEGOTIATE_VERSION",
		"NTLMSSP_NEGOTIATE_128", "NTLMSSP_NEGOTIATE_KEY_EXCH", "NTLMSSP_NEGOTIATE_56"}
	if got := Flags(0xe28a8233).Names(); !reflect.DeepEqual(got, want) {
		t.Errorf("0xe28a8233: %q", got)
	}
	if got := Flags(1<<3 | 1).String(); got != "0x00000009 UNICODE r3" {
		t.Errorf("an unnamed bit: %q", got)
	}
}
