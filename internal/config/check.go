package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A check takes the text of a value and gives it in its normal form, or says what is wrong with it.
type check = func(string) (string, *flaw)

// show quotes a value for a message, shortened. Never for what may be a secret.
func show(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		text = string(runes[:40]) + "…"
	}
	return strconv.Quote(text)
}

func optional(c check) check {
	return func(text string) (string, *flaw) {
		if text == "" {
			return "", nil
		}
		return c(text)
	}
}

func anything(text string) (string, *flaw) {
	if strings.ContainsRune(text, 0) {
		return "", &flaw{"has a NUL character", ""}
	}
	return text, nil
}

func oneLine(text string) (string, *flaw) {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return "", &flaw{"has a control character or a second line", ""}
	}
	return text, nil
}

func command(text string) (string, *flaw) {
	if strings.TrimSpace(text) == "" {
		return "", &flaw{"is empty", ""}
	}
	return anything(text)
}

func variable(text string) (string, *flaw) {
	if text == "" || strings.ContainsAny(text, "=$ ") {
		return "", &flaw{"not the name of a variable: " + show(text), "write the name alone, such as WEB1_PASSWORD"}
	}
	return oneLine(text)
}

// username never shows what it refuses: that may be user:password.
func username(text string) (string, *flaw) {
	if strings.Contains(text, ":") {
		return "", &flaw{"a user name has no colon", "give the password apart: password_command, password_file, or --password-stdin"}
	}
	if strings.HasSuffix(text, "@") {
		return "", &flaw{"a user without a realm: " + show(text), `write DOMAIN\user or user@realm`}
	}
	if strings.HasSuffix(text, `\`) || strings.HasPrefix(text, "@") {
		return "", &flaw{"a domain without a user: " + show(text), `write DOMAIN\user or user@realm`}
	}
	return oneLine(text)
}

func boolean(text string) (string, *flaw) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return "true", nil
	case "false", "no", "off", "0":
		return "false", nil
	}
	return "", &flaw{"neither true nor false: " + show(text), ""}
}

func number(low, high int) check {
	return func(text string) (string, *flaw) {
		n, err := strconv.Atoi(text)
		if err != nil && !isDigits(text) {
			return "", &flaw{"not a whole number: " + show(text), ""}
		}
		if err != nil || n < low || n > high {
			return "", &flaw{fmt.Sprintf("out of range: %s is not within %d and %d", show(text), low, high), ""}
		}
		return strconv.Itoa(n), nil
	}
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

func choice(of ...string) check {
	return func(text string) (string, *flaw) {
		if slices.Contains(of, text) {
			return text, nil
		}
		hint := didYouMean(text, of)
		if hint == "" {
			hint = "one of " + strings.Join(of, ", ")
		}
		return "", &flaw{"not a choice: " + show(text), hint}
	}
}

func duration(least time.Duration) check {
	return func(text string) (string, *flaw) {
		d, err := time.ParseDuration(text)
		switch {
		case isDigits(text) && text != "0":
			return "", &flaw{"a time without a unit: " + show(text), fmt.Sprintf("write %ss for seconds", text)}
		case err != nil:
			return "", &flaw{"not a time: " + show(text), "write it as 90s, 1m30s or 2h"}
		case d < least:
			return "", &flaw{fmt.Sprintf("too short: %s is less than %s", show(text), least), ""}
		}
		return text, nil
	}
}

func fingerprint(text string) (string, *flaw) {
	hex := strings.ToLower(strings.ReplaceAll(text, ":", ""))
	if strings.Trim(hex, "0123456789abcdef") != "" {
		return "", &flaw{"not a fingerprint: " + show(text), "write the SHA-256 of the certificate in hex"}
	}
	switch len(hex) {
	case 64:
		return hex, nil
	case 40:
		return "", &flaw{"a SHA-1 thumbprint", "the SHA-256 of the certificate is needed: 64 hex digits"}
	}
	return "", &flaw{fmt.Sprintf("%d hex digits, where a SHA-256 has 64", len(hex)), ""}
}

// host is a name or an address, IPv6 with brackets or without. Its normal form has none.
func host(text string) (string, *flaw) {
	bare := text
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		bare = text[1 : len(text)-1]
	}
	if ip, err := netip.ParseAddr(bare); err == nil && (ip.Zone() == "" || isHostName(ip.Zone())) {
		return bare, nil
	}
	switch {
	case text == "":
		return "", &flaw{"no host", ""}
	case strings.Contains(text, "://"):
		return "", &flaw{"a URL where a host belongs", "give it as url"}
	case strings.Contains(text, "@"):
		return "", &flaw{"a user where a host belongs", "give it as username"}
	case len(text) > 254 || !isHostName(text):
		return "", &flaw{"not a host name or address: " + show(text), hostHint(text)}
	}
	return text, nil
}

// isHostName reports that a text is labels with dots between them, and perhaps one at the end. It is no regular
// expression because fleets have thousands of names to check.
func isHostName(text string) bool {
	for label := range strings.SplitSeq(strings.TrimSuffix(text, "."), ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
				return false
			}
		}
	}
	return true
}

func hostHint(text string) string {
	before, port, ok := strings.Cut(text, ":")
	switch {
	case ok && before != "" && isDigits(port):
		return "give the port as port: " + port
	case strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }):
		return "write an international name in its xn-- form"
	}
	return ""
}

// serverURL is the address of a WinRM endpoint; its normal form has a port and a path.
func serverURL(text string) (string, *flaw) {
	u, wrong := parseURL(text, "http", "https")
	if wrong != nil {
		return "", wrong
	}
	if u.User != nil {
		return "", &flaw{"a URL with a user", "give the user as username, and no password here"}
	}
	return u.String(), nil
}

// proxyURL is scheme, host and port of a proxy.
func proxyURL(text string) (string, *flaw) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) {
		return "", &flaw{"not a proxy's URL", "write http://, https:// or socks5://host:port"}
	}
	user := ""
	if u.User != nil {
		if _, given := u.User.Password(); given || u.User.Username() == "" {
			return "", &flaw{"a proxy's password has no place in its URL", "write http://user@host:port, and put the password into a file: proxy_password_file"}
		}
		user = u.User.String() + "@"
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", &flaw{"a proxy's URL ends at its port: " + show(text), ""}
	}
	if _, wrong := host(u.Hostname()); wrong != nil {
		return "", wrong
	}
	if _, wrong := optional(number(1, 65535))(u.Port()); wrong != nil {
		return "", wrong
	}
	return u.Scheme + "://" + user + strings.TrimSuffix(u.Host, ":"), nil
}
