package sandbox

import (
	"crypto/sha1" // thumbprints of Windows are that; they protect nothing
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// element writes an element with text.
func element(b *strings.Builder, name, text string) {
	fmt.Fprintf(b, "<%s>%s</%s>", name, appendEscaped(nil, text), name)
}

// listenerKeys are the keys of the one listener, and the address in them by itself.
func (s *Server) listenerKeys() (address, transport, host string) {
	transport = "HTTP"
	if s.identity != nil {
		transport = "HTTPS"
	}
	host = s.listener.Addr().String()
	host = strings.Trim(host[:strings.LastIndexByte(host, ':')], "[]")
	return "IP:" + host, transport, host
}

// listeners lists the one listener (2.2.4.19, 3.1.4.1.29.5).
func (s *Server) listeners(mode wsman.EnumerationMode) [][]byte {
	address, transport, host := s.listenerKeys()
	thumbprint := ""
	if s.identity != nil {
		sum := sha1.Sum(s.identity.leaf.Raw)
		thumbprint = strings.ToUpper(hex.EncodeToString(sum[:]))
	}
	var b strings.Builder
	if mode != wsman.ModeEPR {
		b.WriteString(`<cfg:Listener xmlns:cfg="` + wsman.ResourceConfig + `">`)
		element(&b, "cfg:Address", address)
		element(&b, "cfg:Transport", transport)
		element(&b, "cfg:Port", strconv.Itoa(s.Port()))
		element(&b, "cfg:Hostname", "")
		element(&b, "cfg:Enabled", "true")
		element(&b, "cfg:URLPrefix", "wsman")
		element(&b, "cfg:CertificateThumbprint", thumbprint)
		element(&b, "cfg:ListeningOn", host)
		b.WriteString(`</cfg:Listener>`)
	}
	if mode != wsman.ModeObject {
		b.WriteString(`<a:EndpointReference><a:Address>` + addressAnonymous + `</a:Address><a:ReferenceParameters><w:ResourceURI>` + wsman.ResourceListener +
			`</w:ResourceURI><w:SelectorSet><w:Selector Name="Address">` + string(appendEscaped(nil, address)) + `</w:Selector><w:Selector Name="Transport">` + transport +
			`</w:Selector></w:SelectorSet></a:ReferenceParameters></a:EndpointReference>`)
	}
	if mode == wsman.ModeObjectAndEPR {
		return [][]byte{[]byte(`<w:Item>` + b.String() + `</w:Item>`)}
	}
	return [][]byte{[]byte(b.String())}
}

// plugins lists what answers requests, in the form of 2.2.4.22.
func (s *Server) plugins() [][]byte {
	plugin := func(name string, uris ...string) []byte {
		var b strings.Builder
		fmt.Fprintf(&b, `<PlugInConfiguration xmlns="%s/PluginConfiguration" Name="%s" Filename="winrmctl" SDKVersion="1" XmlRenderingType="text" Enabled="true"><Resources>`, wsman.ResourceConfig, name)
		for _, uri := range uris {
			fmt.Fprintf(&b, `<Resource ResourceUri="%s" SupportsOptions="true"><Capability Type="Enumerate"/><Capability Type="Get"/></Resource>`, uri)
		}
		b.WriteString(`</Resources></PlugInConfiguration>`)
		return []byte(b.String())
	}
	return [][]byte{plugin("WMI Provider", wsman.PrefixWMI+"root", wsman.PrefixDMTF), plugin("Sandbox Shell", wsman.ResourceCmd)}
}

// certMappings lists the certificates that are mapped to the account (2.2.4.3).
func (s *Server) certMappings() [][]byte {
	var items [][]byte
	for _, certificate := range s.options.ClientCertificates {
		sum := sha1.Sum(certificate.Raw) // it stands for its issuer too: the sandbox trusts these certificates, no authority
		var b strings.Builder
		b.WriteString(`<cert:CertMapping xmlns:cert="` + wsman.ResourceCertMapping + `">`)
		element(&b, "cert:URI", "*")
		element(&b, "cert:Subject", certificate.Subject.CommonName)
		element(&b, "cert:Issuer", strings.ToUpper(hex.EncodeToString(sum[:])))
		element(&b, "cert:UserName", s.options.User)
		element(&b, "cert:Enabled", "true")
		b.WriteString(`</cert:CertMapping>`)
		items = append(items, []byte(b.String()))
	}
	return items
}

// configuration is cfg:Config (2.2.4.10; recorded), as far as settings of the sandbox stand behind it.
func (s *Server) configuration() []byte {
	o := s.options
	var b strings.Builder
	flag := func(name string, on bool) { element(&b, name, strconv.FormatBool(on)) }
	number := func(name string, n int64) { element(&b, name, strconv.FormatInt(n, 10)) }
	b.WriteString(`<cfg:Config xmlns:cfg="` + wsman.ResourceConfig + `">`)
	number("cfg:MaxEnvelopeSizekb", int64(o.MaxEnvelope>>10))
	number("cfg:MaxTimeoutms", defaultTimeout.Milliseconds())
	number("cfg:MaxBatchItems", maxBatchItems)
	b.WriteString(`<cfg:Service>`)
	number("cfg:MaxConcurrentOperationsPerUser", maxEnumerations)
	number("cfg:EnumerationTimeoutms", int64(o.EnumerationTimeout/time.Millisecond))
	flag("cfg:AllowUnencrypted", o.AllowUnencrypted)
	b.WriteString(`<cfg:Auth>`)
	flag("cfg:Basic", s.offers(AuthBasic))
	flag("cfg:Kerberos", false)
	flag("cfg:Negotiate", s.offers(AuthNegotiate))
	flag("cfg:Certificate", s.offers(AuthCertificate))
	flag("cfg:CredSSP", false)
	hardening := map[Bindings]string{BindingsNone: "None", "": "Relaxed", BindingsRelaxed: "Relaxed", BindingsStrict: "Strict"}
	element(&b, "cfg:CbtHardeningLevel", hardening[o.Bindings])
	b.WriteString(`</cfg:Auth></cfg:Service><cfg:Winrs>`)
	flag("cfg:AllowRemoteShellAccess", true)
	number("cfg:IdleTimeout", o.IdleTimeout.Milliseconds())
	number("cfg:MaxShellsPerUser", int64(o.MaxShells))
	b.WriteString(`</cfg:Winrs></cfg:Config>`)
	return []byte(b.String())
}
