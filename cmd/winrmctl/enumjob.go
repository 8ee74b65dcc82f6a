package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/winrmctl/winrmctl/internal/enum"
	"github.com/winrmctl/winrmctl/internal/enum/format"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// enumJob is what is asked of each target: it hands items to emit as they come, whose error ends it.
type enumJob struct {
	class     string // that is asked for, "" where none is
	shown     string // whose instances come, "" where that cannot be told
	mixed     bool   // instances of other classes come too, as a rule
	namespace string
	single    bool // there is one item at most
	keys      []string
	columns   []string // of a table, where none are chosen; nil for those that have values
	run       func(ctx context.Context, c *enum.Client, emit func(*enum.Item) error) error
}

// job makes out of the flags what to ask.
func (o *enumOptions) job() (*enumJob, error) {
	if o.classes {
		return o.classesJob()
	}
	r := enum.Resource{}
	var err error
	if o.resource != "" {
		r, err = enum.Resolve(o.resource, enum.Scope{Namespace: o.namespace, Prefix: o.prefix})
	} else { // --wql alone
		class := enum.ClassOf(o.wql)
		if class == "" {
			class = "meta_class" // its name says nothing: only the URI of all classes is used
		}
		if r, err = enum.Resolve(class, enum.Scope{Namespace: o.namespace, Prefix: o.prefix}); enum.ClassOf(o.wql) == "" {
			r.Class = ""
		}
	}
	if err != nil {
		return nil, err
	}
	j := &enumJob{class: r.Class, shown: r.Class, namespace: r.Namespace, single: r.Single || len(o.get) > 0 || o.invoke != ""}
	if words := strings.Fields(o.wql); o.mode == "object" && (o.wql == "" || len(words) > 1 && words[1] == "*") {
		j.columns = defaultColumns(r.Items)
	}
	if declared := enum.Known(r.Items); declared != nil {
		j.keys = declared.Keys()
	}
	o.selectKeys(j.keys)
	q := enum.Query{
		ResourceURI: r.URI, Selectors: r.Selectors, Class: r.Class, Batch: o.batch, Max: o.max, Raw: o.output == format.XML,
		Mode:         map[string]wsman.EnumerationMode{"epr": wsman.ModeEPR, "both": wsman.ModeObjectAndEPR}[o.mode],
		Polymorphism: map[string]wsman.Polymorphism{"include": wsman.PolymorphismInclude, "exclude": wsman.PolymorphismExclude, "none": wsman.PolymorphismNone}[o.subclasses],
	}
	switch {
	case o.invoke != "":
		return o.invokeJob(j, q)
	case len(o.get) > 0 || r.Single:
		return o.getJob(j, q)
	}
	if err := o.filterOf(&q, r); err != nil {
		return nil, err
	}
	if len(o.association) > 0 {
		j.shown, j.mixed = o.resultClass, true
		j.columns = defaultColumns(o.resultClass)
	}
	projected := o.projects(&q)
	if projected && q.Raw {
		return nil, errProjectedXML()
	}
	j.run = func(ctx context.Context, c *enum.Client, emit func(*enum.Item) error) error {
		for item, err := range c.All(ctx, q) {
			if err != nil {
				return o.explainClass(ctx, c, j, err)
			}
			if projected {
				project(&item, o.selected)
			}
			if err := emit(&item); err != nil {
				return err
			}
		}
		return nil
	}
	return j, nil
}

// selectKeys adds to the properties that are chosen those that tell items apart, where that is needed.
func (o *enumOptions) selectKeys(keys []string) {
	if o.watch == 0 || len(o.selected) == 0 || all(o.selected) {
		return
	}
	if len(o.keys) > 0 {
		keys = o.keys
	}
	for _, key := range keys {
		if !slices.ContainsFunc(o.selected, func(name string) bool { return strings.EqualFold(name, key) }) {
			o.selected = append(o.selected, key)
		}
	}
}

// filterOf puts the flags that choose instances into a query.
func (o *enumOptions) filterOf(q *enum.Query, r enum.Resource) error {
	needsClass := func(flag string) error {
		if r.AllURI == "" {
			return &usageError{flag + " is for WMI classes: " + o.resource + " has no queries", ""}
		}
		return nil
	}
	switch {
	case o.wql != "":
		if r.AllURI != "" {
			q.ResourceURI = r.AllURI
		}
		q.Filter = &wsman.Filter{Dialect: wsman.DialectWQL, Text: o.wql}
	case len(o.filter) > 0:
		selectors, err := selectorsOf("--filter", o.filter)
		if err != nil {
			return err
		}
		q.Filter = &wsman.Filter{Dialect: wsman.DialectSelector, Selectors: selectors}
	case len(o.association) > 0:
		if err := needsClass("--association"); err != nil {
			return err
		}
		selectors, err := selectorsOf("--association", o.association)
		if err != nil {
			return err
		}
		q.ResourceURI, q.Class = r.AllURI, o.resultClass
		q.Filter = &wsman.Filter{Dialect: wsman.DialectAssociation, Association: &wsman.Association{
			Instances: o.references, Object: wsman.EndpointReference{ResourceURI: r.URI, Selectors: append(selectors, r.Selectors...)},
			AssociationClass: o.associationClass, Role: o.role, ResultClass: o.resultClass, ResultRole: o.otherEnd,
		}}
	case o.where != "" || len(o.selected) > 0 && r.AllURI != "" && !all(o.selected):
		if err := needsClass("--where"); err != nil {
			return err
		}
		properties := o.selected
		if all(properties) {
			properties = nil
		}
		text, err := enum.Select(r.Class, properties, o.where)
		if err != nil {
			return err
		}
		q.ResourceURI = r.AllURI
		q.Filter = &wsman.Filter{Dialect: wsman.DialectWQL, Text: text}
	}
	return nil
}

