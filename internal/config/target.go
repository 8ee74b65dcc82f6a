package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// address is what a TARGET says, before profiles are looked at. What it does not say is empty.
type address struct {
	user string
	host string // a host or a profile; IPv6 without brackets
	port string
	url  string // in its normal form; then host and port are empty
}

// showTarget quotes a target for a message without what stands before the last "@": some would type a
// password there.
func showTarget(text string) string {
	at := strings.LastIndexByte(text, '@')
	if at == 0 {
		return show(text) // a group
	}
	return show(text[at+1:])
}

// parseTarget reads [user@]host[:port] or a URL. A host that is the name of a profile need
// not look like one. No error shows what stands before the last "@".
func parseTarget(text string, isProfile func(string) bool) (address, error) {
	refuse := func(why, hint string) (address, error) {
		return address{}, &UsageError{"target " + showTarget(text) + ": " + why, hint}
	}
	if text == "" {
		return refuse("is empty", "write a profile, @group, [user@]host[:port], a URL, or sandbox")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
		return refuse("has a space or a control character", "")
	}
	a, wrong := address{}, (*flaw)(nil)
	if strings.Contains(text, "://") {
		a, wrong = parseURLTarget(text)
	} else {
		a, wrong = parseAddress(text, isProfile)
	}
	if wrong != nil {
		return refuse(wrong.text, wrong.hint)
	}
	return a, nil
}

func parseURLTarget(text string) (address, *flaw) {
	u, wrong := parseURL(text, "http", "https")
	if wrong != nil {
		return address{}, wrong
	}
	a := address{}
	if u.User != nil {
		if a.user, wrong = typedUser(u.User.Username()); wrong != nil {
			return address{}, wrong
		}
		u.User = nil
	}
	a.url = u.String()
	return a, nil
}

func parseAddress(text string, isProfile func(string) bool) (a address, wrong *flaw) {
	rest := text
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		if strings.HasSuffix(text[:at], "@") && at > 1 {
			return address{}, &flaw{"a group takes no user in front of it", "give the user by --user"}
		}
		if a.user, wrong = typedUser(text[:at]); wrong != nil {
			return address{}, wrong
		}
		rest = text[at+1:]
	}
	var colon bool
	a.host, a.port, colon = splitPort(rest)
	if !isProfile(a.host) {
		if a.host, wrong = host(a.host); wrong != nil {
			return address{}, wrong
		}
	}
	if colon {
		a.port, wrong = number(1, 65535)(a.port)
	}
	return a, wrong
}

// splitPort is net.SplitHostPort, but takes a bare IPv6 address for a host without a port.
func splitPort(text string) (host, port string, colon bool) {
	if _, err := netip.ParseAddr(text); err == nil {
		return text, "", false
	}
	at := strings.LastIndexByte(text, ':')
	if at < 0 || strings.HasSuffix(text, "]") {
		return text, "", false
	}
	return text[:at], text[at+1:], true
}

func typedUser(text string) (string, *flaw) {
	if text == "" {
		return "", &flaw{"nothing before the @", "write user@host"}
	}
	return username(text)
}

// parseURL reads the URL of an endpoint, or of a proxy. The port becomes explicit and an empty path
// /wsman. Its sentences never show the URL: it may hold a password.
func parseURL(text string, schemes ...string) (*url.URL, *flaw) {
	form := "write http(s)://host[:port][/path]"
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "":
		return nil, &flaw{"not a URL", form}
	case !slices.Contains(schemes, u.Scheme):
		return nil, &flaw{"a URL that is neither http nor https", form}
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, &flaw{"a URL with a query or a fragment", form}
	}
	if _, has := u.User.Password(); has {
		return nil, &flaw{"a URL with a password", "use --password-stdin, --password-file, or a profile"}
	}
	name, wrong := host(u.Hostname())
	if wrong != nil {
		return nil, wrong
	}
	port, wrong := optional(number(1, 65535))(u.Port())
	if wrong != nil {
		return nil, wrong
	}
	u.Host = hostPort(name, port, u.Scheme == "https")
	if u.Path == "" || u.Path == "/" {
		u.Path, u.RawPath = "/wsman", ""
	}
	return u, nil
}
