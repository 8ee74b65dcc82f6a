package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) probeAuthCommand(g *globals) *cobra.Command {
	o := &probeOptions{app: a, globals: g}
	c := &cobra.Command{
		Use:   "probe-auth [flags] TARGET[,TARGET...]",
		Short: "Find out what a listener offers, and why a login fails",
		Long: `Find out, step by step, what a WinRM listener offers and why a login to it
fails: name, TCP, TLS, service, offered logins, NTLM challenge, clock; then, with
credentials, the login itself and a shell, each on a connection of its own.

Without credentials it stops after what a listener tells anyone. A failing login is
tried at most twice, because each one counts towards a lockout.`,
		Example: `  winrmctl probe-auth web1
  winrmctl probe-auth -u 'CORP\bob' --https web1.corp.example -o json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{"probe-auth needs a target", "winrmctl probe-auth TARGET"}
			}
			return atMost(1)(c, args)
		},
		ValidArgsFunction: a.completeTargets(g),
		RunE: func(c *cobra.Command, args []string) error {
			if o.output != "text" && o.output != "json" {
				return &usageError{fmt.Sprintf("-o %q: need text or json", o.output), ""}
			}
			cfg, err := a.load(g)
			if err != nil {
				return err
			}
			if o.targets, err = cfg.Targets(g.over(c.Flags()), args[0]); err != nil {
				return err
			}
			return o.run(c.Context())
		},
	}
	c.Flags().StringVarP(&o.output, "output", "o", "text", "text, or json: one object a target")
	c.AddCommand(a.decodeCommand())
	return c
}
