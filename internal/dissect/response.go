package dissect

import (
	"bytes"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// The lengths that tell responses apart: nothing else in the message does.
const (
	ntlmv1Length = 24 // 2.2.2.3, 2.2.2.6; an LMv2 response has as many (2.2.2.4)
	clientFixed  = 28 // of NTLMv2_CLIENT_CHALLENGE before its AV pairs (2.2.2.7)
	proofLength  = 16
)

// responseVersion tells the two kinds of NtChallengeResponse apart: 1, 2, or 0 where there is none.
func (v *ntlmView) responseVersion() int {
	switch v.ntLength {
	case 0:
		return 0
	case ntlmv1Length:
		return 1
	}
	return 2
}

// temp is what NTProofStr was computed over behind the server's challenge (3.3.2); nil where the message ends before it does.
func (v *ntlmView) temp() []byte {
	if v.responseVersion() != 2 || len(v.nt) < v.ntLength || v.ntLength < proofLength+clientFixed {
		return nil
	}
	return v.nt[proofLength:]
}

// readNTResponse reads an NTLM_RESPONSE (2.2.2.6) or an NTLMv2_RESPONSE (2.2.2.8).
func (v *ntlmView) readNTResponse(f *Field) {
	if v.responseVersion() == 1 {
		f.Value = "NTLMv1 response"
		if v.sessionSecurityV1() {
			f.Value = "NTLMv1 response with a client challenge (extended session security)"
		}
		return
	}
	f.Value = "NTLMv2 response"
	r := run{b: f.Raw, base: f.Offset}
	if len(f.Raw) == v.ntLength {
		r.of = "the response"
	}
	r.take("NTProofStr", proofLength, nil)
	r.take("RespType", 1, wantOne)
	r.take("HiRespType", 1, wantOne)
	r.take("Reserved1", 2, zero)
	r.take("Reserved2", 4, zero)
	r.take("TimeStamp", 8, func(f *Field) { f.Value = fileTime(littleEndian(f.Raw)) })
	r.take("ChallengeFromClient", 8, nil)
	r.take("Reserved3", 4, zero)
	if !r.cut {
		v.readClientPairs(&r)
	}
	f.Fields = r.fields
	if r.cut {
		f.Problem = nil // its part says it more exactly
	}
}

// readClientPairs reads what the client made of the challenge's AV pairs, and what follows: 3.3.2 has four zero bytes
// behind them, and clients are known to leave these out or to add more.
func (v *ntlmView) readClientPairs(r *run) {
	at := len(r.fields)
	list := run{b: r.rest(), base: r.base + r.at, of: r.of}
	v.pairs, v.pairsWhole = list.pairs(true)
	f := Field{Name: "AvPairs", Offset: list.base, Raw: list.b[:list.at], Fields: list.fields, Value: counted(len(v.pairs), "AV pair")}
	r.fields = append(r.fields, f)
	r.at += list.at
	r.cut = r.cut || list.cut
	if !v.pairsWhole && !r.fields[at].broken() {
		r.fields[at].fail(r.fields[at].end(), "the AV pairs end without MsvAvEOL")
	}
	if rest := r.rest(); !r.cut && v.pairsWhole {
		r.take("Reserved4", len(rest), func(f *Field) {
			f.Value = "zero"
			switch {
			case len(f.Raw) == 0:
				f.Value, f.Note = "none", "the four zero bytes of 3.3.2 are left out"
			case !allZero(f.Raw):
				f.Value, f.Note = "not zero", "3.3.2 has four zero bytes here"
			case len(f.Raw) != 4:
				f.note("3.3.2 has four of them")
			}
		})
	}
}

// wantOne is for the response's types, of which there is one.
func wantOne(f *Field) {
	number(f)
	if f.Raw[0] != 1 {
		f.note("2.2.2.7 has 1 here")
	}
}

// readLMResponse reads an LmChallengeResponse, whose meaning depends on the other response.
func (v *ntlmView) readLMResponse(f *Field) {
	if len(f.Raw) != ntlmv1Length {
		if len(f.Raw) == 1 && f.Raw[0] == 0 && v.ntLength == 0 {
			f.Value = "anonymous" // 3.3.1, 3.3.2
		}
		return
	}
	switch {
	case allZero(f.Raw):
		f.Value = "zero: none is sent"
	case v.responseVersion() == 2:
		f.Value = "LMv2 response"
		r := run{b: f.Raw, base: f.Offset}
		r.take("Response", 16, nil)
		r.take("ChallengeFromClient", 8, nil)
		f.Fields = r.fields
	case v.sessionSecurityV1():
		f.Value = "client challenge for an NTLMv1 response with extended session security"
		r := run{b: f.Raw, base: f.Offset}
		r.take("ClientChallenge", 8, nil)
		r.take("Z(16)", 16, zero)
		f.Fields = r.fields
	case bytes.Equal(f.Raw, v.nt):
		f.Value = "the NTLMv1 response again" // NoLMResponseNTLMv1 (3.3.1)
	default:
		f.Value = "LMv1 response"
	}
}

// sessionSecurityV1 reports an NTLMv1 response that was computed with a challenge of the client's too (3.3.1): then the LM
// response is that challenge and 16 zero bytes.
func (v *ntlmView) sessionSecurityV1() bool {
	return v.responseVersion() == 1 && v.flags.Has(ntlm.ExtendedSessionSecurity) &&
		len(v.lm) == ntlmv1Length && allZero(v.lm[8:]) && !allZero(v.lm)
}
