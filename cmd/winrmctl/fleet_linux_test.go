package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/winrmctl/winrmctl/internal/sandbox"
)

// fleet are servers on addresses of 127.0.0.0/8, one each.
type fleet struct {
	targets  []string
	password string // the file
	servers  []*sandbox.Server
}

func startFleet(t *testing.T, n int) *fleet {
	t.Helper()
	f := &fleet{password: filepath.Join(t.TempDir(), "password")}
	if err := os.WriteFile(f.password, []byte("S3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		s, err := sandbox.Start(sandbox.Options{Programs: sandbox.Builtin{}, User: "bob", Password: "S3cret", Listen: loopback(i) + ":0"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		f.servers = append(f.servers, s)
		f.targets = append(f.targets, fmt.Sprintf("%s:%d", loopback(i), s.Port()))
	}
	return f
}

func loopback(i int) string { return fmt.Sprintf("127.7.%d.%d", i/250, i%250+1) }

// stalled is a host that takes connections, and says nothing until it is closed.
func stalled(t *testing.T, i int) (target string, end func()) {
	t.Helper()
	l, err := net.Listen("tcp", loopback(i)+":0")
	if err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() { _ = l.Close() })
	t.Cleanup(end)
	return l.Addr().String(), end
}

// dead is a host whose packets get lost: a socket whose queue of connections is full drops those that come.
func dead(t *testing.T, i int) (target string, end func()) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() { _ = syscall.Close(fd) })
	t.Cleanup(end)
	ip := net.ParseIP(loopback(i)).To4()
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte(ip)}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	target = fmt.Sprintf("%s:%d", ip, name.(*syscall.SockaddrInet4).Port)
	fill, err := net.Dial("tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fill.Close() })
	return target, end
}

// TestFleet: a thousand targets, 64 at once, some of them dead, some stalled, and of these more than run at once. All others
// finish while these are still silent, memory stays bounded, and every target has its result.
func TestFleet(t *testing.T) {
	n, parallel := 1000, "64"
	if raceDetector {
		n, parallel = 200, "16" // the race detector is not about numbers
	}
	healthy := startFleet(t, n*9/10)
	targets := slices.Clone(healthy.targets)
	var wake []func()
	for i := n * 9 / 10; i < n; i++ {
		host := stalled
		if i%2 == 0 {
			host = dead
		}
		target, end := host(t, i)
		targets, wake = append(targets, target), append(wake, end)
	}
	// Stalled ones first: more than there are places.
	slices.Reverse(targets)
	list := filepath.Join(t.TempDir(), "targets")
	if err := os.WriteFile(list, []byte(strings.Join(targets, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(program)
	cmd.Args = []string{"winrmctl", "exec", "-o", "jsonl", "--parallel", parallel, "--connect-timeout", "5m", "-u", "bob", "--password-file", healthy.password, "--targets-from", list, "flood 100000"}
	cmd.Env, cmd.Stderr = []string{"HOME=" + t.TempDir()}, &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended, why, bytesOf := map[string]string{}, map[string]string{}, map[string]int{}
	started := time.Now()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var e struct {
			Target, Event, Data string
			ExitCode            *uint32 `json:"exit_code"`
			Error               *struct{ Kind, Message string }
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		bytesOf[e.Target] += len(e.Data)
		switch e.Event {
		case "exit":
			ended[e.Target] = fmt.Sprint("exit ", *e.ExitCode)
		case "error":
			ended[e.Target], why[e.Target] = e.Error.Kind, e.Error.Message
		}
		if len(ended) == len(healthy.targets) && wake != nil {
			t.Logf("%d healthy targets after %v", len(ended), time.Since(started).Round(time.Millisecond))
			for _, end := range wake {
				end()
			}
			wake = nil
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("%v: %s", err, stderr.String())
	}
	for i, target := range healthy.targets {
		if ended[target] != "exit 0" || bytesOf[target] != 100000 {
			t.Fatalf("%s: %s, %d bytes: %s", target, ended[target], bytesOf[target], why[target])
		}
		if s := healthy.servers[i].Stats(); s.Shells != 0 {
			t.Fatalf("%s: %d shells are left: %s", target, s.Shells, stderr.String())
		}
	}
	for _, target := range targets[:n/10] {
		if kind := ended[target]; kind != "unreachable" && kind != "lost" {
			t.Errorf("%s: %s", target, kind)
		}
	}
	if _, hint, _ := strings.Cut(stderr.String(), fmt.Sprintf("\nwinrmctl: %d of %d targets failed\n", n/10, n)); !strings.HasPrefix(hint, "hint: ") || strings.Count(hint, "\n") != 1 {
		t.Errorf("%s", stderr.String())
	}
	kib, _ := maxResident(cmd.ProcessState)
	t.Logf("%d KiB resident", kib)
	if !raceDetector && kib > 150<<10 {
		t.Errorf("%d KiB resident", kib)
	}
}

// TestFleetLeavesNothing: afterwards there is no descriptor and no goroutine more than before, however it ended.
func TestFleetLeavesNothing(t *testing.T) {
	f := startFleet(t, 20)
	gone := make([]string, 10)
	for i := range gone {
		gone[i], _ = stalled(t, 100+i)
	}
	all := strings.Join(append(slices.Clone(f.targets), gone...), ",")
	run := func(args ...string) (code int, stderr string) {
		a, _, errs := testApp(t, "")
		return a.run(t.Context(), append([]string{"exec", "-u", "bob", "--password-file", f.password}, args...)).code, errs.String()
	}
	if code, stderr := run(strings.Join(f.targets, ","), "echo x"); code != 0 { // what is made once is there
		t.Fatal(stderr)
	}
	goroutines, descriptors := settled(), openFiles(t)
	for _, args := range [][]string{
		{"--connect-timeout", "500ms", all, "flood 100000"},
		{"--timeout", "300ms", "--parallel", "64", all, "sleep 60"},
		{"--connect-timeout", "500ms", "--fail-fast", all, "sleep 60"},
		{"-o", "json", "--parallel", "3", "--connect-timeout", "500ms", all, "echo x"},
	} {
		if code, stderr := run(args...); code != 1 {
			t.Errorf("%v: exit code %d: %s", args, code, stderr)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		more, files := runtime.NumGoroutine()-goroutines, openFiles(t)-descriptors
		if more <= 0 && files <= 0 {
			break
		}
		if time.Now().After(deadline) {
			buffer := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d descriptors more:\n%s", more, files, buffer[:runtime.Stack(buffer, true)])
		}
	}
}

// settled is the number of goroutines once those that are ending have ended.
func settled() int {
	least := runtime.NumGoroutine()
	for range 50 {
		time.Sleep(2 * time.Millisecond)
		least = min(least, runtime.NumGoroutine())
	}
	return least
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
