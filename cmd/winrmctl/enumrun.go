package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/enum"
	"github.com/winrmctl/winrmctl/internal/enum/format"
	"github.com/winrmctl/winrmctl/internal/fanout"
	"github.com/winrmctl/winrmctl/internal/shell"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// run asks all targets.
func (o *enumOptions) run(ctx context.Context) error {
	job, err := o.job()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	interrupts := o.app.interrupts(cancel)
	defer interrupts.stop()
	r := &enumRunner{enumOptions: o, job: job, secrets: o.app.secrets(), sink: o.newSink(job)}
	if o.several {
		if err := o.app.askPasswords(ctx, o.targets, r.secrets); err != nil {
			return err
		}
	}
	if o.watch > 0 {
		r.changes = &changeWriter{o: o, job: job, w: r.sink.out}
	}
	f := &failures{}
	parallel := o.parallel
	if o.watch > 0 { // all of them stay; their turns are bounded
		parallel, r.turns = len(o.targets), make(chan struct{}, o.parallel)
	}
	fanout.Run(ctx, len(o.targets), fanout.Options{Parallel: parallel}, func(ctx context.Context, i int, slot *fanout.Slot) error {
		err := r.on(ctx, o.targets[i], slot)
		if w, ok := errors.AsType[*shell.WriteError](err); ok {
			cancel(w) // nobody reads what the others bring
		}
		if err != nil {
			f.add(i, o.targets[i].Name, err)
		}
		return err
	})
	cause := context.Cause(ctx)
	_, unwritable := errors.AsType[*shell.WriteError](cause)
	if !unwritable {
		if err := r.sink.close(); err != nil {
			return err
		}
		if left := format.LeftOut(r.sink.w); len(left) > 0 {
			o.app.warn("%s came after the columns of CSV were known, and is left out: --select names columns", strings.Join(left, ", "))
		}
	}
	switch {
	case unwritable, len(f.all) == 0:
		return cause
	case !o.several:
		return f.all[0].err
	}
	f.table(o.app.stderr)
	if cause != nil {
		return cause
	}
	return &severalError{failed: len(f.all), all: len(o.targets), hint: f.hint()}
}

// enumRunner carries out a job on targets.
type enumRunner struct {
	*enumOptions
	job     *enumJob
	secrets *config.Secrets
	sink    *sink
	changes *changeWriter // instead of the sink, with --watch
	turns   chan struct{} // with --watch: how many ask at once
}

// on carries out the job on one target, again and again with --watch. A target that says nothing gives up its slot until it
// does.
func (r *enumRunner) on(ctx context.Context, t *config.Target, slot *fanout.Slot) error {
	if limit := t.Settings.Timeout; limit > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, limit, &lateError{limit})
		defer stop()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c, err := r.app.connect(ctx, r.globals, t, r.secrets)
	if err != nil {
		return explain(t, causeOf(ctx, err))
	}
	defer c.close()
	lane := c.dialer.Lane()
	defer lane.Close()
	client := &enum.Client{Conn: lane, To: c.address, SessionID: "uuid:" + wsman.NewID(), OperationTimeout: t.Settings.OperationTimeout}
	keys := r.job.keys
	if r.schema {
		if keys, err = r.declarations(ctx, client); err != nil {
			return explain(t, causeOf(ctx, err))
		}
	}
	if r.changes != nil {
		if len(r.keys) > 0 {
			keys = r.keys
		}
		return explain(t, r.watchOn(ctx, t, client, keys))
	}
	silent := time.AfterFunc(stall, slot.Yield)
	defer silent.Stop()
	err = r.job.run(ctx, client, func(item *enum.Item) error {
		silent.Stop()
		if err := slot.Acquire(ctx); err != nil {
			return err
		}
		return r.sink.item(t.Name, item)
	})
	return explain(t, causeOf(ctx, err))
}

// A lateError is an enumeration that --timeout ended.
type lateError struct{ after time.Duration }

func (e *lateError) Error() string {
	return "not everything came within " + e.after.String()
}

