package ntlm

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/winrmctl/winrmctl/internal/recorded"
)

// TestRecordedLogin verifies the login of a real host's session: proof, key exchange and MIC from the password alone.
func TestRecordedLogin(t *testing.T) {
	var s struct {
		Credentials                      struct{ User, Domain, Password string }
		Type1, Type2, Type3              string
		NtProofStr, NTOWFv2              string
		ExportedSessionKey               string `json:"exported_session_key"`
		ClientSignKey                    string `json:"client_sign_key"`
		ServerSignKey                    string `json:"server_sign_key"`
		ClientSealKey                    string `json:"client_seal_key"`
		ServerSealKey                    string `json:"server_seal_key"`
		Mic                              string
		EncryptedRandomSessionKey, Flags string
	}
	recorded.JSON(t, "recordings/sealed-session/session.json", &s)
	negotiate, challenge, authenticate := unhex(t, s.Type1), unhex(t, s.Type2), unhex(t, s.Type3)

	c, err := ParseChallenge(challenge)
	if err != nil {
		t.Fatal(err)
	}
	if c.Flags.Has(Unicode) || c.TargetName != "VAGRANT-CFGTV38" || c.Pairs.Text(AvNbComputerName) != "VAGRANT-CFGTV38" {
		t.Errorf("challenge with OEM strings: %+v", c)
	}
	if again, err := c.Bytes(); err != nil || !bytes.Equal(again, challenge) {
		t.Errorf("challenge encoded again: %v\n%x\n%x", err, again, challenge)
	}
	m, err := ParseAuthenticate(authenticate)
	if err != nil {
		t.Fatal(err)
	}
	if m.User != "vagrant" || m.Domain != "" {
		t.Errorf("account: %q %q", m.User, m.Domain)
	}

	// The acceptor is given the recorded challenge, and the password; it must accept what a real host accepted.
	accept := func(password string) (*AcceptorExchange, error) {
		a := NewAcceptor(AcceptorConfig{Password: func(user, domain string) (string, bool) { return password, user == "vagrant" }})
		a.negotiate, a.challenge, a.sent = negotiate, challenge, c
		return a, a.Accept(authenticate)
	}
	a, err := accept(s.Credentials.Password)
	if err != nil {
		t.Fatal(err)
	}
	flags := m.Flags
	for _, k := range []struct {
		name string
		got  [16]byte
		want string
	}{
		{"ExportedSessionKey", a.exported, s.ExportedSessionKey},
		{"client sign key", signKey(a.exported, "client-to-server"), s.ClientSignKey},
		{"server sign key", signKey(a.exported, "server-to-client"), s.ServerSignKey},
		{"client seal key", sealKey(a.exported, flags, "client-to-server"), s.ClientSealKey},
		{"server seal key", sealKey(a.exported, flags, "server-to-client"), s.ServerSealKey},
		{"MIC", MIC(a.exported, negotiate, challenge, authenticate), s.Mic},
	} {
		if hex.EncodeToString(k.got[:]) != k.want {
			t.Errorf("%s: %x, want %s", k.name, k.got, k.want)
		}
	}
	if _, err := accept("other"); err == nil || err.(*LogonError).Reason != ReasonProof {
		t.Errorf("another password: %v", err)
	}
	authenticate[len(authenticate)-30] ^= 1 // within the AV pairs or the key: proof or MIC must notice
	if _, err := accept(s.Credentials.Password); err == nil {
		t.Error("an altered message is accepted")
	}
}

