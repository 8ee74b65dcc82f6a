package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// own finds what the server itself has that can be enumerated: a resource of WinRM's own; ok is false for other URIs.
func (s *Server) own(in *request, body *wsman.Enumerate) (items [][]byte, ok bool, err error) {
	filterable, references := false, false
	var list func() [][]byte
	switch in.ResourceURI {
	case wsman.ResourceShells, wsman.ResourceCmd:
		list = s.shells.items
	case wsman.ResourceCommands:
		filterable = true
		list = func() [][]byte { return s.shells.commandItems(body.Filter) }
	case wsman.ResourceListener:
		references = true // 3.1.4.1.17
		list = func() [][]byte { return s.listeners(body.Mode) }
	case wsman.ResourcePlugin:
		list = s.plugins
	case wsman.ResourceCertMapping:
		list = s.certMappings
	default:
		return nil, false, nil
	}
	switch {
	case body.Filter != nil && !filterable: // 3.1.4.1.13
		err = filterFault("FilteringNotSupported", wsman.CodeFilterNotSupported, "The WS-Management service cannot process the request. The resource URI does not support filtering.")
	case body.Filter != nil && body.Filter.Dialect != wsman.DialectSelector:
		err = filterFault("FilterDialectRequestedUnavailable", wsman.CodeFilterDialect, "The WS-Management service cannot process the request. The filter dialect is not supported.")
	case body.Mode != wsman.ModeObject && !references:
		err = sender("UnsupportedFeature", wsman.CodeModeNotSupported, "The resource URI does not support the requested enumeration mode.")
	default:
		items = list()
	}
	return items, true, err
}

// ownInstance finds one of what the server itself has, by its keys; ok is false for other URIs.
func (s *Server) ownInstance(in *request) (item []byte, ok bool, err error) {
	switch in.ResourceURI {
	case wsman.ResourceConfig:
		return s.configuration(), true, nil
	case wsman.ResourceShells:
		if shell := s.shells.find(in.Selector("ShellId")); shell != nil && len(in.Selectors) == 1 {
			return shell.item(), true, nil
		}
		f := invalidSelectors() // for a shell that is not there too (recorded)
		f.Provider = "Shell provider"
		return nil, true, f
	case wsman.ResourceListener:
		address, transport, _ := s.listenerKeys()
		switch {
		case len(in.Selectors) != 2 || in.Selector("Address") == "" || in.Selector("Transport") == "":
			return nil, true, invalidSelectors()
		case !chosen(&wsman.Filter{Selectors: in.Selectors}, map[string]string{"address": address, "transport": transport}):
			return nil, true, notFound()
		}
		return s.listeners(wsman.ModeObject)[0], true, nil
	}
	return nil, false, nil
}

// sorted are the shells, by their ids.
func (g *registry) sorted() []*remoteShell {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []*remoteShell
	for _, shell := range g.shells {
		all = append(all, shell)
	}
	slices.SortFunc(all, func(a, b *remoteShell) int { return strings.Compare(a.id, b.id) })
	return all
}

// items lists the shells as rsp:Shell.
func (g *registry) items() [][]byte {
	var items [][]byte
	for _, shell := range g.sorted() {
		items = append(items, shell.item())
	}
	return items
}

// item is the shell as rsp:Shell (2.2.4.37), with the elements and in the form that Windows gives them (recorded).
func (s *remoteShell) item() []byte {
	s.mu.Lock()
	idle, timeout, commands := time.Duration(0), s.idle, len(s.commands)
	if s.busy == 0 {
		idle = time.Since(s.rested)
	}
	state, mode := s.attachment.String(), s.attachment.mode
	s.mu.Unlock()
	loaded := "Yes"
	if s.noProfile {
		loaded = "No"
	}
	var b strings.Builder
	b.WriteString(`<rsp:Shell xmlns:rsp="` + wsman.NSShell + `">`)
	element(&b, "rsp:ShellId", s.id)
	if s.name != "" {
		element(&b, "rsp:Name", s.name)
	}
	element(&b, "rsp:ResourceUri", s.resource)
	element(&b, "rsp:Owner", s.server.owner())
	element(&b, "rsp:ClientIP", s.client)
	element(&b, "rsp:IdleTimeOut", milliseconds(timeout))
	element(&b, "rsp:InputStreams", s.inputStreams)
	element(&b, "rsp:OutputStreams", s.outputStreams)
	element(&b, "rsp:MaxIdleTimeOut", milliseconds(s.server.options.IdleTimeout))
	element(&b, "rsp:CompressionMode", "NoCompression")
	element(&b, "rsp:ProfileLoaded", loaded)
	element(&b, "rsp:Encoding", "UTF8")
	element(&b, "rsp:BufferMode", string(mode))
	element(&b, "rsp:State", state)
	element(&b, "rsp:ShellRunTime", wholeSeconds(time.Since(s.created)))
	element(&b, "rsp:ShellInactivity", wholeSeconds(idle))
	element(&b, "rsp:ChildProcesses", strconv.Itoa(commands))
	b.WriteString(`</rsp:Shell>`)
	return []byte(b.String())
}

// owner is the account whose shells they are.
func (s *Server) owner() string { return s.options.ComputerName + `\` + s.options.User }

// milliseconds and wholeSeconds write durations in the two forms of recorded shells.
func milliseconds(d time.Duration) string { return fmt.Sprintf("PT%.3fS", d.Seconds()) }

func wholeSeconds(d time.Duration) string {
	n := int(d / time.Second)
	return fmt.Sprintf("P%dDT%dH%dM%dS", n/86400, n/3600%24, n/60%60, n%60)
}

// commandItems lists the commands of shells as rsp:Command; a selector filter on ShellId and CommandId chooses among them,
// as PowerShell and pypsrp ask for the commands of one shell. Windows shows id, line and state (recorded).
func (g *registry) commandItems(filter *wsman.Filter) [][]byte {
	var items [][]byte
	for _, shell := range g.sorted() {
		shell.mu.Lock()
		commands := slices.SortedFunc(maps.Values(shell.commands), func(a, b *command) int { return strings.Compare(a.id, b.id) })
		shell.mu.Unlock()
		for _, c := range commands {
			if !chosen(filter, map[string]string{"shellid": shell.id, "commandid": c.id}) {
				continue
			}
			var b strings.Builder
			b.WriteString(`<rsp:Command xmlns:rsp="` + wsman.NSShell + `">`)
			element(&b, "rsp:ShellId", shell.id)
			element(&b, "rsp:CommandId", c.id)
			element(&b, "rsp:CommandLine", c.line)
			element(&b, "rsp:CommandState", c.state())
			b.WriteString(`</rsp:Command>`)
			items = append(items, []byte(b.String()))
		}
	}
	return items
}

// chosen reports whether the selectors of a filter have these values, by names in lower case; names and values do not mind
// case (3.1.4.1.2).
func chosen(filter *wsman.Filter, values map[string]string) bool {
	if filter == nil {
		return true
	}
	for _, s := range filter.Selectors {
		if v, ok := values[strings.ToLower(s.Name)]; !ok || !strings.EqualFold(v, s.Value) {
			return false
		}
	}
	return true
}
