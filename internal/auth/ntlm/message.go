package ntlm

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Version is the VERSION structure of 2.2.2.10: for debugging only, no behaviour depends on it.
type Version struct {
	Major, Minor uint8
	Build        uint16
	Reserved     [3]byte
	Revision     uint8 // NTLMSSP_REVISION_W2K3 is 15
}

func parseVersion(b []byte) Version {
	return Version{Major: b[0], Minor: b[1], Build: binary.LittleEndian.Uint16(b[2:]), Reserved: [3]byte(b[4:7]), Revision: b[7]}
}

func (v Version) put(b []byte) {
	b[0], b[1], b[7] = v.Major, v.Minor, v.Revision
	binary.LittleEndian.PutUint16(b[2:], v.Build)
	copy(b[4:7], v.Reserved[:])
}

// String returns major.minor.build.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Build) }

// NegotiateMessage is the client's first message (2.2.1.1). Its names are OEM text whatever the flags say.
type NegotiateMessage struct {
	Flags       Flags
	Domain      string
	Workstation string
	Version     *Version // nil where the message is too short for one
}

// ParseNegotiate decodes a NEGOTIATE_MESSAGE. Early clients end it after the flags, or after the two name fields: both are taken.
func ParseNegotiate(message []byte) (*NegotiateMessage, error) {
	d, err := newDecoder(message, TypeNegotiate, 16)
	if err != nil {
		return nil, err
	}
	m := &NegotiateMessage{Flags: Flags(d.uint32(12))}
	if len(message) >= 32 {
		if m.Flags.Has(OEMDomainSupplied) {
			_, m.Domain = d.text(16, "DomainNameFields", OEM)
		}
		if m.Flags.Has(OEMWorkstationSupplied) {
			_, m.Workstation = d.text(24, "WorkstationFields", OEM)
		}
	}
	if len(message) >= 40 && m.Flags.Has(NegotiateVersion) {
		v := parseVersion(message[32:])
		m.Version = &v
	}
	return m, d.err
}

// Bytes encodes the message with a version field (zero where Version is nil).
func (m *NegotiateMessage) Bytes() ([]byte, error) {
	e := newEncoder(TypeNegotiate, 40)
	binary.LittleEndian.PutUint32(e.fixed[12:], uint32(m.Flags))
	for _, f := range []struct {
		offset int
		text   string
	}{{16, m.Domain}, {24, m.Workstation}} {
		text, err := encodeOEM(f.text)
		if err != nil {
			return nil, err
		}
		e.field(f.offset, text)
	}
	if m.Version != nil {
		m.Version.put(e.fixed[32:])
	}
	return e.bytes(), nil
}

// ChallengeMessage is the server's answer (2.2.1.2).
type ChallengeMessage struct {
	Flags           Flags
	TargetName      string
	ServerChallenge [8]byte
	TargetInfo      []byte  // as on the wire; nil where there is none
	Pairs           AVPairs // TargetInfo decoded
	Version         *Version
}

// ParseChallenge decodes a CHALLENGE_MESSAGE. Those of the oldest servers end before TargetInfo, or before the version.
func ParseChallenge(message []byte) (*ChallengeMessage, error) {
	d, err := newDecoder(message, TypeChallenge, 32)
	if err != nil {
		return nil, err
	}
	m := &ChallengeMessage{Flags: Flags(d.uint32(20)), ServerChallenge: [8]byte(message[24:32])}
	_, m.TargetName = d.text(12, "TargetNameFields", m.Flags)
	if len(message) >= 48 {
		var f Field
		f, m.TargetInfo = d.field(40, "TargetInfoFields")
		if f.Len > maxTargetInfo {
			d.fail(40, fmt.Sprintf("TargetInfo of %d bytes is longer than %d", f.Len, maxTargetInfo))
		}
		pairs, _, err := ParseAVPairs(m.TargetInfo)
		if err != nil {
			d.fail(int(f.Offset), err.Error())
		}
		m.Pairs = pairs
	}
	if len(message) >= 56 && m.Flags.Has(NegotiateVersion) {
		v := parseVersion(message[48:])
		m.Version = &v
	}
	return m, d.err
}

// Bytes encodes the message with TargetInfo as it stands and with a version field (zero where Version is nil).
func (m *ChallengeMessage) Bytes() ([]byte, error) {
	name, err := encodeText(m.TargetName, m.Flags)
	if err != nil {
		return nil, err
	}
	e := newEncoder(TypeChallenge, 56)
	binary.LittleEndian.PutUint32(e.fixed[20:], uint32(m.Flags))
	copy(e.fixed[24:], m.ServerChallenge[:])
	e.field(12, name)
	e.field(40, m.TargetInfo)
	if m.Version != nil {
		m.Version.put(e.fixed[48:])
	}
	return e.bytes(), nil
}

