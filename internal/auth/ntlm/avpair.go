package ntlm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"
)

// AVID identifies an attribute/value pair (2.2.2.1).
type AVID uint16

// The identifiers of 2.2.2.1.
const (
	AvEOL             AVID = 0
	AvNbComputerName  AVID = 1
	AvNbDomainName    AVID = 2
	AvDNSComputerName AVID = 3
	AvDNSDomainName   AVID = 4
	AvDNSTreeName     AVID = 5
	AvFlags           AVID = 6
	AvTimestamp       AVID = 7
	AvSingleHost      AVID = 8
	AvTargetName      AVID = 9
	AvChannelBindings AVID = 10
)

// The bits of MsvAvFlags (2.2.2.1).
const (
	AvFlagConstrained   uint32 = 1
	AvFlagMICProvided   uint32 = 2
	AvFlagUntrustedSPN  uint32 = 4
	maxTargetInfo              = 8 << 10 // http.sys takes 16 KiB of headers, so a longer one could never be answered
	maxAVPairs                 = 64
	channelBindingsSize        = md5Size
)

// String returns the MS-NLMP name.
func (id AVID) String() string {
	names := [...]string{"MsvAvEOL", "MsvAvNbComputerName", "MsvAvNbDomainName", "MsvAvDnsComputerName", "MsvAvDnsDomainName",
		"MsvAvDnsTreeName", "MsvAvFlags", "MsvAvTimestamp", "MsvAvSingleHost", "MsvAvTargetName", "MsvAvChannelBindings"}
	if int(id) < len(names) {
		return names[id]
	}
	return fmt.Sprintf("AvId %d", uint16(id))
}

// IsText reports whether the value is UTF-16LE text.
func (id AVID) IsText() bool {
	return id >= AvNbComputerName && id <= AvDNSTreeName || id == AvTargetName
}

// An AVPair is one AV_PAIR (2.2.2.1).
type AVPair struct {
	ID    AVID
	Value []byte
}

// AVPairs is a sequence of AV_PAIR structures in the order of the wire, without the closing MsvAvEOL.
type AVPairs []AVPair

// ParseAVPairs reads pairs up to MsvAvEOL and returns what follows it (the four reserved bytes of an
// NTLMv2_CLIENT_CHALLENGE, 2.2.2.7). An empty input is an empty sequence. What was read before an error is returned with it.
func ParseAVPairs(b []byte) (pairs AVPairs, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, nil
	}
	for at := 0; ; {
		if len(b)-at < 4 {
			return pairs, nil, fmt.Errorf("ntlm: AV pairs: end at offset %d without MsvAvEOL", at)
		}
		id, n := AVID(binary.LittleEndian.Uint16(b[at:])), int(binary.LittleEndian.Uint16(b[at+2:]))
		at += 4
		if id == AvEOL {
			return pairs, b[at:], nil
		}
		if len(b)-at < n {
			return pairs, nil, fmt.Errorf("ntlm: AV pairs: %v at offset %d: %d bytes announced, %d left", id, at-4, n, len(b)-at)
		}
		if len(pairs) == maxAVPairs {
			return pairs, nil, fmt.Errorf("ntlm: AV pairs: more than %d", maxAVPairs)
		}
		pairs = append(pairs, AVPair{id, bytes.Clone(b[at : at+n])})
		at += n
	}
}

// Bytes encodes the pairs and a closing MsvAvEOL.
func (p AVPairs) Bytes() []byte {
	var b []byte
	for _, pair := range p {
		b = binary.LittleEndian.AppendUint16(b, uint16(pair.ID))
		b = binary.LittleEndian.AppendUint16(b, uint16(len(pair.Value)))
		b = append(b, pair.Value...)
	}
	return append(b, 0, 0, 0, 0)
}

// Get returns the first value of id.
func (p AVPairs) Get(id AVID) (value []byte, ok bool) {
	for _, pair := range p {
		if pair.ID == id {
			return pair.Value, true
		}
	}
	return nil, false
}

// Text returns the first value of id as text, empty where there is none.
func (p AVPairs) Text(id AVID) string {
	value, _ := p.Get(id)
	return decodeUTF16(value)
}

// Flags returns MsvAvFlags, 0 where it is missing or not four bytes long.
func (p AVPairs) Flags() uint32 {
	if value, ok := p.Get(AvFlags); ok && len(value) == 4 {
		return binary.LittleEndian.Uint32(value)
	}
	return 0
}

// Timestamp returns MsvAvTimestamp; ok is false where it is missing or not eight bytes long.
func (p AVPairs) Timestamp() (t time.Time, ok bool) {
	value, ok := p.Get(AvTimestamp)
	if !ok || len(value) != 8 {
		return time.Time{}, false
	}
	return TimeOf(binary.LittleEndian.Uint64(value)), true
}

// set replaces the first value of id, or appends a pair.
func (p AVPairs) set(id AVID, value []byte) AVPairs {
	for i := range p {
		if p[i].ID == id {
			p[i].Value = value
			return p
		}
	}
	return append(p, AVPair{id, value})
}

// fileTimeEpoch is 1601-01-01 in seconds before 1970-01-01 (FILETIME, MS-DTYP 2.3.3).
const fileTimeEpoch = 11644473600

// TimeOf converts a FILETIME, which counts 100 ns since 1601.
func TimeOf(ft uint64) time.Time {
	return time.Unix(int64(ft/1e7)-fileTimeEpoch, int64(ft%1e7)*100).UTC()
}

// fileTime converts a time to a FILETIME; times before 1601 become 0.
func fileTime(t time.Time) uint64 {
	seconds := t.Unix() + fileTimeEpoch
	if seconds < 0 {
		return 0
	}
	return uint64(seconds)*1e7 + uint64(t.Nanosecond()/100)
}
