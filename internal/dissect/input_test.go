package dissect

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"
)

// forms writes bytes in many ways.
func grouped(b []byte, format, separator string, perLine int, end string) string {
	var out strings.Builder
	for i, c := range b {
		if i > 0 {
			if i%perLine == 0 {
				out.WriteString(end)
			} else {
				out.WriteString(separator)
			}
		}
		fmt.Fprintf(&out, format, c)
	}
	return out.String()
}

func wrapped(s string, width int, end string) string {
	var lines []string
	for ; len(s) > width; s = s[width:] {
		lines = append(lines, s[:width])
	}
	return strings.Join(append(lines, s), end)
}

// dumped writes a dump as xxd, hexdump -C or Wireshark do.
func dumped(b []byte, offset, group, separator, before, after string) string {
	var out strings.Builder
	for at := 0; at < len(b); at += 16 {
		row := b[at:min(at+16, len(b))]
		fmt.Fprintf(&out, offset, at)
		digits := ""
		for i, c := range row {
			if i > 0 {
				if i == 8 {
					digits += separator
				}
				digits += map[bool]string{true: group, false: ""}[group != "xxd" || i%2 == 0]
			}
			digits += fmt.Sprintf("%02x", c)
		}
		digits = strings.ReplaceAll(digits, "xxd", " ")
		ascii := strings.Map(func(c rune) rune {
			if c < 0x20 || c > 0x7e {
				return '.'
			}
			return c
		}, string(row))
		fmt.Fprintf(&out, "%-49s%s%s%s\n", digits, before, ascii, after)
	}
	return out.String()
}

