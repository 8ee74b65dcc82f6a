package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/winrmctl/winrmctl/internal/keypair"
	"github.com/winrmctl/winrmctl/internal/sandbox"
)

// sandboxOptions is one sandbox left running.
type sandboxOptions struct {
	app          *app
	server       sandbox.Options
	programs     string
	passwordFile string
	caOut        string
	clientCerts  []string
	bindings     string
	dataset      string
	output       string
	verbose      int
}

func (a *app) sandboxCommand() *cobra.Command {
	o := &sandboxOptions{app: a}
	var authList string
	var faults []string
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run a WinRM server for trials, until interrupted",
		Long: `Run a WinRM server on a loopback address until interrupted: real NTLM and
sealing, answers in the shape of Windows, commands run by the local shell. It
prints its endpoint and credentials once. Whoever has these runs commands as you.

With --programs wine they are run by the cmd.exe of wine. The first start makes
the directory that wine lives in: $WINEPREFIX, or one of winrmctl's own.`,
		Example: `  winrmctl sandbox --listen 127.0.0.1:5985 --user bob --password-file pw
  winrmctl sandbox --programs wine
  winrmctl sandbox --https --ca-out ca.pem --auth certificate --client-cert client.pem
  winrmctl sandbox --https --ca-out ca.pem --channel-bindings strict
  winrmctl sandbox --fault lose,on=Receive,nth=2`,
		Args: atMost(0),
		RunE: func(c *cobra.Command, _ []string) error {
			o.server.Auth = strings.Split(authList, ",")
			if err := o.choose(c); err != nil {
				return err
			}
			for _, spec := range faults {
				f, err := sandbox.ParseFault(spec)
				if err != nil {
					return &usageError{err.Error(), "such as drop,on=Receive,nth=2"}
				}
				o.server.Faults = append(o.server.Faults, f)
			}
			if !slices.Contains([]string{"host", "builtin", "wine"}, o.programs) {
				return &usageError{fmt.Sprintf("--programs %q: need host, builtin or wine", o.programs), ""}
			}
			if o.output != "text" && o.output != "json" {
				return &usageError{fmt.Sprintf("-o %q: need text or json", o.output), ""}
			}
			o.verbose, _ = c.Flags().GetCount("verbose")
			return o.run(c.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&o.server.Listen, "listen", "127.0.0.1:0", "`ADDRESS` to listen on; port 0 is a random one")
	f.BoolVar(&o.server.NonLoopback, "i-know-what-i-am-doing", false, "allow an address that others can reach")
	f.StringVar(&o.dataset, "dataset", "", "serve the instances in this JSON `FILE` too, see docs/sandbox.md")
	f.DurationVar(&o.server.EnumerationTimeout, "enumeration-timeout", 0, "forget enumerations after this time (default 4m)")
	f.StringVar(&o.passwordFile, "password-file", "", "password of the account from `FILE`; a random one without it")
	f.BoolVar(&o.server.HTTPS, "https", false, "use https with a fresh certificate")
	f.StringVar(&o.caOut, "ca-out", "", "write the certificate that clients have to trust to `FILE`")
	f.StringVar(&authList, "auth", "negotiate", "what is offered, separated by commas: negotiate, basic, certificate")
	f.StringArrayVar(&o.clientCerts, "client-cert", nil, "map the certificate in the PEM or DER `FILE` to the account; may be given several times")
	f.StringVar(&o.bindings, "channel-bindings", "relaxed", "what NTLM over https has to bring (CbtHardeningLevel): none, relaxed or strict")
	f.BoolVar(&o.server.AllowUnencrypted, "allow-unencrypted", false, "accept messages in clear over http")
	f.StringVar(&o.programs, "programs", "host", "what runs commands: host (the local shell), builtin (a few programs of its own) or wine (its cmd.exe)")
	f.IntVar(&o.server.MaxEnvelope, "max-envelope", 500<<10, "bound on messages in bytes (MaxEnvelopeSizekb)")
	f.DurationVar(&o.server.IdleTimeout, "idle-timeout", 2*time.Hour, "delete shells that are idle for so long")
	f.StringArrayVar(&faults, "fault", nil, "misbehave: `SPEC`, such as drop,on=Receive,nth=2; may be given several times")
	f.StringVarP(&o.output, "output", "o", "text", "how to print endpoint and credentials: text or json")
	f.StringVarP(&o.server.User, "user", "u", "sandbox", "name of the account")
	return c
}

// choose checks what belongs to https and to certificates.
func (o *sandboxOptions) choose(c *cobra.Command) error {
	byCertificate := slices.Contains(o.server.Auth, sandbox.AuthCertificate)
	levels := []sandbox.Bindings{sandbox.BindingsNone, sandbox.BindingsRelaxed, sandbox.BindingsStrict}
	o.server.Bindings = sandbox.Bindings(o.bindings)
	switch {
	case byCertificate && !o.server.HTTPS:
		return &usageError{"--auth certificate is possible only with --https", ""}
	case len(o.clientCerts) > 0 && !byCertificate:
		return &usageError{"--client-cert is of use only with --auth certificate", "--auth negotiate,certificate offers both"}
	case !slices.Contains(levels, o.server.Bindings):
		return &usageError{fmt.Sprintf("--channel-bindings %q: need none, relaxed or strict", o.bindings), ""}
	case c.Flags().Changed("channel-bindings") && !o.server.HTTPS:
		return &usageError{"--channel-bindings is of use only with --https", ""}
	}
	for _, file := range o.clientCerts {
		certificate, err := keypair.Certificate(file)
		if err != nil {
			return err
		}
		o.server.ClientCertificates = append(o.server.ClientCertificates, certificate)
	}
	return nil
}

func (o *sandboxOptions) run(ctx context.Context) error {
	a := o.app
	var err error
	if o.server.Dataset, err = readDataset(o.dataset); err != nil {
		return err
	}
	if o.passwordFile != "" {
		b, err := os.ReadFile(o.passwordFile)
		if err != nil {
			return &fileError{"password file", err}
		}
		if o.server.Password = strings.TrimRight(string(b), "\r\n"); o.server.Password == "" {
			return &fileError{"password file", fmt.Errorf("%s is empty", o.passwordFile)}
		}
	}
	if o.caOut != "" && !o.server.HTTPS {
		return &usageError{"--ca-out is of use only with --https", ""}
	}
	if o.verbose > 0 {
		o.server.Log = func(text string) { fmt.Fprintf(a.stderr, "* %s\n", oneLine(text)) }
	}
	signals := a.caught()
	end, err := o.choosePrograms(ctx)
	if err != nil {
		return err
	}
	defer end()
	s, err := sandbox.Start(o.server)
	if err != nil {
		if errors.Is(err, sandbox.ErrNotLoopback) {
			return &usageError{err.Error(), "--i-know-what-i-am-doing allows it"}
		}
		return &usageError{err.Error(), ""}
	}
	defer s.Close()
	if o.caOut != "" {
		if err := os.WriteFile(o.caOut, s.CA(), 0o644); err != nil {
			return &fileError{"CA file", err}
		}
	}
	if err := o.print(s); err != nil {
		return err
	}
	<-signals // the one way for a server to end, and no failure
	return nil
}

// choosePrograms sets what runs commands. The caller calls end when the server has ended.
func (o *sandboxOptions) choosePrograms(ctx context.Context) (end func(), err error) {
	end = func() {}
	switch o.programs {
	case "builtin":
		o.server.Programs = sandbox.Builtin{}
	case "wine":
		wine, err := o.startWine(ctx)
		if err != nil {
			return nil, err
		}
		o.server.Programs = wine
		end = func() { _ = wine.Close() }
	default:
		o.server.Programs = sandbox.Host{}
	}
	return end, nil
}

// startWine starts wine, which takes a while the first time, or until a signal.
func (o *sandboxOptions) startWine(ctx context.Context) (wine *sandbox.Wine, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started := make(chan struct{})
	go func() {
		defer close(started)
		wine, err = sandbox.StartWine(ctx, func(text string) { fmt.Fprintln(o.app.stderr, oneLine(text)) })
	}()
	select {
	case <-started:
	case s := <-o.app.signals:
		cancel()
		if <-started; err == nil {
			_ = wine.Close()
		}
		if s != os.Interrupt {
			return nil, &signalError{s}
		}
		return nil, errInterrupted
	}
	if err != nil {
		return nil, &usageError{err.Error(), "--programs host runs commands by the local shell"}
	}
	return wine, nil
}

// print tells where the server is, and how to log in.
func (o *sandboxOptions) print(s *sandbox.Server) error {
	if o.output == "json" {
		return json.NewEncoder(o.app.stdout).Encode(struct {
			URL      string `json:"url"`
			User     string `json:"user"`
			Password string `json:"password"`
			CAFile   string `json:"ca_file,omitempty"`
		}{s.URL(), s.User(), s.Password(), o.caOut})
	}
	w := tabwriter.NewWriter(o.app.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "endpoint\t%s\nuser\t%s\npassword\t%s\n", s.URL(), s.User(), s.Password())
	if o.caOut != "" {
		fmt.Fprintf(w, "CA file\t%s\n", o.caOut)
	}
	return w.Flush()
}
