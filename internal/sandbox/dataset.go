package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// A Dataset is classes with their instances, to be served beside those of the sandbox.
type Dataset struct{ classes []*cimClass }

// ReadDataset reads instances from JSON: one object a line, or an array of objects. Each has its class in __CLASS, the others are its
// properties, which the class has in the order in which they first appear:
//
//	{"__CLASS": "Lab_Widget", "Id": 1, "Name": "first", "Tags": ["a", "b"], "Made": "2024-05-01T12:00:00Z"}
//
// Types follow from the values: sint64 (uint64 beyond that), real64, boolean, string, arrays of these, and embedded
// instances. An object with __TYPES or __KEYS declares them instead, and is no instance; __NAMESPACE in it says where the
// class is, root/cimv2 otherwise:
//
//	{"__CLASS": "Lab_Widget", "__KEYS": ["Id"], "__TYPES": {"Id": "uint32", "Made": "datetime"}}
//
// Without keys the first property is the key. Errors name the record.
func ReadDataset(r io.Reader) (*Dataset, error) {
	d := &datasetReader{classes: map[string]*datasetClass{}}
	in := bufio.NewReader(r)
	decoder := json.NewDecoder(in)
	decoder.UseNumber()
	first, err := firstByte(in)
	if err == nil && first == '[' {
		_, _ = decoder.Token() // the bracket
		for decoder.More() {
			if err := d.next(decoder); err != nil {
				return nil, err
			}
		}
		if _, err := decoder.Token(); err != nil {
			return nil, fmt.Errorf("dataset: the array does not end: %w", err)
		}
		return d.finish()
	}
	for {
		if err := d.next(decoder); errors.Is(err, io.EOF) {
			return d.finish()
		} else if err != nil {
			return nil, err
		}
	}
}

func firstByte(in *bufio.Reader) (byte, error) {
	for n := 1; ; n++ {
		b, err := in.Peek(n)
		if err != nil {
			return 0, err
		}
		if c := b[n-1]; !bytes.Contains([]byte(" \t\r\n"), []byte{c}) {
			return c, nil
		}
	}
}

// member is a member of a JSON object, in its place.
type member struct {
	name  string
	value any // json.Number, string, bool, nil, []any or []member
}

type datasetReader struct {
	classes map[string]*datasetClass
	order   []*datasetClass
	record  int
}

type datasetClass struct {
	class    *cimClass
	declared map[string]string // types, by property
	keys     []string
	records  [][]member
	numbers  []int // of the records
}

func (d *datasetReader) next(decoder *json.Decoder) error {
	value, err := readJSON(decoder, 0)
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	d.record++
	if err == nil {
		err = d.add(value)
	}
	if err != nil {
		return fmt.Errorf("dataset: record %d: %w", d.record, err)
	}
	return nil
}

const maxDatasetDepth = 32

// readJSON reads one value, with the members of objects in their order.
func readJSON(decoder *json.Decoder, depth int) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	delimiter, ok := token.(json.Delim)
	switch {
	case !ok:
		return token, nil
	case depth == maxDatasetDepth:
		return nil, errors.New("nested too deeply")
	case delimiter == '[':
		list := []any{}
		for decoder.More() {
			v, err := readJSON(decoder, depth+1)
			if err != nil {
				return nil, unexpected(err)
			}
			list = append(list, v)
		}
		_, err = decoder.Token()
		return list, unexpected(err)
	}
	members := []member{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, unexpected(err)
		}
		v, err := readJSON(decoder, depth+1)
		if err != nil {
			return nil, unexpected(err)
		}
		members = append(members, member{name.(string), v})
	}
	_, err = decoder.Token()
	return members, unexpected(err)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// add takes one record.
