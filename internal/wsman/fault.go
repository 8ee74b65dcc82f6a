package wsman

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Code is a Windows error code as faults carry it: an HRESULT, a WinRM error or a Win32 error.
type Code uint32

// The codes that callers decide by, and that a server of ours answers with. Values are those of winerror.h and wsmerror.h;
// the comment is the symbol there, without ERROR_ and WSMAN_.
const (
	CodeAccessDenied        Code = 5          // ACCESS_DENIED
	CodeAccessDeniedHResult Code = 2147942405 // HRESULT of the same
	CodeNotSupported        Code = 50         // NOT_SUPPORTED
	CodeInvalidParameter    Code = 87         // INVALID_PARAMETER
	CodeBusy                Code = 170        // BUSY
	CodeOperationAborted    Code = 995        // OPERATION_ABORTED
	CodeNotSupportedHResult Code = 2147942450 // HRESULT of NOT_SUPPORTED
	CodeFileNotFound        Code = 2147942402 // HRESULT of FILE_NOT_FOUND
	CodeBrokenPipe          Code = 2147942509 // HRESULT of BROKEN_PIPE
	CodeNoData              Code = 2147942632 // HRESULT of NO_DATA: the pipe is being closed
	CodeBadDirectory        Code = 2147942667 // HRESULT of DIRECTORY
	CodeCommandLineTooLong  Code = 2147942606 // HRESULT of FILENAME_EXCED_RANGE
	CodeWMINotFound         Code = 2147749890 // 0x80041002, WBEM_E_NOT_FOUND (MS-WMI 2.2.11, as the six that follow)
	codeWMIAccessDenied     Code = 2147749891 // 0x80041003, WBEM_E_ACCESS_DENIED
	CodeWMIInvalidNamespace Code = 2147749902 // 0x8004100E, WBEM_E_INVALID_NAMESPACE
	CodeWMIInvalidClass     Code = 2147749904 // 0x80041010, WBEM_E_INVALID_CLASS
	CodeWMIInvalidQuery     Code = 2147749911 // 0x80041017, WBEM_E_INVALID_QUERY
	CodeWMIInvalidMethod    Code = 2147749934 // 0x8004102E, WBEM_E_INVALID_METHOD
	CodeWMIInvalidParameter Code = 2147749896 // 0x80041008, WBEM_E_INVALID_PARAMETER
	CodeResourceNotFound    Code = 2150858752 // RESOURCE_NOT_FOUND: no such class, or no such instance
	CodeInvalidHeader       Code = 2150858767 // INVALID_MESSAGE_INFORMATION_HEADER: an OperationTimeout it does not take
	CodeActionNotSupported  Code = 2150858771 // ACTION_NOT_SUPPORTED
	CodeFilterNotSupported  Code = 2150858776 // ENUMERATE_FILTERING_NOT_SUPPORTED
	CodeFilterDialect       Code = 2150858777 // ENUMERATE_FILTER_DIALECT_REQUESTED_UNAVAILABLE
	CodeFilterInvalid       Code = 2150858778 // ENUMERATE_CANNOT_PROCESS_FILTER
	CodeContextInvalid      Code = 2150858779 // ENUMERATE_INVALID_ENUMERATION_CONTEXT
	CodeInvalidBody         Code = 2150858791 // INVALID_SOAP_BODY
	CodeTimedOut            Code = 2150858793 // OPERATION_TIMEDOUT: nothing yet
	CodeEncodingLimit       Code = 2150858805 // ENCODING_LIMIT: MaxEnvelopeSize below 8192
	CodeInvalidResourceURI  Code = 2150858811 // INVALID_RESOURCE_URI
	CodeSchemaValidation    Code = 2150858817 // SCHEMA_VALIDATION_ERROR
	CodeInvalidSelectors    Code = 2150858843 // UNEXPECTED_SELECTORS: no such shell or command
	CodeModeNotSupported    Code = 2150858886 // ENUMERATION_MODE_UNSUPPORTED
	CodeMaxEnvelopeExceeded Code = 2150858824 // MAX_ENVELOPE_SIZE_EXCEEDED: an item does not fit into an answer
	CodeKeysNeeded          Code = 2150859002 // INVALID_URI_WMI_SINGLETON: a Get of a class that has keys, without them
	CodeWQLNeedsAll         Code = 2150859003 // INVALID_URI_WMI_ENUM_WQL: a WQL filter on a class, not on all of them
	codeWMIDeniedFirst      Code = 2150859012 // WMI_SVC_ACCESS_DENIED
	codeWMIDeniedLast       Code = 2150859014 // WMI_CANNOT_CONNECT_ACCESS_DENIED
	CodeKeysInEnumerate     Code = 2150859016 // ENUMERATE_WMI_INVALID_KEY
	CodeRequestTooLarge     Code = 2150859025 // HTTP_REQUEST_TOO_LARGE_STATUS: over MaxEnvelopeSizekb
	CodeQuotaShells         Code = 2150859173 // QUOTA_MAX_SHELLS
	CodeQuotaOperations     Code = 2150859174 // QUOTA_MAX_OPERATIONS
	CodeQuotaUsers          Code = 2150859175 // QUOTA_USER
	CodeQuotaSystem         Code = 2150859176 // QUOTA_SYSTEM
	CodeShellDisconnected   Code = 2150859204 // WINRS_SHELL_DISCONNECTED: connect to it first
	CodeNotDisconnectable   Code = 2150859205 // WINRS_SHELL_DISCONNECT_NOT_SUPPORTED
	CodeSessionMismatch     Code = 2150859206 // WINRS_SHELL_CLIENTSESSIONID_MISMATCH: Reconnect is for the client that disconnected
	CodeConnectedElsewhere  Code = 2150859213 // WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT
	CodeNotGraceful         Code = 2150859214 // WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL: an operation under way does not end
	CodeCannotDisconnect    Code = 2150859215 // WINRS_SHELL_DISCONNECT_OPERATION_NOT_VALID
	CodeCannotConnect       Code = 2150859216 // WINRS_SHELL_RECONNECT_OPERATION_NOT_VALID: not in this state
	CodeBadCommandID        Code = 2150859220 // WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID: proposed by a client, and no GUID
	CodeBadShellID          Code = 2150859221 // WINRS_SHELL_CLIENTID_NOT_VALID
	CodeCommandIDTaken      Code = 2150859222 // WINRS_SHELLCOMMAND_CLIENTID_RESOURCE_CONFLICT
	CodeShellIDTaken        Code = 2150859223 // WINRS_SHELL_CLIENTID_RESOURCE_CONFLICT
	CodeStreamDisconnected  Code = 2150859230 // SERVICE_STREAM_DISCONNECTED: a Receive that a Disconnect ended
	codePluginQuotaFirst    Code = 2150859236 // QUOTA_MAX_SHELLS_PPQ
	codePluginQuotaLast     Code = 2150859242 // the last of its kind, _PPQ
)

