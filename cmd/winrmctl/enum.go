package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/enum"
	"github.com/winrmctl/winrmctl/internal/enum/format"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// enumOptions is one command line of enum.
type enumOptions struct {
	app     *app
	globals *globals

	targets     []*config.Target
	several     bool // are meant, though it may be one
	targetsFrom string
	parallel    int

	resource   string
	parameters []wsman.Parameter // of --invoke
	namespace  string
	prefix     string

	where, wql string
	selected   []string
	filter     []string
	get        []string
	invoke     string
	classes    bool
	schema     bool

	association                                   []string
	associationClass, resultClass, role, otherEnd string
	references                                    bool

	mode, subclasses string
	max, batch       int

	output string
	sort   []string
	watch  time.Duration
	keys   []string
}

func (a *app) enumCommand(g *globals) *cobra.Command {
	o := &enumOptions{app: a, globals: g}
	c := &cobra.Command{
		Use:   "enum [flags] TARGET[,TARGET...] RESOURCE [NAME=VALUE...]",
		Short: "List instances of WMI classes, shells, listeners and configuration as data",
		Long: `List the instances of RESOURCE as they come: a class of root/cimv2 by its name, a
resource URI, or one of

  services processes os computer disks network hotfixes users
  shells listeners config plugins certmappings

--get gets one instance, --invoke runs a method of it or of the class, --classes
lists the classes there are.`,
		Example: `  winrmctl enum web1 services --where "State=Running" --select Name,StartName
  winrmctl enum web1,web2 Win32_LogicalDisk -o jsonl
  winrmctl enum web1 Win32_Service --get Name=w32time
  winrmctl enum web1 Win32_Service --get Name=w32time --invoke StartService
  winrmctl enum web1 --classes '*Disk*'`,
		ValidArgsFunction: a.completeEnum(g),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.complete(c, args); err != nil {
				return err
			}
			return o.run(c.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&o.where, "where", "", "only instances that meet this `CONDITION` of WQL, such as \"State='Running'\"")
	f.StringSliceVar(&o.selected, "select", nil, "only these `PROPERTIES`, separated by commas; * shows all of them in a table")
	f.StringVar(&o.wql, "wql", "", "a whole `QUERY`, sent as it is")
	f.StringVar(&o.namespace, "namespace", "", "CIM namespace (default root/cimv2)")
	f.StringVar(&o.prefix, "resource-prefix", "", "prefix of class URIs, for servers other than Windows: "+wsman.PrefixDMTF)
	f.StringArrayVar(&o.filter, "filter", nil, "only instances with `NAME=VALUE`, by a selector filter; may be given several times")
	f.StringArrayVar(&o.get, "get", nil, "get the one instance with the key `NAME=VALUE`; may be given several times; @ for a class without keys")
	f.StringVar(&o.invoke, "invoke", "", "run this `METHOD`, with NAME=VALUE arguments; exit 0 only if it returns 0")
	f.BoolVar(&o.classes, "classes", false, "list the classes of the namespace; RESOURCE is a pattern such as '*Disk*'")
	f.BoolVar(&o.schema, "schema", false, "fetch the declarations of classes, so that all types and arrays are right")
	f.StringArrayVar(&o.association, "association", nil, "what is associated with the instance that has the key `NAME=VALUE`; may be given several times")
	f.StringVar(&o.associationClass, "association-class", "", "with --association: through this class")
	f.StringVar(&o.resultClass, "result-class", "", "with --association: only instances of this class")
	f.StringVar(&o.role, "role", "", "with --association: `PROPERTY` of the association that refers to the instance")
	f.StringVar(&o.otherEnd, "result-role", "", "with --association: `PROPERTY` of the association that refers to the result")
	f.BoolVar(&o.references, "references", false, "with --association: the association instances themselves")
	f.StringVar(&o.mode, "mode", "object", "what to ask for: object, epr (how to address each), or both")
	f.StringVar(&o.subclasses, "subclasses", "", "instances of sub-classes, where the server minds it: include, exclude (their own properties) or none")
	f.IntVar(&o.max, "max", 0, "stop after `N` items")
	f.IntVar(&o.batch, "batch", 0, "`N` items an answer (default 1000, at most 32000)")
	f.StringVarP(&o.output, "output", "o", format.Table, "table, json, jsonl, yaml, csv or xml")
	f.StringSliceVar(&o.sort, "sort", nil, "sort by these `PROPERTIES`, -NAME downwards; the items have to fit in memory")
	f.DurationVar(&o.watch, "watch", 0, "ask again after this time, and show what has changed, until interrupted")
	f.StringSliceVar(&o.keys, "watch-key", nil, "with --watch: `PROPERTIES` that tell items apart, where the class does not")
	f.Duration("timeout", 0, "end after this time, and exit 124")
	f.StringVar(&o.targetsFrom, "targets-from", "", "read targets from `FILE`, or - for stdin, one a line")
	f.IntVar(&o.parallel, "parallel", 32, "how many targets at once")
	return c
}

// complete takes the arguments apart, checks what belongs together, and finds the targets.
func (o *enumOptions) complete(c *cobra.Command, args []string) error {
	spec := ""
	if o.targetsFrom == "" {
		if len(args) == 0 {
			return &usageError{"enum needs a target and a resource", "winrmctl enum TARGET services"}
		}
		spec, args = args[0], args[1:]
	}
	if o.wql == "" || len(args) > 0 && !strings.Contains(args[0], "=") {
		if len(args) > 0 {
			o.resource, args = args[0], args[1:]
		}
		if o.resource == "" && !o.classes && o.wql == "" {
			return &usageError{"enum needs a resource", "a class such as Win32_Service, or services, processes, os, shells, listeners, config; winrmctl enum " + orTarget(spec) + " --classes lists the classes"}
		}
	}
	for i, name := range o.selected {
		o.selected[i] = strings.TrimSpace(name)
	}
	if o.invoke == "" && len(args) > 0 {
		return &usageError{fmt.Sprintf("enum: one argument too many: %q", args[0]), "a condition is given with --where, arguments of a method with --invoke METHOD"}
	}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || !enum.IsIdentifier(name) {
			return &usageError{fmt.Sprintf("--invoke: %q is no argument: need NAME=VALUE", arg), ""}
		}
		o.parameters = append(o.parameters, wsman.Parameter{Name: name, Value: value})
	}
	if err := o.check(); err != nil {
		return err
	}
	return o.findTargets(c, spec)
}

