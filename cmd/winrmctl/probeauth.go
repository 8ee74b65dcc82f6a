package main

import (
	"fmt"
	"strings"

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
  winrmctl probe-auth -u 'CORP\bob' --https web1.corp.example -o json
  winrmctl probe-auth --targets-from hosts.txt`,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case o.targetsFrom != "":
				return atMost(0)(c, args)
			case len(args) == 0:
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
			spec := targetSpec{strings.Join(args, ""), o.targetsFrom}
			if o.targets, _, err = a.findTargets(g, cfg, spec, g.over(c.Flags())); err != nil {
				return err
			}
			return o.run(c.Context())
		},
	}
	c.Flags().StringVarP(&o.output, "output", "o", "text", "text, or json: one object a target")
	c.Flags().StringVar(&o.targetsFrom, "targets-from", "", "read targets from `FILE`, or - for stdin, one a line")
	c.AddCommand(a.decodeCommand())
	return c
}
