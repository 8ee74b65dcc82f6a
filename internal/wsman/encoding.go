package wsman

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// toUTF8 converts a message to UTF-8 without a byte order mark. DSP0226 has messages in UTF-8 or UTF-16, and servers
// that write UTF-16 begin with a byte order mark, as recorded.
func toUTF8(message []byte) []byte {
	switch {
	case bytes.HasPrefix(message, []byte("\xEF\xBB\xBF")):
		return message[3:]
	case bytes.HasPrefix(message, []byte("\xFF\xFE")):
		return fromUTF16(message[2:], binary.LittleEndian)
	case bytes.HasPrefix(message, []byte("\xFE\xFF")):
		return fromUTF16(message[2:], binary.BigEndian)
	case bytes.HasPrefix(message, []byte("<\x00")):
		return fromUTF16(message, binary.LittleEndian)
	case bytes.HasPrefix(message, []byte("\x00<")):
		return fromUTF16(message, binary.BigEndian)
	}
	return message
}

func fromUTF16(b []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	out := make([]byte, 0, len(units))
	for _, c := range utf16.Decode(units) {
		out = utf8.AppendRune(out, c)
	}
	return out
}

// A CharacterError is a character that XML 1.0 has no way to carry, escaped or not.
type CharacterError struct {
	Where  string // what the text is: "command", "environment variable PATH"
	Offset int    // in bytes from the start of the text
	Char   string // as a person would write it: U+0001, or a byte that is not UTF-8
}

func (e *CharacterError) Error() string {
	return fmt.Sprintf("%s: %s at offset %d cannot be sent: XML 1.0 has no way to write it", e.Where, e.Char, e.Offset)
}

// CheckText returns a [CharacterError] for text that no message can carry. where names the text.
func CheckText(where, text string) error {
	_, err := escape(where, text)
	return err
}

// escape makes text fit for element content and attribute values alike, so that a parser gets back exactly the same
// characters: the writers of masterzen/winrm/soap escape nothing. where names the text in an error.
func escape(where, text string) (string, error) {
	plain := true
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < 0x20 || c >= 0x7f || c == '&' || c == '<' || c == '>' || c == '"' || c == '\'' {
			plain = false
			break
		}
	}
	if plain {
		return text, nil
	}
	var b strings.Builder
	for i, c := range text {
		switch {
		case c == '&':
			b.WriteString("&amp;")
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;") // also where it would close "]]>"
		case c == '"':
			b.WriteString("&quot;")
		case c == '\'':
			b.WriteString("&#39;")
		case c == '\t', c == '\n', c == '\r': // parsers turn them into spaces in attributes, and CR LF into LF elsewhere
			fmt.Fprintf(&b, "&#x%X;", c)
		case c == utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(text[i:]); n == 1 {
				return "", &CharacterError{where, i, fmt.Sprintf("byte 0x%02X, which is not UTF-8,", text[i])}
			}
			b.WriteRune(c)
		case !isChar(c):
			return "", &CharacterError{where, i, fmt.Sprintf("U+%04X", c)}
		default:
			b.WriteRune(c)
		}
	}
	return b.String(), nil
}

// formatDuration writes an xs:duration in the form of Windows clients, PT60.000S.
func formatDuration(d time.Duration) string {
	return "PT" + strconv.FormatFloat(d.Seconds(), 'f', 3, 64) + "S"
}

// parseDuration reads an xs:duration of days and less, the only units with a fixed length.
func parseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("wsman: duration %q is malformed", s)
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), "P")
	if !ok || rest == "" {
		return 0, bad
	}
	var total float64
	inTime, fields := false, 0
	for rest != "" {
		if after, ok := strings.CutPrefix(rest, "T"); ok && !inTime {
			inTime, rest = true, after
			continue
		}
		i := strings.IndexAny(rest, "DHMS")
		if i < 1 {
			return 0, bad
		}
		n, err := strconv.ParseFloat(rest[:i], 64)
		if err != nil || n < 0 || strings.ContainsAny(rest[:i], "eExXpPiInN+-_") {
			return 0, bad
		}
		unit := map[byte]float64{'D': 86400, 'H': 3600, 'M': 60, 'S': 1}[rest[i]]
		if inTime == (rest[i] == 'D') {
			return 0, bad
		}
		total += n * unit
		rest = rest[i+1:]
		fields++
	}
	if fields == 0 {
		return 0, bad
	}
	if total > float64(1<<62)/1e9 {
		return 1 << 62, nil // "for ever", as Windows writes 2147483.647 days and more
	}
	return time.Duration(total * 1e9), nil
}