func orTarget(spec string) string {
	if spec == "" {
		return "TARGET"
	}
	return spec
}

// check refuses what cannot be meant.
func (o *enumOptions) check() error {
	for _, choice := range []struct {
		flag, value string
		allowed     []string
	}{
		{"-o", o.output, format.Names()}, {"--mode", o.mode, []string{"object", "epr", "both"}}, {"--subclasses", o.subclasses, []string{"", "include", "exclude", "none"}},
	} {
		if !slices.Contains(choice.allowed, choice.value) {
			return &usageError{fmt.Sprintf("%s %q: need one of %s", choice.flag, choice.value, strings.TrimSpace(strings.Join(choice.allowed, " "))), ""}
		}
	}
	if err := o.checkWays(); err != nil {
		return err
	}
	isGet := len(o.get) > 0 || o.invoke != ""
	switch {
	case o.max < 0:
		return &usageError{fmt.Sprintf("--max %d: need 1 or more", o.max), ""}
	case o.batch < 0 || o.batch > enum.MaxBatch:
		return &usageError{fmt.Sprintf("--batch %d: need 1 to %d", o.batch, enum.MaxBatch), ""}
	case o.parallel < 1:
		return &usageError{fmt.Sprintf("--parallel %d: need at least 1", o.parallel), ""}
	case o.watch < 0:
		return &usageError{"--watch needs a time such as 5s", ""}
	case o.watch > 0 && o.output != format.Table && o.output != format.JSONL:
		return &usageError{"--watch has no end, which -o " + o.output + " would need", "use -o table or -o jsonl"}
	case o.watch > 0 && (isGet && o.invoke != "" || o.classes):
		return &usageError{"--watch is for instances", ""}
	case o.watch > 0 && len(o.sort) > 0:
		return &usageError{"--sort needs all items at once, --watch tells of each change as it comes", ""}
	case len(o.keys) > 0 && o.watch == 0:
		return &usageError{"--watch-key is of use only with --watch", ""}
	case o.output == format.XML && (len(o.sort) > 0 || o.classes):
		return &usageError{"-o xml writes items as they were received: it cannot sort them or list classes", "use -o json or -o jsonl"}
	case o.mode != "object" && (isGet || o.classes):
		return &usageError{"--mode says how instances are listed: it has no meaning with --get, --invoke and --classes", ""}
	case o.references && o.associationClass+o.otherEnd != "":
		return &usageError{"--references shows the associations: --result-class is their class, --association-class and --result-role have no meaning", ""}
	case len(o.association) == 0 && (o.references || o.associationClass+o.resultClass+o.role+o.otherEnd != ""):
		return &usageError{"--association-class, --result-class, --role, --result-role and --references belong to --association", "winrmctl enum TARGET CLASS --association KEY=VALUE"}
	}
	return nil
}

// checkWays refuses two ways to say what is wanted.
func (o *enumOptions) checkWays() error {
	var ways []string
	for _, way := range []struct {
		flag  string
		given bool
	}{
		{"--where", o.where != ""}, {"--wql", o.wql != ""}, {"--filter", len(o.filter) > 0}, {"--association", len(o.association) > 0},
		{"--get", len(o.get) > 0 && o.invoke == ""}, {"--invoke", o.invoke != ""}, {"--classes", o.classes},
	} {
		if way.given {
			ways = append(ways, way.flag)
		}
	}
	if len(ways) > 1 {
		return &usageError{fmt.Sprintf("%s and %s exclude each other", ways[0], ways[1]), ""}
	}
	if len(ways) == 0 || ways[0] == "--where" {
		return nil
	}
	switch {
	case len(o.selected) > 0 && (o.wql != "" || o.classes || o.invoke != ""):
		return &usageError{"--select does not go with " + ways[0], ""}
	case o.wql != "" && o.resource != "" && !strings.Contains(o.resource, "://"):
		return &usageError{"--wql names its class itself: a resource beside it has to be a URI", "winrmctl enum TARGET --wql \"SELECT ...\""}
	}
	return nil
}

// findTargets resolves all of them, before anything is asked of one.
func (o *enumOptions) findTargets(c *cobra.Command, spec string) error {
	cfg, err := o.app.load(o.globals)
	if err != nil {
		return err
	}
	o.targets, o.several, err = o.app.findTargets(o.globals, cfg, targetSpec{spec, o.targetsFrom}, o.globals.over(c.Flags()))
	return err
}

// completeEnum offers targets, then resources.
func (a *app) completeEnum(g *globals) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	targets := a.completeTargets(g)
	return func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) != 1 {
			return targets(c, args, word)
		}
		var names []string
		for name := range enum.ShortNames() {
			names = append(names, name)
		}
		slices.Sort(names)
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
