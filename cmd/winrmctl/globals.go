package main

import (
	"io"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/winrmctl/winrmctl/internal/config"
)

// globals are the flags that every command takes.
type globals struct {
	set           *pflag.FlagSet
	config        string
	user          string
	passwordStdin bool
	passwordFile  string
	auth          string
	https         bool
	port          int
	caFile        string
	serverName    string
	fingerprint   string
	insecure      bool
	cert          string
	key           string
	encryption    string
	proxy         string
	connect       time.Duration
	operation     time.Duration
	color         string
	verbose       int
	trace         string

	opening  sync.Once
	observer *observer
	narrator io.Writer // where -v tells of a session at a terminal; nil for stderr
	opened   error     // why there is no trace
}

func (g *globals) register(f *pflag.FlagSet) {
	g.set = f
	f.StringVar(&g.config, "config", "", "configuration `FILE`")
	f.StringVarP(&g.user, "user", "u", "", `account: DOMAIN\user, user@realm, user, or .\user of the target itself`)
	f.BoolVar(&g.passwordStdin, "password-stdin", false, "read the password from the first line of stdin")
	f.StringVar(&g.passwordFile, "password-file", "", "read the password from `FILE`")
	f.StringVar(&g.auth, "auth", "", "login by auto, ntlm, basic or certificate")
	f.BoolVar(&g.https, "https", false, "use https, port 5986")
	f.IntVar(&g.port, "port", 0, "TCP `PORT`")
	f.StringVar(&g.caFile, "ca-file", "", "trust the certificates in the PEM `FILE`")
	f.StringVar(&g.serverName, "server-name", "", "expect the certificate of `NAME`")
	f.StringVar(&g.fingerprint, "fingerprint", "", "trust only the certificate with this `SHA256`")
	f.BoolVar(&g.insecure, "insecure", false, "do not check the server's certificate")
	f.StringVar(&g.cert, "cert", "", "client certificate: PEM or PKCS#12 `FILE`")
	f.StringVar(&g.key, "key", "", "its key: PEM `FILE`, where it is not in the certificate's")
	f.StringVar(&g.encryption, "encryption", "", "seal messages: auto, always or never")
	f.StringVar(&g.proxy, "proxy", "", "connect through http://, https:// or socks5://`HOST:PORT`")
	f.DurationVar(&g.connect, "connect-timeout", 0, "give up connecting after this time (default 10s)")
	f.DurationVar(&g.operation, "operation-timeout", 0, "how long the server holds a request (default 60s)")
	f.StringVar(&g.color, "color", "auto", "colours: auto, always or never")
	f.CountVarP(&g.verbose, "verbose", "v", "tell what happens; -vv with messages")
	f.StringVar(&g.trace, "trace", "", "write all messages, without secrets of the login, to `FILE`")
}

// keys are the configuration keys that flags stand for.
func (g *globals) keys() map[string]string {
	return map[string]string{
		"user": "username", "password-stdin": "password_stdin", "password-file": "password_file", "auth": "auth", "https": "https", "port": "port",
		"ca-file": "tls.ca_file", "server-name": "tls.server_name", "fingerprint": "tls.fingerprint", "insecure": "tls.insecure",
		"cert": "tls.cert", "key": "tls.key", "encryption": "encryption", "proxy": "proxy", "connect-timeout": "connect_timeout", "operation-timeout": "operation_timeout",
		// of exec
		"cwd": "cwd", "timeout": "timeout", "code-page": "code_page", "no-profile": "no_profile", "idle-timeout": "idle_timeout",
	}
}

// over returns what the user gave by flags, by configuration key.
func (g *globals) over(sets ...*pflag.FlagSet) map[string]string {
	keys := g.keys()
	over := map[string]string{}
	for _, set := range append(sets, g.set) {
		set.Visit(func(f *pflag.Flag) {
			if key, ok := keys[f.Name]; ok {
				over[key] = f.Value.String()
			}
		})
	}
	return over
}

// load reads the configuration.
func (a *app) load(g *globals) (*config.Config, error) { return config.Load(g.config, a.environment) }

// secrets is where passwords come from in this process.
func (a *app) secrets() *config.Secrets {
	return &config.Secrets{Stdin: a.stdin, Typed: a.terminals.stdin, Stderr: a.stderr, Prompt: a.prompt, Keyring: a.keyring}
}
