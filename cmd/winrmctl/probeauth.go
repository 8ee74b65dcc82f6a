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
  winrmctl probe-auth --targets-from hosts.txt
  winrmctl probe-auth decode exchange.http`,
		Args:              o.checkArgs,
		ValidArgsFunction: a.completeTargets(g),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.complete(c, args); err != nil {
				return err
			}
			return o.run(c.Context())
		},
	}
	f := c.Flags()
	f.StringVarP(&o.output, "output", "o", "text", "text, or json: one object a target")
	f.StringVar(&o.targetsFrom, "targets-from", "", "read targets from `FILE`, or - for stdin, one a line")
	f.IntVar(&o.parallel, "parallel", 32, "how many targets at once")
	c.AddCommand(a.decodeCommand())
	return c
}

func (o *probeOptions) checkArgs(c *cobra.Command, args []string) error {
	switch {
	case o.targetsFrom != "" && len(args) > 0:
		return &usageError{"--targets-from and a target exclude each other", ""}
	case o.targetsFrom == "" && len(args) == 0:
		return &usageError{"probe-auth needs a target", "winrmctl probe-auth TARGET"}
	}
	return atMost(1)(c, args)
}

// complete checks the flags, and finds the targets.
func (o *probeOptions) complete(c *cobra.Command, args []string) error {
	switch {
	case o.output != "text" && o.output != "json":
		return &usageError{fmt.Sprintf("-o %q: need text or json", o.output), ""}
	case o.parallel < 1:
		return &usageError{fmt.Sprintf("--parallel %d: need a number from 1", o.parallel), ""}
	}
	cfg, err := o.app.load(o.globals)
	if err != nil {
		return err
	}
	spec := targetSpec{strings.Join(args, ""), o.targetsFrom}
	o.targets, o.several, err = o.app.findTargets(o.globals, cfg, spec, o.globals.over(c.Flags()))
	return err
}
