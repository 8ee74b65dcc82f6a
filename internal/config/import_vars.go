package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/winrmctl/winrmctl/internal/ansible"
)

// translation makes our values of the variables of one host, as Ansible's plugins winrm and psrp understand them.
type translation struct {
	*importer
	host   *ansible.Host
	vars   map[string]ansible.Value
	psrp   bool
	values map[string]string
	used   map[string]bool // variables that were looked at
}

const (
	winrmPrefix = "ansible_winrm_"
	psrpPrefix  = "ansible_psrp_"
)

// connection is the plugin that a host is reached by, "" where none is named.
func connection(vars map[string]ansible.Value) string {
	v := vars["ansible_connection"]
	if v.Kind != ansible.Text || v.Text == "smart" {
		return ""
	}
	return v.Text[strings.LastIndexByte(v.Text, '.')+1:] // ansible.builtin.winrm
}

// namesConnection reports that the inventory says how to reach a host, be it by an expression.
func namesConnection(vars map[string]ansible.Value) bool {
	return connection(vars) != "" || vars["ansible_connection"].Kind == ansible.Template
}

// reachedByWinRM goes by the connection; where none is named, by the port, or by variables that only WinRM has. In an
// inventory that is silent about connections, which are chosen elsewhere then, everything is reached but port 22.
func reachedByWinRM(vars map[string]ansible.Value, silent bool) bool {
	if plugin := connection(vars); plugin != "" {
		return plugin == "winrm" || plugin == "psrp"
	}
	port := vars["ansible_port"]
	if port.Kind == ansible.Text && (port.Text == "5985" || port.Text == "5986") {
		return true
	}
	return silent && port.Text != "22" || hasPrefix(vars, winrmPrefix) || hasPrefix(vars, psrpPrefix)
}

func usesPSRP(vars map[string]ansible.Value) bool {
	if plugin := connection(vars); plugin != "" {
		return plugin == "psrp"
	}
	return hasPrefix(vars, psrpPrefix) && !hasPrefix(vars, winrmPrefix)
}

func hasPrefix(vars map[string]ansible.Value, prefix string) bool {
	for name, v := range vars {
		if strings.HasPrefix(name, prefix) && v.Kind != ansible.Null {
			return true
		}
	}
	return false
}

// names are a variable's names, the strongest last: by what all connections have, and by what this one has.
func (t *translation) names(own ...string) []string {
	prefix := winrmPrefix
	if t.psrp {
		prefix = psrpPrefix
	}
	for i, name := range own {
		if !strings.HasPrefix(name, "ansible_") {
			own[i] = prefix + name
		}
	}
	return own
}

func (t *translation) warn(v ansible.Value, name, text string) {
	t.importer.warn(fmt.Sprintf("%s: %s of %s %s", v.Where(), name, v.Of, text))
}

// find is the strongest of some variables that is given. One that cannot be read is left out with a warning: what a weaker
// one says would be wrong.
func (t *translation) find(names ...string) (name string, v ansible.Value, ok bool) {
	for _, n := range names {
		t.used[n] = true
		if candidate, given := t.vars[n]; given && candidate.Kind != ansible.Null && (candidate.Kind != ansible.Text || candidate.Text != "") {
			name, v, ok = n, candidate, true
		}
	}
	switch v.Kind {
	case ansible.Vaulted:
		t.warn(v, name, "is encrypted by ansible-vault, and left out")
	case ansible.Template:
		t.warn(v, name, "is an expression that only a playbook can evaluate, and left out")
	case ansible.Other:
		t.warn(v, name, "is neither text nor a list, and left out")
	default:
		return name, v, ok
	}
	return "", ansible.Value{}, false
}

// text is a variable that has one value.
func (t *translation) text(names ...string) (name string, v ansible.Value, ok bool) {
	name, v, ok = t.find(names...)
	if ok && v.Kind != ansible.Text {
		t.warn(v, name, "is not one value, and left out")
		return "", ansible.Value{}, false
	}
	return name, v, ok
}

// put takes a value over if our key can have it.
func (t *translation) put(key, text, name string, v ansible.Value) bool {
	text, wrong := t.schema.byName[key].check(text)
	if wrong == nil && key != "proxy" && strings.HasPrefix(key, "tls.") && key != "tls.insecure" {
		_, wrong = t.env.expand(text, "")
	}
	if wrong != nil {
		t.warn(v, name, "is left out: "+wrong.text)
		return false
	}
	t.values[key] = text
	return true
}

