//go:build !linux || !amd64

package sandbox

import (
	"context"
	"fmt"
)

// Wine runs command lines by the cmd.exe of wine, on Linux with x86-64 only.
type Wine struct{}

// StartWine fails with [ErrNoWine].
func StartWine(context.Context, func(string)) (*Wine, error) {
	return nil, fmt.Errorf("%w: it is used on Linux with x86-64 only", ErrNoWine)
}

// Start implements [Programs].
func (*Wine) Start(Spec) (Program, error) { return nil, ErrNoWine }

// Close implements io.Closer.
func (*Wine) Close() error { return nil }
