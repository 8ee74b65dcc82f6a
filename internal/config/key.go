package config

import (
	"strings"
	"time"
)

// Kind is what sort of value a key takes.
type Kind string

// The kinds of values.
const (
	KindText     Kind = "text"
	KindSecret   Kind = "secret"
	KindPath     Kind = "path"
	KindSwitch   Kind = "true or false"
	KindNumber   Kind = "number"
	KindDuration Kind = "duration"
	KindChoice   Kind = "choice"
	KindURL      Kind = "url"
	KindPairs    Kind = "name: value"
)

// place is where in a file a key may stand.
type place uint8

const (
	inDefaults place = 1 << iota
	inProfile
	inCredential
	inGroup

	inBoth  = inDefaults | inProfile
	account = inBoth | inCredential
	shared  = inBoth | inGroup
)

// Key describes one key of the configuration. The table of them, Keys, is what decoding, the names of
// variables, the views and the reference in docs/configuration.md follow.
type Key struct {
	Name    string // "tls.ca_file"
	Kind    Kind
	Default string // the built-in value; empty for none
	Help    string // one sentence

	flag    string // of the command line, where it is not the name with dashes
	places  place
	sandbox bool // means something for the sandbox, too
	check   func(text string) (normal string, wrong *flaw)
}

// Env is the key's environment variable: "WINRMCTL_TLS_CA_FILE".
func (k Key) Env() string {
	return "WINRMCTL_" + strings.ToUpper(strings.ReplaceAll(k.Name, ".", "_"))
}

// In lists where the key may stand in a file: defaults, groups, profiles, credentials, from the general to the
// particular.
func (k Key) In() []string {
	var tables []string
	for i, in := range []place{inDefaults, inGroup, inProfile, inCredential} {
		if k.places&in != 0 {
			tables = append(tables, []string{"defaults", "groups", "profiles", "credentials"}[i])
		}
	}
	return tables
}

// flagName is how the command line would name the key: "--ca-file".
func (k Key) flagName() string {
	if k.flag != "" {
		return "--" + k.flag
	}
	return "--" + strings.ReplaceAll(strings.TrimPrefix(k.Name, "tls."), "_", "-")
}

// isSecret reports whether the key says where a password comes from.
func (k Key) isSecret() bool { return isSecret(k.Name) }

func isSecret(key string) bool { return strings.HasPrefix(key, "password") || key == "keyring" }

