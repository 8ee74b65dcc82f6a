package ntlm

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/recorded"
)

// TestDeriveKeys follows 4.2.4 from the password and what was sent to every key of the session.
func TestDeriveKeys(t *testing.T) {
	key := ResponseKey("Password", "USERDomain")
	if key != NTOWFv2("Password", "User", "Domain") {
		t.Errorf("ResponseKey: %x", key)
	}
	if got, want := NTOWFv1("Password"), unhex(t, "a4 f4 9c 40 65 10 bd ca b6 82 4e e7 c3 0f d8 52"); !bytes.Equal(got[:], want) {
		t.Errorf("NTOWFv1 (4.2.2.1.2): %x", got)
	}
	proof := [16]byte(unhex(t, "68 cd 0a b8 51 e5 1c 96 aa bc 92 7b eb ef 6a 1c"))
	encrypted := unhex(t, "c5 da d2 54 4f c9 79 90 94 ce 1c e9 0b c9 d0 3e")
	keys, err := DeriveKeys(key, proof, encrypted, 0xe2888235)
	if err != nil {
		t.Fatal(err)
	}
	named := keys.Named()
	for i, want := range [][2]string{
		{"SessionBaseKey", "8de40ccadbc14a82f15cb0ad0de95ca3"},
		{"KeyExchangeKey", "8de40ccadbc14a82f15cb0ad0de95ca3"},
		{"ExportedSessionKey", strings.Repeat("55", 16)},
		{"ClientSigningKey", "4788dc861b4782f35d43fd98fe1a2d39"},
		{"ServerSigningKey", ""}, // the specification does not print it
		{"ClientSealingKey", "59f600973cc4960a25480a7c196e4c58"},
	} {
		if named[i][0] != want[0] || want[1] != "" && named[i][1] != want[1] {
			t.Errorf("%v, want %v", named[i], want)
		}
	}
	if len(named) != 7 || keys.ServerSign == keys.ClientSign || keys.ServerSealing == keys.ClientSealing {
		t.Errorf("%d keys: %v", len(named), named)
	}

	for flags, wants := range map[Flags]struct {
		encrypted []byte
		exported  [16]byte
		failure   bool
	}{
		0xe2888235 &^ KeyExchange:   {nil, keys.KeyExchange, false},
		0xe2888235 &^ (Sign | Seal): {nil, keys.KeyExchange, false}, // 3.1.5.1.2: no key of its own then
		0xe2888235:                  {encrypted[:15], [16]byte{}, true},
		0xe2888235 &^ Seal:          {nil, [16]byte{}, true},
		0xe2888235 &^ (Negotiate128 | TargetTypeServer):   {encrypted, keys.Exported, false},
		0xe2888235&^ExtendedSessionSecurity | Negotiate56: {encrypted, keys.Exported, false},
	} {
		got, err := DeriveKeys(key, proof, wants.encrypted, flags)
		if got.Exported != wants.exported || (err != nil) != wants.failure {
			t.Errorf("%v: %s, %v", flags, got.Named(), err)
		}
		if !flags.Has(ExtendedSessionSecurity) && len(got.Named()) != 3 {
			t.Errorf("%v: keys of extended session security: %v", flags, got.Named())
		}
	}
}

// TestKeysStaySecret: keys are shown only by Named.
func TestKeysStaySecret(t *testing.T) {
	k := SessionKeys{Exported: [16]byte(bytes.Repeat([]byte{0xab}, 16))}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, k); got != "***" {
			t.Errorf("%s: %s", verb, got)
		}
	}
	if !reflect.DeepEqual(k.Named(), [][2]string{{"ExportedSessionKey", strings.Repeat("ab", 16)}}) {
		t.Errorf("%v", k.Named())
	}
}

// TestMechListMIC is held to another implementation's.
func TestMechListMIC(t *testing.T) {
	var f struct {
		Vectors []struct {
			Type3     string `json:"ntlm_type3"`
			MechTypes string `json:"mech_type_list_der"`
			ClientMIC string `json:"client_mechListMIC"`
			ServerMIC string `json:"server_mechListMIC"`
			Exported  string `json:"exported_session_key"`
		}
	}
	recorded.JSON(t, "recordings/ntlm/spnego-wrapped-generated.json", &f)
	for _, v := range f.Vectors {
		m, err := ParseAuthenticate(unhex(t, v.Type3))
		if err != nil {
			t.Fatal(err)
		}
		exported, list := [16]byte(unhex(t, v.Exported)), unhex(t, v.MechTypes)
		for role, want := range map[Role]string{Client: v.ClientMIC, Server: v.ServerMIC} {
			if got := MechListMIC(exported, m.Flags, role, list); !bytes.Equal(got[:], unhex(t, want)) {
				t.Errorf("role %d: %x, want %s", role, got, want)
			}
		}
	}
}

func TestDecodeText(t *testing.T) {
	if got := DecodeText([]byte{'b', 0, 0xac, 0x20}, Unicode); got != "b€" {
		t.Errorf("%q", got)
	}
	if got := DecodeText([]byte{'b', 0x80}, OEM); got != "b€" {
		t.Errorf("%q", got)
	}
}
