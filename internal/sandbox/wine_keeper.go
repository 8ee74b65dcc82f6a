//go:build linux && amd64

package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// keeper is a Windows program that does nothing, for as long as this process lives: wine's services start with the first
// program and end with the last one, which takes seconds. Several servers may use one prefix: each has its own keeper.
type keeper struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   io.Reader
	ended chan struct{} // the program, when closed
	wine  *os.File      // at its end when wine has ended too, if it was the keeper that started it
}

// patience is how long the end of the keeper, and then that of wine, is waited for. Without other users wine takes a second.
const patience = 3 * time.Second

// keep starts a keeper and waits until it runs, which is when wine has started and its prefix is complete.
func (w *Wine) keep(ctx context.Context) (*keeper, error) {
	cmd, err := w.command(w.dir, keeperProgram())
	if err != nil {
		return nil, err
	}
	stderr, err := os.Create(filepath.Join(w.dir, "keeper.log")) // not a pipe: wine's services keep it open
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	cmd.Stderr = stderr
	k := &keeper{cmd: cmd, ended: make(chan struct{})}
	if err := k.start(); err != nil {
		return nil, err
	}
	ready := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(k.out, make([]byte, 1))
		ready <- err
	}()
	select {
	case err = <-ready:
	case <-ctx.Done():
		err = context.Cause(ctx)
		signalGroup(cmd.Process, Terminate)
	}
	if err == nil {
		return k, nil
	}
	k.release()
	if ctx.Err() == nil {
		said, _ := os.ReadFile(stderr.Name())
		err = fmt.Errorf("%s does not start: %v %q", w.loader, cmd.ProcessState, bytes.TrimSpace(said))
	}
	return nil, err
}

func (k *keeper) start() (err error) {
	if k.stdin, err = k.cmd.StdinPipe(); err != nil {
		return err
	}
	if k.out, err = k.cmd.StdoutPipe(); err != nil {
		return err
	}
	var inherited *os.File
	if k.wine, inherited, err = os.Pipe(); err != nil {
		return err
	}
	defer inherited.Close()
	k.cmd.ExtraFiles = []*os.File{inherited}
	if err := withFixedLayout(k.cmd.Start); err != nil {
		_ = k.wine.Close()
		return err
	}
	go func() {
		defer close(k.ended)
		_ = k.cmd.Wait()
	}()
	return nil
}

// release ends the keeper, and waits for what ends with it.
func (k *keeper) release() {
	_ = k.stdin.Close()
	kill := time.AfterFunc(patience, func() { signalGroup(k.cmd.Process, Terminate) })
	defer kill.Stop()
	<-k.ended
	_ = k.wine.SetReadDeadline(time.Now().Add(patience))
	_, _ = k.wine.Read(make([]byte, 1)) // nobody writes
	_ = k.wine.Close()
}
