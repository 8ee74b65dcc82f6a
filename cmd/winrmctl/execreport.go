package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/fanout"
	"github.com/winrmctl/winrmctl/internal/report"
	"github.com/winrmctl/winrmctl/internal/shell"
)

// plain runs the command on one target, whose bytes pass as they come.
func (r *execRunner) plain(ctx context.Context) error {
	t := r.targets[0]
	res := r.on(ctx, t, r.streams(r.app.stdout, r.app.stderr), nil)
	if res.detached == nil {
		return res.failure()
	}
	if _, err := fmt.Fprintln(r.app.stdout, res.detached.Token); err != nil {
		return &shell.WriteError{Stream: "stdout", Err: err}
	}
	r.tellHow(res.detached.Token, t.Name, res.kept)
	return nil
}

// tellHow says how to come back to what was left running, and for how long that is possible, where the server tells.
func (r *execRunner) tellHow(token, target string, kept time.Duration) {
	long := ""
	if kept > 0 {
		long = fmt.Sprintf(", kept for %v", kept)
	}
	if r.output == "text" {
		fmt.Fprintf(r.app.stderr, "left running%s: winrmctl exec --attach %s %s\n", long, token, oneLine(target))
	}
}

func (r *execRunner) streams(stdout, stderr io.Writer) shell.Streams {
	s := shell.Streams{Stdout: stdout, Stderr: stderr}
	if r.stdin {
		s.Stdin = r.app.stdin
	}
	return s
}

// reported runs the command on all targets and reports as it was asked for.
func (r *execRunner) reported(ctx context.Context, cancel context.CancelCauseFunc) error {
	if err := r.app.askPasswords(ctx, r.targets, r.secrets); err != nil {
		return err
	}
	stderr := r.app.stderr
	rep, err := r.report()
	if err != nil {
		return err
	}
	f := &failures{}
	fanout.Run(ctx, len(r.targets), fanout.Options{Parallel: r.parallel, FailFast: r.failFast}, func(ctx context.Context, i int, slot *fanout.Slot) error {
		failure, err := r.part(ctx, rep, r.targets[i], slot)
		if err != nil {
			cancel(err) // nobody can be told any more
		}
		if failure != nil {
			f.add(i, r.targets[i].Name, failure)
		}
		return failure
	})
	if err := rep.Close(); err != nil {
		cancel(err)
	}
	if r.detach && len(f.all) < len(r.targets) {
		r.tellHow("ID", "TARGET", 0)
	}
	cause := context.Cause(ctx)
	_, unwritable := errors.AsType[*shell.WriteError](cause)
	switch {
	case unwritable, len(f.all) == 0:
		return cause
	case !r.several:
		return f.all[0].err
	}
	f.table(stderr)
	if cause != nil {
		return cause
	}
	if r.interrupts.seen() {
		return errInterrupted
	}
	return &severalError{failed: len(f.all), all: len(r.targets), hint: f.hint()}
}

// part runs the command on one target. failure is why it did not succeed, err why the report could not be written.
func (r *execRunner) part(ctx context.Context, rep report.Report, t *config.Target, slot *fanout.Slot) (failure, err error) {
	host := t.Settings.Host
	if t.Sandbox {
		host = "127.0.0.1"
	}
	part := rep.Start(t.Name, host, time.Now())
	res := &result{err: errInterrupted}
	if !r.interrupts.seen() {
		res = r.on(ctx, t, r.streams(part.Stdout(), part.Stderr()), slot)
	}
	if w, ok := errors.AsType[*shell.WriteError](res.err); ok {
		return res.err, w
	}
	if err := part.End(res.reported()); err != nil {
		return res.failure(), &shell.WriteError{Stream: "stdout", Err: err}
	}
	return res.failure(), nil
}

// reported is a result as reports have it.
func (r *result) reported() report.Result {
	out := report.Result{ExitCode: r.exitCode, Duration: r.duration, Requests: r.requests, Detached: r.detached}
	if r.err != nil {
		kind, code := errorKind(r.err)
		out.Error = &report.Error{Kind: kind, Message: r.err.Error(), Code: code}
	}
	return out
}

