package config

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
)

// Row is one line of a view: a key, its value (a password is "***"), and where that comes from.
type Row struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

const hidden = "***"

// Rows are the values that the target works with, in the order of Keys. Where a password is given but
// for another account, its row says so.
func (t *Target) Rows() []Row {
	var rows []Row
	for _, key := range t.schema.keys {
		switch {
		case t.Sandbox && !key.sandbox:
		case key.Kind == KindPairs:
			rows = append(rows, variableRows("", t.layers)...)
		case key.isSecret():
			rows = append(rows, t.secretRows(key)...)
		case key.Name == "url":
			rows = append(rows, t.urlRow())
		default:
			v, at := find(t.layers, key.Name)
			if at < 0 {
				v.text = key.Default
			}
			rows = append(rows, Row{key.Name, v.text, t.Origin(key.Name)})
		}
	}
	return rows
}

func (t *Target) urlRow() Row {
	host, _ := find(t.layers, "host")
	url, at := find(t.layers, "url")
	if at >= 0 && url.origin == host.origin {
		return Row{"url", t.Settings.Endpoint(), url.origin.String()}
	}
	return Row{"url", t.Settings.Endpoint(), "from host, port and https"}
}

// secretRows is a row where a key gives the password, or would for another account.
func (t *Target) secretRows(key Key) []Row {
	var rows []Row
	add := func(c candidate, note string) {
		name, text := c.key, c.value.text
		switch name {
		case "password_stdin":
			name, text = "password", hidden
		case "password":
			text = hidden
		case "keyring":
			text, note = hidden, ", as "+text+note
		}
		if name == key.Name {
			rows = append(rows, Row{name, text, c.value.origin.String() + note})
		}
	}
	if t.secret.picked != nil {
		add(*t.secret.picked, "")
	}
	for _, c := range t.secret.skipped {
		add(c, ", not used: it belongs to "+c.owner)
	}
	return rows
}

// variableRows are the variables of env, one a row.
func variableRows(path string, layers []layer) []Row {
	var rows []Row
	for _, v := range mergeEnv(layers) {
		rows = append(rows, Row{join(path, "env."+v.name), v.text, v.origin.String()})
	}
	return rows
}

// Rows are the values of the whole file, as they were understood, in the order of Keys within each
// table. A group's value is its members, as they are written; its own values follow.
func (c *Config) Rows() []Row {
	rows := c.tableRows("defaults", c.file.defaults)
	for _, name := range c.file.credentials.names {
		rows = append(rows, c.tableRows("credentials."+name, c.file.credentials.by[name])...)
	}
	for _, name := range c.file.profiles.names {
		rows = append(rows, c.tableRows("profiles."+name, c.file.profiles.by[name])...)
	}
	for _, name := range c.file.groups.names {
		g := c.file.groups.by[name]
		o := origin{from: fromFile, file: c.file.path, line: g.line}
		rows = append(rows, Row{"groups." + name, strings.Join(g.written, ","), o.String()})
		rows = append(rows, c.tableRows("groups."+name, g.values)...)
	}
	return rows
}

func (c *Config) tableRows(path string, l layer) []Row {
	var rows []Row
	for _, key := range c.schema.keys {
		if key.Kind == KindPairs {
			rows = append(rows, variableRows(path, []layer{l})...)
		}
		v, ok := l.values[key.Name]
		if !ok {
			continue
		}
		if !v.secret.IsZero() {
			v.text = hidden
		}
		rows = append(rows, Row{join(path, key.Name), v.text, v.origin.String()})
	}
	return rows
}

// View writes the rows of the target.
func (t *Target) View(w io.Writer) error { return writeRows(w, t.Rows()) }

// View writes the rows of the file.
func (c *Config) View(w io.Writer) error { return writeRows(w, c.Rows()) }

// writeRows writes one aligned line a row. Nothing in a value can move the cursor.
func writeRows(w io.Writer, rows []Row) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintf(table, "%s\t%s\t%s\n", printable(row.Key), printable(row.Value), printable(row.Origin)); err != nil {
			return err
		}
	}
	return table.Flush()
}

// printable is a text as it is, quoted where it has anything but letters, signs and single spaces, and
// "-" for none.
func printable(text string) string {
	switch {
	case text == "":
		return "-"
	case slices.ContainsFunc([]rune(text), func(r rune) bool { return !unicode.IsPrint(r) }):
		return strconv.Quote(text)
	}
	return text
}
