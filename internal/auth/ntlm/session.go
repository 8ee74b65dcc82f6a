package ntlm

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rc4"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
)

// SignatureSize is the length of an NTLMSSP_MESSAGE_SIGNATURE (2.2.2.9) in bytes.
const SignatureSize = 16

// ErrSignature is returned for a message whose signature does not verify: altered, out of order, or sealed with other keys.
var ErrSignature = errors.New("ntlm: the signature does not verify")

// Role is the side of a session.
type Role int

// The two sides of a session.
const (
	Client Role = iota
	Server
)

// A Session signs and seals for one authenticated connection (3.4). It keeps RC4 state and a sequence number for each
// direction, so messages must be opened in the order in which the peer sealed them; one direction must not be used by two
// goroutines at once. It implements the sealer of package sealed.
type Session struct {
	flags    Flags
	out, in  direction
	exported [16]byte
}

// direction is the state of one way (3.4: separate handles and sequence numbers with EXTENDED_SESSIONSECURITY).
type direction struct {
	sealKey  [16]byte
	handle   *rc4.Cipher
	mac      hash.Hash
	sequence uint32
	exchange bool
}

// NewSession derives the keys of a session (3.4.5) from its ExportedSessionKey and the flags of the AUTHENTICATE_MESSAGE.
// It refuses flags that would give less than 128-bit sealing with EXTENDED_SESSIONSECURITY.
func NewSession(exportedSessionKey [16]byte, flags Flags, role Role) (*Session, error) {
	if !flags.Has(sealingFlags) {
		return nil, fmt.Errorf("ntlm: cannot seal: the negotiated flags lack %v", sealingFlags&^flags)
	}
	s := &Session{flags: flags, exported: exportedSessionKey}
	s.out, s.in = newDirection(exportedSessionKey, flags, "client-to-server"), newDirection(exportedSessionKey, flags, "server-to-client")
	if role == Server {
		s.out, s.in = s.in, s.out
	}
	return s, nil
}

func newDirection(key [16]byte, flags Flags, name string) direction {
	d := direction{sealKey: sealKey(key, flags, name), exchange: flags.Has(KeyExchange)}
	sign := signKey(key, name)
	d.mac = hmac.New(md5.New, sign[:])
	d.handle = newRC4(d.sealKey[:])
	return d
}

// checksum computes the signature of plain for the current sequence number and steps on (3.4.4.2). The RC4 step of
// the checksum must come after that of the data.
func (d *direction) checksum(plain []byte) [SignatureSize]byte {
	var signature [SignatureSize]byte
	binary.LittleEndian.PutUint32(signature[0:], 1)
	binary.LittleEndian.PutUint32(signature[12:], d.sequence)
	d.mac.Reset()
	d.mac.Write(signature[12:])
	d.mac.Write(plain)
	var sum [md5Size]byte
	copy(signature[4:12], d.mac.Sum(sum[:0]))
	if d.exchange {
		d.handle.XORKeyStream(signature[4:12], signature[4:12])
	}
	d.sequence++
	return signature
}

// Seal encrypts plain and returns its signature as the header (3.4.3). NTLM never pads. plain is not changed.
func (s *Session) Seal(plain []byte) (header, data []byte, pad int, err error) {
	data = make([]byte, len(plain))
	s.out.handle.XORKeyStream(data, plain)
	signature := s.out.checksum(plain)
	return signature[:], data, 0, nil
}

// Open decrypts data in place and checks header, its signature. After an error the session is of no more use.
func (s *Session) Open(header, data []byte) (plain []byte, err error) {
	if len(header) != SignatureSize {
		return nil, fmt.Errorf("ntlm: a signature has %d bytes, not %d", SignatureSize, len(header))
	}
	s.in.handle.XORKeyStream(data, data)
	if want := s.in.checksum(data); !hmac.Equal(want[:], header) {
		return nil, ErrSignature
	}
	return data, nil
}

// SignMechList returns the mechListMIC of SPNEGO for an encoded list of mechanisms. The RC4 state of the direction starts
// afresh behind it, while its sequence numbers go on (MS-SPNG 3.3.5.1).
func (s *Session) SignMechList(list []byte) []byte {
	signature := s.out.checksum(list)
	s.out.handle = newRC4(s.out.sealKey[:])
	return signature[:]
}

// VerifyMechList checks the peer's mechListMIC, and starts the RC4 state of that direction afresh.
func (s *Session) VerifyMechList(list, mic []byte) error {
	want := s.in.checksum(list)
	s.in.handle = newRC4(s.in.sealKey[:])
	if !hmac.Equal(want[:], mic) {
		return ErrSignature
	}
	return nil
}