// copy takes a variable over as it is.
func (t *translation) copy(key string, names ...string) {
	if name, v, ok := t.text(names...); ok {
		t.put(key, v.Text, name, v)
	}
}

// translate reads all variables of the host.
func (t *translation) translate() *importedHost {
	h := &importedHost{source: t.host, values: t.values}
	h.host = strings.TrimSuffix(strings.TrimPrefix(t.host.Name, "["), "]")
	if name, v, ok := t.text(t.names("ansible_host", "host")...); ok {
		if bare, wrong := host(v.Text); wrong == nil {
			h.host = bare
		} else {
			t.warn(v, name, "is left out: "+wrong.text)
		}
	}
	if bare, wrong := host(h.host); wrong == nil {
		h.host = bare
	} else {
		t.warnHost(t.host, "has an address that is "+wrong.text+": its profile gets one that does not exist")
		h.host = "unknown.invalid"
	}
	t.endpoint(h)
	t.account(h)
	t.tls()
	t.times()
	t.auth()
	t.rest()
	return h
}

// endpoint finds scheme and port, whose defaults are not ours: Ansible uses https and 5986 unless it is told otherwise.
func (t *translation) endpoint(h *importedHost) {
	port, https := "", ""
	if name, v, ok := t.text(t.names("ansible_port", "port")...); ok {
		if t.put("port", v.Text, name, v) {
			port = t.values["port"]
		}
	}
	scheme := t.names("scheme")
	if t.psrp {
		scheme = t.names("protocol")
	}
	if name, v, ok := t.text(scheme...); ok {
		if v.Text == "http" || v.Text == "https" {
			https = fmt.Sprint(v.Text == "https")
		} else {
			t.warn(v, name, "is neither http nor https, and left out")
		}
	}
	switch {
	case https == "":
		https = fmt.Sprint(port != "5985")
	case port == "" && t.psrp:
		port = defaultPort(https == "true")
	}
	if port == "" {
		port = "5986"
	}
	t.values["https"], t.values["port"] = https, port
	if name, v, ok := t.text(t.names("path")...); ok && strings.TrimPrefix(v.Text, "/") != "wsman" {
		scheme := map[string]string{"true": "https", "false": "http"}[https]
		url := scheme + "://" + hostPort(h.host, port, https == "true") + "/" + strings.TrimPrefix(v.Text, "/")
		h.url = t.put("url", url, name, v)
	}
}

// account finds who logs in. A password is never taken over: the file that it came to would have to be kept as safe as
// nobody knows that it has to be.
func (t *translation) account(h *importedHost) {
	if name, v, ok := t.text(t.names("ansible_user", "user")...); ok {
		if user, wrong := username(v.Text); wrong == nil {
			h.user = user
		} else {
			t.warn(v, name, "is left out: a user name has no colon, no control character, and something behind its domain")
		}
	}
	var secret ansible.Value
	var name string
	for _, n := range []string{"ansible_password", "ansible_winrm_pass", "ansible_winrm_password"} {
		t.used[n] = true
		if v, given := t.vars[n]; given && v.Kind != ansible.Null {
			name, secret = n, v
		}
	}
	h.secret = secret.Same
	switch secret.Kind {
	case ansible.Secret, ansible.List, ansible.Other:
		t.warn(secret, name, "is not copied: keep it with keyring: true and winrmctl config set-password, or use password_command")
	case ansible.Vaulted:
		t.warn(secret, name, "is encrypted by ansible-vault, and left out: use keyring: true, or a password_command that asks ansible-vault")
	case ansible.Template:
		t.warn(secret, name, "is an expression that only a playbook can evaluate, and left out: use keyring: true or password_command")
	}
}

