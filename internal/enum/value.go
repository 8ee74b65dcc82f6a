package enum

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// scalar makes a value of a text by the CIM type of its property (DSP0004 5.2); "" where nobody told the type: then the text has to
// tell it. A text that its type does not allow stays a string: what the server said is never lost.
func scalar(s, cimType string) Value {
	switch cimType {
	case "":
		return guess(s)
	case "boolean":
		if b, ok := boolean(s); ok {
			return Value{Kind: Bool, Text: b}
		}
	case "uint8", "uint16", "uint32", "uint64", "sint8", "sint16", "sint32", "sint64":
		if n, ok := integer(strings.TrimSpace(s)); ok {
			return Value{Kind: Number, Text: n}
		}
	case "real32", "real64":
		if n, ok := real(strings.TrimSpace(s)); ok {
			return Value{Kind: Number, Text: n}
		}
	case "datetime":
		if text, kind := datetime(strings.TrimSpace(s)); kind != Null {
			return Value{Kind: kind, Text: text}
		}
	case "char16":
		return Value{Kind: String, Text: char16(s)}
	}
	return Value{Kind: String, Text: s}
}

// guess makes a value of a text whose type nobody told. Only what cannot be told from a string by its form becomes
// something else: numbers with a point stay strings, since version numbers look like that.
func guess(s string) Value {
	if len(s) == 0 || len(s) > 25 {
		return Value{Kind: String, Text: s}
	}
	switch c := s[0]; {
	case c >= '0' && c <= '9' || c == '-':
		if isInteger(s) {
			return Value{Kind: Number, Text: s}
		}
		if isDMTF(s) {
			text, kind := datetime(s)
			return Value{Kind: kind, Text: text}
		}
	case c == 't' || c == 'f' || c == 'T' || c == 'F':
		switch s {
		case "true", "TRUE": // Windows, OMI
			return Value{Kind: Bool, Text: "true"}
		case "false", "FALSE":
			return Value{Kind: Bool, Text: "false"}
		}
	}
	return Value{Kind: String, Text: s}
}

// isInteger reports whether s is a whole number in the form that servers print, within 64 bits: without leading zeros or a sign that
// says nothing, which codes and identifiers have.
func isInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if len(digits) == 0 || len(digits) > 20 || digits[0] == '0' && s != "0" {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	if len(digits) < 19 {
		return true
	}
	var err error
	if len(digits) < len(s) {
		_, err = strconv.ParseInt(s, 10, 64)
	} else {
		_, err = strconv.ParseUint(s, 10, 64)
	}
	return err == nil
}

// integer takes a text as a whole number, and returns it as JSON writes it.
func integer(s string) (string, bool) {
	if isInteger(s) {
		return s, true
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil { // leading zeros, a plus sign
		return strconv.FormatInt(n, 10), true
	}
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return strconv.FormatUint(n, 10), true
	}
	return "", false
}

// real takes a text as a number, and returns it as JSON writes it. INF and NaN have no such form.
func real(s string) (string, bool) {
	if isInteger(s) {
		return s, true
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) || strings.ContainsAny(s, "xX_") {
		return "", false
	}
	return strings.Replace(strconv.FormatFloat(n, 'g', -1, 64), "e+", "e", 1), true
}

func boolean(s string) (string, bool) {
	switch strings.TrimSpace(s) {
	case "true", "True", "TRUE", "1":
		return "true", true
	case "false", "False", "FALSE", "0":
		return "false", true
	}
	return "", false
}

// char16 returns the character. Windows sends it as it is (DSP0230 7.2), OMI sends its number.
func char16(s string) string {
	if utf8.RuneCountInString(s) < 2 {
		return s
	}
	if n, err := strconv.ParseUint(s, 10, 16); err == nil && utf8.ValidRune(rune(n)) {
		return string(rune(n))
	}
	return s
}

// schemaType is the CIM type that an xsi:type names, "" for none: the types of WS-CIM (DSP0230 7.1) and those of XML Schema
// that they are derived from.
func schemaType(name string) string {
	_, local, ok := strings.Cut(name, ":")
	if !ok {
		local = name
	}
	switch strings.ToLower(strings.TrimPrefix(local, "cim")) {
	case "string":
		return "string"
	case "boolean":
		return "boolean"
	case "unsignedbyte":
		return "uint8"
	case "unsignedshort":
		return "uint16"
	case "unsignedint":
		return "uint32"
	case "unsignedlong":
		return "uint64"
	case "byte":
		return "sint8"
	case "short":
		return "sint16"
	case "int":
		return "sint32"
	case "long":
		return "sint64"
	case "float":
		return "real32"
	case "double":
		return "real64"
	case "datetime":
		return "datetime"
	case "char16":
		return "char16"
	case "base64binary":
		return "string"
	}
	return ""
}
