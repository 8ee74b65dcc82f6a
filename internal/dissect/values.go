package dissect

import (
	"fmt"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// fileTime writes a FILETIME (MS-DTYP 2.3.3) as RFC 3339.
func fileTime(ft uint64) string {
	if ft == 0 {
		return "zero: no time"
	}
	t := ntlm.TimeOf(ft)
	if t.Year() > 9999 {
		return fmt.Sprintf("beyond the year 9999 (0x%x)", ft)
	}
	return t.Format(time.RFC3339Nano)
}

// versionOf returns how to tell a VERSION (2.2.2.10), which means something only with its flag.
func versionOf(flags ntlm.Flags) func(*Field) {
	return func(f *Field) {
		if allZero(f.Raw) {
			f.Value = "zero"
			if flags.Has(ntlm.NegotiateVersion) {
				f.note("although the flags announce it")
			}
			return
		}
		v := ntlm.Version{Major: f.Raw[0], Minor: f.Raw[1], Build: uint16(littleEndian(f.Raw[2:4])), Revision: f.Raw[7]}
		f.Value = fmt.Sprintf("%d.%d build %d, NTLM revision %d", v.Major, v.Minor, v.Build, v.Revision)
		if name := v.Windows(); name != "" {
			f.note("%s", name)
		}
		if !flags.Has(ntlm.NegotiateVersion) {
			f.note("the flags do not announce it: to be ignored")
		}
	}
}

// flagBits lists the flags of NEGOTIATE (2.2.2.5) that are set, lowest first.
func flagBits(flags ntlm.Flags) []Bit {
	var set []Bit
	for bit := range 32 {
		mask := ntlm.Flags(1) << bit
		if flags&mask != 0 {
			set = append(set, Bit{uint32(mask), mask.Names()[0], flagMeaning(mask)})
		}
	}
	return set
}

func flagMeaning(mask ntlm.Flags) string {
	meaning := map[ntlm.Flags]string{
		ntlm.Unicode:                 "names are UTF-16LE",
		ntlm.OEM:                     "names are in an OEM code page, unless UNICODE is set too",
		ntlm.RequestTarget:           "the challenge is to hold a TargetName",
		ntlm.Sign:                    "messages can be signed",
		ntlm.Seal:                    "messages can be encrypted",
		ntlm.Datagram:                "connectionless authentication",
		ntlm.LMKey:                   "session key of the LM response: weak",
		ntlm.NTLM:                    "NTLM, always set",
		ntlm.Anonymous:               "anonymous",
		ntlm.OEMDomainSupplied:       "the NEGOTIATE_MESSAGE holds a domain",
		ntlm.OEMWorkstationSupplied:  "the NEGOTIATE_MESSAGE holds a workstation",
		ntlm.AlwaysSign:              "there is a session key for a MIC in any case",
		ntlm.TargetTypeDomain:        "TargetName is a domain",
		ntlm.TargetTypeServer:        "TargetName is a server",
		ntlm.ExtendedSessionSecurity: "signing and sealing with keys and sequence numbers for each direction",
		ntlm.Identify:                "the login is to identify only",
		ntlm.RequestNonNTSessionKey:  "session key of the LM hash: weak",
		ntlm.TargetInfo:              "the challenge holds TargetInfo",
		ntlm.NegotiateVersion:        "the Version field is filled in",
		ntlm.Negotiate128:            "128-bit session keys",
		ntlm.KeyExchange:             "the client sends a session key of its own",
		ntlm.Negotiate56:             "56-bit session keys, where 128 is not set",
	}[mask]
	if meaning == "" {
		return "unused"
	}
	return meaning
}
