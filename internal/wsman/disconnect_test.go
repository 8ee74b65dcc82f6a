package wsman

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

const shellHead = `<s:Envelope xml:lang="en-US" xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"><s:Header><a:RelatesTo>uuid:Q</a:RelatesTo></s:Header><s:Body>`

// TestDisconnectExamples reads the requests of 4.7.9 and 4.7.10, and what pypsrp writes in their place.
func TestDisconnectExamples(t *testing.T) {
	const head = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"><s:Header>
<p:SessionId s:mustUnderstand="false">uuid:4E41EC11-0D07-4465-8F84-2D463098A1C5</p:SessionId>
<w:ResourceURI> http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd</w:ResourceURI>
<w:SelectorSet><w:Selector Name="ShellId">C776791F-76FE-4F4E-9FAD-36BD17E152B0</w:Selector></w:SelectorSet></s:Header><s:Body>`
	const ns = ` xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell"`
	for _, tc := range []struct {
		body string
		want Body
	}{
		{`<rsp:Disconnect` + ns + `><rsp:IdleTimeOut>PT180.000S</rsp:IdleTimeOut>* //optional</rsp:Disconnect>`, &Disconnect{IdleTimeOut: 3 * time.Minute}},
		{`<rsp:Disconnect` + ns + `><rsp:BufferMode> Drop </rsp:BufferMode><other/></rsp:Disconnect>`, &Disconnect{BufferMode: BufferDrop}},
		{`<rsp:Disconnect` + ns + ` />`, &Disconnect{}},
		{``, nil},
		{`<rsp:Connect` + ns + ` CommandId="DB4E8DCF-51CC-423F-A7DF-5D0EA0D6FA08" />`, &Connect{CommandID: "DB4E8DCF-51CC-423F-A7DF-5D0EA0D6FA08"}},
		{`<rsp:Connect` + ns + `><connectXml xmlns="http://schemas.microsoft.com/powershell">AAAA</connectXml></rsp:Connect>`, &Connect{}},
	} {
		q, err := ParseRequest([]byte(head + tc.body + `</s:Body></s:Envelope>`))
		if err != nil || !reflect.DeepEqual(q.Body, tc.want) || q.SessionID != "uuid:4E41EC11-0D07-4465-8F84-2D463098A1C5" ||
			q.ResourceURI != ResourceCmd || q.Selector("ShellId") != "C776791F-76FE-4F4E-9FAD-36BD17E152B0" {
			t.Errorf("%s: %v, %+v %+v", tc.body, err, q, q.Body)
		}
	}
	if _, err := ParseRequest([]byte(head + `<rsp:Disconnect` + ns + `><rsp:IdleTimeOut>soon</rsp:IdleTimeOut></rsp:Disconnect></s:Body></s:Envelope>`)); err == nil {
		t.Error("an IdleTimeOut that is none is taken")
	}
}