// all reports whether properties are chosen by *.
func all(properties []string) bool { return len(properties) == 1 && properties[0] == "*" }

// projects reports whether properties have to be chosen here, since the server was not asked to.
func (o *enumOptions) projects(q *enum.Query) bool {
	return len(o.selected) > 0 && !all(o.selected) && (q.Filter == nil || q.Filter.Dialect != wsman.DialectWQL)
}

func errProjectedXML() error {
	return &usageError{"-o xml writes items as they were received: only queries of WMI classes can --select", "use -o json or -o jsonl"}
}

// project keeps properties by name, in their order, without regard to case.
func project(item *enum.Item, names []string) {
	var kept []enum.Property
	for _, p := range item.Properties {
		for _, name := range names {
			if strings.EqualFold(p.Name, name) {
				kept = append(kept, p)
				break
			}
		}
	}
	item.Properties = kept
}

func selectorsOf(flag string, pairs []string) ([]wsman.Selector, error) {
	var out []wsman.Selector
	for _, pair := range pairs {
		if pair == "@" {
			continue // of a class without keys, as WMI's paths have it
		}
		name, value, ok := strings.Cut(pair, "=")
		if !ok || !enum.IsIdentifier(name) {
			return nil, &usageError{fmt.Sprintf("%s %q: need NAME=VALUE", flag, pair), ""}
		}
		out = append(out, wsman.Selector{Name: name, Value: value})
	}
	return out, nil
}

func (o *enumOptions) getJob(j *enumJob, q enum.Query) (*enumJob, error) {
	selectors, err := selectorsOf("--get", o.get)
	if err != nil {
		return nil, err
	}
	if o.where != "" || len(o.filter) > 0 || len(o.association) > 0 {
		return nil, &usageError{"--where, --filter and --association choose among instances: of " + o.resource + " there is one", ""}
	}
	if o.projects(&q) && q.Raw {
		return nil, errProjectedXML()
	}
	q.Selectors = append(selectors, q.Selectors...)
	j.run = func(ctx context.Context, c *enum.Client, emit func(*enum.Item) error) error {
		item, err := c.Get(ctx, q)
		if err != nil {
			return o.explainClass(ctx, c, j, err)
		}
		if o.projects(&q) {
			project(&item, o.selected)
		}
		return emit(&item)
	}
	return j, nil
}

// invokeJob runs a method. Its return value counts as that of a command: an [*shell.ExitError] where it is not 0.
func (o *enumOptions) invokeJob(j *enumJob, q enum.Query) (*enumJob, error) {
	selectors, err := selectorsOf("--get", o.get)
	switch {
	case err != nil:
		return nil, err
	case !enum.IsIdentifier(o.invoke):
		return nil, &usageError{fmt.Sprintf("--invoke %q: that is no name of a method", o.invoke), ""}
	}
	q.Selectors = append(selectors, q.Selectors...)
	asked := q.Class
	q.Class = "" // what comes back is no instance of it
	j.class, j.shown, j.columns = "", "", nil
	j.run = func(ctx context.Context, c *enum.Client, emit func(*enum.Item) error) error {
		item, err := c.Invoke(ctx, q, o.invoke, o.parameters)
		if err != nil {
			named := *j
			named.class = asked
			return o.explainClass(ctx, c, &named, err)
		}
		if err := emit(&item); err != nil {
			return err
		}
		return returned(&item)
	}
	return j, nil
}

// returned makes an error of a return value other than 0. A method without one has none to fail by.
func returned(item *enum.Item) error {
	v, ok := item.Get("ReturnValue")
	if !ok || v.Text == "0" {
		return nil
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	if err != nil || n < -1<<31 || n >= 1<<32 {
		n = 1
	}
	return &shell.ExitError{Code: uint32(n)}
}

// classesJob lists classes whose names match a pattern.
func (o *enumOptions) classesJob() (*enumJob, error) {
	pattern := strings.ToLower(o.resource)
	if pattern == "" {
		pattern = "*"
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, &usageError{fmt.Sprintf("--classes: the pattern %q is malformed", o.resource), "* stands for anything, ? for one character"}
	}
	r, err := enum.Resolve("meta_class", enum.Scope{Namespace: o.namespace})
	if err != nil {
		return nil, err
	}
	j := &enumJob{namespace: r.Namespace, keys: []string{"Name"}}
	j.run = func(ctx context.Context, c *enum.Client, emit func(*enum.Item) error) error {
		count := 0
		for class, err := range c.Classes(ctx, r.Namespace) {
			if err != nil {
				return explainClasses(err)
			}
			if ok, _ := path.Match(pattern, strings.ToLower(class.Name)); !ok {
				continue
			}
			item := enum.Item{Properties: []enum.Property{{Name: "Name", Value: enum.Value{Kind: enum.String, Text: class.Name}}, {Name: "Superclass"}}}
			if class.Superclass != "" {
				item.Properties[1].Value = enum.Value{Kind: enum.String, Text: class.Superclass}
			}
			if err := emit(&item); err != nil {
				return err
			}
			if count++; count == o.max {
				return nil
			}
		}
		return nil
	}
	return j, nil
}

// explainClasses says why a server may list no classes.
func explainClasses(err error) error {
	if f, ok := errors.AsType[*wsman.Fault](err); ok && !f.Code.IsAccessDenied() {
		return &hintedError{err, "Windows lists classes from Windows 8 and Server 2012 on; --namespace names where to look"}
	}
	return err
}
