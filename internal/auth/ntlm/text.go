package ntlm

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"
)

// encodeUTF16 encodes text as UTF-16LE.
func encodeUTF16(s string) []byte {
	units := utf16.Encode([]rune(s))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// decodeUTF16 decodes UTF-16LE; a lone surrogate or a trailing odd byte becomes U+FFFD.
func decodeUTF16(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, binary.LittleEndian.Uint16(b))
	}
	s := string(utf16.Decode(units))
	if len(b) == 1 {
		s += "\uFFFD"
	}
	return s
}

// encodeOEM encodes a name for a peer that did not negotiate UNICODE. MS-NLMP 2.2 leaves the code page to the machine,
// so only what windows-1252 holds (as pyspnego sends it) can be sent at all, and only ASCII is sure to be understood.
func encodeOEM(s string) ([]byte, error) {
	b, err := charmap.Windows1252.NewEncoder().Bytes([]byte(s))
	if err != nil {
		return nil, fmt.Errorf("ntlm: the server did not negotiate Unicode, and %q cannot be written in windows-1252", s)
	}
	return b, nil
}

func decodeOEM(b []byte) string {
	s, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(s)
}

func encodeText(s string, flags Flags) ([]byte, error) {
	if flags.Has(Unicode) {
		return encodeUTF16(s), nil
	}
	return encodeOEM(s)
}
