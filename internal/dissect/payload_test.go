package dissect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// messages are whole ones of each type, with all fields.
func messages(t testing.TB) map[string][]byte {
	all := map[string][]byte{}
	for _, file := range []string{"ms-nlmp-4.2.2.txt", "ms-nlmp-4.2.4.txt", "exchange.http", "spnego.txt", "ms-spng-4.txt"} {
		for i, token := range find(t, read(t, file)) {
			all[fmt.Sprintf("%s %d", file, i+1)] = token.Raw
		}
	}
	return all
}

// leaves lists the fields that have no parts, with their bytes and values.
func leaves(token *Token) []string {
	var all []string
	for i, m := range token.Messages {
		walk(m.Fields, func(f *Field) {
			if len(f.Fields) == 0 && f.Problem == nil {
				all = append(all, fmt.Sprintf("%d %s 0x%x %x %s", i, f.Name, f.Offset, f.Raw, f.Value))
			}
		})
	}
	return all
}

// TestTruncated cuts messages short at every byte: they are decoded as far as they go, and where they end is said.
func TestTruncated(t *testing.T) {
	for name, whole := range messages(t) {
		t.Run(name, func(t *testing.T) {
			known := leaves(Dissect(whole))
			before := 0
			for n := 16; n < len(whole); n++ {
				token := Dissect(whole[:n])
				problems := token.Problems()
				if len(problems) == 0 && !wholeAt(whole, n) {
					t.Errorf("cut to %d of %d bytes: no problem", n, len(whole))
				}
				atEnd := false
				for _, p := range problems {
					offset := token.Messages[p.Message].Offset + p.Offset
					atEnd = atEnd || offset == n
					if offset > n {
						t.Errorf("cut to %d bytes: %v", n, p)
					}
				}
				if atEnd && token.Messages[problems[0].Message].Offset+problems[0].Offset != n {
					t.Errorf("cut to %d bytes: the first problem is %v", n, problems[0])
				}
				for _, f := range token.Findings {
					if f.Code == "anonymous" || f.Code == "no-target-info" && name != "ms-nlmp-4.2.2.txt 1" {
						t.Errorf("cut to %d bytes: %s", n, f.Text)
					}
				}
				// A value that begins behind the end is reported where its header is.
				if !atEnd && len(problems) > 0 && !strings.Contains(problems[0].Text, "beyond the end of the message") {
					t.Errorf("cut to %d bytes: %v", n, problems)
				}
				intact := 0
				for _, leaf := range leaves(token) {
					if slices.Contains(known, leaf) {
						intact++
					}
				}
				if intact+3 < before { // a response that is cut, and the kind of the other one with it
					t.Errorf("cut to %d bytes: %d fields, at %d there were %d", n, intact, n-1, before)
				}
				before = intact
			}
		})
	}
}

// wholeAt reports lengths at which a shorter message ends that is valid too: a NEGOTIATE_MESSAGE may end before its names
// or its version, a CHALLENGE_MESSAGE without payload before these.
func wholeAt(whole []byte, n int) bool {
	switch {
	case !bytes.HasPrefix(whole, []byte(ntlmSignature)):
		return false
	case whole[8] == 1:
		return n == 16 || n == 32
	}
	return false
}

