package sandbox

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// repository is what the server has instances of.
type repository struct {
	server  *Server
	classes map[string]*cimClass // by namespace and name in lower case
}

// newRepository makes the classes of a server.
func newRepository(s *Server, dataset *Dataset) *repository {
	r := &repository{server: s, classes: map[string]*cimClass{}}
	classes := slices.Concat(s.machineClasses(), s.serviceClasses(), s.processClasses(), []*cimClass{numberClass()})
	if dataset != nil {
		classes = append(classes, dataset.classes...)
	}
	for _, c := range classes {
		r.classes[classKey(c.namespace, c.Name)] = c
	}
	return r
}

func classKey(namespace, name string) string { return strings.ToLower(namespace + ":" + name) }

// namespaces reports whether there is such a CIM namespace.
func (r *repository) hasNamespace(name string) bool {
	for _, c := range r.classes {
		if strings.EqualFold(c.namespace, name) {
			return true
		}
	}
	return false
}

// isData reports whether a request is about data: resources that are enumerated, got, or have methods.
func isData(in *request) bool {
	switch in.Action {
	case wsman.ActionEnumerate, wsman.ActionPull, wsman.ActionRelease:
		return true
	}
	return strings.HasPrefix(in.ResourceURI, wsman.PrefixWMI) || strings.HasPrefix(in.ResourceURI, wsman.PrefixDMTF) ||
		strings.HasPrefix(in.ResourceURI, wsman.ResourceConfig) || in.ResourceURI == wsman.ResourceClass || in.ResourceURI == wsman.ResourceAllDMTF ||
		in.ResourceURI == wsman.ResourceShells && in.Action == wsman.ActionGet
}

// perform carries out a request about data. Its error is a [*wsman.Fault].
func (r *repository) perform(ctx context.Context, in *request) (wsman.ResponseBody, error) {
	switch body := in.Body.(type) {
	case *wsman.Enumerate:
		return r.enumerate(in, body)
	case *wsman.Pull:
		return r.server.enumerations.pull(in, body)
	case *wsman.Release:
		return nil, r.server.enumerations.release(body.Context)
	case *wsman.Input:
		return r.invoke(in, body)
	}
	if in.Action == wsman.ActionGet {
		return r.get(in)
	}
	f := sender("ActionNotSupported", wsman.CodeActionNotSupported, "The WS-Management service does not support the action specified in the request.")
	f.Subcode.Space = wsman.NSAddressing
	return nil, f
}

