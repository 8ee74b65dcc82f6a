package main

import (
	"os"

	"github.com/winrmctl/winrmctl/internal/sandbox"
)

// readDataset reads the instances that a sandbox is to serve beside its own, nil for no file.
func readDataset(name string) (*sandbox.Dataset, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, &fileError{"dataset", err}
	}
	defer f.Close()
	d, err := sandbox.ReadDataset(f)
	if err != nil {
		return nil, &fileError{name, err}
	}
	return d, nil
}
