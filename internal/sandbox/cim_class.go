package sandbox

import (
	"slices"
	"strings"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// cimClass is a class that the server has instances of.
type cimClass struct {
	wsman.Class
	namespace string

	// open starts to go through the instances; bound is what a query wants at most of the first property, 0 for no
	// bound: only classes whose instances are computed mind it.
	open func(bound uint64) cursor

	// invoke performs a method of one instance, or of the class where that is nil. It returns the out-parameters.
	invoke func(method string, instance []cimValue, in map[string]string) ([]outParameter, error)
}

// cursor goes through instances: it fills in the values of the next one, in the order of the class's properties.
type cursor interface{ next(values []cimValue) bool }

// rows is a cursor over instances that are there.
type rows struct{ left [][]cimValue }

func (r *rows) next(values []cimValue) bool {
	if len(r.left) == 0 {
		return false
	}
	copy(values, r.left[0])
	r.left = r.left[1:]
	return true
}

// outParameter is what a method gives back, by name.
type outParameter struct {
	name  string
	value cimValue
}

// declare makes a class of lines with a type and the names of properties that have it: [] marks arrays, * keys, and a
// type of "ref:CLASS" references. Properties come out in alphabetical order, as Windows sends them (recorded).
func declare(name, lines string) *cimClass {
	c := &cimClass{Class: wsman.Class{Name: name}, namespace: "root/cimv2"}
	for line := range strings.Lines(lines) {
		fields := strings.Fields(line)
		for _, property := range fields[min(1, len(fields)):] {
			p := wsman.ClassProperty{Type: fields[0]}
			if class, ok := strings.CutPrefix(p.Type, "ref:"); ok {
				p.Type, p.Class = "reference", class
			}
			property, p.Array = strings.CutSuffix(property, "[]")
			p.Name, p.Key = strings.CutSuffix(property, "*")
			c.Properties = append(c.Properties, p)
		}
	}
	slices.SortFunc(c.Properties, func(a, b wsman.ClassProperty) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return c
}

// index is where a property stands, -1 for none.
func (c *cimClass) index(name string) int {
	return slices.IndexFunc(c.Properties, func(p wsman.ClassProperty) bool { return strings.EqualFold(p.Name, name) })
}

// row makes an instance of values by name; what is not named is null.
func (c *cimClass) row(values map[string]cimValue) []cimValue {
	out := make([]cimValue, len(c.Properties))
	for name, v := range values {
		if i := c.index(name); i >= 0 {
			out[i] = v
		}
	}
	return out
}

// all makes the class's instances what list returns.
func (c *cimClass) all(list func() [][]cimValue) *cimClass {
	c.open = func(uint64) cursor { return &rows{list()} }
	return c
}

// find returns the instance that selectors name, nil for none. Selectors that are no keys, or keys that are not named, are a
// fault: the error is a [*wsman.Fault].
func (c *cimClass) find(selectors []wsman.Selector) ([]cimValue, error) {
	keys := c.Keys()
	wanted := map[int]string{}
	for _, s := range selectors {
		if strings.EqualFold(s.Name, wsman.SelectorNamespace) {
			continue
		}
		i := c.index(s.Name)
		if i < 0 || !c.Properties[i].Key {
			return nil, invalidSelectors()
		}
		wanted[i] = s.Value
	}
	if len(wanted) < len(keys) {
		f := sender("InvalidSelectors", wsman.CodeKeysNeeded, "The WinRM client cannot process the request. The resource URI is not valid: it does not contain keys, but the class selected is not a singleton.")
		f.Provider = wmiProvider
		return nil, f
	}
	values := make([]cimValue, len(c.Properties))
	for instances := c.open(0); instances.next(values); {
		found := true
		for i, s := range wanted {
			found = found && values[i].equalSelector(s)
		}
		if found {
			return values, nil
		}
	}
	return nil, notFound()
}

// wmiProvider is the name by which Windows' faults name what speaks to WMI.
const wmiProvider = "WMI Provider"

func invalidSelectors() *wsman.Fault {
	f := sender("InvalidSelectors", wsman.CodeInvalidSelectors, "The WS-Management service cannot process the request because the request contained invalid selectors for the resource.")
	f.Detail = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/UnexpectedSelectors"
	f.Provider = wmiProvider
	return f
}

// notFound is the fault of 4.10: no such class, or no such instance.
func notFound() *wsman.Fault {
	f := sender("DestinationUnreachable", wsman.CodeResourceNotFound, "The WS-Management service cannot process the request. The service cannot find the resource identified by the resource URI and selectors.")
	f.Subcode.Space = wsman.NSAddressing
	f.Detail = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/ResourceNotFound"
	f.Provider = wmiProvider
	return f
}
