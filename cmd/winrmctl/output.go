package main

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/winrmctl/winrmctl/internal/shell"
)

// output is stdout, which remembers that it has failed, also where those who write do not look.
type output struct {
	io.Writer
	failed atomic.Pointer[error]
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if err != nil {
		o.failed.CompareAndSwap(nil, &err)
	}
	return n, err
}

// result is how a command ends: with err, or because not all of its output could be written.
func (o *output) result(err error) error {
	failed := o.failed.Load()
	if failed == nil || err != nil && !errors.Is(err, *failed) {
		return err
	}
	if _, told := errors.AsType[*shell.WriteError](err); told {
		return err
	}
	return &shell.WriteError{Stream: "stdout", Err: *failed}
}
