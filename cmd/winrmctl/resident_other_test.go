//go:build !linux

package main

import "os"

func maxResident(*os.ProcessState) (kib int, ok bool) { return 0, false }

// ownResident cannot be told here.
func ownResident() (kib int, ok bool) { return 0, false }
