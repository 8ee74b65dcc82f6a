// Command winrmctl runs commands on Windows hosts over WinRM.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime"

	"github.com/winrmctl/winrmctl/internal/config"
	"github.com/winrmctl/winrmctl/internal/keyring"
)

func main() { os.Exit(processMain(keyring.System{})) }

// processMain gives the process's own streams, environment and signals to an app: the only place that knows them.
func processMain(k config.Keyring) int {
	log.SetOutput(io.Discard) // packages print there what servers do wrong (net/http); stderr has our own sentences only
	signals, ending := make(chan os.Signal, 8), interrupting()
	a := &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, signals: signals, catch: func() { signal.Notify(signals, ending...) }, prompt: terminalPrompt(), terminal: openTerminal(), terminals: terminals{isTerminal(os.Stdin), isTerminal(os.Stdout), isTerminal(os.Stderr)}, size: terminalSize, windows: runtime.GOOS == "windows", graceful: graceful,
		environment: config.Environment{Lookup: os.LookupEnv, ConfigDir: os.UserConfigDir, HomeDir: os.UserHomeDir}, keyring: k,
	}
	status := a.run(context.Background(), os.Args[1:])
	dieOf(status)
	return status.code
}
