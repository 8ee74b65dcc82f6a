// Package wsman is the codec of WS-Management messages: SOAP envelopes, faults, and the remote shell's messages of MS-WSMV,
// each as a Go value, in both directions; it does no I/O and knows no HTTP.
//
// Section numbers in comments are those of MS-WSMV unless another document is named.
package wsman

import (
	"crypto/rand"
	"fmt"

	"github.com/masterzen/winrm/soap"
)

// XML namespaces. Those of the envelope and its headers are the ones that masterzen/winrm/soap writes.
const (
	NSEnvelope    = soap.NS_SOAP_ENV
	NSAddressing  = soap.NS_ADDRESSING
	NSTransfer    = soap.NS_TRANSFER
	NSEnumeration = soap.NS_ENUM
	NSManagement  = soap.NS_WSMAN_DMTF
	NSMicrosoft   = soap.NS_WSMAN_MSFT
	NSShell       = soap.NS_WIN_SHELL
	NSFault       = soap.NS_WSMAN_FAULT
	NSIdentify    = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
	nsWMIError    = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"
)

// Actions (DSP0226 and 3.1.4).
const (
	ActionCreate  = NSTransfer + "/Create"
	ActionDelete  = NSTransfer + "/Delete"
	ActionGet     = NSTransfer + "/Get"
	ActionCommand = NSShell + "/Command"
	ActionReceive = NSShell + "/Receive"
	ActionSend    = NSShell + "/Send"
	ActionSignal  = NSShell + "/Signal"
	actionFault   = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
)

// ResourceCmd is the resource URI of a text-based command shell (3.1.4.5.2).
const ResourceCmd = NSShell + "/cmd"

const addressAnonymous = NSAddressing + "/role/anonymous"

// NewID returns a random uuid in upper case, as Windows writes them, without a prefix.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