// IsQuota reports whether a quota of the server was exceeded, its own or one of a plugin.
func (c Code) IsQuota() bool {
	return c >= CodeQuotaShells && c <= CodeQuotaSystem || c >= codePluginQuotaFirst && c <= codePluginQuotaLast
}

// IsAccessDenied reports whether the login was right but the account may not do this.
func (c Code) IsAccessDenied() bool {
	return c == CodeAccessDenied || c == CodeAccessDeniedHResult || c == codeWMIAccessDenied || c >= codeWMIDeniedFirst && c <= codeWMIDeniedLast
}

// IsConnected reports that a shell cannot be connected to because it is connected already.
func (c Code) IsConnected() bool { return c == CodeConnectedElsewhere || c == CodeCannotConnect }

// A Fault is a SOAP 1.2 fault (DSP0226 14) with the detail of 2.2.4.43. Decide by Code and Subcode: texts are localised.
type Fault struct {
	Sender  bool // the request was at fault, not the server
	Subcode Name // such as {NSManagement TimedOut}
	Code    Code // of WSManFault or MSFT_WmiError, the innermost that is not zero; 0 where the detail has none
	Reason  string
	Machine string // the name by which the client knew the server, often
	Message string // the innermost f:Message, which is often more exact than Reason
	Detail  string // w:FaultDetail, a URI
	// Provider is the plugin that raised the fault, empty where none is named.
	Provider string
}

