package wsman

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/masterzen/simplexml/dom"
	"github.com/masterzen/winrm/soap"
)

// Actions of WS-Enumeration (3.1.4.8 to 3.1.4.10).
const (
	ActionEnumerate = NSEnumeration + "/Enumerate"
	ActionPull      = NSEnumeration + "/Pull"
	ActionRelease   = NSEnumeration + "/Release"
)

// Filter dialects (3.1.4.1.13).
const (
	DialectWQL         = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
	DialectSelector    = "http://schemas.dmtf.org/wbem/wsman/1/wsman/SelectorFilter"
	DialectAssociation = "http://schemas.dmtf.org/wbem/wsman/1/cimbinding/associationFilter"
)

// XML namespaces of CIM data (2.2.1, DSP0227, DSP0230).
const (
	NSBinding  = soap.NS_CIMBINDING
	NSCommon   = "http://schemas.dmtf.org/wbem/wscim/1/common"
	NSInstance = soap.NS_SCHEMA_INST
)

// Resource URIs beside that of the shell (3.1.4.1.1, 3.1.4.1.29, 3.1.4.1.34).
const (
	ResourceShells      = NSShell
	ResourceCommands    = NSShell + "/Command" // as PowerShell and pypsrp enumerate it
	ResourceConfig      = "http://schemas.microsoft.com/wbem/wsman/1/config"
	ResourceListener    = ResourceConfig + "/listener"
	ResourcePlugin      = ResourceConfig + "/plugin"
	ResourceCertMapping = ResourceConfig + "/service/certmapping"
	PrefixMicrosoft     = "http://schemas.microsoft.com/wbem/wsman/1/" // of all resources of Windows
	PrefixWMI           = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
	PrefixDMTF          = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
	ResourceAllDMTF     = "http://schemas.dmtf.org/wbem/wscim/1/*"                // all classes (DSP0227 6.2)
	ResourceClass       = "http://schemas.dmtf.org/wbem/cim-xml/2/cim-schema/2/*" // their declarations (DSP0227 1.1, 15.4)
)

// SelectorNamespace is the selector that names a CIM namespace (DSP0227 6.3).
const SelectorNamespace = "__cimnamespace"

// EnumerationMode is what the items of an enumeration are (DSP0226 8.7).
type EnumerationMode string

// The modes.
const (
	ModeObject       EnumerationMode = ""
	ModeEPR          EnumerationMode = "EnumerateEPR"
	ModeObjectAndEPR EnumerationMode = "EnumerateObjectAndEPR"
)

// Polymorphism says how instances of sub-classes are shown (DSP0227 9.3). Windows ignores it (3.1.4.1.27).
type Polymorphism string

// The ways; the zero value leaves it to the server.
const (
	PolymorphismDefault Polymorphism = ""
	PolymorphismInclude Polymorphism = "IncludeSubClassProperties"
	PolymorphismExclude Polymorphism = "ExcludeSubClassProperties"
	PolymorphismNone    Polymorphism = "None"
)

// Enumerate is n:Enumerate (DSP0226 8.2).
type Enumerate struct {
	Optimize     bool // items in the answer already
	MaxElements  int  // of the answer, with Optimize; 0 leaves it to the server
	Mode         EnumerationMode
	Polymorphism Polymorphism
	Filter       *Filter // nil for none
}

// Filter is w:Filter. What counts depends on the dialect.
type Filter struct {
	Dialect     string
	Text        string       // of WQL and others that are text
	Selectors   []Selector   // of DialectSelector
	Association *Association // of DialectAssociation
}

// Association asks for what is associated with an object (DSP0227 8.2). Empty names do not restrict.
type Association struct {
	Instances        bool // the association instances themselves, not what is at their other end
	Object           EndpointReference
	AssociationClass string
	Role             string // the property of the association that refers to Object
	ResultClass      string
	ResultRole       string // the property that refers to the result
}

// EndpointReference names a resource (WS-Addressing, with the reference parameters of DSP0226 5.1.2).
type EndpointReference struct {
	Address     string // empty for the anonymous one
	ResourceURI string
	Selectors   []Selector
}

// Pull is n:Pull (DSP0226 8.4).
type Pull struct {
	Context     string
	MaxElements int // 0 leaves it to the server
}

// Release is n:Release (DSP0226 8.5).
type Release struct{ Context string }

func (e *Enumerate) build(m *soap.SoapMessage) error {
	x := &escaper{}
	body := m.CreateBodyElement("Enumerate", soap.DOM_NS_ENUM)
	// The order is that of recorded clients.
	if e.Optimize {
		m.CreateElement(body, "OptimizeEnumeration", soap.DOM_NS_WSMAN_DMTF)
		if e.MaxElements > 0 {
			m.CreateElement(body, "MaxElements", soap.DOM_NS_WSMAN_DMTF).SetContent(strconv.Itoa(e.MaxElements))
		}
	}
	if e.Mode != ModeObject {
		m.CreateElement(body, "EnumerationMode", soap.DOM_NS_WSMAN_DMTF).SetContent(x.text("enumeration mode", string(e.Mode)))
	}
	if e.Polymorphism != PolymorphismDefault {
		m.CreateElement(body, "PolymorphismMode", soap.DOM_NS_CIMBINDING).SetContent(x.text("polymorphism mode", string(e.Polymorphism)))
	}
	if e.Filter != nil {
		e.Filter.build(m, body, x)
	}
	return x.err
}

