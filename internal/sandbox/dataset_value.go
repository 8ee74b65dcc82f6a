package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// typeOf is the CIM type that a JSON value has by itself, "" for null.
func typeOf(v any) string {
	switch v := v.(type) {
	case bool:
		return "boolean"
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return "sint64"
		}
		if _, err := strconv.ParseUint(v.String(), 10, 64); err == nil {
			return "uint64"
		}
		return "real64"
	case nil:
		return ""
	}
	return "string"
}

// datasetValue makes a value of JSON. The type counts where JSON has none: for times.
func datasetValue(value any, cimType, name string) (cimValue, error) {
	switch v := value.(type) {
	case nil:
		return cimValue{}, nil
	case bool:
		return booleanValue(v), nil
	case string:
		if cimType != "datetime" {
			return textValue(v), nil
		}
		if t := readTime(v); !t.IsZero() {
			return timeValue(t), nil
		}
		if strings.HasPrefix(v, "P") {
			return cimValue{kind: cimInterval, text: v}, nil
		}
		return cimValue{}, fmt.Errorf("%q is no time of RFC 3339 and no interval of ISO 8601", v)
	case json.Number:
		return numberValue(v.String())
	case []any:
		if len(v) == 0 {
			return cimValue{}, nil
		}
		out := cimValue{kind: cimArray}
		for _, e := range v {
			element, err := datasetValue(e, cimType, name)
			if err != nil {
				return cimValue{}, err
			}
			if element.kind == cimNull || element.kind == cimArray {
				return cimValue{}, errors.New("an array has no null and no array in it (3.1.4.1.26)")
			}
			out.elements = append(out.elements, element)
		}
		return out, nil
	}
	members := asMembers(value)
	embedded := &cimInstance{class: &cimClass{Class: wsman.Class{Name: "Sandbox_" + name}, namespace: "root/cimv2"}}
	for _, m := range members {
		if !isWQLIdentifier(m.name) {
			return cimValue{}, fmt.Errorf("%q is no name of a property", m.name)
		}
		v, err := datasetValue(m.value, "", m.name)
		if err != nil {
			return cimValue{}, err
		}
		embedded.class.Properties = append(embedded.class.Properties, wsman.ClassProperty{Name: m.name, Type: typeOf(m.value)})
		embedded.values = append(embedded.values, v)
	}
	return cimValue{kind: cimObject, object: embedded}, nil
}

func numberValue(s string) (cimValue, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return signed(n), nil
	}
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return unsigned(n), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return cimValue{}, fmt.Errorf("%s is too large", s)
	}
	return cimValue{kind: cimReal, real: f}, nil
}