// askPasswords asks for what is missing before anything else is on the terminal.
func (a *app) askPasswords(ctx context.Context, targets []*config.Target, secrets *config.Secrets) error {
	for _, t := range targets {
		if a.prompt == nil || t.Sandbox || t.GivesPassword() || byCertificate(t.Settings) || t.Settings.Username == "" {
			continue
		}
		if _, err := t.Password(ctx, secrets); err != nil {
			return causeOf(ctx, err)
		}
	}
	return nil
}

// report makes what the options ask for.
func (r *execRunner) report() (report.Report, error) {
	stdout, stderr := r.app.stdout, r.app.stderr
	var progress *report.Progress
	if r.progress == "always" || r.progress == "auto" && r.several && r.app.terminals.stderr {
		progress = report.NewProgress(stderr, len(r.targets), time.Now)
		stderr = progress
		if r.app.terminals.stdout {
			stdout = progress // it is the same terminal, where two writers would disturb each other
		}
		app := *r.app
		app.stderr = stderr
		r.app = &app
	}
	var rep report.Report
	switch r.output {
	case "json":
		rep = report.JSON(stdout)
	case "jsonl":
		rep = report.Events(stdout, time.Now)
	default:
		rep = report.Lines(stdout, stderr, r.before)
	}
	if progress != nil {
		progress.Over(rep)
		rep = progress
	}
	if r.junit == "" {
		return rep, nil
	}
	file, err := os.Create(r.junit)
	if err == nil {
		rep, err = report.JUnit(rep, file, time.Now())
	}
	if err != nil {
		return nil, unusable("JUnit report", err)
	}
	return rep, nil
}

// before is what stands before the lines of a target: its name, on a terminal in a colour of its own.
func (r *execRunner) before(target string) (stdout, stderr string) {
	if r.prefix == "never" || r.prefix == "auto" && !r.several {
		return "", ""
	}
	hash := fnv.New32a()
	_, _ = io.WriteString(hash, target)
	paint := func(terminal bool) string {
		if !r.app.colors(r.globals, terminal) {
			return target + ": "
		}
		colors := []int{32, 33, 34, 35, 36, 92, 93, 94, 95, 96}
		return fmt.Sprintf("\x1b[%dm%s:\x1b[0m ", colors[hash.Sum32()%uint32(len(colors))], target)
	}
	return paint(r.app.terminals.stdout), paint(r.app.terminals.stderr)
}

// failures are the targets that did not succeed.
type failures struct {
	mu  sync.Mutex
	all []failedTarget
}

type failedTarget struct {
	index int
	name  string
	err   error
}

func (f *failures) add(index int, name string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, failedTarget{index, name, err})
}

// table tells people which targets failed, and why, in the order in which they were named. Those that were ended because of
// others are counted only.
func (f *failures) table(w io.Writer) {
	slices.SortFunc(f.all, func(a, b failedTarget) int { return a.index - b.index })
	cut, rows := map[string]int{}, 0
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, failed := range f.all {
		if errors.Is(failed.err, fanout.ErrFailFast) { // whatever was under way when it came
			cut[fanout.ErrFailFast.Error()]++
			continue
		}
		if codeOf(failed.err) == exitInterrupted {
			cut[failed.err.Error()]++
			continue
		}
		reason := failed.err.Error()
		if exit, ok := errors.AsType[*shell.ExitError](failed.err); ok {
			reason = fmt.Sprintf("exit code %d", exit.Code)
		}
		if rows++; rows == 1 {
			fmt.Fprintln(t, "FAILED\tREASON")
		}
		fmt.Fprintf(t, "%s\t%s\n", oneLine(failed.name), oneLine(reason))
	}
	_ = t.Flush()
	for _, why := range slices.Sorted(maps.Keys(cut)) {
		fmt.Fprintf(w, "%s: %s\n", countOf(cut[why], "target was not finished", "targets were not finished"), why)
	}
}

func countOf(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}

// hint is that of the first failure that has one.
func (f *failures) hint() string {
	for _, failed := range f.all {
		if hint := hintOf(failed.err); hint != "" {
			return hint
		}
	}
	return ""
}
