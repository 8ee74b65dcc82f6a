// Command winrmctl runs commands on Windows hosts over WinRM.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"

	"github.com/winrmctl/winrmctl/internal/config"
)

func main() { os.Exit(processMain()) }

// processMain gives the process's own streams, environment and signals to an app: the only place that knows them.
func processMain() int {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, interrupting()...)
	a := &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, signals: signals, prompt: terminalPrompt(), terminal: isTerminal(os.Stdout), windows: runtime.GOOS == "windows", graceful: graceful,
		environment: config.Environment{Lookup: os.LookupEnv, ConfigDir: os.UserConfigDir, HomeDir: os.UserHomeDir},
	}
	status := a.run(context.Background(), os.Args[1:])
	dieOf(status)
	return status.code
}