// TestRecordedMICOfSPNEGO checks signatures of clear messages, and the fresh RC4 states after them, against another implementation.
func TestRecordedMICOfSPNEGO(t *testing.T) {
	var f struct {
		Vectors []struct {
			Name              string
			Type3             string `json:"ntlm_type3"`
			MechTypes         string `json:"mech_type_list_der"`
			ClientMIC         string `json:"client_mechListMIC"`
			ServerMIC         string `json:"server_mechListMIC"`
			Exported          string `json:"exported_session_key"`
			ApplicationData   string `json:"channel_bindings_application_data_hex"`
			User, Domain      string
			Password, NTOWFv2 string
			Messages          []struct {
				From, Signature string
				Plaintext       string
				PlaintextFile   string `json:"plaintext_file"`
				Sealed          string `json:"sealed_hex"`
			}
		}
	}
	recorded.JSON(t, "recordings/ntlm/spnego-wrapped-generated.json", &f)
	if len(f.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range f.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			m, err := ParseAuthenticate(unhex(t, v.Type3))
			if err != nil {
				t.Fatal(err)
			}
			if key := NTOWFv2(v.Password, v.User, v.Domain); hex.EncodeToString(key[:]) != v.NTOWFv2 {
				t.Errorf("NTOWFv2 of a password that is not ASCII: %x", key)
			}
			r, err := ParseNTLMv2Response(m.NtChallengeResponse)
			if err != nil {
				t.Fatal(err)
			}
			if sent, ok := r.Pairs.Get(AvChannelBindings); ok {
				if want := ChannelBindings(unhex(t, v.ApplicationData)); !bytes.Equal(sent, want[:]) {
					t.Errorf("MsvAvChannelBindings %x, want %x", sent, want)
				}
			}
			exported := [16]byte(unhex(t, v.Exported))
			client, err1 := NewSession(exported, m.Flags, Client)
			server, err2 := NewSession(exported, m.Flags, Server)
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			mechs := unhex(t, v.MechTypes)
			if got := client.SignMechList(mechs); hex.EncodeToString(got) != v.ClientMIC {
				t.Errorf("client's mechListMIC %x, want %s", got, v.ClientMIC)
			}
			if err := server.VerifyMechList(mechs, unhex(t, v.ClientMIC)); err != nil {
				t.Error(err)
			}
			if got := server.SignMechList(mechs); hex.EncodeToString(got) != v.ServerMIC {
				t.Errorf("server's mechListMIC %x, want %s", got, v.ServerMIC)
			}
			if err := client.VerifyMechList(mechs, unhex(t, v.ServerMIC)); err != nil {
				t.Error(err)
			}
			for i, msg := range v.Messages {
				plain := []byte(msg.Plaintext)
				if msg.PlaintextFile != "" {
					plain = recorded.File(t, "recordings/sealed-session/"+filepath.Base(msg.PlaintextFile))
				}
				from := client
				if msg.From == "server" {
					from = server
				}
				header, data, _, err := from.Seal(plain)
				if err != nil || hex.EncodeToString(header) != msg.Signature || hex.EncodeToString(data) != msg.Sealed {
					t.Errorf("message %d: %v: signature %x, want %s", i, err, header, msg.Signature)
				}
			}
		})
	}
}

// TestRecordedChannelBindings computes MsvAvChannelBindings from the gss_channel_bindings structures of real certificates.
func TestRecordedChannelBindings(t *testing.T) {
	var f struct {
		Vectors []struct {
			Name, Hash string
			EndPoint   string `json:"tls_server_end_point"`
			MD5        string `json:"ntlm_av_channel_bindings_md5"`
		}
	}
	recorded.JSON(t, "recordings/ntlm/channel-bindings-certificates.json", &f)
	for _, v := range f.Vectors {
		got := ChannelBindings(append([]byte("tls-server-end-point:"), unhex(t, v.EndPoint)...))
		if hex.EncodeToString(got[:]) != v.MD5 {
			t.Errorf("%s: %x, want %s", v.Name, got, v.MD5)
		}
	}
}

// TestFoundingCase decodes the message that this tool was founded on, as its table reads.
func TestFoundingCase(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(recorded.Dir(t), "ntlm-case.md"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseAuthenticate(unbase64(t, regexp.MustCompile("TlRMTVNTUAAD[A-Za-z0-9+/=]+").FindString(string(text))))
	if err != nil {
		t.Fatal(err)
	}
	if m.Domain != "TARDIS" || m.User != "solind" || m.Workstation != "TARDIS" || m.Flags != 0xe2888215 || m.Version.String() != "6.1.7601" ||
		m.MIC == nil || hex.EncodeToString(m.MIC[:]) != "b15c1c0a91f995cbb3c5a11bc335906e" || len(m.NtChallengeResponse) != 238 {
		t.Errorf("%+v", m)
	}
	r, err := ParseNTLMv2Response(m.NtChallengeResponse)
	if err != nil {
		t.Fatal(err)
	}
	want := []AVID{AvNbDomainName, AvNbComputerName, AvDNSDomainName, AvDNSComputerName, AvTimestamp, AvFlags, AvSingleHost, AvChannelBindings, AvTargetName}
	for i, pair := range r.Pairs {
		if i >= len(want) || pair.ID != want[i] {
			t.Fatalf("pair %d is %v", i, pair.ID)
		}
	}
	if len(r.Pairs) != len(want) || r.Pairs.Text(AvTargetName) != "HTTP/TARDIS" || r.Pairs.Flags() != AvFlagMICProvided ||
		hex.EncodeToString(r.NTProofStr[:]) != "af61995cadd9356dfd97ee4208876f87" || hex.EncodeToString(r.ChallengeFromClient[:]) != "63844ecdcaf8615f" {
		t.Errorf("%+v", r)
	}
}
