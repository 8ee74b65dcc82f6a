package enum

import (
	"context"
	"iter"
	"strings"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// Query is what to enumerate. It is not changed.
type Query struct {
	ResourceURI  string
	Selectors    []wsman.Selector
	Options      []wsman.Option
	Filter       *wsman.Filter // nil for all
	Mode         wsman.EnumerationMode
	Polymorphism wsman.Polymorphism

	// Class is the class that is asked for, where that is known: items that are lists of properties have its types.
	Class string

	Batch int  // items an answer may have; 0 for 1000; Windows allows up to MaxBatch, and fewer where they do not fit
	Max   int  // items in all; 0 for no bound
	Raw   bool // items as XML; those of an enumeration are not decoded then
}

// name is what errors call the thing that is enumerated.
func (q *Query) name() string {
	last := func(uri string) string { return uri[strings.LastIndexByte(uri, '/')+1:] }
	switch {
	case q.Filter != nil && q.Filter.Association != nil:
		return "what is associated with " + last(q.Filter.Association.Object.ResourceURI)
	case q.Class != "":
		return q.Class
	case last(q.ResourceURI) == "*":
		return "by a query"
	}
	return last(q.ResourceURI)
}

// All enumerates instances. Items come in the order of the server; one page is fetched and decoded while the one before is
// worked on, and no more. When the loop is left, ctx ends or Max is reached, the enumeration is released on the server
// before the iterator returns.
//
// The error ends the sequence; what came before it is whole. It is the cause of ctx, or an [*OpError] with a
// [*wsman.Fault], an error of the connection, or one of an answer that makes no sense.
func (c *Client) All(ctx context.Context, q Query) iter.Seq2[Item, error] {
	d := newDecoder(q.Class, c.declare)
	return stream(ctx, c, &q, func(r *wsman.Reader, item *Item) error {
		if q.Raw {
			item.XML = r.Element()
			return r.Err()
		}
		return d.item(r, item)
	}, func(last *Item) { last.PageEnd = true })
}

// Get gets one instance, or a resource of WinRM such as its configuration.
func (c *Client) Get(ctx context.Context, q Query) (Item, error) {
	return c.one(ctx, "get "+q.name(), c.request(wsman.ActionGet, q.ResourceURI, q.Selectors, nil), &q)
}

// Invoke invokes a method: of a class where the query has no selectors, else of that instance. The item has the out-parameters, and
// for most methods ReturnValue. A request is never sent twice.
func (c *Client) Invoke(ctx context.Context, q Query, method string, parameters []wsman.Parameter) (Item, error) {
	body := &wsman.Input{Space: q.ResourceURI, Method: method, Parameters: parameters}
	return c.one(ctx, "invoke "+method, c.request(q.ResourceURI+"/"+method, q.ResourceURI, q.Selectors, body), &q)
}

func (c *Client) one(ctx context.Context, op string, r *wsman.Request, q *Query) (item Item, err error) {
	answer, err := c.post(ctx, r)
	if err != nil {
		if ctx.Err() != nil {
			return Item{}, context.Cause(ctx)
		}
		return Item{}, failed(op, err)
	}
	d := newDecoder(q.Class, c.declare)
	err = wsman.ParseContent(answer, r.MessageID, func(r *wsman.Reader) error {
		if q.Raw {
			if item.XML = r.Element(); r.Err() != nil {
				return r.Err()
			}
			r = wsman.NewReader(item.XML) // a document of its own
			r.Next()
		}
		return d.item(r, &item)
	})
	item.PageEnd = true
	return item, failed(op, err)
}

// DefaultNamespace is the CIM namespace of the classes that describe a Windows host.
const DefaultNamespace = "root/cimv2"

// Class fetches the declaration of a class, with the properties that it inherits. Windows has them from Windows 8 and Server 2012 on
// (3.1.4.1.38, footnote 98).
func (c *Client) Class(ctx context.Context, namespace, class string) (*wsman.Class, error) {
	op := "get the declaration of " + class
	q := c.request(wsman.ActionGet, wsman.ResourceClass, []wsman.Selector{{Name: wsman.SelectorNamespace, Value: namespace}, {Name: "ClassName", Value: class}}, nil)
	// Options of DSP0227 1.1 section 15.8.
	q.Options = []wsman.Option{{Name: "IncludeInheritedElements", Value: "true"}, {Name: "IncludeQualifiers", Value: "true"}}
	answer, err := c.post(ctx, q)
	if err != nil {
		return nil, failed(op, err)
	}
	var out *wsman.Class
	err = wsman.ParseContent(answer, q.MessageID, func(r *wsman.Reader) (err error) {
		out, err = wsman.ReadClass(r)
		return err
	})
	return out, failed(op, err)
}

// Classes enumerates the classes of a namespace, by their declarations without what they inherit.
func (c *Client) Classes(ctx context.Context, namespace string) iter.Seq2[*wsman.Class, error] {
	q := &Query{
		ResourceURI: wsman.ResourceClass, Class: "the classes of " + namespace,
		Selectors: []wsman.Selector{{Name: wsman.SelectorNamespace, Value: namespace}},
		Options: []wsman.Option{
			{Name: "IncludeInheritedElements", Value: "false"}, {Name: "IncludeQualifiers", Value: "false"}, {Name: "IncludeSubClasses", Value: "true"},
		},
	}
	return stream(ctx, c, q, func(r *wsman.Reader, class **wsman.Class) (err error) {
		*class, err = wsman.ReadClass(r)
		return err
	}, func(**wsman.Class) {})
}
