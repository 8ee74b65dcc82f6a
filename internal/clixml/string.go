package clixml

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// appendString appends the text that raw character data stands for: XML's references replaced, then the escapes of MS-PSRP
// 2.2.5.3.2. Other bytes stay as they are, also where they are no UTF-8: the remote's code page may be another.
func appendString(dst, raw []byte) []byte {
	raw = unreference(raw)
	for {
		i := bytes.IndexByte(raw, '_')
		if i < 0 {
			return append(dst, raw...)
		}
		dst, raw = append(dst, raw[:i]...), raw[i:]
		unit, ok := escape(raw)
		if !ok {
			dst, raw = append(dst, '_'), raw[1:]
			continue
		}
		raw = raw[escapeLen:]
		if low, ok := escape(raw); ok && utf16.IsSurrogate(unit) {
			if c := utf16.DecodeRune(unit, low); c != utf8.RuneError {
				unit, raw = c, raw[escapeLen:]
			}
		}
		dst = utf8.AppendRune(dst, unit) // U+FFFD for half a pair, as .NET writes it
	}
}

const escapeLen = len("_xHHHH_")

// escape reads _xHHHH_, a UTF-16 code unit. PowerShell writes a small x and reads both (XmlConvert.DecodeName).
func escape(b []byte) (unit rune, ok bool) {
	if len(b) < escapeLen || b[0] != '_' || b[1]|0x20 != 'x' || b[6] != '_' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

// validContent reports whether b can stand between tags (XML 1.0, 2.4). Control characters are not looked at.
func validContent(b []byte) bool {
	return !bytes.Contains(b, []byte("]]>")) && validReferences(b)
}

// validReferences reports whether every "&" in b begins a reference that is known.
func validReferences(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '&')
		if i < 0 {
			return true
		}
		_, n := reference(b[i:])
		if n == 0 {
			return false
		}
		b = b[i+n:]
	}
}

// unreference replaces references, all of which are valid. The result is b itself where there are none.
func unreference(b []byte) []byte {
	i := bytes.IndexByte(b, '&')
	if i < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for ; i >= 0; i = bytes.IndexByte(b, '&') {
		c, n := reference(b[i:])
		out = utf8.AppendRune(append(out, b[:i]...), c)
		b = b[i+n:]
	}
	return append(out, b...)
}

// maxReference bounds the digits that a character reference may have; ten are enough with some zeros before them.
const maxReference = len("&#x0010FFFF;")

// reference reads one of XML's five entities, or a character reference. n is its length, 0 if it is none.
func reference(b []byte) (c rune, n int) {
	end := bytes.IndexByte(b[:min(len(b), maxReference)], ';')
	if end < 0 {
		return 0, 0
	}
	switch name := string(b[1:end]); name {
	case "lt":
		c = '<'
	case "gt":
		c = '>'
	case "amp":
		c = '&'
	case "apos":
		c = '\''
	case "quot":
		c = '"'
	default:
		var ok bool
		if c, ok = character(name); !ok {
			return 0, 0
		}
	}
	return c, end + 1
}

// character reads what stands between "&" and ";" of a character reference.
func character(name string) (c rune, ok bool) {
	digits, ok := strings.CutPrefix(name, "#")
	base := 10
	if after, hexadecimal := strings.CutPrefix(digits, "x"); hexadecimal {
		digits, base = after, 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	if !ok || err != nil || !isChar(rune(n)) {
		return 0, false
	}
	return rune(n), true
}

// isChar is the production Char of XML 1.0, 2.2.
func isChar(c rune) bool {
	return c == '\t' || c == '\n' || c == '\r' || c >= 0x20 && c <= 0xD7FF || c >= 0xE000 && c <= 0xFFFD || c >= 0x10000 && c <= 0x10FFFF
}
