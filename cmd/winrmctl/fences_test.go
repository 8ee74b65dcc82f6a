package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestFences holds the table of imports: who may know whom, of ours and of others. A package that is not in it fails, and so
// does an import that nobody uses any more.
func TestFences(t *testing.T) {
	const ours = "github.com/winrmctl/winrmctl/"
	table := map[string]string{
		"cmd/winrmctl":         "internal/auth internal/clixml internal/config internal/console internal/dissect internal/enum internal/enum/format internal/fanout internal/keypair internal/keyring internal/probe internal/report internal/sandbox internal/script internal/secret internal/shell internal/trace internal/transport internal/wsman github.com/spf13/cobra github.com/spf13/pflag golang.org/x/term",
		"docs/record":          "github.com/creack/pty github.com/hinshun/vt10x",
		"internal/torn":        "go.yaml.in/yaml/v3",
		"internal/ansible":     "internal/torn internal/ranges go.yaml.in/yaml/v3",
		"internal/auth":        "internal/auth/ntlm internal/auth/spnego internal/sealed internal/secret",
		"internal/auth/spnego": "golang.org/x/crypto/cryptobyte golang.org/x/crypto/cryptobyte/asn1",
		"internal/keyring":     "github.com/zalando/go-keyring",
		"internal/keypair":     "github.com/youmark/pkcs8 software.sslmate.com/src/go-pkcs12",
		"internal/auth/ntlm":   "internal/secret github.com/Azure/go-ntlmssp golang.org/x/crypto/md4 golang.org/x/text/encoding/charmap",
		"internal/bench":       "",
		"internal/clixml":      "",
		"internal/config":      "internal/ansible internal/torn internal/ranges internal/secret github.com/pelletier/go-toml/v2 github.com/pelletier/go-toml/v2/unstable github.com/spf13/viper go.yaml.in/yaml/v3",
		"internal/console":     "github.com/ergochat/readline",
		"internal/dissect":     "internal/auth/ntlm",
		"internal/enum":        "internal/wsman",
		"internal/enum/format": "internal/enum github.com/mattn/go-runewidth go.yaml.in/yaml/v3",
		"internal/fanout":      "",
		"internal/probe":       "internal/auth internal/auth/ntlm internal/auth/spnego internal/shell internal/transport internal/wsman",
		"internal/ranges":      "",
		"internal/recorded":    "",
		"internal/report":      "github.com/vbauerster/mpb/v8 github.com/vbauerster/mpb/v8/decor",
		"internal/sandbox":     "internal/auth internal/auth/ntlm internal/auth/spnego internal/sealed internal/wsman github.com/shirou/gopsutil/v4/cpu github.com/shirou/gopsutil/v4/disk github.com/shirou/gopsutil/v4/host github.com/shirou/gopsutil/v4/mem github.com/shirou/gopsutil/v4/net github.com/shirou/gopsutil/v4/process",
		"internal/script":      "golang.org/x/text/encoding golang.org/x/text/encoding/unicode golang.org/x/text/transform",
		"internal/sealed":      "",
		"internal/secret":      "",
		"internal/shell":       "internal/wsman",
		"internal/trace":       "",
		"internal/transport":   "internal/auth internal/auth/ntlm internal/sealed internal/secret internal/trace golang.org/x/net/proxy",
		"internal/wsman":       "github.com/masterzen/simplexml/dom github.com/masterzen/winrm/soap",
	}
	list := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, ours+"...")
	list.Env = append(os.Environ(), "GOOS=linux") // other systems have a few imports more
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], ours)
		allowed, ok := table[name]
		if !ok {
			t.Errorf("package %s is not in the table of imports", name)
			continue
		}
		delete(table, name)
		left := strings.Fields(allowed)
		for _, path := range fields[1:] {
			if !strings.Contains(strings.SplitN(path, "/", 2)[0], ".") {
				continue // of the standard library
			}
			path = strings.TrimPrefix(path, ours)
			if !slices.Contains(left, path) {
				t.Errorf("%s must not import %s", name, path)
			}
			left = slices.DeleteFunc(left, func(s string) bool { return s == path })
		}
		if len(left) > 0 {
			t.Errorf("%s may import %v, but does not: take it out of the table", name, left)
		}
	}
	for name := range table {
		t.Errorf("there is no package %s", name)
	}
}
