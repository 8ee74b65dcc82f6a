// Package spnego is the wrapping of SPNEGO (RFC 4178, MS-SPNG) around the tokens of one mechanism, NTLM; it does not know
// what is in them.
package spnego

import (
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// State is negState (RFC 4178 4.2.2).
type State int

// The states. StateNone stands for a token without one.
const (
	StateNone        State = -1
	AcceptCompleted  State = 0
	AcceptIncomplete State = 1
	Reject           State = 2
	RequestMIC       State = 3
)

// String returns the name that RFC 4178 gives it.
func (s State) String() string {
	switch s {
	case StateNone:
		return "none"
	case AcceptCompleted:
		return "accept-completed"
	case AcceptIncomplete:
		return "accept-incomplete"
	case Reject:
		return "reject"
	case RequestMIC:
		return "request-mic"
	}
	return fmt.Sprintf("negState %d", int(s))
}

// OID of SPNEGO itself (RFC 4178 4.2) and of NTLM as its mechanism (MS-SPNG 1.9).
func oidSPNEGO() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 2} }

// NTLM is the object identifier of NTLM as a mechanism of SPNEGO.
func NTLM() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 2, 10} }

// Init is a NegTokenInit, the client's first token.
type Init struct {
	MechTypes   []asn1.ObjectIdentifier
	MechToken   []byte
	MechListMIC []byte
}

// Resp is a NegTokenResp: every other token.
type Resp struct {
	State         State
	SupportedMech asn1.ObjectIdentifier // nil where there is none
	ResponseToken []byte
	MechListMIC   []byte
}

// context tags of the CHOICE and of the fields in it
func tag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// application is the tag of an InitialContextToken (RFC 2743 3.1).
const application = cbasn1.Tag(0x60)

// MechTypeList is the DER of a list of mechanisms, which a mechListMIC signs.
func MechTypeList(types []asn1.ObjectIdentifier) []byte {
	var b cryptobyte.Builder
	addTypes(&b, types)
	return b.BytesOrPanic() // fails only for object identifiers that are none
}

func addTypes(b *cryptobyte.Builder, types []asn1.ObjectIdentifier) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, t := range types {
			b.AddASN1ObjectIdentifier(t)
		}
	})
}

// Bytes encodes the token as an InitialContextToken.
func (t *Init) Bytes() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(application, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSPNEGO())
		b.AddASN1(tag(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(tag(0), func(b *cryptobyte.Builder) { addTypes(b, t.MechTypes) })
				addOctets(b, 2, t.MechToken)
				addOctets(b, 3, t.MechListMIC)
			})
		})
	})
	return b.Bytes()
}

// Bytes encodes the token.
func (t *Resp) Bytes() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tag(1), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			if t.State != StateNone {
				b.AddASN1(tag(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(t.State)) })
			}
			if t.SupportedMech != nil {
				b.AddASN1(tag(1), func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(t.SupportedMech) })
			}
			addOctets(b, 2, t.ResponseToken)
			addOctets(b, 3, t.MechListMIC)
		})
	})
	return b.Bytes()
}

// addOctets adds an OCTET STRING that may be left out.
func addOctets(b *cryptobyte.Builder, n uint8, octets []byte) {
	if octets != nil {
		b.AddASN1(tag(n), func(b *cryptobyte.Builder) { b.AddASN1OctetString(octets) })
	}
}

var errMalformed = errors.New("spnego: malformed token")

// IsInit and IsResp tell the two kinds of token by their first byte; a raw mechanism's token is neither.
func IsInit(b []byte) bool { return len(b) > 0 && b[0] == byte(application) }

// IsResp reports whether b begins like a NegTokenResp.
func IsResp(b []byte) bool { return len(b) > 0 && b[0] == 0xa1 }

// ParseInit decodes a NegTokenInit.
func ParseInit(b []byte) (*Init, error) {
	in := cryptobyte.String(b)
	var outer, choice, fields cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&outer, application) || !in.Empty() || !outer.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidSPNEGO()) ||
		!outer.ReadASN1(&choice, tag(0)) || !choice.ReadASN1(&fields, cbasn1.SEQUENCE) {
		return nil, errMalformed
	}
	t := &Init{}
	for !fields.Empty() {
		var field cryptobyte.String
		var kind cbasn1.Tag
		if !fields.ReadAnyASN1(&field, &kind) {
			return nil, errMalformed
		}
		switch kind {
		case tag(0):
			var list cryptobyte.String
			if !field.ReadASN1(&list, cbasn1.SEQUENCE) {
				return nil, errMalformed
			}
			for !list.Empty() {
				var mech asn1.ObjectIdentifier
				if !list.ReadASN1ObjectIdentifier(&mech) {
					return nil, errMalformed
				}
				t.MechTypes = append(t.MechTypes, mech)
			}
		case tag(2):
			if !readOctets(&field, &t.MechToken) {
				return nil, errMalformed
			}
		case tag(3):
			if !readOctets(&field, &t.MechListMIC) {
				return nil, errMalformed
			}
		}
	}
	return t, nil
}

// ParseResp decodes a NegTokenResp. Some old servers repeat the responseToken as mechListMIC: that counts as none.
func ParseResp(b []byte) (*Resp, error) {
	in := cryptobyte.String(b)
	var outer, fields cryptobyte.String
	if !in.ReadASN1(&outer, tag(1)) || !in.Empty() || !outer.ReadASN1(&fields, cbasn1.SEQUENCE) {
		return nil, errMalformed
	}
	t := &Resp{State: StateNone}
	for !fields.Empty() {
		var field cryptobyte.String
		var kind cbasn1.Tag
		ok := fields.ReadAnyASN1(&field, &kind)
		switch kind {
		case tag(0):
			n := 0
			ok = ok && field.ReadASN1Enum(&n)
			t.State = State(n)
		case tag(1):
			ok = ok && field.ReadASN1ObjectIdentifier(&t.SupportedMech)
		case tag(2):
			ok = ok && readOctets(&field, &t.ResponseToken)
		case tag(3):
			ok = ok && readOctets(&field, &t.MechListMIC)
		}
		if !ok {
			return nil, errMalformed
		}
	}
	if t.ResponseToken != nil && string(t.ResponseToken) == string(t.MechListMIC) {
		t.MechListMIC = nil
	}
	return t, nil
}

func readOctets(s *cryptobyte.String, out *[]byte) bool {
	var octets cryptobyte.String
	if !s.ReadASN1(&octets, cbasn1.OCTET_STRING) {
		return false
	}
	*out = append([]byte{}, octets...)
	return true
}