// AuthenticateMessage is the client's last message (2.2.1.3).
type AuthenticateMessage struct {
	Flags                     Flags
	LmChallengeResponse       []byte
	NtChallengeResponse       []byte
	Domain                    string
	User                      string
	Workstation               string
	EncryptedRandomSessionKey []byte
	Version                   *Version
	MIC                       *[16]byte // nil where the message has no place for one
}

// micOffset is where a MIC stands, if there is one: 2.2.1.3 has it after the version, before the payload.
const (
	micOffset          = 72
	authenticateFixed  = micOffset + md5Size
	authenticateMinLen = 64
)

// ParseAuthenticate decodes an AUTHENTICATE_MESSAGE. Whether it holds a version and a MIC shows only from where its
// payload begins (2.2.1.3 has them optional without a flag for the MIC): MIC is set where there is room for it.
func ParseAuthenticate(message []byte) (*AuthenticateMessage, error) {
	d, err := newDecoder(message, TypeAuthenticate, authenticateMinLen)
	if err != nil {
		return nil, err
	}
	m := &AuthenticateMessage{Flags: Flags(d.uint32(60))}
	payload := len(message)
	start := func(f Field) {
		if f.Len > 0 {
			payload = min(payload, int(f.Offset))
		}
	}
	var f Field
	f, m.LmChallengeResponse = d.field(12, "LmChallengeResponseFields")
	start(f)
	f, m.NtChallengeResponse = d.field(20, "NtChallengeResponseFields")
	start(f)
	f, m.Domain = d.text(28, "DomainNameFields", m.Flags)
	start(f)
	f, m.User = d.text(36, "UserNameFields", m.Flags)
	start(f)
	f, m.Workstation = d.text(44, "WorkstationFields", m.Flags)
	start(f)
	f, m.EncryptedRandomSessionKey = d.field(52, "EncryptedRandomSessionKeyFields")
	start(f)
	if payload >= micOffset && m.Flags.Has(NegotiateVersion) {
		v := parseVersion(message[64:])
		m.Version = &v
	}
	if payload >= authenticateFixed {
		mic := [16]byte(message[micOffset:])
		m.MIC = &mic
	}
	return m, d.err
}

// Bytes encodes the message, payload in the order of Windows: names, then responses, then the key. The version field is
// always present (zero where Version is nil), the MIC field where MIC is not nil.
func (m *AuthenticateMessage) Bytes() ([]byte, error) {
	fixed := micOffset
	if m.MIC != nil {
		fixed = authenticateFixed
	}
	e := newEncoder(TypeAuthenticate, fixed)
	binary.LittleEndian.PutUint32(e.fixed[60:], uint32(m.Flags))
	if m.Version != nil {
		m.Version.put(e.fixed[64:])
	}
	if m.MIC != nil {
		copy(e.fixed[micOffset:], m.MIC[:])
	}
	for _, f := range []struct {
		offset int
		text   string
	}{{28, m.Domain}, {36, m.User}, {44, m.Workstation}} {
		text, err := encodeText(f.text, m.Flags)
		if err != nil {
			return nil, err
		}
		e.field(f.offset, text)
	}
	e.field(12, m.LmChallengeResponse)
	e.field(20, m.NtChallengeResponse)
	e.field(52, m.EncryptedRandomSessionKey)
	if len(e.payload) > 0xffff {
		return nil, fmt.Errorf("ntlm: AUTHENTICATE_MESSAGE: payload of %d bytes is too long", len(e.payload))
	}
	return e.bytes(), nil
}

// NTLMv2Response is NTLMv2_RESPONSE with its NTLMv2_CLIENT_CHALLENGE (2.2.2.7, 2.2.2.8).
type NTLMv2Response struct {
	NTProofStr          [16]byte
	Temp                []byte // everything after NTProofStr: what NTProofStr was computed over, after the server's challenge
	RespType            uint8
	HiRespType          uint8
	TimeStamp           uint64 // FILETIME
	ChallengeFromClient [8]byte
	Pairs               AVPairs
	Rest                []byte // after MsvAvEOL
}

// ParseNTLMv2Response decodes an NtChallengeResponse. One of 24 bytes is NTLMv1's and refused.
func ParseNTLMv2Response(b []byte) (*NTLMv2Response, error) {
	if len(b) == 24 {
		return nil, fmt.Errorf("ntlm: NtChallengeResponse: 24 bytes are an NTLMv1 response, NTLMv2 is needed")
	}
	if len(b) < 44 {
		return nil, fmt.Errorf("ntlm: NtChallengeResponse: %d bytes are too short for NTLMv2", len(b))
	}
	r := &NTLMv2Response{
		NTProofStr: [16]byte(b), Temp: bytes.Clone(b[16:]), RespType: b[16], HiRespType: b[17],
		TimeStamp: binary.LittleEndian.Uint64(b[24:]), ChallengeFromClient: [8]byte(b[32:40]),
	}
	var err error
	r.Pairs, r.Rest, err = ParseAVPairs(b[44:])
	return r, err
}