// pythonString is repr(bytes).
func pythonString(raw []byte) string {
	var out strings.Builder
	for _, c := range raw {
		switch {
		case c == '\'' || c == '\\':
			out.WriteString(`\` + string(c))
		case c == '\n':
			out.WriteString(`\n`)
		case c < 0x20 || c > 0x7e:
			fmt.Fprintf(&out, `\x%02x`, c)
		default:
			out.WriteByte(c)
		}
	}
	return "'" + out.String() + "'"
}

// cString is how strace prints bytes: octal, as short as can be.
func cString(raw []byte) string {
	var out strings.Builder
	for i, c := range raw {
		switch {
		case c == '"' || c == '\\':
			out.WriteString(`\` + string(c))
		case c >= 0x20 && c <= 0x7e:
			out.WriteByte(c)
		case i+1 < len(raw) && raw[i+1] >= '0' && raw[i+1] <= '7':
			fmt.Fprintf(&out, `\%03o`, c)
		default:
			fmt.Fprintf(&out, `\%o`, c)
		}
	}
	return `"` + out.String() + `"`
}

// TestForms: one token, in every form in which people copy it.
func TestForms(t *testing.T) {
	raw := find(t, read(t, "exchange.http"))[1].Raw
	b64, digits := base64.StdEncoding.EncodeToString(raw), hex.EncodeToString(raw)
	utf16le := func(s string) string {
		out := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(s)) {
			out = binary.LittleEndian.AppendUint16(out, u)
		}
		return string(out)
	}
	// One space before the text, which may look like more bytes.
	specification := ""
	for at := 0; at < len(raw); at += 16 {
		row := raw[at:min(at+16, len(raw))]
		specification += fmt.Sprintf("%07x: % x", at, row)
		if len(row) == 16 {
			specification += " ab cd ef"
		}
		specification += "\n"
	}
	for _, tc := range []struct{ name, input, form, header, scheme string }{
		{name: "base64", input: b64, form: "base64"},
		{name: "base64 with a newline", input: b64 + "\r\n", form: "base64"},
		{name: "base64 of several lines", input: wrapped(b64, 64, "\n"), form: "base64"},
		{name: "base64 of several lines, CR LF", input: "\n\n  " + wrapped(b64, 76, "\r\n  ") + "\r\n", form: "base64"},
		{name: "base64 without padding", input: strings.TrimRight(b64, "="), form: "base64"},
		{name: "base64url", input: base64.RawURLEncoding.EncodeToString(raw), form: "base64"},
		{name: "base64 in quotes", input: `"` + b64 + `",`, form: "base64"},
		{name: "base64 in markdown", input: "The token was\n\n```\n" + b64 + "\n```\n\nand then nothing.", form: "base64"},
		{name: "hex", input: digits, form: "hex"},
		{name: "HEX", input: strings.ToUpper(digits), form: "hex"},
		{name: "hex with spaces", input: grouped(raw, "%02x", " ", 1<<20, ""), form: "hex"},
		{name: "hex of several lines", input: grouped(raw, "%02X", " ", 16, "\n"), form: "hex"},
		{name: "hex with colons", input: grouped(raw, "%02x", ":", 1<<20, ""), form: "hex"},
		{name: "hex with 0x", input: "{" + grouped(raw, "0x%02x", ", ", 12, ",\n  ") + "};", form: "hex"},
		{name: "hex, a byte a line", input: grouped(raw, "0x%02x", "", 1, ",\n"), form: "hex"},
		{name: `\x`, input: `"` + grouped(raw, `\x%02x`, "", 1<<20, "") + `"`, form: "hex"},
		{name: `\x of several lines`, input: `"` + grouped(raw, `\x%02x`, "", 16, "\" \\\n\"") + `"`, form: "hex"},
		{name: "xxd", input: dumped(raw, "%08x: ", "xxd", "", " ", ""), form: "dump"},
		{name: "hexdump -C", input: dumped(raw, "%08x  ", " ", " ", " |", "|"), form: "dump"},
		{name: "Wireshark", input: dumped(raw, "%04x   ", " ", "", "   ", ""), form: "dump"},
		{name: "dump of a specification", input: specification, form: "dump"},
		{name: "bytes", input: string(raw), form: "binary"},
		{name: "UTF-16, as PowerShell writes it", input: utf16le(b64 + "\r\n"), form: "base64"},
		{name: "byte order mark", input: "\ufeff" + b64, form: "base64"},
		{name: "header", input: "WWW-Authenticate: Negotiate " + b64, form: "base64", header: "WWW-Authenticate", scheme: "Negotiate"},
		{name: "header in other letters", input: "www-authenticate:negotiate  " + b64 + "  \r", form: "base64", header: "WWW-Authenticate", scheme: "Negotiate"},
		{name: "header of curl -v", input: "* x\n< HTTP/1.1 401 \n< WWW-Authenticate: NTLM " + b64 + "\n< \n", form: "base64", header: "WWW-Authenticate", scheme: "NTLM"},
		{name: "header of Wireshark", input: `    WWW-Authenticate: Negotiate ` + b64 + `\r\n`, form: "base64", header: "WWW-Authenticate", scheme: "Negotiate"},
		{name: "header of a list", input: `WWW-Authenticate: Basic realm="a, Negotiate b", Negotiate ` + b64 + `, Kerberos`, form: "base64", header: "WWW-Authenticate", scheme: "Negotiate"},
		{name: "header of a program", input: `DEBUG headers={'Authorization': 'Negotiate ` + b64 + `', 'Accept': '*/*'}`, form: "base64", header: "Authorization", scheme: "Negotiate"},
		{name: "header of a command", input: `curl -H "Authorization: Negotiate ` + b64 + `" http://web1`, form: "base64", header: "Authorization", scheme: "Negotiate"},
		{name: "header that is wrapped", input: "Authorization: Negotiate " + wrapped(b64, 60, "\n ") + "\nHost: x\n\n" + b64, form: "base64", header: "Authorization", scheme: "Negotiate"},
		{name: "header of a proxy", input: "Proxy-Authenticate: NTLM " + b64, form: "base64", header: "Proxy-Authenticate", scheme: "NTLM"},
		{name: "HAR", input: `{"log": {"entries": [{"request": {"headers": [{"name": "Host", "value": "web1"}, {"name": "Authorization", "value": "Negotiate ` + b64 + `"}]}}]}}`,
			form: "base64", header: "Authorization", scheme: "Negotiate"},
		{name: "HAR of many lines, value first", input: "\"headers\": [\n{\n\"value\": \"Negotiate " + strings.ReplaceAll(b64, "/", `\/`) + "\",\n\"name\": \"www-authenticate\"\n}]",
			form: "base64", header: "WWW-Authenticate", scheme: "Negotiate"},
		{name: "JSON that escapes", input: `{"Authorization": "NTLM ` + strings.NewReplacer("+", `\u002B`, "=", `\u003d`).Replace(b64) + `"}`, form: "base64", header: "Authorization", scheme: "NTLM"},
		{name: "http.client of Python", input: `send: b'POST /wsman HTTP/1.1\r\nHost: web1\r\nAuthorization: Negotiate ` + b64 + `\r\nContent-Length: 0\r\n\r\n'`,
			form: "base64", header: "Authorization", scheme: "Negotiate"},
		{name: "percent signs", input: "Authorization: Negotiate " + url.QueryEscape(b64), form: "base64", header: "Authorization", scheme: "Negotiate"},
		{name: "token in a log", input: "10:00:01 sspi: server sends Negotiate " + b64 + " (200 bytes)", form: "base64", scheme: "Negotiate"},
		{name: "token in XML", input: "<t:Token>" + b64 + "</t:Token>", form: "base64"},
		{name: "token of a setting", input: "challenge=" + b64 + ";", form: "base64"},
		{name: "string of Python", input: "token = b" + pythonString(raw), form: "escaped"},
		{name: "string of C", input: fmt.Sprintf("static const char token[] = %s;", cString(raw)), form: "escaped"},
		{name: "value of a header", input: "Negotiate " + b64, form: "base64", scheme: "Negotiate"},
		{name: "sentence with a header before it", input: "Send the header Authorization: Negotiate token with this:\n" + b64, form: "base64"},
		{name: "sentence before it", input: "Negotiate this:\n" + b64, form: "base64"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tokens, err := Find([]byte(tc.input), "")
			if err != nil {
				t.Fatal(err)
			}
			s := tokens[0].Source
			if len(tokens) != 1 || !bytes.Equal(tokens[0].Raw, raw) || s.Form != tc.form || s.Header != tc.header || s.Scheme != tc.scheme || s.Problem != "" {
				t.Errorf("%d tokens, %d of %d bytes, %+v", len(tokens), len(tokens[0].Raw), len(raw), s)
			}
		})
	}
}