// TestPayload: what overlaps, what nothing points to, and what lies outside is said.
func TestPayload(t *testing.T) {
	base := aLogin().tokens(t)[2].Raw
	put := func(at int, length, offset uint32) func([]byte) []byte {
		return func(b []byte) []byte {
			binary.LittleEndian.PutUint16(b[at:], uint16(length))
			binary.LittleEndian.PutUint32(b[at+4:], uint32(offset))
			return b
		}
	}
	end := uint32(len(base))
	for _, tc := range []struct {
		name     string
		edit     func([]byte) []byte
		problem  string
		finding  string
		contains string // in the text
	}{
		{name: "as it is", edit: func(b []byte) []byte { return b }},
		{name: "trailing bytes", edit: func(b []byte) []byte { return append(b, 1, 2, 3) }, finding: "unclaimed-bytes",
			contains: fmt.Sprintf("0x%04x       3  trailing bytes", end)},
		{name: "gap", edit: put(44, 0, 0), finding: ""},
		{name: "user moved away", edit: put(36, 4, 0x60), finding: "unclaimed-bytes"},
		{name: "overlap", edit: put(36, 8, 0x58), finding: "overlap", contains: "(overlaps DomainName)"},
		{name: "in the fixed part", edit: put(36, 8, 0x00), finding: "overlap", contains: "(overlaps the fixed part)"},
		{name: "beyond the end", edit: put(36, 8, end), problem: fmt.Sprintf("UserNameFields at offset 0x24: UserName: 8 bytes at 0x%x lie beyond the end of the message, which is 0x%x", end, end)},
		{name: "partly beyond the end", edit: put(36, 8, end-3), problem: fmt.Sprintf("UserName at offset 0x%x: the message ends here, 3 of 8 bytes", end)},
		{name: "far beyond", edit: put(36, 0xffff, 0xffffffff), problem: "UserNameFields at offset 0x24: UserName: 65535 bytes at 0x7fffffff lie beyond"},
		{name: "max length", edit: func(b []byte) []byte { b[38] = 99; return b }, contains: "(MaxLen is 99)"},
		{name: "odd length", edit: put(36, 5, 0x60), problem: "UserName at offset 0x65: UTF-16 text of odd length"},
		{name: "no such message", edit: func(b []byte) []byte { b[8] = 7; return b }, problem: "MessageType at offset 0x8: there is no such message"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			token := Dissect(tc.edit(bytes.Clone(base)))
			problems := token.Problems()
			switch {
			case tc.problem == "" && len(problems) > 0, tc.problem != "" && (len(problems) == 0 || !strings.HasPrefix(problems[0].String(), tc.problem)):
				t.Errorf("%v, want %q", problems, tc.problem)
			}
			codes := ""
			for _, f := range token.Findings {
				codes += f.Code + " "
			}
			if tc.finding != "" && !strings.Contains(codes, tc.finding) || tc.name == "as it is" && codes != "no-channel-bindings " {
				t.Errorf("findings %q, want %q", codes, tc.finding)
			}
			out := text(t, &Report{Tokens: []*Token{token}}, TextOptions{})
			if !strings.Contains(out, tc.contains) {
				t.Errorf("%q is not in\n%s", tc.contains, out)
			}
		})
	}
}

// TestEveryByteIsShown: each byte of a message belongs to some field, whatever points where.
func TestEveryByteIsShown(t *testing.T) {
	check := func(name string, raw []byte) {
		token := Dissect(raw)
		for _, m := range token.Messages {
			covered := make([]bool, len(m.Raw))
			walk(m.Fields, func(f *Field) {
				if f.Offset < 0 || f.end() > len(m.Raw) || !bytes.Equal(f.Raw, m.Raw[f.Offset:f.end()]) {
					t.Fatalf("%s: %s is not at 0x%x", name, f.Name, f.Offset)
				}
				for i := f.Offset; i < f.end(); i++ {
					covered[i] = true
				}
			})
			if at := slices.Index(covered, false); at >= 0 {
				t.Errorf("%s: %s %s: no field shows byte 0x%x", name, m.Protocol, m.Type, at)
			}
		}
	}
	for name, raw := range messages(t) {
		check(name, raw)
		for at := 12; at < min(len(raw), 64); at++ {
			altered := bytes.Clone(raw)
			altered[at] ^= 0x55
			check(fmt.Sprintf("%s altered at 0x%x", name, at), altered)
		}
		for n := 1; n < len(raw); n++ {
			if Known(raw[:n]) {
				check(fmt.Sprintf("%s cut to %d", name, n), raw[:n])
			}
		}
	}
}

