package main

import (
	"fmt"
	"os"
	"time"

	"github.com/winrmctl/winrmctl/internal/console"
)

// transcript begins the transcript of a session, nil where there is to be none. The caller calls end afterwards.
func (o *sessionOptions) transcript() (t *console.Transcript, end func(), err error) {
	if o.log == "" {
		return nil, func() {}, nil
	}
	f, err := o.openLog()
	if err != nil {
		return nil, nil, unusable("log", err)
	}
	t = console.NewTranscript(f, time.Now, o.logInput)
	return t, func() {
		err := t.Close()
		if closing := f.Close(); err == nil {
			err = closing
		}
		if err != nil {
			o.app.warn("the log is not complete: %v", err)
		}
	}, nil
}

// openLog opens the file. What is there stays; but others must not be able to read it.
func (o *sessionOptions) openLog() (*os.File, error) {
	f, err := os.OpenFile(o.log, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 && !o.app.windows {
		err = fmt.Errorf("%s is there already, and others can read it: chmod 600 allows it", o.log)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
