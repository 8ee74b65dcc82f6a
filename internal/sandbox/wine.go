package sandbox

import "errors"

// ErrNoWine is a machine without wine.
var ErrNoWine = errors.New("sandbox: wine is not installed (Debian: wine64)")
