package ntlm

import (
	"fmt"
	"strings"
)

// Flags is the NEGOTIATE structure of 2.2.2.5.
type Flags uint32

// The bits of 2.2.2.5, without their prefix NTLMSSP_.
const (
	Unicode                 Flags = 1 << 0
	OEM                     Flags = 1 << 1
	RequestTarget           Flags = 1 << 2
	Sign                    Flags = 1 << 4
	Seal                    Flags = 1 << 5
	Datagram                Flags = 1 << 6
	LMKey                   Flags = 1 << 7
	NTLM                    Flags = 1 << 9
	Anonymous               Flags = 1 << 11
	OEMDomainSupplied       Flags = 1 << 12
	OEMWorkstationSupplied  Flags = 1 << 13
	AlwaysSign              Flags = 1 << 15
	TargetTypeDomain        Flags = 1 << 16
	TargetTypeServer        Flags = 1 << 17
	ExtendedSessionSecurity Flags = 1 << 19
	Identify                Flags = 1 << 20
	RequestNonNTSessionKey  Flags = 1 << 22
	TargetInfo              Flags = 1 << 23
	NegotiateVersion        Flags = 1 << 25
	Negotiate128            Flags = 1 << 29
	KeyExchange             Flags = 1 << 30
	Negotiate56             Flags = 1 << 31
)

// sealingFlags is what a context needs before anything is sealed with it: without them MS-NLMP 3.4 falls back to
// 40-bit keys or to signatures without sequence numbers of their own.
const sealingFlags = Sign | Seal | ExtendedSessionSecurity | Negotiate128

// Has reports whether all bits of want are set.
func (f Flags) Has(want Flags) bool { return f&want == want }

// Names lists the set bits by their MS-NLMP names, lowest bit first; bits without a name are given as r<number>.
func (f Flags) Names() []string {
	names := [32]string{
		0: "NTLMSSP_NEGOTIATE_UNICODE", 1: "NTLM_NEGOTIATE_OEM", 2: "NTLMSSP_REQUEST_TARGET",
		4: "NTLMSSP_NEGOTIATE_SIGN", 5: "NTLMSSP_NEGOTIATE_SEAL", 6: "NTLMSSP_NEGOTIATE_DATAGRAM",
		7: "NTLMSSP_NEGOTIATE_LM_KEY", 9: "NTLMSSP_NEGOTIATE_NTLM", 11: "NTLMSSP_ANONYMOUS",
		12: "NTLMSSP_NEGOTIATE_OEM_DOMAIN_SUPPLIED", 13: "NTLMSSP_NEGOTIATE_OEM_WORKSTATION_SUPPLIED",
		15: "NTLMSSP_NEGOTIATE_ALWAYS_SIGN", 16: "NTLMSSP_TARGET_TYPE_DOMAIN", 17: "NTLMSSP_TARGET_TYPE_SERVER",
		19: "NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY", 20: "NTLMSSP_NEGOTIATE_IDENTIFY",
		22: "NTLMSSP_REQUEST_NON_NT_SESSION_KEY", 23: "NTLMSSP_NEGOTIATE_TARGET_INFO",
		25: "NTLMSSP_NEGOTIATE_VERSION", 29: "NTLMSSP_NEGOTIATE_128", 30: "NTLMSSP_NEGOTIATE_KEY_EXCH",
		31: "NTLMSSP_NEGOTIATE_56",
	}
	var set []string
	for bit := range 32 {
		if f&(1<<bit) == 0 {
			continue
		}
		if names[bit] == "" {
			set = append(set, fmt.Sprintf("r%d", bit))
			continue
		}
		set = append(set, names[bit])
	}
	return set
}

// String returns the value in hexadecimal and the names without their common prefixes.
func (f Flags) String() string {
	names := f.Names()
	for i, n := range names {
		for _, prefix := range []string{"NTLMSSP_NEGOTIATE_", "NTLM_NEGOTIATE_", "NTLMSSP_"} {
			if short, ok := strings.CutPrefix(n, prefix); ok {
				names[i] = short
				break
			}
		}
	}
	return strings.TrimRight(fmt.Sprintf("0x%08x %s", uint32(f), strings.Join(names, " ")), " ")
}
