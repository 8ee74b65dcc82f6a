package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// ciFiles are the files that docs/ci.md shows, as they stand but for the port: a machine may run several jobs at once.
func ciFiles(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(":15985")) {
		t.Fatal("docs/ci.md has another port")
	}
	b = bytes.ReplaceAll(b, []byte(":15985"), []byte(freePort(t)))
	files := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)```yaml\n# (\\S+)\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
		files[m[1]] = m[2]
	}
	return files
}

// freePort is a port, with the colon before it, that nobody listens on. It is below those that systems give to clients.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := fmt.Sprintf(":%d", 20000+rand.IntN(10000))
		one, err := net.Listen("tcp", "127.0.0.1"+port)
		if err != nil {
			continue
		}
		two, err := net.Listen("tcp", "127.0.0.2"+port)
		_ = one.Close()
		if err != nil {
			continue
		}
		_ = two.Close()
		return port
	}
	t.Fatal("no port is free")
	return ""
}

// runJob runs the steps of a job one after the other, as a runner does: a shell each, which the first failure ends. What
// installs winrmctl is left out: the one under test is there.
func runJob(t *testing.T, config string, steps []string, oneShell bool) (dir string) {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	dir = t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(program, filepath.Join(bin, "winrmctl")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "winrmctl.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var wanted []string
	for _, step := range steps {
		if !strings.HasPrefix(step, "go install ") {
			wanted = append(wanted, step)
		}
	}
	if oneShell {
		wanted = []string{strings.Join(wanted, "\n")}
	}
	defer stopSandboxes(t, dir)
	for _, step := range wanted {
		// The sandboxes outlive their step: what they say on stderr must not be a pipe that is waited for.
		log, err := os.Create(filepath.Join(dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(bash, "-e", "-o", "pipefail", "-c", pidsOf(step))
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
		cmd.Env = []string{
			"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + dir, "CI=true", "GITHUB_OUTPUT=" + filepath.Join(dir, "github-output"),
			"WINRMCTL_CONFIG=winrmctl.yaml", "WINRMCTL_PASSWORD=S3cret of the job",
		}
		err = cmd.Run()
		_ = log.Close()
		if err != nil {
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("%s\n%v: %s", step, err, said)
		}
	}
	return dir
}

// pidsOf has a step leave behind the numbers of the processes that it started in the background.
func pidsOf(step string) string {
	return strings.ReplaceAll(step, ".txt &\n", ".txt & echo $! >> pids\n")
}

func stopSandboxes(t *testing.T, dir string) {
	b, err := os.ReadFile(filepath.Join(dir, "pids"))
	if err != nil {
		t.Error(err)
	}
	for pid := range strings.FieldsSeq(string(b)) {
		if out, err := exec.Command("kill", pid).CombinedOutput(); err != nil {
			t.Errorf("kill %s: %v %s", pid, err, out)
		}
	}
}

// TestCIExamples: the jobs of docs/ci.md work as they stand.
func TestCIExamples(t *testing.T) {
	files := ciFiles(t)
	var github struct {
		Jobs map[string]struct {
			Steps []struct{ Run string }
		}
	}
	if err := yaml.Unmarshal([]byte(files[".github/workflows/remote.yaml"]), &github); err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, s := range github.Jobs["remote"].Steps {
		if s.Run != "" {
			steps = append(steps, s.Run)
		}
	}
	if len(steps) < 6 {
		t.Fatalf("%d steps", len(steps))
	}
	dir := runJob(t, files["winrmctl.yaml"], steps, false)
	checkResults(t, dir)
	name, err := os.ReadFile(filepath.Join(dir, "github-output"))
	if hostname, _ := os.Hostname(); err != nil || string(name) != "name="+hostname+"\n" {
		t.Errorf("%v: %q", err, name)
	}

	files = ciFiles(t)
	var gitlab map[string]struct {
		BeforeScript []string `yaml:"before_script"`
		Script       []string
	}
	if err := yaml.Unmarshal([]byte(files[".gitlab-ci.yml"]), &gitlab); err != nil {
		t.Fatal(err)
	}
	job := gitlab["remote"]
	if len(job.Script) < 3 {
		t.Fatalf("%+v", job)
	}
	checkResults(t, runJob(t, files["winrmctl.yaml"], append(job.BeforeScript, job.Script...), true))
}

func checkResults(t *testing.T, dir string) {
	t.Helper()
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	b, err := os.ReadFile(filepath.Join(dir, "results.xml"))
	if err == nil {
		err = xml.Unmarshal(b, &suites)
	}
	if err != nil || suites.Tests != 2 || suites.Failures != 0 {
		t.Errorf("results.xml: %v\n%s", err, b)
	}
	if b, err = os.ReadFile(filepath.Join(dir, "results.jsonl")); err != nil {
		t.Fatal(err)
	}
	exits := 0
	for line := range bytes.Lines(b) {
		var e struct{ Event string }
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if e.Event == "exit" {
			exits++
		}
	}
	if exits != 2 {
		t.Errorf("results.jsonl: %s", b)
	}
}
