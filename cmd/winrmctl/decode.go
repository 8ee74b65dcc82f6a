package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/winrmctl/winrmctl/internal/dissect"
	"github.com/winrmctl/winrmctl/internal/shell"
)

// decodeOptions is one look at tokens.
type decodeOptions struct {
	app                  *app
	input                string // a token, a file, or - for stdin
	negotiate, challenge string // tokens or files, "" for none
	passwordStdin        bool
	passwordFile         string
	user                 string
	keys, full           bool
	output               string // text or json
}

func (a *app) decodeCommand() *cobra.Command {
	o := &decodeOptions{app: a}
	c := &cobra.Command{
		Use:   "decode [flags] [TOKEN|FILE|-]",
		Short: "Take NTLM and SPNEGO tokens apart; is the response right for a password",
		Long: `Take tokens apart, field by field: NTLM, SPNEGO, and the frame of Kerberos. TOKEN is
base64, hexadecimal, or a whole Authorization or WWW-Authenticate line; FILE, or
stdin, may hold several of them, as in a capture of a whole exchange.

With a password it says whether NTProofStr and MIC are right, and what to look at
first if they are not. Nothing is sent anywhere.`,
		Example: `  winrmctl probe-auth decode TlRMTVNTUAABAAAA...
  curl -v --negotiate -u : http://web1:5985/wsman 2>&1 | winrmctl probe-auth decode
  winrmctl probe-auth decode --password-file pw exchange.http`,
		Args: atMost(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.input = "-"
			if len(args) > 0 {
				o.input = args[0]
			}
			o.passwordStdin, _ = c.Flags().GetBool("password-stdin")
			o.passwordFile, _ = c.Flags().GetString("password-file")
			o.user, _ = c.Flags().GetString("user")
			if len(args) == 0 && a.prompt != nil {
				return &usageError{"decode needs a token, a file, or - for stdin", acceptedForms}
			}
			return o.run(c.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&o.challenge, "challenge", "", "the CHALLENGE_MESSAGE that was answered: `TOKEN` or file")
	f.StringVar(&o.negotiate, "negotiate", "", "the NEGOTIATE_MESSAGE before it: `TOKEN` or file")
	f.BoolVar(&o.keys, "show-keys", false, "print the session's keys, which open all of its messages")
	f.BoolVar(&o.full, "full", false, "print every byte and every part of a field")
	f.StringVarP(&o.output, "output", "o", "text", "text or json")
	return c
}

const acceptedForms = "a token is base64, hexadecimal, or an Authorization or WWW-Authenticate line; a file or - may hold several"

// run takes the tokens apart and prints what they say. Its error says what does not fit the password, or where a token
// makes no sense.
func (o *decodeOptions) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	interrupts := o.app.interrupts(cancel)
	defer interrupts.stop()
	settings := dissect.Options{Account: o.user, Keys: o.keys}
	password, given, err := o.app.secrets().Given(ctx, o.passwordStdin, o.passwordFile)
	if err != nil {
		return causeOf(ctx, err)
	}
	if given {
		settings.Password = &password
	}
	tokens, err := o.tokens(ctx, o.input, "")
	if err != nil {
		return err
	}
	if settings.Negotiate, err = o.message(ctx, "negotiate", o.negotiate); err != nil {
		return err
	}
	if settings.Challenge, err = o.message(ctx, "challenge", o.challenge); err != nil {
		return err
	}
	report := dissect.Analyse(tokens, settings)
	if err := o.print(report); err != nil {
		return &shell.WriteError{Stream: "stdout", Err: err}
	}
	return verdict(report, given)
}

// check refuses flags that cannot be meant together.
func (o *decodeOptions) check() error {
	switch {
	case o.output != "text" && o.output != "json":
		return &usageError{fmt.Sprintf("-o %q: need text or json", o.output), ""}
	case o.passwordStdin && o.passwordFile != "":
		return &usageError{"--password-stdin and --password-file are two passwords", "give one of them"}
	case o.passwordStdin && o.input == "-":
		return &usageError{"stdin cannot be both the password and the tokens", "give the tokens as a file, or the password by --password-file"}
	case o.keys && !o.passwordStdin && o.passwordFile == "":
		return &usageError{"--show-keys needs the password: the keys come from it", "--password-stdin or --password-file"}
	}
	return nil
}

func (o *decodeOptions) print(r *dissect.Report) error {
	if o.output == "json" {
		return r.JSON(o.app.stdout)
	}
	return r.Text(o.app.stdout, dissect.TextOptions{Full: o.full})
}

// verdict says how the command ends: what does not fit comes before what cannot be read.
func verdict(r *dissect.Report, password bool) error {
	tried, failed := r.Verified()
	switch {
	case password && len(failed) > 0 && tried:
		return &verifyError{failed[0]}
	case len(problems(r)) > 0:
		return &malformedError{problems(r)}
	case password && !tried:
		return &usageError{"the password could not be tried: " + r.Untried(), "give the whole exchange in one file, or the challenge by --challenge"}
	}
	return nil
}

func problems(r *dissect.Report) []string {
	var all []string
	for i, t := range r.Tokens {
		for _, p := range t.Problems() {
			text := p.String()
			if len(r.Tokens) > 1 {
				text = fmt.Sprintf("token %d: %s", i+1, text)
			}
			all = append(all, text)
		}
	}
	return all
}

// A verifyError is a login that does not fit its password, or a message that is not as it was sent.
type verifyError struct{ check dissect.Check }

func (e *verifyError) Error() string { return e.check.String() }
func (e *verifyError) Hint() string  { return e.check.Hint }

// A malformedError is a token that makes no sense somewhere.
type malformedError struct{ problems []string }

func (e *malformedError) Error() string {
	if more := len(e.problems) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more)", e.problems[0], more)
	}
	return e.problems[0]
}

func (e *malformedError) Hint() string { return "copy the token again as a whole, if it was cut short" }
