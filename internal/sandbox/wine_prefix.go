//go:build linux && amd64

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Wine runs command lines by the cmd.exe of wine, in a prefix (a Windows installation of wine's) without a display. Its
// methods are safe for concurrent use.
type Wine struct {
	loader string
	prefix string
	dir    string // of the programs that commands need
	keeper *keeper

	mu     sync.Mutex
	closed bool
	users  sync.WaitGroup // what Close waits for
}

// StartWine starts wine and, where there is none yet, makes the prefix: $WINEPREFIX, or one of winrmctl's own in the
// user's directory for caches. That takes some seconds and is told to log. The caller calls Close.
func StartWine(ctx context.Context, log func(string)) (*Wine, error) {
	loader, err := wineLoader()
	if err != nil {
		return nil, err
	}
	w := &Wine{loader: loader}
	if err := w.start(ctx, log); err != nil {
		return nil, fmt.Errorf("sandbox: wine: %w", err)
	}
	return w, nil
}

func (w *Wine) start(ctx context.Context, log func(string)) (err error) {
	if w.prefix, err = winePrefix(); err != nil {
		return err
	}
	if err := os.MkdirAll(w.prefix, 0o700); err != nil {
		return err
	}
	if w.dir, err = os.MkdirTemp("", "winrmctl-wine-"); err != nil {
		return err
	}
	if !isPrefix(w.prefix) {
		log(fmt.Sprintf("making the wine prefix %s: once, up to a minute and 0.7 GB", w.prefix))
	}
	if w.keeper, err = w.keep(ctx); err != nil {
		_ = os.RemoveAll(w.dir)
	}
	return err
}

// winePrefix is where the prefix is or will be.
func winePrefix() (string, error) {
	if prefix := os.Getenv("WINEPREFIX"); prefix != "" {
		return filepath.Abs(prefix)
	}
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "winrmctl", "wine"), err
}

// isPrefix reports whether wine has made a prefix there, to the end.
func isPrefix(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, ".update-timestamp")) // wineboot writes it last
	return err == nil
}

// Close ends wine, unless others use the prefix too. It waits for the commands, which were told to end before (by
// [Server.Close]).
func (w *Wine) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.users.Wait()
	w.keeper.release()
	return os.RemoveAll(w.dir)
}

// enter has Close wait for a call of users.Done. It is false after Close.
func (w *Wine) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.users.Add(1)
	}
	return !w.closed
}

// debianLoader is where Debian's package wine64 has the program that it does not put on PATH.
const debianLoader = "/usr/lib/wine/wine64"

// wineLoader finds the program that starts Windows programs: by wine's own variable for it, or by its names.
func wineLoader() (string, error) {
	names := []string{"wine64", debianLoader, "wine"}
	if name := os.Getenv("WINELOADER"); name != "" {
		names = []string{name}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoWine
}

// environment is what wine is started with: nothing of this process's, which wine would make variables of Windows, but
// what it needs itself. HOME is the prefix, or the user's own directories would be linked into it. TMPDIR is the prefix too: in
// Debian's wine its server is found there (init_server_dir in dlls/ntdll/unix/server.c), and all that use the prefix shall
// find the same.
func (w *Wine) environment() []string {
	env := []string{
		"HOME=" + w.prefix, "TMPDIR=" + w.prefix, "WINEPREFIX=" + w.prefix, "WINEDEBUG=-all", "LC_ALL=C.UTF-8",
		// No questions about .NET and HTML engines, and no entries in the menus of a desktop.
		"WINEDLLOVERRIDES=mscoree,mshtml,winemenubuilder.exe=",
	}
	for _, name := range []string{"PATH", "USER", "LOGNAME", "WINESERVER", "WINEDLLPATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// command runs a Windows program, which gets a file in dir.
func (w *Wine) command(dir string, program []byte) (*exec.Cmd, error) {
	file, err := programFile(dir, program)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(w.loader, file)
	cmd.Env, cmd.Dir = w.environment(), dir
	newGroup(cmd)
	return cmd, nil
}

// programFile writes a program to a file. Its name is one that nobody calls by chance: CreateProcessW looks for programs
// beside the calling one first.
func programFile(dir string, program []byte) (string, error) {
	f, err := os.CreateTemp(dir, "")
	if err != nil {
		return "", err
	}
	_, err = f.Write(program)
	return f.Name(), errors.Join(err, f.Close())
}
