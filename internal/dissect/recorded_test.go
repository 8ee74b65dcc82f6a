package dissect

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
	"github.com/winrmctl/winrmctl/internal/recorded"
)

// fieldsOf lists a message's fields by name; of those with one name the first.
func fieldsOf(m Message) map[string]*Field {
	all := map[string]*Field{}
	walk(m.Fields, func(f *Field) {
		if all[f.Name] == nil {
			all[f.Name] = f
		}
	})
	return all
}

// TestFoundingCase: the message that this tool was founded on comes out as its table says, row by row.
func TestFoundingCase(t *testing.T) {
	input, err := os.ReadFile(filepath.Join(recorded.Dir(t), "ntlm-case.md"))
	if err != nil {
		t.Fatal(err)
	}
	tokens := find(t, input)
	if len(tokens) != 1 || len(tokens[0].Problems()) > 0 {
		t.Fatalf("%d tokens", len(tokens))
	}
	m := tokens[0].Messages[0]
	f := fieldsOf(m)
	at := func(name string) string { return fmt.Sprintf("%d bytes at 0x%x", len(f[name].Raw), f[name].Offset) }
	var pairs []string
	for _, pair := range f["AvPairs"].Fields {
		pairs = append(pairs, pair.Name)
	}
	changes := Analyse(tokens, Options{}).Exchanges[0].Pairs
	rows := map[string]func() string{
		"type":                func() string { return strings.TrimSuffix(f["MessageType"].Value, "_MESSAGE") },
		"LmChallengeResponse": func() string { return at("LmChallengeResponse") + ", all " + f["LmChallengeResponse"].Value[:4] },
		"NtChallengeResponse": func() string { return at("NtChallengeResponse") },
		"DomainName / UserName / Workstation": func() string {
			var all []string
			for _, name := range []string{"DomainName", "UserName", "Workstation"} {
				all = append(all, fmt.Sprintf("%s at 0x%x", f[name].Value, f[name].Offset))
			}
			return strings.Join(all, " / ")
		},
		"EncryptedRandomSessionKey": func() string { return at("EncryptedRandomSessionKey") },
		"NegotiateFlags": func() string {
			text := f["NegotiateFlags"].Value + ":"
			for _, b := range f["NegotiateFlags"].Bits {
				text += " " + strings.TrimPrefix(strings.TrimPrefix(b.Name, "NTLMSSP_"), "NEGOTIATE_")
			}
			return text
		},
		"Version": func() string {
			return f["Version"].Value + " (" + strings.TrimSuffix(strings.Split(f["Version"].Note, ",")[0], " SP1") + ")"
		},
		"MIC":                  func() string { return hex.EncodeToString(f["MIC"].Raw) },
		"NTProofStr":           func() string { return hex.EncodeToString(f["NTProofStr"].Raw) },
		"RespType, HiRespType": func() string { return f["RespType"].Value + ", " + f["HiRespType"].Value },
		"TimeStamp":            func() string { return hex.EncodeToString(f["TimeStamp"].Raw) },
		"ChallengeFromClient":  func() string { return hex.EncodeToString(f["ChallengeFromClient"].Raw) },
		"AV pairs, in order": func() string {
			text := map[string]string{
				"MsvAvTimestamp": "", "MsvAvEOL": "", "MsvAvFlags": f["MsvAvFlags"].Value + " (MIC present)",
				"MsvAvSingleHost": "48 bytes", "MsvAvChannelBindings": "all zero (none)",
			}
			if n := len(f["MsvAvSingleHost"].Raw) - 4; n != 48 || f["MsvAvChannelBindings"].Value != "zero: none" || f["MsvAvFlags"].Bits[0].Name != "MIC" {
				t.Errorf("%d bytes, %+v, %+v", n, f["MsvAvChannelBindings"], f["MsvAvFlags"])
			}
			var all []string
			for _, name := range pairs {
				value, ok := text[name]
				if !ok {
					value = f[name].Value
				}
				all = append(all, strings.TrimSpace(name+" "+value))
			}
			return strings.Join(all, "; ")
		},
		"the client added": func() string { return pairNames(changes.Added) },
	}
	for _, row := range regexp.MustCompile(`(?m)^\| (.+?) \| (.+) \|$`).FindAllStringSubmatch(string(input), -1) {
		name, want, _ := strings.Cut(row[0][2:len(row[0])-2], " | ")
		if name == "field" {
			continue
		}
		got, ok := rows[name]
		if !ok {
			t.Errorf("the table has %q: what is it?", name)
			continue
		}
		if text := got(); text != want && !strings.HasPrefix(want, text+" (the challenge held") {
			t.Errorf("%s: %s\nwant %s", name, text, want)
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("the table does not have %s", name)
	}
	if changes.Known {
		t.Error("without the challenge it is a guess what the client added")
	}
}

// sealedSession reads the login of a real host's session, as it was captured.
func sealedSession(t *testing.T) []*Token {
	var capture []byte
	for _, part := range []string{"00-request", "01-response", "02-request", "03-response"} {
		capture = append(capture, recorded.File(t, "recordings/sealed-session/"+part+"-handshake.http")...)
	}
	tokens := find(t, capture)
	if len(tokens) != 3 {
		t.Fatalf("%d tokens", len(tokens))
	}
	return tokens
}

// TestRecordedLogin verifies the login of a real host's session, and fails in the right words where something is altered.
func TestRecordedLogin(t *testing.T) {
	var s struct {
		Credentials struct{ User, Domain, Password string }
		Exported    string `json:"exported_session_key"`
		ClientSign  string `json:"client_sign_key"`
		ServerSign  string `json:"server_sign_key"`
		ClientSeal  string `json:"client_seal_key"`
		ServerSeal  string `json:"server_seal_key"`
		SessionBase string `json:"session_base_key"`
	}
	recorded.JSON(t, "recordings/sealed-session/session.json", &s)
	tokens := sealedSession(t)
	authenticate, err := ntlm.ParseAuthenticate(tokens[2].Raw)
	if err != nil {
		t.Fatal(err)
	}
	inDomain := *authenticate
	inDomain.Domain = "LAB"
	otherDomain, err := inDomain.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	otherChallenge := append([]byte(nil), tokens[1].Raw...)
	otherChallenge[24] ^= 1
	olderChallenge := append([]byte(nil), otherChallenge...)
	olderChallenge[0xcf+4] ^= 1 // MsvAvTimestamp
	altered := append([]byte(nil), tokens[2].Raw...)
	altered[0x80] ^= 0x20
	flagged := append([]byte(nil), tokens[2].Raw...)
	flagged[0x3c+1] ^= 0x10 // a flag that nothing but the MIC protects

	for _, tc := range []struct {
		name, password          string
		challenge, authenticate []byte // nil: as recorded
		proof, mic              Result
		words                   string
		mistakes                string
	}{
		{name: "as recorded", password: s.Credentials.Password, proof: Right, mic: Right, words: "the password, user, domain and challenge fit"},
		{name: "another password", password: "other", proof: Wrong, mic: Unchecked, words: "(a guess: the password, because the AV pairs are those of this challenge)"},
		{name: "a newline too much", password: s.Credentials.Password + " ", proof: Wrong, mic: Right,
			words: "computed with the given password without the spaces around it", mistakes: "password-trimmed"},
		{name: "another domain", password: s.Credentials.Password, authenticate: otherDomain, proof: Wrong, mic: Wrong,
			words: `computed with an empty domain, where the message says "LAB"`, mistakes: "domain-empty"},
		{name: "another challenge", password: s.Credentials.Password, challenge: otherChallenge, proof: Wrong, mic: Unchecked,
			words: "another password, or a challenge from another exchange, which cannot be told apart (a guess: the password"},
		{name: "another challenge of another time", password: s.Credentials.Password, challenge: olderChallenge, proof: Wrong, mic: Unchecked,
			words: "(a guess: the challenge, because the response carries the timestamp of another one)"},
		{name: "an altered response", password: s.Credentials.Password, authenticate: altered, proof: Wrong, mic: Unchecked, words: "none of the usual mistakes explains it"},
		{name: "an altered flag", password: s.Credentials.Password, authenticate: flagged, proof: Right, mic: Wrong,
			words: "one of the three messages is not as it was sent"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			input := []*Token{tokens[0], tokens[1], tokens[2]}
			if tc.challenge != nil {
				input[1] = Dissect(tc.challenge)
			}
			if tc.authenticate != nil {
				input[2] = Dissect(tc.authenticate)
			}
			report := Analyse(input, Options{Password: &tc.password, Keys: true})
			x := report.Exchanges[0]
			results, said, mistakes := map[string]Result{}, "", ""
			for _, c := range x.Checks {
				results[c.Name] = c.Result
				said += c.String() + "\n"
				for _, m := range c.Mistakes {
					mistakes += m.Code
				}
			}
			if results[CheckProof] != tc.proof || results[CheckMIC] != tc.mic || !strings.Contains(said, tc.words) || mistakes != tc.mistakes {
				t.Errorf("%v %q\n%s", results, mistakes, said)
			}
			if tc.proof == Right != (x.Keys != nil) {
				t.Errorf("keys are told: %v", x.Keys != nil)
			}
			if tc.proof == Right {
				want := fmt.Sprint([][2]string{{"SessionBaseKey", s.SessionBase}, {"KeyExchangeKey", s.SessionBase}, {"ExportedSessionKey", s.Exported},
					{"ClientSigningKey", s.ClientSign}, {"ServerSigningKey", s.ServerSign}, {"ClientSealingKey", s.ClientSeal}, {"ServerSealingKey", s.ServerSeal}})
				if got := fmt.Sprint(x.Keys.Named()); got != want {
					t.Errorf("keys %s, want %s", got, want)
				}
			}
			if _, failed := report.Verified(); (len(failed) > 0) != (tc.proof == Wrong || tc.mic == Wrong) {
				t.Errorf("failed: %v", failed)
			}
		})
	}

	// The challenge of the other exchange, given beside the file.
	report := Analyse(tokens, Options{Password: &s.Credentials.Password, Challenge: Dissect(otherChallenge)})
	if check := report.Exchanges[0].Checks[0]; check.Result != Wrong || len(check.Mistakes) != 1 || check.Mistakes[0].Code != "challenge-stale" {
		t.Errorf("the file has the right challenge: %+v", check)
	}
}