func (f *Filter) build(m *soap.SoapMessage, parent *dom.Element, x *escaper) {
	filter := m.CreateElement(parent, "Filter", soap.DOM_NS_WSMAN_DMTF)
	filter.SetAttr("Dialect", x.text("filter dialect", f.Dialect))
	switch f.Dialect {
	case DialectSelector:
		buildSelectors(m, filter, f.Selectors, x)
	case DialectAssociation:
		if f.Association != nil {
			f.Association.build(m, filter, x)
		}
	default:
		filter.SetContent(x.text("filter", f.Text))
	}
}

func (a *Association) build(m *soap.SoapMessage, parent *dom.Element, x *escaper) {
	name := "AssociatedInstances"
	if a.Instances {
		name = "AssociationInstances"
	}
	e := m.CreateElement(parent, name, soap.DOM_NS_CIMBINDING)
	a.Object.build(m, m.CreateElement(e, "Object", soap.DOM_NS_CIMBINDING), x)
	// The order is that of the schema (DSP0227 annex).
	fields := []struct{ name, value string }{
		{"AssociationClassName", a.AssociationClass}, {"Role", a.Role}, {"ResultClassName", a.ResultClass}, {"ResultRole", a.ResultRole},
	}
	for _, f := range fields {
		if a.Instances && (f.name == "AssociationClassName" || f.name == "ResultRole") {
			continue // not in b:AssociationInstances, where the result is the association
		}
		if f.value != "" {
			m.CreateElement(e, f.name, soap.DOM_NS_CIMBINDING).SetContent(x.text(f.name, f.value))
		}
	}
}

// build writes the content of an endpoint reference.
func (r *EndpointReference) build(m *soap.SoapMessage, parent *dom.Element, x *escaper) {
	address := r.Address
	if address == "" {
		address = addressAnonymous
	}
	m.CreateElement(parent, "Address", soap.DOM_NS_ADDRESSING).SetContent(x.text("address", address))
	parameters := m.CreateElement(parent, "ReferenceParameters", soap.DOM_NS_ADDRESSING)
	m.CreateElement(parameters, "ResourceURI", soap.DOM_NS_WSMAN_DMTF).SetContent(x.text("resource URI", r.ResourceURI))
	buildSelectors(m, parameters, r.Selectors, x)
}

func buildSelectors(m *soap.SoapMessage, parent *dom.Element, selectors []Selector, x *escaper) {
	set := m.CreateElement(parent, "SelectorSet", soap.DOM_NS_WSMAN_DMTF)
	for _, s := range selectors {
		e := m.CreateElement(set, "Selector", soap.DOM_NS_WSMAN_DMTF)
		e.SetAttr("Name", x.text("selector", s.Name))
		e.SetContent(x.text("selector "+s.Name, s.Value))
	}
}

func (p *Pull) build(m *soap.SoapMessage) error {
	x := &escaper{}
	body := m.CreateBodyElement("Pull", soap.DOM_NS_ENUM)
	m.CreateElement(body, "EnumerationContext", soap.DOM_NS_ENUM).SetContent(x.text("enumeration context", p.Context))
	if p.MaxElements > 0 {
		m.CreateElement(body, "MaxElements", soap.DOM_NS_ENUM).SetContent(strconv.Itoa(p.MaxElements))
	}
	return x.err
}

func (r *Release) build(m *soap.SoapMessage) error {
	x := &escaper{}
	body := m.CreateBodyElement("Release", soap.DOM_NS_ENUM)
	m.CreateElement(body, "EnumerationContext", soap.DOM_NS_ENUM).SetContent(x.text("enumeration context", r.Context))
	return x.err
}

// Input is the body of a request that invokes a method: METHOD_INPUT in the class's namespace (DSP0230 10.3, example
// in 4.1.4).
type Input struct {
	Space      string // the resource URI of the class
	Method     string
	Parameters []Parameter
}

// Parameter is an argument of a method, in text. An array repeats its name.
type Parameter struct{ Name, Value string }

func (i *Input) build(m *soap.SoapMessage) error {
	x := &escaper{}
	space := dom.Namespace{Prefix: "m", Uri: x.text("resource URI", i.Space)}
	for _, p := range append([]Parameter{{Name: i.Method}}, i.Parameters...) {
		if !isName([]byte(p.Name)) || strings.IndexFunc(p.Name, notInIdentifier) >= 0 {
			return fmt.Errorf("wsman: %q cannot name a method or a parameter", p.Name)
		}
	}
	body := m.CreateBodyElement(i.Method+"_INPUT", space)
	for _, p := range i.Parameters {
		m.CreateElement(body, p.Name, space).SetContent(x.text("parameter "+p.Name, p.Value))
	}
	return x.err
}

// notInIdentifier reports a character that no CIM identifier has (DSP0004 annex A).
func notInIdentifier(c rune) bool {
	return c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c < 0x80
}
