package enum

import (
	"context"
	"iter"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// Shells enumerates the shells that the account may see, those that nobody is connected to among them.
func (c *Client) Shells(ctx context.Context) iter.Seq2[wsman.Shell, error] {
	q := &Query{ResourceURI: wsman.ResourceShells}
	return stream(ctx, c, q, func(r *wsman.Reader, shell *wsman.Shell) error {
		*shell = wsman.ReadShell(r)
		return r.Err()
	}, func(*wsman.Shell) {})
}

// Commands enumerates the commands of a shell whose state the server has not discarded.
func (c *Client) Commands(ctx context.Context, shellID string) iter.Seq2[wsman.CommandItem, error] {
	q := &Query{ResourceURI: wsman.ResourceCommands, Filter: &wsman.Filter{
		Dialect: wsman.DialectSelector, Selectors: []wsman.Selector{{Name: "ShellId", Value: shellID}},
	}}
	return stream(ctx, c, q, func(r *wsman.Reader, command *wsman.CommandItem) error {
		*command = wsman.ReadCommand(r)
		return r.Err()
	}, func(*wsman.CommandItem) {})
}
