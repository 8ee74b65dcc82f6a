// Package ntlm is the NT LAN Manager authentication protocol of MS-NLMP: its three messages, its keys, both roles,
// signing and sealing; it does not know HTTP, base64, SPNEGO or where a password comes from.
//
// Section numbers in comments are those of MS-NLMP.
package ntlm

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// signature opens every message (2.2.1).
const signature = "NTLMSSP\x00"

// MessageType is the second field of every message (2.2.1).
type MessageType uint32

// The three messages (2.2.1).
const (
	TypeNegotiate    MessageType = 1
	TypeChallenge    MessageType = 2
	TypeAuthenticate MessageType = 3
)

// String returns the message's name as MS-NLMP prints it.
func (t MessageType) String() string {
	switch t {
	case TypeNegotiate:
		return "NEGOTIATE_MESSAGE"
	case TypeChallenge:
		return "CHALLENGE_MESSAGE"
	case TypeAuthenticate:
		return "AUTHENTICATE_MESSAGE"
	}
	return fmt.Sprintf("message type %d", uint32(t))
}

// A FormatError says where a message stops making sense.
type FormatError struct {
	Message MessageType // 0 where the type itself cannot be read
	Offset  int         // in bytes from the start of the message
	Text    string      // what is wrong there
}

func (e *FormatError) Error() string {
	if e.Message == 0 {
		return fmt.Sprintf("ntlm: malformed message at offset %d: %s", e.Offset, e.Text)
	}
	return fmt.Sprintf("ntlm: malformed %v at offset %d: %s", e.Message, e.Offset, e.Text)
}

// TypeOf reads the type of a message. It returns a [FormatError] for bytes that are no NTLM message at all.
func TypeOf(message []byte) (MessageType, error) {
	if !bytes.HasPrefix(message, []byte(signature)) {
		return 0, &FormatError{Offset: 0, Text: "the signature NTLMSSP is missing"}
	}
	if len(message) < 12 {
		return 0, &FormatError{Offset: len(message), Text: "the message ends before its type"}
	}
	return MessageType(binary.LittleEndian.Uint32(message[8:])), nil
}

// A Field is the place of a payload value: the Len, MaxLen and BufferOffset triple of 2.2.1.
type Field struct {
	Len, MaxLen uint16
	Offset      uint32
}

// decoder reads one message and keeps its first error.
type decoder struct {
	message []byte
	kind    MessageType
	err     error
}

func newDecoder(message []byte, want MessageType, fixed int) (*decoder, error) {
	kind, err := TypeOf(message)
	if err != nil {
		return nil, err
	}
	if kind != want {
		return nil, &FormatError{Message: kind, Offset: 8, Text: fmt.Sprintf("expected %v", want)}
	}
	if len(message) < fixed {
		return nil, &FormatError{Message: kind, Offset: len(message), Text: fmt.Sprintf("the message ends before its fixed part of %d bytes", fixed)}
	}
	return &decoder{message: message, kind: kind}, nil
}

func (d *decoder) fail(offset int, text string) {
	if d.err == nil {
		d.err = &FormatError{Message: d.kind, Offset: offset, Text: text}
	}
}

func (d *decoder) uint32(offset int) uint32 { return binary.LittleEndian.Uint32(d.message[offset:]) }

// field reads the triple at offset and returns a copy of the value that it points to, nil where that is empty.
func (d *decoder) field(offset int, name string) (Field, []byte) {
	f := Field{
		Len:    binary.LittleEndian.Uint16(d.message[offset:]),
		MaxLen: binary.LittleEndian.Uint16(d.message[offset+2:]),
		Offset: d.uint32(offset + 4),
	}
	if f.Len == 0 {
		return f, nil
	}
	end := uint64(f.Offset) + uint64(f.Len)
	if end > uint64(len(d.message)) {
		d.fail(offset, fmt.Sprintf("%s: %d bytes at offset %d lie outside the message of %d bytes", name, f.Len, f.Offset, len(d.message)))
		return f, nil
	}
	return f, bytes.Clone(d.message[f.Offset:end])
}

// text reads a field whose encoding the flags choose (2.2: OEM or UTF-16LE).
func (d *decoder) text(offset int, name string, flags Flags) (Field, string) {
	f, value := d.field(offset, name)
	if flags.Has(Unicode) {
		if len(value)%2 != 0 {
			d.fail(offset, name+": UTF-16 text of odd length")
			return f, ""
		}
		return f, decodeUTF16(value)
	}
	return f, decodeOEM(value)
}

// encoder lays out a fixed part followed by the payload, in the order of the calls.
type encoder struct {
	fixed   []byte
	payload []byte
}

func newEncoder(kind MessageType, fixed int) *encoder {
	e := &encoder{fixed: make([]byte, fixed)}
	copy(e.fixed, signature)
	binary.LittleEndian.PutUint32(e.fixed[8:], uint32(kind))
	return e
}

func (e *encoder) field(offset int, value []byte) {
	binary.LittleEndian.PutUint16(e.fixed[offset:], uint16(len(value)))
	binary.LittleEndian.PutUint16(e.fixed[offset+2:], uint16(len(value)))
	binary.LittleEndian.PutUint32(e.fixed[offset+4:], uint32(len(e.fixed)+len(e.payload)))
	e.payload = append(e.payload, value...)
}

func (e *encoder) bytes() []byte { return append(e.fixed, e.payload...) }