// TestRecordedFields holds every field of the recorded messages to what another implementation read.
func TestRecordedFields(t *testing.T) {
	type pair struct {
		ID    int
		Value string `json:"value_hex"`
		Text  string
	}
	var f struct {
		Vectors []struct {
			Name, Password string
			Tokens         []struct{ From, Hex string }
			Parsed         struct {
				Challenge struct {
					Flags, ServerChallenge, TargetName string
					Pairs                              []pair `json:"av_pairs"`
				}
				Authenticate struct {
					Flags, Domain, User, Workstation, Mic string
					NtProof                               string `json:"nt_proof_str"`
					ClientChallenge                       string `json:"client_challenge"`
					Key                                   string `json:"encrypted_random_session_key"`
					Pairs                                 []pair `json:"av_pairs"`
				}
			}
		}
	}
	recorded.JSON(t, "recordings/ntlm/spnego-wrapped-generated.json", &f)
	if len(f.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range f.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			var lines string
			for _, token := range v.Tokens {
				lines += token.Hex + "\n"
			}
			tokens := find(t, []byte(lines))
			names := []string{"SPNEGO NegTokenInit, NTLM NEGOTIATE_MESSAGE", "SPNEGO NegTokenResp, NTLM CHALLENGE_MESSAGE",
				"SPNEGO NegTokenResp, NTLM AUTHENTICATE_MESSAGE", "SPNEGO NegTokenResp"}
			if len(tokens) != len(names) {
				t.Fatalf("%d tokens", len(tokens))
			}
			for i, token := range tokens {
				if token.Name() != names[i] || len(token.Problems()) > 0 {
					t.Errorf("token %d: %s, %v", i+1, token.Name(), token.Problems())
				}
			}
			a, want := fieldsOf(tokens[2].Messages[1]), v.Parsed.Authenticate
			for name, value := range map[string]string{
				"DomainName": want.Domain, "UserName": want.User, "Workstation": want.Workstation, "NegotiateFlags": want.Flags,
			} {
				if a[name].Value != value {
					t.Errorf("%s: %q, want %q", name, a[name].Value, value)
				}
			}
			for name, value := range map[string]string{
				"MIC": want.Mic, "NTProofStr": want.NtProof, "ChallengeFromClient": want.ClientChallenge, "EncryptedRandomSessionKey": want.Key,
			} {
				if got := hex.EncodeToString(a[name].Raw); got != value {
					t.Errorf("%s: %s, want %s", name, got, value)
				}
			}
			c := fieldsOf(tokens[1].Messages[1])
			if got := v.Parsed.Challenge; c["NegotiateFlags"].Value != got.Flags || c["TargetName"].Value != "VM" {
				t.Errorf("challenge: %+v", got)
			}
			for _, list := range []struct {
				got  []Field
				want []pair
			}{{a["AvPairs"].Fields, want.Pairs}, {c["TargetInfo"].Fields, v.Parsed.Challenge.Pairs}} {
				for i, p := range list.want {
					f := list.got[i]
					if f.Name != ntlm.AVID(p.ID).String() || hex.EncodeToString(f.Raw[4:]) != p.Value || p.Text != "" && f.Value != p.Text {
						t.Errorf("pair %d: %s %s %x, want %+v", i, f.Name, f.Value, f.Raw, p)
					}
				}
				if len(list.got) != len(list.want) {
					t.Errorf("%d pairs, want %d", len(list.got), len(list.want))
				}
			}
			report := Analyse(tokens, Options{Password: &v.Password})
			var results []string
			for _, check := range report.Exchanges[0].Checks {
				results = append(results, check.Name+" "+string(check.Result))
			}
			if got := strings.Join(results, ", "); got != "NTProofStr right, MIC right, mechListMIC of the client right, mechListMIC of the server right" {
				t.Error(got)
			}
			// This acceptor announces a version and leaves it out: the payload begins in its place.
			if c["Version"] != nil || len(tokens[1].Findings) != 1 || tokens[1].Findings[0].Code != "no-version" {
				t.Errorf("%+v", tokens[1].Findings)
			}
		})
	}
}

// TestRecordedRefusals reads tokens out of whole requests and answers, bodies included.
func TestRecordedRefusals(t *testing.T) {
	dir := filepath.Join(recorded.Dir(t), "recordings", "http")
	files, err := filepath.Glob(filepath.Join(dir, "*s03*.http"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	var capture []byte
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		capture = append(append(capture, b...), '\n')
	}
	var types []string
	tokens := find(t, capture)
	for i, token := range tokens {
		types = append(types, strconv.Itoa(i+1)+" "+token.Messages[0].Type)
	}
	if got := strings.Join(types, ", "); got != "1 NEGOTIATE_MESSAGE, 2 CHALLENGE_MESSAGE, 3 AUTHENTICATE_MESSAGE" {
		t.Error(got)
	}
	if x := Analyse(tokens, Options{}).Exchanges; len(x) != 1 || x[0].Challenge == nil || !x[0].Pairs.Known {
		t.Errorf("%+v", x)
	}
}
