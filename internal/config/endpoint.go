package config

import (
	"fmt"
	"net/url"
)

// endpoint is the one place that a target's layers lead to, as a layer above them all.
type endpoint struct {
	layer
	path string // escaped
}

// pickEndpoint chooses between the highest url and the highest host. A url replaces whatever host, port
// and https the layers below it have; those above it, or beside it, must not say otherwise.
func pickEndpoint(layers []layer) (endpoint, error) {
	out := endpoint{newLayer(origin{}), "/wsman"}
	whole, urlAt := find(layers, "url")
	_, hostAt := find(layers, "host")
	if urlAt < 0 || hostAt >= 0 && hostAt < urlAt {
		out.fromHost(layers)
		return out, nil
	}
	u, err := url.Parse(whole.text)
	if err != nil {
		return out, fmt.Errorf("config: endpoint: %w", err) // it was checked: a bug
	}
	out.path = u.EscapedPath()
	parts := map[string]string{"host": u.Hostname(), "port": u.Port(), "https": "false"}
	if u.Scheme == "https" {
		parts["https"] = "true"
	}
	for _, name := range []string{"host", "port", "https"} {
		if v, at := find(layers, name); at >= 0 && at <= urlAt && v.text != parts[name] {
			text := fmt.Sprintf("two endpoints: the url (%s) says otherwise", whole.origin)
			return out, v.origin.fault(name, text, "give a url, or host, port and https")
		}
		out.values[name] = value{text: parts[name], origin: whole.origin}
	}
	return out, nil
}

// fromHost only has to choose the port: the rest stands in the layers.
func (e *endpoint) fromHost(layers []layer) {
	if _, at := find(layers, "port"); at >= 0 {
		return
	}
	https, _ := find(layers, "https")
	e.values["port"] = value{text: defaultPort(https.text == "true")}
}
