package main

import (
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/winrmctl/winrmctl/internal/config"
)

// targetSpec is what a command line says of targets: in words, or by a list.
type targetSpec struct{ words, from string }

// findTargets resolves all of them, before anything is done on one. several reports that more than one may be meant.
func (a *app) findTargets(g *globals, cfg *config.Config, spec targetSpec, over map[string]string) (targets []*config.Target, several bool, err error) {
	if spec.from == "" {
		targets, err = cfg.Targets(over, spec.words)
		return targets, mayBeSeveral(cfg, spec.words), err
	}
	list, err := a.readTargets(g, cfg, spec.from)
	if err != nil {
		return nil, true, err
	}
	targets, err = cfg.Targets(over, list...)
	return targets, true, err
}

// mayBeSeveral tells a list from a name with a sign in it that could mean one (bob@web1, [::1]).
func mayBeSeveral(cfg *config.Config, spec string) bool {
	names, err := cfg.Expand(spec)
	return strings.ContainsAny(spec, ",@[") && (err != nil || len(names) != 1 || names[0] != spec)
}

// readTargets reads a file of targets, or stdin for -.
func (a *app) readTargets(g *globals, cfg *config.Config, name string) ([]string, error) {
	in := a.stdin
	switch {
	case name != "-":
		f, err := os.Open(name)
		if wrong, ok := errors.AsType[*os.PathError](err); ok {
			err = wrong.Err
		}
		if err != nil {
			return nil, &usageError{"--targets-from " + name + ": " + err.Error(), ""}
		}
		defer f.Close()
		in = f
	case g.passwordStdin:
		return nil, &usageError{"--targets-from - takes stdin, which --password-stdin wants too", "put the targets or the password into a file"}
	}
	return cfg.ReadTargets(in, name)
}

// completeTargets offers the profiles as targets.
func (a *app) completeTargets(g *globals) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		cfg, err := a.load(g)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names := append(cfg.Profiles(), "sandbox")
		for _, group := range cfg.Groups() {
			names = append(names, "@"+group)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
