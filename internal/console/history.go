package console

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// historyLength is how many lines a history has.
const historyLength = 1000

// History is a file of lines that were sent, which others cannot read.
type History struct {
	path  string
	lines []string
}

// OpenHistory reads a history, and makes the directory for it. There need not be one yet.
func OpenHistory(path string) (*History, error) {
	h := &History{path: path}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, longestPasted+1)
	total := 0
	for lines.Scan() {
		if line := lines.Text(); line != "" {
			total++
			h.keep(line)
		}
	}
	if total > 2*historyLength {
		h.shorten()
	}
	return h, os.Chmod(path, 0o600)
}

// keep has the last lines in memory.
func (h *History) keep(line string) {
	h.lines = append(h.lines, line)
	if len(h.lines) > historyLength {
		h.lines = h.lines[1:]
	}
}

// shorten writes only the last lines. Where that fails the file stays long.
func (h *History) shorten() {
	f, err := os.CreateTemp(filepath.Dir(h.path), ".history-*")
	if err != nil {
		return
	}
	_, err = f.WriteString(strings.Join(h.lines, "\n") + "\n")
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil || os.Rename(f.Name(), h.path) != nil {
		_ = os.Remove(f.Name())
	}
}

// Lines are the lines, the oldest first.
func (h *History) Lines() []string { return h.lines }

// Add adds a line. Several sessions may do so.
func (h *History) Add(line string) error {
	if len(line) > longestPasted || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return nil
	}
	h.keep(line)
	f, err := os.OpenFile(h.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	_, err = f.WriteString(line + "\n")
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}