// declarations has the client use the declarations that the server gives: of the class that is asked for at once, of others
// when they turn up. It returns the keys of the former.
func (r *enumRunner) declarations(ctx context.Context, client *enum.Client) (keys []string, err error) {
	known := map[string]*wsman.Class{}
	fetch := func(class string) (*wsman.Class, error) {
		namespace := r.job.namespace
		if namespace == "" {
			namespace = enum.DefaultNamespace
		}
		return client.Class(ctx, namespace, class)
	}
	if r.job.class != "" {
		class, err := fetch(r.job.class)
		if err != nil {
			return nil, explainSchema(r.explainClass(ctx, client, r.job, err))
		}
		known[class.Name], known[r.job.class] = class, class
		keys = class.Keys()
	}
	client.Declare = func(name string) *wsman.Class {
		class, ok := known[name]
		if !ok && name != "" && r.job.namespace != "" {
			if class, _ = fetch(name); class == nil { // what it cannot say is told as without --schema
				class = enum.Known(name)
			}
			known[name] = class
		}
		return class
	}
	return keys, nil
}

// sink writes the items of all targets, in the order in which they come.
type sink struct {
	mu     sync.Mutex
	out    io.Writer
	w      format.Writer
	sorter *sorter // nil where they are not sorted
}

// stdoutWriter says of a failed write that it was one to stdout, as exec does.
type stdoutWriter struct{ w io.Writer }

func (s stdoutWriter) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	if err != nil {
		err = &shell.WriteError{Stream: "stdout", Err: err}
	}
	return n, err
}

func (o *enumOptions) newSink(job *enumJob) *sink {
	a := o.app
	f := format.Options{Format: o.output, Targets: o.several, Class: job.shown, Mixed: job.mixed, Record: job.single}
	if a.terminals.stdout && a.size != nil {
		f.Width, f.Height = a.size()
	}
	f.Bold = a.colors(o.globals, a.terminals.stdout)
	if !all(o.selected) {
		f.Columns = o.selected
	}
	if o.output == format.Table && len(o.selected) == 0 {
		f.Columns = job.columns
	}
	s := &sink{out: stdoutWriter{a.stdout}}
	w := s.out
	if a.terminals.stdout && (o.output == format.CSV || o.output == format.XML) {
		w = format.Terminal(w)
	}
	s.w = format.New(w, f)
	if len(o.sort) > 0 {
		s.sorter = &sorter{by: o.sort}
	}
	return s
}

func (s *sink) item(target string, item *enum.Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sorter != nil {
		return s.sorter.add(target, item)
	}
	if err := s.w.Item(target, item); err != nil {
		return err
	}
	if item.PageEnd {
		return s.w.Flush() // the next one may take a while
	}
	return nil
}

// close ends the document, also where not everything came: what came is whole.
func (s *sink) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sorter != nil {
		if err := s.sorter.emit(s.w.Item); err != nil {
			return err
		}
	}
	return s.w.Close()
}

// defaultColumns are the columns of a table of a class that has more than fit, nil for all that have values.
func defaultColumns(class string) []string {
	columns := map[string]string{
		"Win32_Service":                     "Name State StartMode ProcessId DisplayName",
		"Win32_Process":                     "ProcessId Name WorkingSetSize CreationDate CommandLine",
		"Win32_OperatingSystem":             "CSName Caption Version LastBootUpTime FreePhysicalMemory",
		"Win32_ComputerSystem":              "Name Domain Manufacturer Model NumberOfLogicalProcessors TotalPhysicalMemory",
		"Win32_LogicalDisk":                 "DeviceID DriveType FileSystem Size FreeSpace VolumeName",
		"Win32_NetworkAdapterConfiguration": "Index IPEnabled MACAddress IPAddress DHCPEnabled Description",
		"Win32_QuickFixEngineering":         "HotFixID Description InstalledOn InstalledBy",
		"Shell":                             "ShellId State Owner ClientIP ShellRunTime ShellInactivity",
		"Win32_UserAccount":                 "Name Domain Disabled Lockout SID FullName",
	}
	return strings.Fields(columns[class])
}