// TestConnectAnswers reads answers to Connect as Windows Server 2016 gave them to pypsrp, and writes the same.
func TestConnectAnswers(t *testing.T) {
	const end = `</s:Body></s:Envelope>`
	for _, tc := range []struct {
		body string
		want ConnectResponse
	}{
		{`<rsp:ConnectResponse><rsp:InputStreams>stdin pr</rsp:InputStreams><rsp:OutputStreams>stdout</rsp:OutputStreams></rsp:ConnectResponse>`, ConnectResponse{"stdin pr", "stdout"}},
		{`<rsp:ConnectResponse></rsp:ConnectResponse>`, ConnectResponse{}},
	} {
		got, err := ParseConnect([]byte(shellHead+tc.body+end), "uuid:Q")
		if err != nil || *got != tc.want {
			t.Errorf("%s: %+v, %v", tc.body, got, err)
		}
		wire := string((&Response{Action: ActionConnect, RelatesTo: "uuid:Q", Body: &tc.want}).Encode())
		if !strings.Contains(wire, "/ConnectResponse</a:Action>") || !strings.Contains(wire, tc.body+end) {
			t.Error(wire)
		}
	}
	for name, body := range map[string]string{
		"open content":   `<rsp:ConnectResponse><connectResponseXml xmlns="http://schemas.microsoft.com/powershell">AAAA</connectResponseXml></rsp:ConnectResponse>`,
		"an empty body":  ``,
		"an empty child": `<rsp:ConnectResponse/>`,
	} {
		if got, err := ParseConnect([]byte(shellHead+body+end), "uuid:Q"); err != nil || *got != (ConnectResponse{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, answer := range map[string]string{
		"cut":              shellHead + `<rsp:ConnectResponse>`,
		"another answer":   shellHead + `<rsp:SendResponse/>` + end,
		"to other message": strings.Replace(shellHead, "uuid:Q", "uuid:R", 1) + `<rsp:ConnectResponse/>` + end,
	} {
		if got, err := ParseConnect([]byte(answer), "uuid:Q"); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, action := range []string{ActionDisconnect, ActionReconnect} {
		if err := ParseEmpty((&Response{Action: action, RelatesTo: "uuid:Q"}).Encode(), "uuid:Q"); err != nil {
			t.Errorf("%s: %v", action, err)
		}
	}
}

// TestShellState: a shell that can be disconnected says so in the answer to Create, another one does not.
func TestShellState(t *testing.T) {
	for _, shell := range []Shell{
		{ID: "S", IdleTimeOut: time.Hour, InputStreams: "stdin", OutputStreams: "stdout stderr", BufferMode: BufferBlock, State: ShellConnected},
		{ID: "S", IdleTimeOut: time.Hour, InputStreams: "stdin", OutputStreams: "stdout stderr"},
	} {
		got, err := ParseCreated((&Response{Action: ActionCreate, RelatesTo: "uuid:Q", Body: &ResourceCreated{Shell: shell}}).Encode(), "uuid:Q")
		if err != nil || !reflect.DeepEqual(*got, shell) {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// TestShellItems reads items of enumerations, as Windows Server 2016 gave them to pypsrp, and in forms of the document.
func TestShellItems(t *testing.T) {
	page := func(item string) *Page {
		t.Helper()
		p, err := ParsePage([]byte(shellHead+`<n:EnumerateResponse xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration"><n:EnumerationContext></n:EnumerationContext><w:Items>`+item+`</w:Items><w:EndOfSequence/></n:EnumerateResponse></s:Body></s:Envelope>`), "uuid:Q")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var shells []Shell
	err := page(`<rsp:Shell><rsp:ShellId>BCEF62AD-380E-4314-B2A4-EB6748019B41</rsp:ShellId><rsp:ResourceUri>http://schemas.microsoft.com/powershell/Microsoft.PowerShell</rsp:ResourceUri><rsp:Owner>WIN-NNMU24VVKJ0\vagrant</rsp:Owner><rsp:ClientIP>10.0.2.2</rsp:ClientIP><rsp:ProcessId>964</rsp:ProcessId><rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut><rsp:InputStreams>stdin pr</rsp:InputStreams><rsp:OutputStreams>stdout</rsp:OutputStreams><rsp:MaxIdleTimeOut>PT2147483.647S</rsp:MaxIdleTimeOut><rsp:Locale>en-US</rsp:Locale><rsp:DataLocale>en-US</rsp:DataLocale><rsp:CompressionMode>NoCompression</rsp:CompressionMode><rsp:ProfileLoaded>Yes</rsp:ProfileLoaded><rsp:Encoding>UTF8</rsp:Encoding><rsp:BufferMode>Block</rsp:BufferMode><rsp:State>Disconnected</rsp:State><rsp:ShellRunTime>P0DT0H0M9S</rsp:ShellRunTime><rsp:ShellInactivity>P0DT0H0M1S</rsp:ShellInactivity><rsp:MemoryUsed>51MB</rsp:MemoryUsed><rsp:ChildProcesses>0</rsp:ChildProcesses></rsp:Shell>` +
		`<rsp:Shell><rsp:ShellId>uuid:5B666291-0910-4E8F-B802-B697ACD7953D</rsp:ShellId><rsp:Lifetime>PT28737.000S</rsp:Lifetime><rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams><rsp:CommandLine><rsp:Command>pause</rsp:Command></rsp:CommandLine></rsp:Shell>`).Items(func(r *Reader) error {
		shells = append(shells, ReadShell(r))
		return r.Err()
	})
	want := []Shell{{
		ID: "BCEF62AD-380E-4314-B2A4-EB6748019B41", ResourceURI: "http://schemas.microsoft.com/powershell/Microsoft.PowerShell", Owner: `WIN-NNMU24VVKJ0\vagrant`,
		ClientIP: "10.0.2.2", IdleTimeOut: 2 * time.Hour, InputStreams: "stdin pr", OutputStreams: "stdout", BufferMode: BufferBlock, State: ShellDisconnected,
		ShellRunTime: 9 * time.Second, ShellInactivity: time.Second,
	}, {ID: "uuid:5B666291-0910-4E8F-B802-B697ACD7953D", Lifetime: 28737 * time.Second, InputStreams: "stdin", OutputStreams: "stdout stderr"}}
	if err != nil || !reflect.DeepEqual(shells, want) {
		t.Errorf("%v\n%+v\n%+v", err, shells, want)
	}
	var commands []CommandItem
	err = page(`<rsp:Command><rsp:CommandId>DB4E8DCF-51CC-423F-A7DF-5D0EA0D6FA08</rsp:CommandId><rsp:CommandLine></rsp:CommandLine><rsp:CommandState>Running</rsp:CommandState></rsp:Command>` +
		`<rsp:Command><other>x</other><rsp:CommandId> C </rsp:CommandId><rsp:CommandLine>echo &amp; x</rsp:CommandLine><rsp:CommandState>http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Done</rsp:CommandState></rsp:Command>` +
		`<rsp:Command><rsp:CommandId>D</rsp:CommandId><rsp:CommandLine><rsp:Command>dir</rsp:Command><rsp:Arguments>/s</rsp:Arguments></rsp:CommandLine></rsp:Command>`).Items(func(r *Reader) error {
		commands = append(commands, ReadCommand(r))
		return r.Err()
	})
	if want := []CommandItem{{"DB4E8DCF-51CC-423F-A7DF-5D0EA0D6FA08", "", "Running"}, {"C", "echo & x", "Done"}, {"D", "dir /s", ""}}; err != nil || !reflect.DeepEqual(commands, want) {
		t.Errorf("%v\n%+v\n%+v", err, commands, want)
	}
}
