package enum

import (
	"fmt"
	"strings"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// Resource is what a user names: a class, or something of WinRM's own.
type Resource struct {
	Class     string // empty where it is no class
	Items     string // what instances are called, see [Known]; empty where that cannot be told
	URI       string // of the class or resource
	AllURI    string // of all classes of its namespace, for queries; empty where it is no class
	Selectors []wsman.Selector
	Namespace string // CIM namespace; empty where it is no class
	Single    bool   // there is one: to be got, not enumerated
}

// A NameError is something that cannot name what it should.
type NameError struct{ Text string }

func (e *NameError) Error() string { return e.Text }

// Scope says where a class is looked for.
type Scope struct {
	Namespace string // CIM namespace; empty for the default of the prefix
	Prefix    string // of resource URIs; empty for that of WMI
}

// ShortNames are the names that stand for a class or a resource, with what they stand for.
func ShortNames() map[string]string {
	return map[string]string{
		"services": "Win32_Service", "processes": "Win32_Process", "os": "Win32_OperatingSystem", "computer": "Win32_ComputerSystem",
		"disks": "Win32_LogicalDisk", "network": "Win32_NetworkAdapterConfiguration", "hotfixes": "Win32_QuickFixEngineering", "users": "Win32_UserAccount",
		"shells": wsman.ResourceShells, "listeners": wsman.ResourceListener, "config": wsman.ResourceConfig,
		"plugins": wsman.ResourcePlugin, "certmappings": wsman.ResourceCertMapping,
	}
}

// Resolve finds what a user means by a name: a short name, a class, or a resource URI.
func Resolve(name string, s Scope) (Resource, error) {
	namespace := strings.Trim(strings.ReplaceAll(s.Namespace, `\`, "/"), "/")
	for part := range strings.SplitSeq(namespace, "/") {
		if namespace != "" && strings.Trim(part, "-.") == "" || strings.ContainsAny(part, " ?#*\"'<>&") {
			return Resource{}, &NameError{fmt.Sprintf("%q is no CIM namespace: it looks like %s", s.Namespace, DefaultNamespace)}
		}
	}
	uri := name
	if long, ok := ShortNames()[strings.ToLower(name)]; ok {
		uri = long
	}
	isURI := strings.Contains(uri, "://")
	switch {
	case isURI && s.Prefix != "":
		return Resource{}, &NameError{fmt.Sprintf("a prefix makes URIs of the names of classes: %s has no use for one", name)}
	case isURI && namespace != "" && strings.HasPrefix(uri, wsman.PrefixMicrosoft):
		return Resource{}, &NameError{fmt.Sprintf("a namespace is where classes are looked for by their names: %s has no use for one", name)}
	case isURI:
		r, err := ofURI(uri)
		r.in(namespace)
		return r, err
	case !IsIdentifier(uri):
		return Resource{}, &NameError{fmt.Sprintf("%q is no class: letters, digits and _ name one", name)}
	}
	name = spelled(uri)
	if s.Prefix == "" {
		if namespace == "" {
			namespace = DefaultNamespace
		}
		all := wsman.PrefixWMI + namespace + "/"
		return Resource{Class: name, Items: name, URI: all + name, AllURI: all + "*", Namespace: namespace}, nil
	}
	prefix := strings.TrimSuffix(s.Prefix, "/") + "/"
	if !strings.Contains(prefix, "://") {
		return Resource{}, &NameError{fmt.Sprintf("%q is no prefix of resource URIs, such as %s", s.Prefix, wsman.PrefixDMTF)}
	}
	r := Resource{Class: name, Items: name, URI: prefix + name, AllURI: prefix + "*"}
	if prefix == wsman.PrefixDMTF {
		r.AllURI = wsman.ResourceAllDMTF
	}
	r.in(namespace)
	return r, nil
}

// in puts a class into a namespace that is no part of its URI (DSP0227 6.3).
func (r *Resource) in(namespace string) {
	if namespace != "" {
		r.Namespace = namespace
		r.Selectors = []wsman.Selector{{Name: wsman.SelectorNamespace, Value: namespace}}
	}
}

// ofURI takes a resource URI as it is. Those of WMI and DMTF name a class.
func ofURI(uri string) (Resource, error) {
	if strings.ContainsAny(uri, "? \"<>") {
		return Resource{}, &NameError{fmt.Sprintf("%q is no resource URI: keys are given apart from it", uri)}
	}
	r := Resource{URI: uri, Single: uri == wsman.ResourceConfig}
	at := strings.LastIndexByte(uri, '/') + 1
	if path, ok := strings.CutPrefix(uri, wsman.PrefixWMI); ok && strings.Contains(path, "/") {
		r.AllURI, r.Namespace = uri[:at]+"*", path[:strings.LastIndexByte(path, '/')]
	} else if strings.HasPrefix(uri, wsman.PrefixDMTF) {
		r.AllURI = wsman.ResourceAllDMTF
	}
	if r.AllURI != "" && IsIdentifier(uri[at:]) {
		r.Class = uri[at:]
	}
	own := map[string]string{wsman.ResourceShells: "Shell", wsman.ResourceListener: "Listener", wsman.ResourceCertMapping: "CertMapping"}
	if r.Items = own[uri]; r.Items == "" {
		r.Items = r.Class
	}
	return r, nil
}

// IsIdentifier reports whether a name can be that of a class, a property, a method or a parameter (DSP0004 annex A, without
// letters beyond ASCII, which no class of Windows has).
func IsIdentifier(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