func (t *translation) tls() {
	validation, ca, cert, key := t.names("server_cert_validation"), t.names("ca_trust_path"), t.names("cert_pem"), t.names("cert_key_pem")
	if t.psrp {
		validation, ca, cert, key = t.names("cert_validation"), t.names("cert_trust_path", "ca_cert"), t.names("certificate_pem"), t.names("certificate_key_pem")
	}
	if name, v, ok := t.text(validation...); ok {
		switch v.Text {
		case "ignore":
			t.values["tls.insecure"] = "true"
		case "validate":
		default:
			t.warn(v, name, "is neither validate nor ignore, and left out")
		}
	}
	t.path("tls.ca_file", ca)
	t.path("tls.cert", cert)
	t.path("tls.key", key)
	if (t.values["tls.cert"] == "") != (t.values["tls.key"] == "") {
		t.warnHost(t.host, "has a client certificate without its key, or a key without a certificate, which is left out")
		delete(t.values, "tls.cert")
		delete(t.values, "tls.key")
	}
}

func (t *translation) path(key string, names []string) {
	name, v, ok := t.text(names...)
	switch {
	case !ok:
	case v.Text == "legacy_requests":
		t.warn(v, name, "has no counterpart, and is left out")
	case t.put(key, v.Text, name, v) && !filepath.IsAbs(v.Text) && v.Text[0] != '~' && v.Text[0] != '/':
		t.warn(v, name, "is a relative path: it starts at the directory of the configuration now")
	}
}

func (t *translation) times() {
	operation := t.names("operation_timeout_sec", "connection_timeout") // which is no time to connect, in spite of its name
	if t.psrp {
		operation = t.names("operation_timeout")
		t.seconds("connect_timeout", t.names("connection_timeout"))
	}
	t.seconds("operation_timeout", operation)
	for _, names := range [][]string{t.names("read_timeout_sec"), t.names("read_timeout")} {
		if name, v, ok := t.text(names...); ok {
			t.warn(v, name, "has no counterpart: winrmctl waits a little longer than operation_timeout")
		}
	}
}

func (t *translation) seconds(key string, names []string) {
	name, v, ok := t.text(names...)
	if ok && !isDigits(v.Text) {
		t.warn(v, name, "is no whole number of seconds, and left out")
	} else if ok {
		t.put(key, v.Text+"s", name, v)
	}
}

// auth chooses how to log in. Where Ansible tries several ways, or says nothing, auto does.
func (t *translation) auth() {
	t.copy("encryption", t.names("message_encryption")...)
	t.proxy()
	variable := t.names("transport")
	if t.psrp {
		variable = t.names("auth")
	}
	name, v, ok := t.find(variable...)
	if !ok {
		return
	}
	ways := v.Items
	if v.Kind == ansible.Text {
		ways = strings.Split(v.Text, ",")
	}
	if len(ways) != 1 {
		t.warn(v, name, "names several ways to log in: winrmctl uses auto, the strongest")
		return
	}
	certificate, https := t.values["tls.cert"] != "", t.values["https"] == "true"
	switch way := strings.ToLower(strings.TrimSpace(ways[0])); {
	case way == "ntlm" || way == "kerberos":
		t.values["auth"] = way
	case way == "negotiate":
	case way == "basic" || way == "plaintext" || way == "ssl" && !certificate:
		t.values["auth"] = "basic"
		if !https && t.values["encryption"] != "never" {
			t.warn(v, name, "sends passwords in clear text over http: winrmctl does so only with encryption: never")
		}
	case (way == "certificate" || way == "ssl") && certificate && https:
		t.values["auth"] = "certificate"
	case way == "certificate" || way == "ssl":
		t.warn(v, name, "needs https, a certificate and its key, and is left out")
	default:
		t.warn(v, name, "is a way to log in that winrmctl does not have, and left out")
	}
}

func (t *translation) proxy() {
	if name, v, ok := t.text(t.names("proxy")...); ok && v.Text != "legacy_requests" {
		t.put("proxy", v.Text, name, v)
	}
}

// rest tells of what has no counterpart.
func (t *translation) rest() {
	prefix := t.names("")[0]
	for _, name := range slices.Sorted(maps.Keys(t.vars)) {
		v := t.vars[name]
		switch {
		case v.Kind == ansible.Null || t.used[name]:
		case strings.HasPrefix(name, prefix):
			t.warn(v, name, "has no counterpart, and is left out")
		case slices.Contains([]string{"ansible_ssh_host", "ansible_ssh_port", "ansible_ssh_user", "ansible_ssh_pass"}, name):
			t.warn(v, name, "is left out, as Ansible reads it for ssh alone")
		}
	}
}
