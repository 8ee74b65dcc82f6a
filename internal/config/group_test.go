package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const fleet = `
defaults: {port: 1, operation_timeout: 11s, cwd: d}
credentials: {ops: {username: svc}, lab: {username: vagrant}}
profiles:
  web1: {host: h1}
  web2: {host: h2, port: 22}
  alone: {host: h3}
groups:
  web: {members: [web1, web2, 'web[01:20].corp.example'], port: 3, credential: ops, env: {STAGE: web, A: web}}
  special: {members: ['web[02:03].corp.example', solo.x], port: 4, env: {STAGE: special}}
  plain: [web1]
  all:
    members: ['@web', '@special', 'db[1:2]', 'FE80::1']
    port: 5
    operation_timeout: 15s
    credential: lab
    env: {STAGE: all, B: all}
`

// The values of a group hold for its members, however they are named; those of the nearer group win.
func TestGroupValues(t *testing.T) {
	if _, _, err := fromText(t, "config.yaml", fleet, nil); err == nil || !strings.Contains(err.Error(), `groups.special.port: another value for "web02.corp.example" than groups.web has`) {
		t.Fatalf("error %v", err)
	}
	c := mustLoad(t, strings.NewReplacer("'@web', '@special'", "'@web'", "3, credential", "3, credential", "'web[01:20].corp.example']", "'web[01:20].corp.example', '@special']").Replace(fleet), nil)
	tests := []struct{ target, port, from, user, stage, timeout string }{
		{target: "web1", port: "3", from: "config.yaml:9", user: "svc", stage: "web", timeout: "15s"},
		{target: "eve@web1", port: "3", from: "config.yaml:9", user: "eve", stage: "web", timeout: "15s"},
		{target: "web2", port: "22", from: "config.yaml:6", user: "svc", stage: "web", timeout: "15s"},
		{target: "web2:23", port: "23", from: "command line", user: "svc", stage: "web", timeout: "15s"},
		{target: "alone", port: "1", from: "config.yaml:2", timeout: "11s"},
		{target: "web01.corp.example", port: "3", from: "config.yaml:9", user: "svc", stage: "web", timeout: "15s"},
		{target: "bob@WEB20.corp.example:99", port: "99", from: "command line", user: "bob", stage: "web", timeout: "15s"},
		{target: "web02.corp.example", port: "4", from: "config.yaml:10", user: "svc", stage: "special", timeout: "15s"},
		{target: "solo.x", port: "4", from: "config.yaml:10", user: "svc", stage: "special", timeout: "15s"},
		{target: "web21.corp.example", port: "1", from: "config.yaml:2", timeout: "11s"},
		{target: "db2", port: "5", from: "config.yaml:14", user: "vagrant", stage: "all", timeout: "15s"},
		{target: "[fe80::1]:6", port: "6", from: "command line", user: "vagrant", stage: "all", timeout: "15s"},
		{target: "http://web01.corp.example", port: "5985", from: "command line", timeout: "11s"},
		{target: "h1", port: "1", from: "config.yaml:2", timeout: "11s"},
	}
	for _, test := range tests {
		got := mustResolve(t, c, test.target, nil)
		s := got.Settings
		if fmt.Sprint(s.Port) != test.port || got.Origin("port") != test.from || s.Username != test.user || s.Env["STAGE"] != test.stage || s.OperationTimeout.String() != test.timeout {
			t.Errorf("%s: %+v, port from %s", test.target, s, got.Origin("port"))
		}
		if inWeb := test.stage == "web" || test.stage == "special"; inWeb != (s.Env["A"] == "web") || s.CWD != "d" {
			t.Errorf("%s: env %v", test.target, s.Env)
		}
	}
	if got := mustResolve(t, c, "web1", map[string]string{"credential": "lab"}); got.Settings.Username != "vagrant" {
		t.Errorf("by flag: %+v", got.Settings)
	}
	if got := mustResolve(t, c, "db3", nil); got.DidYouMean != "" {
		t.Errorf("db3: did you mean %s", got.DidYouMean)
	}
	rows := c.Rows()
	for _, want := range []Row{
		{"groups.web", "web1,web2,web[01:20].corp.example,@special", "config.yaml:9"}, {"groups.web.port", "3", "config.yaml:9"}, {"groups.web.env.STAGE", "web", "config.yaml:9"},
		{"groups.plain", "web1", "config.yaml:11"}, {"groups.all", "@web,db[1:2],FE80::1", "config.yaml:12"}, {"groups.all.port", "5", "config.yaml:14"},
	} {
		if !slices.Contains(rows, want) {
			t.Errorf("no row %v in %v", want, rows)
		}
	}
}

// Two groups may say the same, a profile may decide, and one inside both may.
func TestGroupsThatAgree(t *testing.T) {
	c := mustLoad(t, `
profiles: {p: {host: h, port: 9}, q: {host: h}, u: {url: 'https://h:7'}}
groups:
  a: {members: [p, q, u, '@in'], port: 1, https: true}
  b: {members: [p, u, '@in', '@same'], port: 2, https: true}
  same: {members: [q], port: 1}
  in: {members: [x.y], port: 3}
  top: {members: ['@a', '@b'], port: 4}
`, nil)
	for target, port := range map[string]int{"p": 9, "q": 1, "x.y": 3, "u": 7} {
		if s := mustResolve(t, c, target, nil).Settings; s.Port != port || !s.HTTPS {
			t.Errorf("%s: %+v", target, s)
		}
	}
}

// The name of a group is enough where nothing else has it.
func TestGroupsByName(t *testing.T) {
	c := mustLoad(t, `
profiles: {db: {host: h}}
groups: {all: [web, db, a.b], web: [w.x], db: [d.x], a.b: [e.x]}
`, nil)
	if got, err := c.Expand("@all"); strings.Join(got, " ") != "w.x db a.b" {
		t.Error(got, err)
	}
}

// Deep nests of groups and large ranges load, and every value finds its way.
func TestManyGroups(t *testing.T) {
	var b strings.Builder
	b.WriteString("groups:\n  g0: {members: ['h[0:9999].x'], port: 1}\n")
	for i := 1; i < 1000; i++ {
		fmt.Fprintf(&b, "  g%d: {members: ['@g%d', 'i%d.x'], port: %d}\n", i, i-1, i, i%2+1)
	}
	c := mustLoad(t, b.String(), nil)
	target := mustResolve(t, c, "h9.x", nil)
	if target.Settings.Port != 1 || len(target.layers) < 1000 {
		t.Errorf("%+v of %d layers", target.Settings, len(target.layers))
	}
	if names, err := c.Expand("@g999"); len(names) != 10_999 {
		t.Errorf("%d members, %v", len(names), err)
	}
}
