package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/winrmctl/winrmctl/internal/config"
)

// passwordCommands keep passwords in the keyring of the machine.
func (a *app) passwordCommands(g *globals) []*cobra.Command {
	set := &cobra.Command{
		Use: "set-password NAME", Short: "Keep a password in the keyring of this machine",
		Long: `Keep a password in the keyring of this machine, for what says keyring: true:
NAME is an entry of credentials or profiles, or user@host for defaults.
It is asked for twice, or read by --password-stdin or --password-file.`,
		Example: `  winrmctl config set-password ops
  pass show winrm/ops | winrmctl config set-password ops --password-stdin`,
		Args: exactlyOne("a NAME"), ValidArgsFunction: a.completeCredentials(g),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withKeyring(c.Context(), g, func(ctx context.Context, cfg *config.Config, s *config.Secrets) error {
				unused, err := cfg.SetPassword(ctx, args[0], g.over(c.Flags()), s)
				if err == nil && unused != "" {
					a.warn("%s", unused)
				}
				return err
			})
		},
	}
	remove := &cobra.Command{
		Use: "delete-password NAME", Short: "Remove a password from the keyring of this machine",
		Args: exactlyOne("a NAME"), ValidArgsFunction: a.completeCredentials(g),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withKeyring(c.Context(), g, func(ctx context.Context, cfg *config.Config, s *config.Secrets) error {
				return cfg.DeletePassword(ctx, args[0], s)
			})
		},
	}
	return []*cobra.Command{set, remove}
}

// withKeyring gives the configuration and the keyring to an action that Ctrl-C ends: it may wait for a person.
func (a *app) withKeyring(ctx context.Context, g *globals, act func(context.Context, *config.Config, *config.Secrets) error) error {
	cfg, err := a.load(g)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	interrupts := a.interrupts(cancel)
	defer interrupts.stop()
	return act(ctx, cfg, a.secrets())
}

// exactlyOne refuses any number of arguments but one.
func exactlyOne(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return &usageError{c.CommandPath() + " needs " + what, c.CommandPath() + " --help"}
		}
		return atMost(1)(c, args)
	}
}

// completeCredentials offers what a password can be kept for.
func (a *app) completeCredentials(g *globals) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		cfg, err := a.load(g)
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return append(cfg.Credentials(), cfg.Profiles()...), cobra.ShellCompDirectiveNoFileComp
	}
}