// TestOldForms: messages of before Windows 2000 and of minimal clients are no damaged new ones.
func TestOldForms(t *testing.T) {
	header := func(kind byte, rest string) []byte {
		return []byte(ntlmSignature + string([]byte{kind, 0, 0, 0}) + rest)
	}
	old := string(make([]byte, 40)) // five empty triples
	for _, tc := range []struct {
		name string
		raw  []byte
		want string // names of fields behind the type
	}{
		{"NEGOTIATE of 16 bytes", header(1, "\x05\x02\x00\x00"), "NegotiateFlags"},
		{"NEGOTIATE of 32 bytes", header(1, "\x05\x02\x00\x00"+string(make([]byte, 16))), "NegotiateFlags DomainNameFields WorkstationFields"},
		{"CHALLENGE of 32 bytes", header(2, string(make([]byte, 8))+"\x05\x02\x00\x00"+"12345678"), "TargetNameFields NegotiateFlags ServerChallenge"},
		{"CHALLENGE with a name at 32", header(2, "\x12\x00\x12\x00\x20\x00\x00\x00"+"\x05\x02\x00\x00"+"12345678"+string(u16("AAAA"))+"\x02\x00\x02\x00\x21\x00\x00\x00"+"A\x00"),
			"TargetNameFields NegotiateFlags ServerChallenge TargetName"},
		{"NEGOTIATE with a name that is not supplied", header(1, "\x05\x02\x00\x00"+"\x02\x00\x02\x00\x20\x00\x00\x00"+"\xff\x00\xff\x00\xff\x00\x00\x00"+"12345678AB"),
			"NegotiateFlags DomainNameFields WorkstationFields Version trailing bytes"},
		{"CHALLENGE with a name at 48", header(2, "\x02\x00\x02\x00\x30\x00\x00\x00"+"\x05\x02\x00\x00"+"12345678"+string(make([]byte, 16))+"A\x00"),
			"TargetNameFields NegotiateFlags ServerChallenge Reserved TargetInfoFields TargetName"},
		{"AUTHENTICATE of 52 bytes", header(3, old), "LmChallengeResponseFields NtChallengeResponseFields DomainNameFields UserNameFields WorkstationFields"},
		{"AUTHENTICATE with a name at 64", header(3, old[:24]+"\x02\x00\x02\x00\x40\x00\x00\x00"+old[:8]+old[:8]+"\x01\x02\x00\x00"+"A\x00"),
			"LmChallengeResponseFields NtChallengeResponseFields DomainNameFields UserNameFields WorkstationFields EncryptedRandomSessionKeyFields NegotiateFlags UserName"},
	} {
		token := Dissect(tc.raw)
		var names []string
		for _, f := range token.Messages[0].Fields[2:] {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != tc.want || len(token.Problems()) > 0 {
			t.Errorf("%s: %s, %v", tc.name, got, token.Problems())
		}
	}
}

// TestPairs: AV pairs that are cut, unknown, or of a wrong length.
func TestPairs(t *testing.T) {
	for _, tc := range []struct {
		name, pairs string
		want        string // names, values and notes
		problem     string
	}{
		{"none but the end", "\x00\x00\x00\x00", "MsvAvEOL end of the list", ""},
		{"an end with a length", "\x00\x00\x01\x00x", "MsvAvEOL end of the list (its length is 1, not 0), 1 bytes behind MsvAvEOL", ""},
		{"empty", "\x01\x00\x00\x00\x00\x00\x00\x00", "MsvAvNbComputerName  (empty), MsvAvEOL end of the list", ""},
		{"no end", "\x01\x00\x02\x00A\x00", "MsvAvNbComputerName A", "TargetInfo at offset 0x3e: the AV pairs end without MsvAvEOL"},
		{"cut in a header", "\x01\x00\x02\x00A\x00\x02\x00", "MsvAvNbComputerName A, AvId, AvLen ", "AvId, AvLen at offset 0x40: the message ends here, 2 of 4 bytes"},
		{"cut in a value", "\x01\x00\x08\x00A\x00", "MsvAvNbComputerName ", "MsvAvNbComputerName at offset 0x3e: the message ends here, 6 of 12 bytes"},
		{"unknown", "\x77\x00\x01\x00x\x00\x00\x00\x00", "AvId 119 , MsvAvEOL end of the list", ""},
		{"short timestamp", "\x07\x00\x02\x00xx\x00\x00\x00\x00", "MsvAvTimestamp , MsvAvEOL end of the list", "MsvAvTimestamp at offset 0x3a: MsvAvTimestamp has 2 bytes"},
		{"no time", "\x07\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "MsvAvTimestamp zero: no time, MsvAvEOL end of the list", ""},
		{"far time", "\x07\x00\x08\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", "MsvAvTimestamp beyond the year 9999 (0xffffffffffffffff), MsvAvEOL end of the list", ""},
		{"flags", "\x06\x00\x04\x00\x05\x01\x00\x00\x00\x00\x00\x00", "MsvAvFlags 0x105 constrained|untrusted SPN|bit 8, MsvAvEOL end of the list", ""},
		{"odd text", "\x01\x00\x01\x00A\x00\x00\x00\x00", "MsvAvNbComputerName \uFFFD, MsvAvEOL end of the list", "MsvAvNbComputerName at offset 0x3d: UTF-16 text of odd length"},
		{"a short Single_Host_Data", "\x08\x00\x08\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "MsvAvSingleHost Single_Host_Data, 8 bytes, MsvAvEOL end of the list", ""},
	} {
		raw, err := (&ntlm.ChallengeMessage{Flags: testFlags | ntlm.TargetInfo, TargetInfo: []byte(tc.pairs)}).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		token := Dissect(raw)
		var got []string
		for _, f := range fieldsOf(token.Messages[0])["TargetInfo"].Fields {
			line := f.Name + " " + f.Value
			if f.Note != "" && f.Note != "no such pair in 2.2.2.1" {
				line += " (" + f.Note + ")"
			}
			var bits []string
			for _, b := range f.Bits {
				bits = append(bits, b.Name)
			}
			if len(bits) > 0 {
				line += " " + strings.Join(bits, "|")
			}
			got = append(got, line)
		}
		if note := fieldsOf(token.Messages[0])["TargetInfo"].Note; note != "" {
			got = append(got, note)
		}
		problem := ""
		if all := token.Problems(); len(all) > 0 {
			problem = all[0].String()
		}
		if strings.Join(got, ", ") != tc.want || problem != tc.problem {
			t.Errorf("%s: %q, %q", tc.name, got, problem)
		}
	}
}

// TestResponses: what stands in the two responses is told by their lengths and each other.
func TestResponses(t *testing.T) {
	nt := bytes.Repeat([]byte{7}, 24)
	pairs := serverPairs()
	v2 := func(zeros int) []byte {
		return append(make([]byte, 16), clientChallenge(pairs, pairs.Bytes(), zeros)...)
	}
	typed := v2(4)
	typed[16], typed[18] = 2, 9
	for _, tc := range []struct {
		name   string
		lm, nt []byte
		want   string // values of the responses and of what follows the AV pairs
	}{
		{"LM again", nt, nt, "the NTLMv1 response again|NTLMv1 response"},
		{"anonymous", []byte{0}, nil, "anonymous|"},
		{"v2", make([]byte, 24), v2(4), "zero: none is sent|NTLMv2 response|zero"},
		{"v2 with eight zeros", make([]byte, 24), v2(8), "zero: none is sent|NTLMv2 response|zero (3.3.2 has four of them)"},
		{"v2 without zeros", make([]byte, 24), v2(0), "zero: none is sent|NTLMv2 response|none (the four zero bytes of 3.3.2 are left out)"},
		{"v2 with something else", make([]byte, 24), append(v2(0), 1, 2), "zero: none is sent|NTLMv2 response|not zero (3.3.2 has four zero bytes here)"},
		{"v2 of another type", make([]byte, 24), typed, "zero: none is sent|NTLMv2 response|zero|2 (2.2.2.7 has 1 here)|not zero"},
		{"too short for v2", make([]byte, 24), make([]byte, 30), "zero: none is sent|NTLMv2 response|0 (2.2.2.7 has 1 here)|zero|!the response ends here, 6 of 8 bytes"},
	} {
		raw, err := (&ntlm.AuthenticateMessage{Flags: testFlags, LmChallengeResponse: tc.lm, NtChallengeResponse: tc.nt}).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		token := Dissect(raw)
		f := fieldsOf(token.Messages[0])
		say := func(name string) string {
			if f[name] == nil {
				return ""
			}
			if f[name].Note != "" {
				return f[name].Value + " (" + f[name].Note + ")"
			}
			return f[name].Value
		}
		got := say("LmChallengeResponse") + "|" + say("NtChallengeResponse")
		if f["Reserved4"] != nil {
			got += "|" + say("Reserved4")
		}
		if f["RespType"] != nil && f["RespType"].Note != "" {
			got += "|" + say("RespType") + "|" + say("Reserved1")
		}
		for _, p := range token.Problems() {
			got += "|!" + p.Text
		}
		if got != tc.want {
			t.Errorf("%s: %s\nwant %s", tc.name, got, tc.want)
		}
	}
}
