package dissect

import (
	"fmt"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// readTargetInfo reads the AV pairs of a CHALLENGE_MESSAGE.
func readTargetInfo(f *Field) (pairs ntlm.AVPairs, whole bool) {
	r := run{b: f.Raw, base: f.Offset}
	pairs, whole = r.pairs(false)
	f.Fields, f.Value = r.fields, counted(len(pairs), "AV pair")
	switch {
	case !whole && !f.broken():
		f.fail(f.end(), "the AV pairs end without MsvAvEOL")
	case whole && len(r.rest()) > 0:
		f.note("%d bytes behind MsvAvEOL", len(r.rest()))
	}
	return pairs, whole
}

// pairs takes AV_PAIR structures up to MsvAvEOL (2.2.2.1). whole is false where that does not come.
func (r *run) pairs(ofClient bool) (pairs ntlm.AVPairs, whole bool) {
	for !r.cut && len(r.rest()) > 0 {
		rest := r.rest()
		if len(rest) < 4 {
			r.take("AvId, AvLen", 4, nil)
			break
		}
		id, n := ntlm.AVID(littleEndian(rest[:2])), int(littleEndian(rest[2:4]))
		if id == ntlm.AvEOL {
			r.take(id.String(), 4, func(f *Field) {
				f.Value = "end of the list"
				if n != 0 {
					f.note("its length is %d, not 0", n)
				}
			})
			return pairs, true
		}
		r.take(id.String(), 4+n, func(f *Field) {
			value := f.Raw[4:]
			pairs = append(pairs, ntlm.AVPair{ID: id, Value: value})
			f.Fields = pairParts(f)
			tellPair(f, id, value)
			if ofClient && clientsOwn(id) {
				f.note("clients add it")
			}
		})
	}
	return pairs, false
}

// clientsOwn reports whether a pair is one that clients add to those of the challenge (3.1.5.1.2, 2.2.2.1). MsvAvFlags may
// come from a server too, to say that authentication is constrained; where the challenge is known it is looked up there.
func clientsOwn(id ntlm.AVID) bool {
	switch id {
	case ntlm.AvFlags, ntlm.AvSingleHost, ntlm.AvTargetName, ntlm.AvChannelBindings:
		return true
	}
	return false
}

func pairParts(f *Field) []Field {
	r := run{b: f.Raw, base: f.Offset}
	r.take("AvId", 2, number)
	r.take("AvLen", 2, number)
	r.take("Value", len(r.rest()), nil)
	for i := range r.fields {
		r.fields[i].Minor = true
	}
	return r.fields
}

// tellPair says what a pair's value means.
func tellPair(f *Field, id ntlm.AVID, value []byte) {
	switch {
	case id.IsText():
		f.Value = ntlm.DecodeText(value, ntlm.Unicode)
		if len(value)%2 != 0 {
			f.fail(f.end(), "UTF-16 text of odd length")
		}
		if len(value) == 0 {
			f.note("empty")
		}
	case id == ntlm.AvFlags && len(value) == 4:
		bits := uint32(littleEndian(value))
		f.Value, f.Bits = fmt.Sprintf("0x%x", bits), avFlagBits(bits)
	case id == ntlm.AvTimestamp && len(value) == 8:
		f.Value = fileTime(littleEndian(value))
	case id == ntlm.AvChannelBindings && len(value) == 16:
		f.Value = "MD5 of a gss_channel_bindings_struct"
		if allZero(value) {
			f.Value = "zero: none"
		}
	case id == ntlm.AvSingleHost:
		f.Value = fmt.Sprintf("Single_Host_Data, %d bytes", len(value))
		f.Fields = append(f.Fields, singleHost(f.Offset+4, value)...)
	case id == ntlm.AvFlags, id == ntlm.AvTimestamp, id == ntlm.AvChannelBindings:
		f.fail(f.Offset+2, "%v has %d bytes", id, len(value))
	default:
		f.note("no such pair in 2.2.2.1")
	}
}

// singleHost reads Single_Host_Data (2.2.2.2). What is behind Z4 is not in what Windows Vista sends.
func singleHost(offset int, value []byte) []Field {
	r := run{b: value, base: offset}
	for _, part := range []struct {
		name string
		size int
		tell func(*Field)
	}{
		{"Size", 4, number}, {"Z4", 4, zero}, {"CustomData", 8, nil},
		{"MachineID", 32, func(f *Field) { f.Value = "random, of the client's last start" }},
	} {
		if len(r.rest()) >= part.size {
			r.take(part.name, part.size, part.tell)
		}
	}
	if len(r.rest()) > 0 {
		r.take("more", len(r.rest()), nil)
	}
	return r.fields
}

func avFlagBits(bits uint32) []Bit {
	var set []Bit
	for _, b := range []Bit{
		{ntlm.AvFlagConstrained, "constrained", "the account's authentication is constrained"},
		{ntlm.AvFlagMICProvided, "MIC", "the MIC field of this message is filled in"},
		{ntlm.AvFlagUntrustedSPN, "untrusted SPN", "MsvAvTargetName comes from a source that is not trusted"},
	} {
		if bits&b.Mask != 0 {
			set = append(set, b)
			bits &^= b.Mask
		}
	}
	for bit := range 32 {
		if mask := uint32(1) << bit; bits&mask != 0 {
			set = append(set, Bit{mask, fmt.Sprintf("bit %d", bit), "no such flag in 2.2.2.1"})
		}
	}
	return set
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