// Keys is the table of all keys, in the order of the documentation. The caller owns the slice.
func Keys() []Key {
	return []Key{
		{Name: "host", Kind: KindText, places: inProfile, check: host,
			Help: "Name or address of the server."},
		{Name: "port", Kind: KindNumber, places: shared, check: number(1, 65535),
			Help: "TCP port: 5985, or 5986 with https, unless given."},
		{Name: "url", Kind: KindURL, places: inProfile, check: serverURL,
			Help: "The whole endpoint, instead of host, port and https."},
		{Name: "https", Kind: KindSwitch, Default: "false", places: shared, check: boolean,
			Help: "Use TLS."},
		{Name: "username", Kind: KindText, flag: "user", places: account, check: username,
			Help: `The account: user, DOMAIN\user, user@realm, or .\user for one of the server itself.`},
		{Name: "credential", Kind: KindText, places: shared, check: oneLine,
			Help: "Name of an entry of credentials."},
		{Name: "password", Kind: KindSecret, places: account, check: anything,
			Help: "The password itself; only in a file that others cannot read."},
		{Name: "password_file", Kind: KindPath, places: account, check: oneLine,
			Help: "File whose only line is the password."},
		{Name: "password_env", Kind: KindText, places: account, check: variable,
			Help: "Name of the environment variable that holds the password."},
		{Name: "password_command", Kind: KindText, places: account, check: command,
			Help: "Shell command whose first line of output is the password."},
		{Name: "keyring", Kind: KindSwitch, Default: "false", places: account, check: boolean,
			Help: "The password is in the keyring of this machine: winrmctl config set-password."},
		{Name: "auth", Kind: KindChoice, Default: "auto", places: shared, sandbox: true,
			check: choice("auto", "ntlm", "basic", "certificate", "kerberos"),
			Help:  "How to log in: auto, ntlm, basic, certificate or kerberos."},
		{Name: "encryption", Kind: KindChoice, Default: "auto", places: shared, sandbox: true,
			check: choice("auto", "always", "never"),
			Help:  "Message encryption: auto, always or never."},
		{Name: "tls.ca_file", Kind: KindPath, places: shared, check: oneLine,
			Help: "PEM file of the authorities to trust, instead of the system's."},
		{Name: "tls.server_name", Kind: KindText, places: shared, check: optional(host),
			Help: "Name to expect in the certificate, where it is not the host."},
		{Name: "tls.fingerprint", Kind: KindText, places: shared, check: optional(fingerprint),
			Help: "SHA-256 of the one certificate to accept, in hex."},
		{Name: "tls.insecure", Kind: KindSwitch, Default: "false", places: shared, check: boolean,
			Help: "Accept any certificate."},
		{Name: "tls.cert", Kind: KindPath, places: shared, check: oneLine,
			Help: "PEM or PKCS#12 file of the client certificate."},
		{Name: "tls.key", Kind: KindPath, places: shared, check: oneLine,
			Help: "PEM file of its key, where that is not in the certificate's file."},
		{Name: "tls.key_password_file", Kind: KindPath, places: shared, check: oneLine,
			Help: "File whose only line decrypts the key; without it --password-file and --password-stdin do."},
		{Name: "proxy", Kind: KindURL, places: shared, check: optional(proxyURL),
			Help: "http, https or socks5 URL of a proxy, with a user where it wants one; none unless given."},
		{Name: "proxy_password_file", Kind: KindPath, places: shared, check: oneLine,
			Help: "File whose only line is the password of the proxy's user."},
		{Name: "connect_timeout", Kind: KindDuration, Default: "10s", places: shared, sandbox: true, check: duration(time.Millisecond),
			Help: "How long one attempt to connect may take."},
		{Name: "operation_timeout", Kind: KindDuration, Default: "60s", places: shared, sandbox: true, check: duration(time.Second),
			Help: "How long the server may keep one request waiting; at least 1s."},
		{Name: "timeout", Kind: KindDuration, Default: "0s", places: shared, sandbox: true, check: duration(0),
			Help: "How long a whole command may take; 0s for ever."},
		{Name: "idle_timeout", Kind: KindDuration, Default: "0s", places: shared, sandbox: true, check: duration(0),
			Help: "When the server drops a shell that nobody uses; 0s leaves it to the server."},
		{Name: "env", Kind: KindPairs, places: shared, sandbox: true, check: anything,
			Help: "Environment variables of the remote command."},
		{Name: "cwd", Kind: KindText, places: shared, sandbox: true, check: oneLine,
			Help: "Directory in which the remote command starts."},
		{Name: "code_page", Kind: KindNumber, Default: "65001", places: shared, sandbox: true, check: number(1, 65535),
			Help: "Code page of the remote console; 65001 is UTF-8."},
		{Name: "no_profile", Kind: KindSwitch, Default: "false", places: shared, sandbox: true, check: boolean,
			Help: "Do not load the user's profile on the server."},
		{Name: "description", Kind: KindText, places: inProfile, check: anything,
			Help: "Free text for people."},
	}
}

// schema is the table with an index.
type schema struct {
	keys   []Key
	byName map[string]Key
}

func newSchema() schema {
	s := schema{keys: Keys(), byName: map[string]Key{}}
	for _, k := range s.keys {
		s.byName[k.Name] = k
	}
	return s
}

// isTable reports whether keys stand below a name, as those of tls do.
func (s schema) isTable(name string) bool {
	for _, k := range s.keys {
		if strings.HasPrefix(k.Name, name+".") {
			return true
		}
	}
	return false
}

// names are the keys that a place takes.
func (s schema) names(in place) []string {
	var names []string
	for _, k := range s.keys {
		if k.places&in != 0 {
			names = append(names, k.Name)
		}
	}
	return names
}