func (d *datasetReader) add(value any) error {
	members, ok := value.([]member)
	if !ok {
		return errors.New("it is no object")
	}
	name, namespace := "", "root/cimv2"
	var properties []member
	types := map[string]string{}
	var keys []string
	declaration := false
	for _, m := range members {
		switch m.name {
		case "__CLASS":
			name, _ = m.value.(string)
		case "__NAMESPACE":
			namespace, _ = m.value.(string)
		case "__TYPES":
			declaration = true
			for _, t := range asMembers(m.value) {
				types[t.name], _ = t.value.(string)
				if !isCIMType(types[t.name]) {
					return fmt.Errorf("%v is no type of CIM", t.value)
				}
			}
		case "__KEYS":
			declaration = true
			list, _ := m.value.([]any)
			for _, k := range list {
				key, _ := k.(string)
				keys = append(keys, key)
			}
		default:
			if !isWQLIdentifier(m.name) {
				return fmt.Errorf("%q is no name of a property", m.name)
			}
			properties = append(properties, m)
		}
	}
	if !isWQLIdentifier(name) {
		return errors.New("__CLASS does not name its class")
	}
	c := d.classes[classKey("", name)]
	if c == nil {
		c = &datasetClass{class: &cimClass{Class: wsman.Class{Name: name}, namespace: namespace}, declared: map[string]string{}}
		d.classes[classKey("", name)] = c
		d.order = append(d.order, c)
	}
	if declaration {
		c.class.namespace = strings.ReplaceAll(namespace, `\`, "/")
		c.declared, c.keys = types, keys
		return nil
	}
	c.records, c.numbers = append(c.records, properties), append(c.numbers, d.record)
	return nil
}

func asMembers(v any) []member {
	m, _ := v.([]member)
	return m
}

func isCIMType(s string) bool {
	return slices.Contains([]string{"boolean", "char16", "datetime", "real32", "real64", "string", "sint8", "sint16", "sint32", "sint64", "uint8", "uint16", "uint32", "uint64"}, s)
}

// finish makes classes of what was read.
func (d *datasetReader) finish() (*Dataset, error) {
	out := &Dataset{}
	for _, c := range d.order {
		if err := c.finish(); err != nil {
			return nil, err
		}
		out.classes = append(out.classes, c.class)
	}
	return out, nil
}

func (c *datasetClass) finish() error {
	for _, record := range c.records {
		for _, m := range record {
			c.declare(m)
		}
	}
	if len(c.keys) == 0 && len(c.class.Properties) > 0 {
		c.class.Properties[0].Key = true
	}
	for _, k := range c.keys {
		i := c.class.index(k)
		if i < 0 {
			return fmt.Errorf("dataset: the class %s has no property %q to be a key", c.class.Name, k)
		}
		c.class.Properties[i].Key = true
	}
	var all [][]cimValue
	for n, record := range c.records {
		row := make([]cimValue, len(c.class.Properties))
		for _, m := range record {
			i := c.class.index(m.name)
			v, err := datasetValue(m.value, c.class.Properties[i].Type, m.name)
			if err != nil {
				return fmt.Errorf("dataset: record %d: %s: %w", c.numbers[n], m.name, err)
			}
			row[i] = v
		}
		all = append(all, row)
	}
	c.class.all(func() [][]cimValue { return all })
	return nil
}

// declare makes sure that the class has a property, with a type that its values have so far.
func (c *datasetClass) declare(m member) {
	i := c.class.index(m.name)
	if i < 0 {
		c.class.Properties = append(c.class.Properties, wsman.ClassProperty{Name: m.name})
		i = len(c.class.Properties) - 1
		for name, t := range c.declared {
			if strings.EqualFold(name, m.name) {
				c.class.Properties[i].Type = t
			}
		}
	}
	p := &c.class.Properties[i]
	v := m.value
	if list, ok := v.([]any); ok {
		p.Array = true
		if len(list) == 0 {
			return
		}
		v = list[0]
	}
	if p.Type == "" {
		p.Type = typeOf(v)
	}
	if _, ok := v.([]member); ok {
		p.Class = "Sandbox_" + m.name
	}
}
