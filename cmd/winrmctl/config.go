package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/winrmctl/winrmctl/internal/config"
)

func (a *app) configCommand(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use: "config", Short: "Work with the configuration", Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{fmt.Sprintf("unknown command \"config %s\"", args[0]), "winrmctl config --help lists them"}
			}
			return c.Help()
		},
	}
	c.AddCommand(
		&cobra.Command{
			Use: "path", Short: "Print which file is read", Args: atMost(0),
			RunE: func(*cobra.Command, []string) error {
				path, err := config.Locate(g.config, a.environment)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(a.stdout, path)
				return err
			},
		},
		&cobra.Command{
			Use: "init", Short: "Write a first file, with everything explained", Args: atMost(0),
			RunE: func(*cobra.Command, []string) error {
				path, err := config.Locate(g.config, a.environment)
				if err != nil {
					return err
				}
				if err := config.Init(path); err != nil {
					return err
				}
				_, err = fmt.Fprintln(a.stdout, path)
				return err
			},
		},
		&cobra.Command{
			Use: "view [TARGET]", Short: "Show the values in force, and where each comes from", Args: atMost(1),
			ValidArgsFunction: a.completeTargets(g),
			RunE: func(c *cobra.Command, args []string) error {
				cfg, err := a.load(g)
				if err != nil {
					return err
				}
				if len(args) == 0 && cfg.File() == "" {
					fmt.Fprintln(a.stderr, "there is no configuration file: winrmctl config view TARGET shows what holds without")
				}
				if len(args) == 0 {
					return cfg.View(a.stdout)
				}
				return a.viewTargets(cfg, args[0], g.over(c.Flags()))
			},
		},
		&cobra.Command{
			Use: "validate", Short: "Check the file, and list every problem", Args: atMost(0),
			RunE: func(*cobra.Command, []string) error { return a.validate(g) },
		},
	)
	c.AddCommand(a.importCommand())
	c.AddCommand(a.passwordCommands(g)...)
	return c
}

// viewTargets shows what one argument names; of several targets, each below its name.
func (a *app) viewTargets(cfg *config.Config, spec string, over map[string]string) error {
	targets, err := cfg.Targets(over, spec)
	if err != nil {
		return err
	}
	for i, target := range targets {
		if len(targets) > 1 {
			fmt.Fprintf(a.stdout, "%s%s:\n", strings.Repeat("\n", min(i, 1)), oneLine(target.Name))
		}
		if err := target.View(a.stdout); err != nil {
			return err
		}
	}
	return nil
}

// validate lists all problems on stdout, one a line; the first is the error.
func (a *app) validate(g *globals) error {
	cfg, err := a.load(g)
	if problems, ok := err.(*config.Error); ok {
		for _, p := range problems.Problems {
			fmt.Fprintln(a.stdout, oneLine(p.Error()))
		}
		return err
	}
	if err != nil {
		return err
	}
	if cfg.File() == "" {
		_, err = fmt.Fprintln(a.stdout, "there is no configuration file: nothing to check")
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s: ok, %d profiles, %d groups\n", cfg.File(), len(cfg.Profiles()), len(cfg.Groups()))
	return err
}