// Error returns the most exact text that the server gave, and the code.
func (f *Fault) Error() string {
	text := f.Message
	if text == "" {
		text = f.Reason
	}
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		text = f.Subcode.Local
	}
	if text == "" {
		text = "the server gave no reason"
	}
	if f.Code == 0 {
		return text
	}
	return fmt.Sprintf("%s (code %d)", text, uint32(f.Code))
}

// TimedOut reports that nothing happened within OperationTimeout: no failure but an invitation to ask again (3.1.4.14).
// Servers other than Windows give the subcode only.
func (f *Fault) TimedOut() bool {
	return f.Code == CodeTimedOut || f.Code == 0 && f.Subcode == Name{NSManagement, "TimedOut"}
}

// Unsupported reports that the server, or the kind of shell, does not know the operation: nothing was done.
func (f *Fault) Unsupported() bool {
	switch f.Code {
	case CodeActionNotSupported, CodeNotSupported, CodeNotSupportedHResult, CodeNotDisconnectable:
		return true
	}
	return f.Code == 0 && f.Subcode == Name{NSAddressing, "ActionNotSupported"}
}

// parseFault reads from the start tag of s:Fault to its end.
func parseFault(r *Reader) *Fault {
	f := &Fault{}
	depth := r.Depth()
	subcode := 0 // how deep s:Subcode is open
	for {
		switch r.Next() {
		case EOF:
			return f
		case End:
			if r.Depth() < depth {
				return f
			}
			if r.Is(NSEnvelope, "Subcode") {
				subcode--
			}
		case Start:
			switch {
			case r.Is(NSEnvelope, "Subcode"):
				subcode++
			case r.Is(NSEnvelope, "Value"):
				value := r.QName(r.Content())
				if subcode == 0 {
					f.Sender = value.Local == "Sender"
				} else if subcode == 1 {
					f.Subcode = value
				}
			case r.Is(NSEnvelope, "Text"):
				if f.Reason == "" {
					f.Reason = text(r.Content())
				}
			case r.Is(NSManagement, "FaultDetail"):
				f.Detail = text(r.Content())
			case r.Is(NSFault, "WSManFault"):
				f.wsManFault(r)
			case r.Name().Space == nsWMIError:
				f.wmiError(r)
			}
		}
	}
}

// wsManFault reads a WSManFault. It may hold another one, in f:Message/f:ProviderFault: the innermost wins.
func (f *Fault) wsManFault(r *Reader) {
	f.setCode(attr0(r, "Code"))
	if m := attr0(r, "Machine"); m != "" {
		f.Machine = m
	}
	depth := r.Depth()
	var message []byte
	for {
		switch r.Next() {
		case EOF:
			return
		case Text:
			message = append(message, r.Text()...)
		case Start:
			switch {
			case r.Is(NSFault, "WSManFault"):
				f.wsManFault(r)
			case r.Is(NSFault, "ProviderFault"):
				f.Provider = attr0(r, "provider")
			}
		case End:
			if r.Depth() < depth {
				if m := text(message); m != "" && f.Message == "" {
					f.Message = m
				}
				return
			}
		}
	}
}

// wmiError reads one element of an MSFT_WmiError, where the code is error_Code (recorded from Windows Server 2012).
func (f *Fault) wmiError(r *Reader) {
	switch r.Name().Local {
	case "error_Code":
		f.setCode(text(r.Content()))
	case "Message":
		f.Message = text(r.Content())
	}
}

func (f *Fault) setCode(s string) {
	// Unsigned decimal by 2.2.4.43; other servers write it signed.
	if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64); err == nil && n != 0 && n >= -1<<31 && n < 1<<32 {
		f.Code = Code(uint32(n))
	}
}

func text(b []byte) string { return string(bytes.TrimSpace(b)) }

// attr0 returns an attribute without a namespace, empty where it is missing.
func attr0(r *Reader, name string) string {
	v, _ := r.Attr("", name)
	return v
}
