package sandbox

import (
	"slices"
	"strings"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// associated finds what is associated with an object (DSP0227 8.2): the instances at the other end of association
// instances, or these themselves.
func (r *repository) associated(namespace string, body *wsman.Enumerate) (*source, error) {
	a := body.Filter.Association
	if a == nil {
		return nil, filterFault("CannotProcessFilter", wsman.CodeFilterInvalid, "The association filter has no object.")
	}
	class, _, err := r.classOf(&request{Request: &wsman.Request{ResourceURI: a.Object.ResourceURI, Selectors: a.Object.Selectors}})
	if err != nil {
		return nil, err
	}
	if class == nil {
		return nil, notFound()
	}
	object, err := class.find(a.Object.Selectors)
	if err != nil {
		return nil, err
	}
	found := &source{}
	var names []string
	for name := range r.classes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c := r.classes[name]
		restricted := a.AssociationClass
		if a.Instances {
			restricted = a.ResultClass
		}
		if !strings.EqualFold(c.namespace, namespace) || !named(restricted, c.Name) {
			continue
		}
		c.associations(a, class, object, func(result *cimInstance) {
			w := newItemWriter(result.class, result.class.resource(), nil, body.Mode)
			found.items = append(found.items, w.append(nil, result.values))
		})
	}
	return found, nil
}

// named reports whether a name is the one that is wanted; every name is where none is.
func named(wanted, name string) bool { return wanted == "" || strings.EqualFold(wanted, name) }

// associations goes through the instances of a class that refers to others, and reports what belongs to an object.
func (c *cimClass) associations(a *wsman.Association, class *cimClass, object []cimValue, report func(*cimInstance)) {
	var references []int
	for i, p := range c.Properties {
		if p.Type == "reference" {
			references = append(references, i)
		}
	}
	if len(references) == 0 {
		return
	}
	values := make([]cimValue, len(c.Properties))
	for instances := c.open(0); instances.next(values); {
		for _, i := range references {
			if !named(a.Role, c.Properties[i].Name) || !values[i].refersTo(class, object) {
				continue
			}
			if a.Instances {
				report(&cimInstance{c, slices.Clone(values)})
				continue
			}
			for _, j := range references {
				if j != i && named(a.ResultRole, c.Properties[j].Name) && named(a.ResultClass, values[j].object.class.Name) {
					report(values[j].object)
				}
			}
		}
	}
}

// refersTo reports whether a reference names an instance, by its keys.
func (v *cimValue) refersTo(class *cimClass, object []cimValue) bool {
	if v.kind != cimReference || v.object.class != class {
		return false
	}
	for i, p := range class.Properties {
		if p.Key && v.object.values[i].string() != object[i].string() {
			return false
		}
	}
	return true
}
