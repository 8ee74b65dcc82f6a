//go:build !linux

package main

import "os"

func maxResident(*os.ProcessState) (kib int, ok bool) { return 0, false }
