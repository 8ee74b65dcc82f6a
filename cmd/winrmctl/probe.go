package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/dissect"
	"github.com/winrmctl/winrmctl/internal/fanout"
	"github.com/winrmctl/winrmctl/internal/probe"
)

// probeOptions is one run of probe-auth.
type probeOptions struct {
	app         *app
	globals     *globals
	targets     []*config.Target
	targetsFrom string
	output      string // text or json
	parallel    int
	several     bool
}

// run probes the targets. Its error says how the only one ended, or how many failed.
func (o *probeOptions) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	interrupts := o.app.interrupts(cancel)
	defer interrupts.stop()
	secrets := o.app.secrets()
	if !o.several {
		return causeOf(ctx, o.one(ctx, o.targets[0], secrets, o.app.stdout))
	}
	var printing sync.Mutex
	printed := false
	failed := &failures{}
	fanout.Run(ctx, len(o.targets), fanout.Options{Parallel: o.parallel}, func(ctx context.Context, i int, _ *fanout.Slot) error {
		var out bytes.Buffer // whole reports, in the order in which they are done
		err := causeOf(ctx, o.one(ctx, o.targets[i], secrets, &out))
		if err != nil {
			failed.add(i, o.targets[i].Name, err)
		}
		printing.Lock()
		defer printing.Unlock()
		if out.Len() > 0 && printed && o.output == "text" {
			fmt.Fprintln(o.app.stdout)
		}
		printed = printed || out.Len() > 0
		_, _ = o.app.stdout.Write(out.Bytes())
		return err
	})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(failed.all) == 0:
		return nil
	}
	failed.table(o.app.stderr)
	return &severalError{failed: len(failed.all), all: len(o.targets), hint: failed.hint()}
}

// A probeError is a target that cannot be logged in to, as the report on stdout tells in detail.
type probeError struct {
	target  string
	reached bool
	report  *probe.Report
}

func (e *probeError) Error() string {
	if f := e.report.Reason(); f != nil {
		return f.Text
	}
	return e.target + ": no login works"
}

// Hint is that of the finding.
func (e *probeError) Hint() string {
	if f := e.report.Reason(); f != nil {
		return f.Hint
	}
	return ""
}

// A severalError is a command that failed on some of several targets.
type severalError struct {
	failed, all int
	hint        string
}

func (e *severalError) Hint() string { return e.hint }

func (e *severalError) Error() string { return fmt.Sprintf("%d of %d targets failed", e.failed, e.all) }

// one probes a target, and writes its report to out: in text step by step.
func (o *probeOptions) one(ctx context.Context, t *config.Target, secrets *config.Secrets, out io.Writer) error {
	w, err := o.app.wayTo(o.globals, t)
	if err != nil {
		return err
	}
	defer w.close()
	settings := probe.Options{Config: w.configuration, OperationTimeout: t.Settings.OperationTimeout}
	if err := o.logins(ctx, w, t, secrets, &settings); err != nil {
		return err
	}
	p := &probePrinter{w: out, color: o.app.colors(o.globals, o.app.terminals.stdout)}
	if o.output == "text" {
		title := oneLine(t.Name)
		if title != w.address {
			title += " (" + w.address + ")"
		}
		fmt.Fprintln(out, title)
		settings.Step = p.step
	}
	report, err := probe.Run(ctx, settings)
	if err != nil {
		return err
	}
	if o.output == "json" {
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		if err := e.Encode(struct {
			Target string `json:"target"`
			*probe.Report
		}{t.Name, report}); err != nil {
			return err
		}
		if _, err := out.Write(dissect.PrintableJSON(text.Bytes())); err != nil {
			return err
		}
	} else {
		p.findings(report)
	}
	if report.LoggedIn || report.Reached && len(settings.Login) == 0 {
		return nil
	}
	return &probeError{t.Name, report.Reached, report}
}

// logins sets what to log in with: all that there are credentials for and that --auth allows; nothing where nobody gives
// any, so that a probe stops after what a listener tells anyone.
func (o *probeOptions) logins(ctx context.Context, w *way, t *config.Target, secrets *config.Secrets, p *probe.Options) error {
	account := w.account
	var err error
	if account == nil && byCertificate(t.Settings) {
		if account, err = o.app.account(ctx, t, secrets); err != nil {
			return err
		}
		p.Config.TLS.Certificate = account.certificate
		p.Login = mechanisms(t.Settings, account)
		if account.otherwise == nil {
			return nil
		}
		p.User = account.otherwise.User()
		_, err = t.Password(ctx, secrets) // now, for a step that fails of it would say less
		return err
	}
	if account == nil {
		if _, err := t.User(); err != nil {
			return nil
		}
		if !t.GivesPassword() && o.app.prompt == nil {
			o.app.warn("there is no password for %s: no login is tried", t.Name)
			return nil
		}
		if account, err = o.app.account(ctx, t, secrets); err != nil {
			return err
		}
	}
	p.Login, p.User = mechanisms(t.Settings, account), account.user
	return nil
}

// probePrinter writes a report for people, line by line as it comes.
type probePrinter struct {
	w     io.Writer
	color bool
}

func (p *probePrinter) paint(code, text string) string {
	if !p.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *probePrinter) step(s probe.Step) {
	status := fmt.Sprintf("%-8s", s.Status)
	switch s.Status {
	case probe.OK:
		status = p.paint("32", status)
	case probe.Failed:
		status = p.paint("31", status)
	default:
		status = p.paint("2", status)
	}
	fmt.Fprintf(p.w, "  %s %-10s %9.1f ms  %s\n", status, s.Name, s.DurationMS, oneLine(s.Text))
}

func (p *probePrinter) findings(r *probe.Report) {
	for _, f := range r.Findings {
		code := string(f.Code)
		if !f.Certain {
			code += " (a guess)"
		}
		fmt.Fprintf(p.w, "\n%s: %s.\n", p.paint("1", code), strings.TrimSuffix(oneLine(f.Text), "."))
		if f.Hint != "" {
			fmt.Fprintf(p.w, "  %s\n", oneLine(f.Hint))
		}
	}
}