// classOf finds the class of a resource URI; the class is nil for all of a namespace. DMTF URIs are those of the default
// namespace of this server.
func (r *repository) classOf(in *request) (class *cimClass, namespace string, err error) {
	path, isWMI := strings.CutPrefix(in.ResourceURI, wsman.PrefixWMI)
	name := ""
	switch {
	case isWMI && strings.Contains(path, "/"):
		at := strings.LastIndexByte(path, '/')
		namespace, name = path[:at], path[at+1:]
	case in.ResourceURI == wsman.ResourceAllDMTF:
		namespace, name = in.Selector(wsman.SelectorNamespace), "*"
	case strings.HasPrefix(in.ResourceURI, wsman.PrefixDMTF):
		namespace, name = in.Selector(wsman.SelectorNamespace), strings.TrimPrefix(in.ResourceURI, wsman.PrefixDMTF)
	default:
		return nil, "", sender("InvalidResourceURI", wsman.CodeInvalidResourceURI, "The resource URI is unknown to the sandbox: "+in.ResourceURI)
	}
	if namespace = strings.ReplaceAll(namespace, `\`, "/"); namespace == "" {
		namespace = "root/cimv2"
	}
	if !r.hasNamespace(namespace) {
		f := notFound()
		f.Message = "The specified namespace does not exist: " + namespace
		return nil, "", f
	}
	if name == "*" {
		return nil, namespace, nil
	}
	if class = r.classes[classKey(namespace, name)]; class == nil {
		return nil, "", notFound()
	}
	return class, namespace, nil
}

// enumerate answers an Enumerate.
func (r *repository) enumerate(in *request, body *wsman.Enumerate) (wsman.ResponseBody, error) {
	switch body.Mode {
	case wsman.ModeObject, wsman.ModeEPR, wsman.ModeObjectAndEPR:
	default:
		return nil, sender("UnsupportedFeature", wsman.CodeModeNotSupported, "The resource URI does not support the enumeration mode "+string(body.Mode)+".")
	}
	source, err := r.source(in, body)
	if err != nil {
		return nil, err
	}
	return r.server.enumerations.start(in, body, source)
}

// source finds what an Enumerate asks for.
func (r *repository) source(in *request, body *wsman.Enumerate) (*source, error) {
	if in.ResourceURI == wsman.ResourceClass {
		return r.declarations(in)
	}
	if items, ok, err := r.server.own(in, body); ok {
		return &source{items: items}, err
	}
	class, namespace, err := r.classOf(in)
	switch {
	case err != nil:
		return nil, err
	case body.Filter == nil && class == nil:
		return nil, filterFault("FilteringRequired", wsman.CodeFilterInvalid, "An enumeration of all classes needs a filter.")
	case body.Filter == nil:
		if len(in.Selectors) > 0 && in.Selector(wsman.SelectorNamespace) == "" {
			return nil, sender("InvalidSelectors", wsman.CodeKeysInEnumerate, "The WS-Management service cannot process the request. The resource URI for an Enumerate operation must not contain keys.")
		}
		return newSource(class, class.open(0), r.resourceOf(in, class), nil, body.Mode, nil), nil
	}
	switch body.Filter.Dialect {
	case wsman.DialectWQL:
		if class != nil {
			return nil, filterFault("CannotProcessFilter", wsman.CodeWQLNeedsAll, "The WinRM client cannot process the request. A WQL filter needs a resource URI that ends in *.")
		}
		return r.query(in, namespace, body)
	case wsman.DialectSelector:
		if class == nil {
			return nil, filterFault("CannotProcessFilter", wsman.CodeFilterInvalid, "A selector filter needs the resource URI of one class.")
		}
		where, err := selectorCondition(class, body.Filter.Selectors)
		if err != nil {
			return nil, err
		}
		return newSource(class, class.open(0), r.resourceOf(in, class), nil, body.Mode, where), nil
	case wsman.DialectAssociation:
		return r.associated(namespace, body)
	}
	return nil, filterFault("FilterDialectRequestedUnavailable", wsman.CodeFilterDialect, "The WS-Management service cannot process the request. The filter dialect is not supported.")
}

// resourceOf is the namespace that instances have: that under which they were asked for.
func (r *repository) resourceOf(in *request, class *cimClass) string {
	if strings.HasPrefix(in.ResourceURI, wsman.PrefixDMTF) || in.ResourceURI == wsman.ResourceAllDMTF {
		return wsman.PrefixDMTF + class.Name
	}
	return class.resource()
}

// query carries out a WQL query.
func (r *repository) query(in *request, namespace string, body *wsman.Enumerate) (*source, error) {
	q, err := parseWQL(body.Filter.Text)
	if err != nil {
		return nil, invalidQuery(err)
	}
	class := r.classes[classKey(namespace, q.class)]
	if class == nil {
		f := filterFault("CannotProcessFilter", wsman.CodeWMIInvalidClass, "The WS-Management service cannot process the request. The WMI service returned an 'invalid class' error: "+q.class)
		f.Provider = wmiProvider
		return nil, f
	}
	var columns []int
	for _, name := range q.properties {
		i := class.index(name)
		if i < 0 {
			return nil, invalidQuery(&wqlError{"the class " + class.Name + " has no property " + name})
		}
		columns = append(columns, i)
	}
	slices.SortFunc(columns, func(a, b int) int {
		return strings.Compare(strings.ToLower(class.Properties[a].Name), strings.ToLower(class.Properties[b].Name))
	})
	limit := uint64(0)
	if q.where != nil {
		if err := q.where.bind(class); err != nil {
			return nil, invalidQuery(err)
		}
		limit = bound(q.where, class.Properties[0].Name)
	}
	return newSource(class, class.open(limit), r.resourceOf(in, class), slices.Compact(columns), body.Mode, q.where), nil
}

// selectorCondition makes a condition of a selector filter, by the rules of 3.1.4.1.13.
func selectorCondition(class *cimClass, selectors []wsman.Selector) (condition, error) {
	var where condition
	seen := map[string]bool{}
	for _, s := range selectors {
		refuse := func(why string) error {
			return filterFault("CannotProcessFilter", wsman.CodeFilterInvalid, "The selector filter cannot be processed: "+s.Name+" "+why+".")
		}
		i := class.index(s.Name)
		switch {
		case i < 0:
			return nil, refuse("is no property of the class")
		case seen[strings.ToLower(s.Name)]:
			return nil, refuse("stands there twice")
		case class.Properties[i].Array, class.Properties[i].Type == "datetime", class.Properties[i].Type == "reference":
			return nil, refuse("is an array, a datetime or a reference")
		case strings.ContainsAny(s.Value, `'"`):
			return nil, refuse("has a quote in its value")
		}
		seen[strings.ToLower(s.Name)] = true
		c := &comparison{property: s.Name, op: "=", literal: literal{text: s.Value}, index: i}
		c.literal.readNumber()
		if strings.EqualFold(s.Value, "true") || strings.EqualFold(s.Value, "false") {
			c.literal.boolean = booleanValue(strings.EqualFold(s.Value, "true"))
		}
		if where == nil {
			where = c
		} else {
			where = &both{where, c}
		}
	}
	return where, nil
}

