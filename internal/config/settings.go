package config

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/viper"
)

// Settings are the values of one target, after defaults, profile, environment and flags. Secrets are
// not among them: see Target.Password.
type Settings struct {
	Host     string `mapstructure:"host"` // IPv6 without brackets; empty for the sandbox until it runs
	Port     int    `mapstructure:"port"`
	HTTPS    bool   `mapstructure:"https"`
	Path     string `mapstructure:"-"` // of the endpoint, escaped: "/wsman" unless a URL says otherwise
	Username string `mapstructure:"username"`

	Credential        string `mapstructure:"credential"` // name of the entry in force, or empty
	Auth              string `mapstructure:"auth"`       // auto, ntlm, basic, certificate, kerberos
	Encryption        string `mapstructure:"encryption"` // auto, always, never
	TLS               TLS    `mapstructure:",squash"`
	Proxy             string `mapstructure:"proxy"`               // URL; empty for none
	ProxyPasswordFile string `mapstructure:"proxy_password_file"` // see Target.ProxyPassword

	ConnectTimeout   time.Duration `mapstructure:"connect_timeout"`
	OperationTimeout time.Duration `mapstructure:"operation_timeout"`
	Timeout          time.Duration `mapstructure:"timeout"`      // 0: none
	IdleTimeout      time.Duration `mapstructure:"idle_timeout"` // 0: the server's own

	Env         map[string]string `mapstructure:"-"` // of the remote command; never nil
	CWD         string            `mapstructure:"cwd"`
	CodePage    int               `mapstructure:"code_page"`
	NoProfile   bool              `mapstructure:"no_profile"`
	Description string            `mapstructure:"description"`
}

// TLS are the settings of https. Paths are ready to be opened.
type TLS struct {
	CAFile          string `mapstructure:"tls.ca_file"`
	ServerName      string `mapstructure:"tls.server_name"`
	Fingerprint     string `mapstructure:"tls.fingerprint"` // 64 lower-case hex digits, or empty
	Insecure        bool   `mapstructure:"tls.insecure"`
	Cert            string `mapstructure:"tls.cert"`
	Key             string `mapstructure:"tls.key"`
	KeyPasswordFile string `mapstructure:"tls.key_password_file"` // see Target.KeyPassword
}

// Endpoint is the URL to post to: "http://web1:5985/wsman", "https://[::1]:5986/wsman".
func (s Settings) Endpoint() string {
	u := url.URL{Scheme: "http"}
	if s.HTTPS {
		u.Scheme = "https"
	}
	port := ""
	if s.Port != 0 {
		port = strconv.Itoa(s.Port)
	}
	u.Host = hostPort(s.Host, port, s.HTTPS)
	return u.String() + s.Path
}

// hostPort puts the port of WinRM, not of the web, where none is given.
func hostPort(host, port string, https bool) string {
	if port == "" {
		port = defaultPort(https)
	}
	return net.JoinHostPort(host, port)
}

func defaultPort(https bool) string {
	if https {
		return "5986"
	}
	return "5985"
}

// decode layers the scalar values, highest layer first, and types them. Viper lower-cases the keys
// of maps and splits keys at its delimiter: so it sees nothing but our own keys, which are lower
// case, and a delimiter that none has. Names that people give (of profiles, of variables) and
// secrets never pass through it.
func decode(s schema, layers []layer) (Settings, error) {
	v := viper.NewWithOptions(viper.KeyDelimiter("\x00"))
	for _, k := range s.keys {
		if k.Default != "" {
			v.SetDefault(k.Name, k.Default)
		}
	}
	for i := len(layers) - 1; i >= 0; i-- {
		values := map[string]any{}
		for name, value := range layers[i].values {
			if !s.byName[name].isSecret() {
				values[name] = value.text
			}
		}
		if err := v.MergeConfigMap(values); err != nil {
			return Settings{}, fmt.Errorf("config: layering: %w", err)
		}
	}
	var out Settings
	if err := v.Unmarshal(&out); err != nil {
		return Settings{}, fmt.Errorf("config: typing: %w", err) // every value was checked: a bug
	}
	return out, nil
}