// TestPadding: what follows the padding is no part of a token.
func TestPadding(t *testing.T) {
	raw := find(t, read(t, "exchange.http"))[0].Raw
	b64 := base64.StdEncoding.EncodeToString(raw)
	if !strings.HasSuffix(b64, "=") {
		t.Fatal("not padded")
	}
	for _, input := range []string{b64 + "\nhello\n", "Authorization: Negotiate " + b64 + "\nhello\n", "Authorization: Negotiate " + wrapped(b64, 20, "\n ") + "\n hello\n"} {
		if tokens := find(t, []byte(input)); len(tokens) != 1 || !bytes.Equal(tokens[0].Raw, raw) || tokens[0].Source.Problem != "" {
			t.Errorf("%q: %d bytes, %q", input, len(tokens[0].Raw), tokens[0].Source.Problem)
		}
	}
}

// TestSeveral: tokens of a whole exchange in one file, in any of the ways to write it.
func TestSeveral(t *testing.T) {
	ours := find(t, read(t, "exchange.http"))
	wrappedOnes := find(t, read(t, "spnego.txt"))
	var all []*Token
	all = append(append(all, ours...), wrappedOnes...)
	lines := func(separator string, encode func([]byte) string) string {
		var out []string
		for _, token := range all {
			out = append(out, encode(token.Raw))
		}
		return strings.Join(out, separator)
	}
	mixed := base64.StdEncoding.EncodeToString(ours[0].Raw) + "\n" + hex.EncodeToString(ours[1].Raw) + "\n\nAnd then:\n" + grouped(ours[2].Raw, "%02x", " ", 16, "\n")
	for _, tc := range []struct {
		name, input string
		want        int
	}{
		{"base64, one a line", lines("\n", base64.StdEncoding.EncodeToString), 7},
		{"hex, one a line", lines("\n", hex.EncodeToString), 7},
		{"hex of several lines, empty lines between", lines("\n\n", func(b []byte) string { return grouped(b, "%02x", " ", 16, "\n") }), 7},
		{"base64 of several lines, nothing between", lines("\n", func(b []byte) string { return wrapped(base64.StdEncoding.EncodeToString(b), 76, "\n") }), 7},
		{"dumps", lines("\n", func(b []byte) string { return dumped(b, "%04x   ", " ", "", "   ", "") }), 7},
		{"mixed", mixed, 3},
	} {
		tokens, err := Find([]byte(tc.input), "")
		if err != nil || len(tokens) != tc.want {
			t.Errorf("%s: %d tokens, %v", tc.name, len(tokens), err)
			continue
		}
		for i, token := range tokens {
			if !bytes.Equal(token.Raw, all[i].Raw) {
				t.Errorf("%s: token %d: %d bytes of %d", tc.name, i+1, len(token.Raw), len(all[i].Raw))
			}
		}
	}
	report := Analyse(all, Options{})
	if len(report.Exchanges) != 2 || *report.Exchanges[1].Negotiate != (Ref{Token: 4}) || *report.Exchanges[1].Challenge != (Ref{Token: 5}) || report.Exchanges[1].serverMIC == nil {
		t.Errorf("%+v", report.Exchanges)
	}
}

