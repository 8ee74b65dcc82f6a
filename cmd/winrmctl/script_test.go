package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/winrmctl/winrmctl/internal/sandbox"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"winrmctl": testMain})
}

// TestScripts runs the stories of testdata/script. Beside the commands of testscript they have
//
// $LONG, of 3,500 characters, and
//
//	sandbox [OPTION...]        start a server for this script: $URL, $HOST (127.0.0.1:PORT), $PORT, $PW (its password
//	                           file), $CA. It runs the sandbox's own programs, with the option host those of this machine,
//	                           with record those that write down what reaches them.
//	status CODE PROG [ARG...]  exec for a program whose exit code matters
//	serve [FLAG...]            the same as sandbox, by the command winrmctl sandbox
//	raw [greet] FILE           a server that answers each request with FILE, or begins with it: $RAW (127.0.0.1:PORT)
//	certificate NAME           a certificate and its key: NAME.pem, NAME.key, NAME.enc, NAME.p12, key-password
//	middlebox                  something that ends TLS before $URL: $BOX, and its certificate $BOXCA
//	shells N [soon]            the server has N shells; soon waits until it has
//	enumerations N             the server has N enumerations open
//	waitfor FILE               until FILE is there
//	bounded MIB PROG [ARG...]  exec for a program that must not have more than MIB resident at any time; its stdin is the
//	                           file in, its stdout the file out
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("LONG", strings.Repeat("x", 3500))
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Values[serverKey{}] = &serverOf{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sandbox": startSandbox, "status": status, "shells": shells, "enumerations": enumerations, "waitfor": waitFor, "bounded": bounded,
			"certificate": certificate, "serve": serve, "raw": raw, "middlebox": middlebox,
		},
		Condition: func(name string) (bool, error) {
			if name == "race" {
				return raceDetector, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

type serverKey struct{}

// serverOf is the server that a script started last.
type serverOf struct{ *sandbox.Server }

func startSandbox(ts *testscript.TestScript, neg bool, args []string) {
	o := sandbox.Options{Programs: sandbox.Builtin{}, Password: "S3cret-Pässw0rd", User: "bob"}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, ":")
		switch name {
		case "host":
			o.Programs = sandbox.Host{}
		case "record":
			o.Programs = &recorder{dir: ts.MkAbs(".")}
		case "https":
			o.HTTPS = true
		case "basic":
			o.Auth = []string{sandbox.AuthBasic}
		case "unencrypted":
			o.AllowUnencrypted = true
		case "max-shells":
			o.MaxShells, _ = strconv.Atoi(value)
		case "max-envelope":
			o.MaxEnvelope, _ = strconv.Atoi(value)
		case "forgets":
			o.EnumerationTimeout = time.Nanosecond
		case "dataset":
			d, err := readDataset(ts.MkAbs(value))
			ts.Check(err)
			o.Dataset = d
		case "fault":
			f, err := sandbox.ParseFault(value)
			ts.Check(err)
			o.Faults = append(o.Faults, f)
		default:
			ts.Fatalf("sandbox: unknown option %s", arg)
		}
	}
	s, err := sandbox.Start(o)
	ts.Check(err)
	ts.Defer(func() { _ = s.Close() })
	ts.Value(serverKey{}).(*serverOf).Server = s
	ts.Setenv("URL", s.URL())
	ts.Setenv("HOST", fmt.Sprintf("127.0.0.1:%d", s.Port()))
	ts.Setenv("PORT", strconv.Itoa(s.Port()))
	ts.Setenv("PW", ts.MkAbs("password"))
	ts.Check(os.WriteFile(ts.MkAbs("password"), []byte(s.Password()+"\n"), 0o600))
	ts.Setenv("CA", ts.MkAbs("ca.pem"))
	ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), s.CA(), 0o600))
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE PROG [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func shells(ts *testscript.TestScript, neg bool, args []string) {
	server := ts.Value(serverKey{}).(*serverOf)
	n := server.Stats().Shells
	if len(args) == 2 && args[1] == "soon" {
		for deadline := time.Now().Add(20 * time.Second); strconv.Itoa(n) != args[0] && time.Now().Before(deadline); n = server.Stats().Shells {
			time.Sleep(5 * time.Millisecond)
		}
		args = args[:1]
	}
	if len(args) != 1 || neg || args[0] != strconv.Itoa(n) {
		ts.Fatalf("%d shells, want %q", n, args)
	}
}

func enumerations(ts *testscript.TestScript, neg bool, args []string) {
	n := ts.Value(serverKey{}).(*serverOf).Stats().Enumerations
	if len(args) != 1 || neg || args[0] != strconv.Itoa(n) {
		ts.Fatalf("%d enumerations, want %q", n, args)
	}
}

func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s does not appear", args[0])
}

func bounded(ts *testscript.TestScript, neg bool, args []string) {
	limit, err := strconv.Atoi(args[0])
	ts.Check(err)
	in, err := os.Open(ts.MkAbs("in"))
	ts.Check(err)
	defer in.Close()
	out, err := os.Create(ts.MkAbs("out"))
	ts.Check(err)
	defer out.Close()
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path := filepath.Join(dir, args[1]); fileExists(path) {
			args[1] = path
			break
		}
	}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, os.Stderr
	said := ts.MkAbs("resident")
	_ = os.Remove(said)
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME"), "TESTSCRIPT_COMMAND=" + ts.Getenv("TESTSCRIPT_COMMAND"), "RESIDENT=" + said}
	ts.Check(cmd.Run())
	if !fileExists(said) {
		return // this system does not tell
	}
	kib, err := strconv.Atoi(ts.ReadFile(said))
	ts.Check(err)
	if kib > limit<<10 {
		ts.Fatalf("%d KiB resident, want at most %d MiB", kib, limit)
	}
	ts.Logf("%d KiB resident", kib)
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
