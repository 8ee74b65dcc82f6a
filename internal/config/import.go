package config

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/winrmctl/winrmctl/internal/ansible"
)

// Imported is a configuration that was made of something else. It holds no password.
type Imported struct {
	YAML     []byte
	Warnings []string // what was left out or is different, and why: one sentence each
}

// ImportAnsible makes a configuration of an inventory of Ansible: of the hosts in it that WinRM reaches. Values that a
// whole group shares become the group's. What cannot be had, such as passwords, vaulted values and expressions, is left
// out with a warning. The inventory is a file or a directory, or where in is given a stream of that name. The error is *Error.
func ImportAnsible(path string, in io.Reader, env Environment) (*Imported, error) {
	i, err := importAnsible(path, in, env)
	if err != nil {
		return nil, err
	}
	return &i.Imported, nil
}

func importAnsible(path string, in io.Reader, env Environment) (*importer, error) {
	read := func() (*ansible.Inventory, error) { return ansible.Read(path) }
	if in != nil {
		read = func() (*ansible.Inventory, error) { return ansible.ReadFrom(in, path) }
	}
	inventory, err := read()
	var unread *ansible.Error
	if errors.As(err, &unread) {
		return nil, &Error{[]Problem{{File: unread.File, Line: unread.Line, Text: unread.Text, Hint: unread.Hint()}}}
	}
	if err != nil {
		return nil, fmt.Errorf("config: import: %w", err)
	}
	refuse := func(text, hint string) (*importer, error) {
		return nil, &Error{[]Problem{{File: path, Text: text, Hint: hint}}}
	}
	i := &importer{path: path, schema: newSchema(), env: env, inventory: inventory, told: map[string]bool{}, bySource: map[*ansible.Host]*importedHost{}}
	for _, w := range inventory.Warnings {
		i.warn(w.String())
	}
	if !i.translate() {
		return refuse("has no host that WinRM reaches", "Ansible uses WinRM where ansible_connection is winrm or psrp")
	}
	i.nameAccounts()
	if !i.arrangeGroups() {
		return refuse("the groups have too many hosts, counted once for each group around them", "import parts of the inventory")
	}
	i.distribute()
	i.nameHosts()
	i.nameGroups()
	if i.YAML, err = i.write(); err != nil {
		return nil, fmt.Errorf("config: import: %w", err)
	}
	if len(i.YAML) > maxSize {
		return refuse("makes a configuration of more than 1 MiB", "import parts of the inventory")
	}
	if _, err := load("imported.yaml", i.YAML, nil, env); err != nil {
		return nil, fmt.Errorf("config: import: what was made of %s is not valid: %s", path, err.Error()) // a bug
	}
	return i, nil
}

// importer makes a configuration of an inventory.
type importer struct {
	Imported
	path      string
	schema    schema
	env       Environment
	inventory *ansible.Inventory

	hosts    []*importedHost
	bySource map[*ansible.Host]*importedHost
	groups   []*importedGroup // each before those that are inside of it
	accounts []*importedAccount
	told     map[string]bool // warnings that were given
}

// importedHost is a host that WinRM reaches.
type importedHost struct {
	source *ansible.Host
	name   string            // of its profile; of a host without one, that of the host
	host   string            // to connect to
	values map[string]string // that hold for it, by our key; what is not there has the built-in value
	url    bool              // values have a url, over which https and port have no say
	user   string
	secret string            // equal for hosts with one password, as far as the inventory tells
	own    map[string]string // what no group gives it
	plain  bool              // needs no profile
}

// importedAccount is an entry of credentials.
type importedAccount struct{ name, user string }

// warn tells once of what concerns many hosts.
func (i *importer) warn(text string) {
	if !i.told[text] {
		i.told[text] = true
		i.Warnings = append(i.Warnings, text)
	}
}

// warnHost tells of a host as a whole.
func (i *importer) warnHost(h *ansible.Host, text string) {
	i.warn(fmt.Sprintf("%s: host %s %s", h.Where(), show(h.Name), text))
}

// translate takes over the hosts that WinRM reaches; it reports whether there is one.
func (i *importer) translate() bool {
	var left []string
	all := make([]map[string]ansible.Value, len(i.inventory.Hosts))
	silent := true
	for at, h := range i.inventory.Hosts {
		all[at] = h.Vars()
		silent = silent && !namesConnection(all[at])
	}
	for at, h := range i.inventory.Hosts {
		vars := all[at]
		if !reachedByWinRM(vars, silent) {
			left = append(left, h.Name)
			continue
		}
		t := &translation{importer: i, host: h, vars: vars, psrp: usesPSRP(vars), values: map[string]string{}, used: map[string]bool{}}
		imported := t.translate()
		i.hosts = append(i.hosts, imported)
		i.bySource[h] = imported
	}
	if silent {
		i.warn(i.path + ": says ansible_connection nowhere: its hosts are taken for ones that WinRM reaches")
	}
	if n := len(left); n > 0 && len(i.hosts) > 0 {
		names := strings.Join(left[:min(n, 5)], ", ")
		if n > 5 {
			names += ", …"
		}
		i.warn(fmt.Sprintf("%s: %d of %d hosts are not reached by WinRM, and left out: %s", i.path, n, len(i.inventory.Hosts), names))
	}
	return len(i.hosts) > 0
}
