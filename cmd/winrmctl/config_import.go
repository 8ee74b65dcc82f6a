package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/winrmctl/winrmctl/internal/config"
)

// importCommand makes a configuration of what other tools know.
func (a *app) importCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use: "import", Short: "Make a configuration of the inventory of another tool", Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{fmt.Sprintf("nothing can be imported from %q", args[0]), "winrmctl config import --help lists what can"}
			}
			return c.Help()
		},
	}
	ansible := &cobra.Command{
		Use: "ansible INVENTORY", Short: "Make a configuration of an inventory of Ansible",
		Long: `Make a configuration of an inventory of Ansible: a file in INI or YAML, or a
directory of them, with its group_vars and host_vars, or - for stdin. The hosts
that Ansible reaches by winrm or psrp become profiles and groups of the same
names. Passwords are never copied. What is left out is told on stderr.`,
		Example: `  winrmctl config import ansible inventory/hosts.yml
  winrmctl config import ansible inventory/ -o fleet.yaml
  ansible-inventory --list --yaml | winrmctl config import ansible -
  winrmctl --config fleet.yaml exec @web hostname`,
		Args: exactlyOne("an INVENTORY"),
		RunE: func(_ *cobra.Command, args []string) error { return a.importAnsible(args[0], output) },
	}
	ansible.Flags().StringVarP(&output, "output", "o", "-", "write to a new `FILE`, which must not exist, and not to stdout")
	c.AddCommand(ansible)
	return c
}

// importAnsible writes the configuration to stdout or, whole or not at all, to a file.
func (a *app) importAnsible(inventory, output string) error {
	switch ext := filepath.Ext(output); {
	case slices.Contains([]string{"yaml", "json", "jsonl", "text", "toml", ""}, output):
		return &usageError{fmt.Sprintf("--output %q: a file is meant, and no format: the configuration is YAML", output), "leave it out for stdout, or write ./NAME"}
	case ext != ".yaml" && ext != ".yml" && ext != "":
		return &usageError{fmt.Sprintf("--output %q: the configuration is YAML", output), "name a file that ends in .yaml"}
	}
	var in io.Reader
	if inventory == "-" {
		inventory, in = "stdin", a.stdin
	}
	imported, err := config.ImportAnsible(inventory, in, a.environment)
	if err != nil {
		return err
	}
	for _, text := range imported.Warnings {
		a.warn("%s", text)
	}
	if output == "-" {
		_, err = a.stdout.Write(imported.YAML)
		return err
	}
	if err := config.WriteNew(output, imported.YAML); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, output)
	return err
}
