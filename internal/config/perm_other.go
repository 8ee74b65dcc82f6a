//go:build !unix

package config

import "io/fs"

// readableByOthers does not judge: access lists cannot be read off a mode.
func readableByOthers(string, fs.FileInfo) *flaw { return nil }
