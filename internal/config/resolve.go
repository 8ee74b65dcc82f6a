package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Target is one server with everything that is known of how to work with it. It does not change;
// goroutines may share it.
type Target struct {
	Name     string // as it was typed
	Profile  string // the profile it uses, or ""
	Sandbox  bool   // the built-in server, which has an endpoint and a password only once it runs
	Settings Settings

	// DidYouMean is the profile or @group whose name looks like that of this target, which is
	// neither: what to ask when the host turns out not to exist. Usually "".
	DidYouMean string

	schema schema
	env    Environment
	layers []layer // highest first
	secret pick
}

// Resolve finds what a single target means (see Expand for several) and lays its values over each
// other: over, then what the target itself says, the environment, the profile, the groups that the
// profile or the host is in, the nearest first, defaults, what is built in; each credential right
// below what names it.
//
// over has the flags that the user gave: the value by the key's name ("port", "tls.ca_file"), "env"
// as lines of NAME=VALUE or "env.NAME" for one variable, and "password_stdin" as "true". An error is
// *UsageError where the target or a flag is wrong, *Error where the environment or a file is.
func (c *Config) Resolve(target string, over map[string]string) (*Target, error) {
	t := &Target{Name: target, schema: c.schema, env: c.env}
	flags, err := c.flags(over)
	if err != nil {
		return nil, err
	}
	environment, err := c.environment()
	if err != nil {
		return nil, err
	}
	if target == "sandbox" {
		return c.sandbox(t, flags, environment)
	}
	typed, below, err := c.typed(t)
	if err != nil {
		return nil, err
	}
	if err := oneUser(flags, typed); err != nil {
		return nil, err
	}
	t.layers = append([]layer{flags, typed, environment}, below...)
	t.layers = append(t.layers, c.file.defaults)
	if err := c.insertCredential(t); err != nil {
		return nil, err
	}
	if err := t.settle(); err != nil {
		return nil, err
	}
	return t, nil
}

// settle computes the settings of a target whose layers are complete.
func (t *Target) settle() error {
	end, err := pickEndpoint(t.layers)
	if err != nil {
		return err
	}
	t.layers = append([]layer{end.layer}, t.layers...)
	if t.Settings, err = decode(t.schema, t.layers); err != nil {
		return err
	}
	t.Settings.Path = end.path
	t.Settings.Env = map[string]string{}
	for _, v := range mergeEnv(t.layers) {
		t.Settings.Env[v.name] = v.text
	}
	t.secret = chooseSecret(t.layers, t.Settings.Username, t.Settings.Host)
	return t.checkCertificate()
}

// sandbox resolves the built-in server: what describes another server or account is not for it.
func (c *Config) sandbox(t *Target, flags, environment layer) (*Target, error) {
	for _, name := range slices.Sorted(maps.Keys(flags.values)) {
		if key := c.schema.byName[name]; !key.sandbox {
			return nil, flags.values[name].origin.fault("", "has no meaning for the sandbox, which sets this itself", "leave it out")
		}
	}
	t.Sandbox = true
	// How to log in is the sandbox's own affair unless a flag asks for one way of it.
	t.layers = []layer{flags, c.forSandbox(environment), c.forSandbox(c.file.defaults)}
	if err := t.settle(); err != nil {
		return nil, err
	}
	t.Settings.Port = 0
	return t, nil
}

func (c *Config) forSandbox(l layer) layer {
	out := newLayer(l.origin)
	out.env = l.env
	for name, v := range l.values {
		if c.schema.byName[name].sandbox && name != "auth" && name != "encryption" {
			out.values[name] = v
		}
	}
	return out
}

// typed reads the target as typed: its layer, and the layers of the profile that it names and of the groups around it.
func (c *Config) typed(t *Target) (typed layer, below []layer, err error) {
	typed = newLayer(origin{from: fromTarget})
	if strings.HasPrefix(t.Name, "@") {
		return typed, nil, &UsageError{"target " + showTarget(t.Name) + ": is a group, and one target is needed", ""}
	}
	a, err := parseTarget(t.Name, c.isProfile)
	if err != nil {
		return typed, nil, err
	}
	if a.host == "sandbox" {
		return typed, nil, &UsageError{
			"target sandbox: takes no user and no port",
			"write sandbox alone, or http://sandbox for a host of that name",
		}
	}
	if p, ok := c.file.profiles.by[a.host]; ok {
		below = append([]layer{p}, c.file.lineage.layers(c.file.lineage.profile[a.host])...)
		t.Profile, a.host = a.host, ""
	} else {
		around, member := c.file.lineage.ofHost(a.host)
		if below = c.file.lineage.layers(around); !member {
			t.DidYouMean = c.near(a.host)
		}
	}
	for name, text := range map[string]string{"username": a.user, "host": a.host, "port": a.port, "url": a.url} {
		if text != "" {
			typed.values[name] = value{text: text, origin: origin{from: fromTarget}}
		}
	}
	return typed, below, nil
}

// near is a name of the file that resembles a host, or "".
func (c *Config) near(host string) string {
	if _, ok := c.file.groups.by[host]; ok {
		return "@" + host
	}
	return nearest(host, c.file.profiles.names)
}

// oneUser refuses two accounts on one command line: to guess which is meant may lock one out.
func oneUser(flags, typed layer) error {
	flag, target := flags.values["username"], typed.values["username"]
	if flag.text == "" || target.text == "" || flag.text == target.text {
		return nil
	}
	return &UsageError{
		fmt.Sprintf("two user names: %s by --user and %s in the target", flag.text, target.text),
		"give one of them",
	}
}

// insertCredential puts the credential in force right below the layer that names it.
func (c *Config) insertCredential(t *Target) error {
	named, at := find(t.layers, "credential")
	if at < 0 || named.text == "" {
		return nil
	}
	credential, ok := c.file.credentials.by[named.text]
	if !ok {
		hint := didYouMean(named.text, c.file.credentials.names)
		return named.origin.fault("credential", "unknown credential "+show(named.text), hint)
	}
	t.layers = slices.Insert(t.layers, at+1, credential)
	return nil
}

// checkCertificate finds a key without its certificate, and a certificate that no server will ask for. A certificate's own
// file may hold its key.
func (t *Target) checkCertificate() error {
	s := t.Settings
	at := func(key string) origin { v, _ := find(t.layers, key); return v.origin }
	switch {
	case s.TLS.Cert == "" && s.TLS.Key != "":
		return at("tls.key").fault("tls.key", "a key without its certificate", "give tls.cert (--cert)")
	case s.Auth != "certificate" || t.Sandbox:
	case s.TLS.Cert == "":
		return at("auth").fault("auth", "certificate needs a client certificate", "give tls.cert and tls.key (--cert, --key)")
	case !s.HTTPS:
		return at("auth").fault("auth", "certificate needs https", "give https: true (--https)")
	}
	return nil
}

// Origin is where the value of a key comes from: "flag --port", "command line", "environment
// WINRMCTL_PORT", "config.yaml:12", "built in". "env.NAME" asks for one variable of env.
func (t *Target) Origin(key string) string {
	if name, ok := strings.CutPrefix(key, "env."); ok {
		for _, l := range t.layers {
			if v, ok := l.env[strings.ToUpper(name)]; ok {
				return v.origin.String()
			}
		}
	}
	v, _ := find(t.layers, key)
	return v.origin.String()
}