// TestSecretsAreWithheld: what is a password or as good as one is named, and nothing of it is kept.
func TestSecretsAreWithheld(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString([]byte(`CORP\bob:` + testPassword))
	for _, input := range []string{
		"Authorization: Basic " + secret, "> authorization: basic " + secret + "\r\n", "Basic " + secret,
		"Proxy-Authorization: Basic " + secret, "Authorization: Bearer " + secret, `{"Authorization": "Basic ` + secret + `"}`,
	} {
		tokens, err := Find([]byte(input), "")
		if err != nil || len(tokens) != 1 || !tokens[0].Withheld || tokens[0].Raw != nil {
			t.Errorf("%s: %v %+v", input, err, tokens)
			continue
		}
		report := Analyse(tokens, Options{})
		var out bytes.Buffer
		if err := report.JSON(&out); err != nil {
			t.Fatal(err)
		}
		said := text(t, report, TextOptions{Full: true}) + out.String()
		if strings.Contains(said, secret) || strings.Contains(said, testPassword) || strings.Contains(said, "bob") || strings.Contains(said, hex.EncodeToString([]byte("bob"))) {
			t.Errorf("%s: the secret is shown: %s", input, said)
		}
		if !strings.Contains(said, "is not shown") {
			t.Errorf("%s: %s", input, said)
		}
	}
	tokens := find(t, []byte("Authorization: Basic "+secret+"\nAuthorization: Negotiate TlRMTVNTUAABAAAABQIAAA=="))
	if len(tokens) != 2 || !tokens[0].Withheld || tokens[1].Withheld {
		t.Errorf("%+v", tokens)
	}
}

// TestDamagedText: what is there of a token is read, and where its text breaks off is said.
func TestDamagedText(t *testing.T) {
	raw := find(t, read(t, "exchange.http"))[1].Raw
	b64 := base64.StdEncoding.EncodeToString(raw)
	for _, tc := range []struct {
		name, input string
		bytes       int
		problem     string
	}{
		{"cut in a group", "Authorization: Negotiate " + b64[:101], 75, "it ends within a group of four characters"},
		{"cut, as Wireshark does", "[truncated]Authorization: Negotiate " + b64[:102] + `\r\n`, 76, ""},
		{"a foreign character", "Authorization: Negotiate " + b64[:100] + "~" + b64[101:], 75, "character 101 is none of base64"},
		{"half a byte", hex.EncodeToString(raw)[:101], 50, "an odd number of hexadecimal digits"},
	} {
		tokens := find(t, []byte(tc.input))
		token := tokens[0]
		if len(token.Raw) != tc.bytes || token.Source.Problem != tc.problem || !bytes.HasPrefix(raw, token.Raw) || len(token.Problems()) == 0 {
			t.Errorf("%s: %d bytes, %q", tc.name, len(token.Raw), token.Source.Problem)
		}
	}
}

func TestNoToken(t *testing.T) {
	for _, input := range []string{
		"", "\n", "hello", "deadbeef", "TlRM", "NTLM", "NTLMSSP", `x = "\\x4e\\x54"`, "WWW-Authenticate: Negotiate", `WWW-Authenticate: Basic realm="WSMAN"`, "WWW-Authenticate: Negotiate, Kerberos",
		"Authorization: Negotiate (AUTHENTICATE_MESSAGE of 402 bytes, withheld)", base64.StdEncoding.EncodeToString([]byte("bob:secret")),
		"Negotiate is a scheme", "basic things", "Authorization: Negotiate token", `Authorization: Negotiate realm="WSMAN"`, strings.Repeat("word ", 10000), "\x00\x01\x02", "https://web1.corp.example:5986/wsman",
	} {
		if tokens, err := Find([]byte(input), ""); !errors.Is(err, ErrNoToken) {
			t.Errorf("%.40q: %v, %v", input, tokens, err)
		}
	}
}

// TestUnknownToken: a header's token of a protocol that is not known is shown, and is a problem.
func TestUnknownToken(t *testing.T) {
	tokens := find(t, []byte("Authorization: Negotiate AAECAwQFBgcICQ=="))
	if len(tokens) != 1 || tokens[0].Name() != "unknown" || len(tokens[0].Problems()) != 1 {
		t.Errorf("%+v", tokens[0])
	}
}