func filterFault(subcode string, code wsman.Code, reason string) *wsman.Fault {
	f := sender(subcode, code, reason)
	f.Subcode.Space = wsman.NSEnumeration
	return f
}

// invalidQuery is the fault of a query that WMI does not take: what it said of it stands in the message.
func invalidQuery(err error) *wsman.Fault {
	f := filterFault("CannotProcessFilter", wsman.CodeFilterInvalid, "The WS-Management service cannot process the request. The WQL query is invalid.")
	if e, ok := errors.AsType[*wqlError](err); ok {
		f.Message = f.Reason + " " + strings.ToUpper(e.text[:1]) + e.text[1:] + "."
	}
	f.Provider = wmiProvider
	return f
}

// get answers a Get.
func (r *repository) get(in *request) (wsman.ResponseBody, error) {
	if item, ok, err := r.server.ownInstance(in); ok {
		if err != nil {
			return nil, err
		}
		return wsman.Content(item), nil
	}
	if in.ResourceURI == wsman.ResourceClass {
		class := r.classes[classKey(strings.ReplaceAll(in.Selector(wsman.SelectorNamespace), `\`, "/"), in.Selector("ClassName"))]
		if class == nil {
			return nil, notFound()
		}
		return wsman.Content(class.AppendXML(nil)), nil
	}
	class, _, err := r.classOf(in)
	if err != nil {
		return nil, err
	}
	if class == nil {
		return nil, notFound()
	}
	values, err := class.find(in.Selectors)
	if err != nil {
		return nil, err
	}
	return wsman.Content(newItemWriter(class, r.resourceOf(in, class), nil, wsman.ModeObject).append(nil, values)), nil
}

// invoke answers the invocation of a method.
func (r *repository) invoke(in *request, body *wsman.Input) (wsman.ResponseBody, error) {
	class, _, err := r.classOf(in)
	if err != nil {
		return nil, err
	}
	method := in.Action[strings.LastIndexByte(in.Action, '/')+1:]
	if class == nil || !slices.Contains(class.Methods, method) || body.Method != method {
		f := sender("ActionNotSupported", wsman.CodeWMIInvalidMethod, "The WS-Management service cannot process the request. The class has no method "+method+".")
		f.Subcode.Space = wsman.NSAddressing
		f.Provider = wmiProvider
		return nil, f
	}
	var instance []cimValue
	if len(in.Selectors) > 0 {
		if instance, err = class.find(in.Selectors); err != nil {
			return nil, err
		}
	}
	parameters := map[string]string{}
	for _, p := range body.Parameters {
		parameters[strings.ToLower(p.Name)] = p.Value
	}
	out, err := class.invoke(method, instance, parameters)
	if err != nil {
		return nil, err
	}
	return wsman.Content(appendOutput(nil, in.ResourceURI, method, out)), nil
}

// declarations lists the classes of a namespace in CIM-XML (3.1.4.1.38).
func (r *repository) declarations(in *request) (*source, error) {
	namespace := strings.ReplaceAll(in.Selector(wsman.SelectorNamespace), `\`, "/")
	var items [][]byte
	var names []string
	for key, c := range r.classes {
		if strings.EqualFold(c.namespace, namespace) {
			names = append(names, key)
		}
	}
	if len(names) == 0 {
		return nil, notFound()
	}
	slices.Sort(names)
	for _, key := range names {
		items = append(items, r.classes[key].AppendXML(nil))
	}
	return &source{items: items}, nil
}
