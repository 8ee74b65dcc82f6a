package dissect

import (
	"fmt"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

const ntlmSignature = "NTLMSSP\x00"

// The lengths of what every message of a type has in front of its payload, the oldest ones included.
const (
	negotiateFixed    = 16
	challengeFixed    = 32
	authenticateFixed = 52
)

// ntlmView is what verification needs of an NTLM message, as far as it could be read.
type ntlmView struct {
	kind    ntlm.MessageType
	raw     []byte
	broken  bool // some field has a problem
	flags   ntlm.Flags
	flagged bool // flags are there

	// of a CHALLENGE_MESSAGE
	serverChallenge []byte // 8 bytes, or nil
	targetName      string
	targetInfo      []byte

	// of an AUTHENTICATE_MESSAGE
	lm, nt                    []byte
	ntLength                  int // as announced
	domain, user, workstation string
	sessionKey                []byte
	mic                       []byte // 16 bytes, or nil where there is no place for one

	// of either: TargetInfo, or the AV pairs of the response
	pairs      ntlm.AVPairs
	pairsWhole bool // they end with MsvAvEOL
}

// ntlmReader reads one message.
type ntlmReader struct {
	run
	view   *ntlmView
	token  *Token
	values []value // in the order in which Windows puts them into the payload
	start  int     // where the payload begins, by what points into it; noPayload where nothing does
}

// ntlm reads an NTLM message (2.2.1).
func (t *Token) ntlm(b []byte) (Message, embedded) {
	r := &ntlmReader{run: run{b: b}, token: t, view: &ntlmView{raw: b}}
	r.take("Signature", 8, signature)
	r.take("MessageType", 4, func(f *Field) {
		r.view.kind = ntlm.MessageType(littleEndian(f.Raw))
		f.Value = fmt.Sprintf("%d %v", uint32(r.view.kind), r.view.kind)
	})
	m := Message{Protocol: "NTLM", ntlm: r.view}
	switch r.view.kind {
	case ntlm.TypeNegotiate:
		r.negotiate()
	case ntlm.TypeChallenge:
		r.challenge()
	case ntlm.TypeAuthenticate:
		r.authenticate()
	default:
		if !r.cut {
			f := &r.fields[len(r.fields)-1]
			f.Value = fmt.Sprint(uint32(r.view.kind))
			f.fail(f.Offset, "there is no such message")
			r.unclaimed(r.at, len(b))
		}
		m.Fields = r.fields
		return m, embedded{}
	}
	m.Type, m.Fields = r.view.kind.String(), r.fields
	walk(m.Fields, func(f *Field) { r.view.broken = r.view.broken || f.Problem != nil })
	t.ntlmFindings(r.view)
	return m, embedded{}
}

// peekFlags reads NegotiateFlags ahead: they say how names are written. Without them Unicode is the better guess.
func (r *ntlmReader) peekFlags(offset int) {
	r.view.flags = ntlm.Unicode
	if len(r.b) >= offset+4 {
		r.view.flags, r.view.flagged = ntlm.Flags(littleEndian(r.b[offset:offset+4])), true
	}
}

func (r *ntlmReader) takeFlags() {
	r.take("NegotiateFlags", 4, func(f *Field) {
		f.Value = fmt.Sprintf("0x%08x", uint32(r.view.flags))
		f.Bits = flagBits(r.view.flags)
	})
}

// room reports whether the next n bytes are before the payload: what Windows has added over the years is not in every
// message, and only the payload's beginning tells (2.2.1.1 to 2.2.1.3 with their notes on product behavior).
func (r *ntlmReader) room(n int) bool {
	return !r.cut && r.at+n <= r.start && (r.at < len(r.b) || r.start != noPayload)
}

// version takes the Version where there is room for one.
func (r *ntlmReader) version() {
	switch {
	case r.room(8):
		r.take("Version", 8, versionOf(r.view.flags))
	case !r.cut && r.view.flagged && r.view.flags.Has(ntlm.NegotiateVersion):
		r.token.remark(Info, "no-version", "the flags announce a Version, and the message has no place for one", "")
	}
}

// negotiate reads a NEGOTIATE_MESSAGE (2.2.1.1). Early clients end it after the flags, or after the name fields.
func (r *ntlmReader) negotiate() {
	r.peekFlags(12)
	// Names are OEM text in this message, whatever the flags say.
	r.value("WorkstationName", 24, r.name(nil, ntlm.OEM))
	r.value("DomainName", 16, r.name(nil, ntlm.OEM))
	r.values[0].ignored = r.view.flagged && !r.view.flags.Has(ntlm.OEMWorkstationSupplied)
	r.values[1].ignored = r.view.flagged && !r.view.flags.Has(ntlm.OEMDomainSupplied)
	r.payloadFrom(negotiateFixed)
	r.takeFlags()
	if r.room(8) {
		r.header("DomainNameFields", 1)
		r.header("WorkstationFields", 0)
	}
	r.version()
	r.payload()
}

// challenge reads a CHALLENGE_MESSAGE (2.2.1.2). Early servers end it after the challenge, or have no version.
func (r *ntlmReader) challenge() {
	v := r.view
	r.peekFlags(20)
	r.value("TargetName", 12, r.name(&v.targetName, v.flags))
	if r.payloadFrom(challengeFixed); r.start >= 48 || v.flags.Has(ntlm.TargetInfo) {
		r.value("TargetInfo", 40, func(f *Field) {
			v.targetInfo = f.Raw
			v.pairs, v.pairsWhole = readTargetInfo(f)
		})
		r.payloadFrom(challengeFixed)
	}
	r.header("TargetNameFields", 0)
	r.takeFlags()
	r.take("ServerChallenge", 8, func(f *Field) { v.serverChallenge = f.Raw })
	if r.room(8) {
		r.take("Reserved", 8, zero)
	}
	if len(r.values) > 1 && (r.room(8) || v.flags.Has(ntlm.TargetInfo)) {
		r.header("TargetInfoFields", 1)
	}
	r.version()
	r.payload()
}

// authenticate reads an AUTHENTICATE_MESSAGE (2.2.1.3). Early clients leave out the MIC, the version, or all that stands
// behind WorkstationFields.
func (r *ntlmReader) authenticate() {
	v := r.view
	r.peekFlags(60)
	r.value("DomainName", 28, r.name(&v.domain, v.flags))
	r.value("UserName", 36, r.name(&v.user, v.flags))
	r.value("Workstation", 44, r.name(&v.workstation, v.flags))
	r.value("LmChallengeResponse", 12, func(f *Field) { v.lm = f.Raw })
	r.value("NtChallengeResponse", 20, func(f *Field) { v.nt = f.Raw })
	v.ntLength = r.values[4].length
	if r.payloadFrom(authenticateFixed); r.start >= 60 {
		r.value("EncryptedRandomSessionKey", 52, func(f *Field) { v.sessionKey = f.Raw })
		r.payloadFrom(authenticateFixed)
	}
	r.header("LmChallengeResponseFields", 3)
	r.header("NtChallengeResponseFields", 4)
	r.header("DomainNameFields", 0)
	r.header("UserNameFields", 1)
	r.header("WorkstationFields", 2)
	if r.room(8) && len(r.values) > 5 {
		r.header("EncryptedRandomSessionKeyFields", 5)
	}
	if r.room(4) {
		r.takeFlags()
	} else {
		v.flagged = false
	}
	r.version()
	mic := -1
	if r.room(16) {
		mic = len(r.fields)
		r.take("MIC", 16, func(f *Field) { v.mic = f.Raw })
	}
	r.payload()
	r.tellResponses()
	if mic >= 0 && v.mic != nil {
		r.tellMIC(&r.fields[mic])
	}
}

// tellResponses reads the two responses: what the LM response is depends on the other one.
func (r *ntlmReader) tellResponses() {
	v := r.view
	for i := range r.fields {
		switch f := &r.fields[i]; f.Name {
		case "NtChallengeResponse":
			v.readNTResponse(f)
		case "LmChallengeResponse":
			v.readLMResponse(f)
		}
	}
}

// tellMIC says whether the field holds what MsvAvFlags promises: it is there in many messages that have no MIC.
func (r *ntlmReader) tellMIC(f *Field) {
	if allZero(f.Raw) {
		f.Value = "zero: there is none"
	}
	switch {
	case r.view.micPromised():
		f.note("promised by MsvAvFlags")
	case r.view.pairsWhole || r.view.responseVersion() != 2:
		f.note("not promised by MsvAvFlags: servers do not look at it")
	}
}

func (v *ntlmView) micPromised() bool { return v.pairs.Flags()&ntlm.AvFlagMICProvided != 0 }
