package sandbox

import (
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	gopsutil "github.com/shirou/gopsutil/v4/process"
)

// created holds the processes that were started by Win32_Process.Create.
type created struct {
	mu    sync.Mutex
	last  uint64
	alive map[uint64]*createdProcess
}

type createdProcess struct {
	program Program
	line    string
	since   time.Time
}

// firstCreated is where the numbers of created processes begin: beyond those of this machine.
const firstCreated = 10_000_000

// processClasses are the processes of this machine, and those that were created over WMI. Only the latter can be terminated.
func (s *Server) processClasses() []*cimClass {
	c := declare("Win32_Process", `string Caption CommandLine CreationClassName CSCreationClassName CSName Description ExecutablePath Handle* Name
		uint32 HandleCount ParentProcessId Priority ProcessId SessionId ThreadCount
		uint64 VirtualSize WorkingSetSize
		datetime CreationDate`)
	c.Methods = []string{"Create", "Terminate"}
	c.all(func() [][]cimValue {
		var out [][]cimValue
		all, _ := gopsutil.Processes()
		for _, p := range all {
			out = append(out, s.processRow(c, p))
		}
		return append(out, s.created.rows(s, c)...)
	})
	c.invoke = func(method string, instance []cimValue, in map[string]string) ([]outParameter, error) {
		if method == "Create" {
			return s.createProcess(in), nil
		}
		if instance == nil {
			return nil, invalidSelectors()
		}
		return []outParameter{{"ReturnValue", unsigned(s.created.terminate(instance[c.index("ProcessId")].number))}}, nil
	}
	return []*cimClass{c}
}

func (s *Server) processRow(c *cimClass, p *gopsutil.Process) []cimValue {
	pid := unsigned(uint64(p.Pid))
	values := map[string]cimValue{
		"Handle": textValue(strconv.Itoa(int(p.Pid))), "ProcessId": pid, "CreationClassName": textValue(c.Name),
		"CSCreationClassName": textValue("Win32_ComputerSystem"), "CSName": textValue(s.options.ComputerName),
	}
	// A process may end while it is asked, and may not be asked everything: what is not answered stays null.
	if name, err := p.Name(); err == nil {
		values["Name"], values["Caption"], values["Description"] = textValue(name), textValue(name), textValue(name)
	}
	if line, err := p.Cmdline(); err == nil {
		values["CommandLine"] = textOrNull(line)
	}
	if path, err := p.Exe(); err == nil {
		values["ExecutablePath"] = textOrNull(path)
	}
	if parent, err := p.Ppid(); err == nil {
		values["ParentProcessId"] = unsigned(uint64(max(parent, 0)))
	}
	if n, err := p.NumThreads(); err == nil {
		values["ThreadCount"] = unsigned(uint64(max(n, 0)))
	}
	if since, err := p.CreateTime(); err == nil {
		values["CreationDate"] = timeValue(time.UnixMilli(since))
	}
	if m, err := p.MemoryInfo(); err == nil && m != nil {
		values["WorkingSetSize"], values["VirtualSize"] = unsigned(m.RSS), unsigned(m.VMS)
	}
	return c.row(values)
}

// Return values of Win32_Process.Create and Terminate.
const (
	processSuccess      = 0
	processAccessDenied = 2
	processFailure      = 8
	processPathNotFound = 9
	processInvalid      = 21
)

// createProcess runs a command line as a shell's command would be run, with its output thrown away.
func (s *Server) createProcess(in map[string]string) []outParameter {
	line := in["commandline"]
	if strings.TrimSpace(line) == "" {
		return []outParameter{{"ProcessId", cimValue{}}, {"ReturnValue", unsigned(processInvalid)}}
	}
	program, err := s.options.Programs.Start(Spec{
		Line: line, Program: line, Dir: in["currentdirectory"], Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard,
	})
	if err != nil {
		s.log("Win32_Process.Create: %v", err)
		return []outParameter{{"ProcessId", cimValue{}}, {"ReturnValue", unsigned(processPathNotFound)}}
	}
	return []outParameter{{"ProcessId", unsigned(s.created.add(program, line))}, {"ReturnValue", unsigned(processSuccess)}}
}

func (c *created) add(p Program, line string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.alive == nil {
		c.alive, c.last = map[uint64]*createdProcess{}, firstCreated-1
	}
	c.last++
	id := c.last
	c.alive[id] = &createdProcess{p, line, time.Now()}
	go func() {
		p.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.alive, id)
	}()
	return id
}

func (c *created) terminate(id uint64) uint64 {
	c.mu.Lock()
	p := c.alive[id]
	c.mu.Unlock()
	if p == nil {
		return processAccessDenied
	}
	p.program.Signal(Terminate)
	return processSuccess
}

func (c *created) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.alive {
		p.program.Signal(Terminate)
	}
}

func (c *created) rows(s *Server, class *cimClass) [][]cimValue {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out [][]cimValue
	for id, p := range c.alive {
		name, _, _ := strings.Cut(p.line, " ")
		out = append(out, class.row(map[string]cimValue{
			"Handle": textValue(strconv.FormatUint(id, 10)), "ProcessId": unsigned(id), "Name": textValue(name), "Caption": textValue(name),
			"CommandLine": textValue(p.line), "CreationDate": timeValue(p.since), "CreationClassName": textValue(class.Name),
			"CSCreationClassName": textValue("Win32_ComputerSystem"), "CSName": textValue(s.options.ComputerName),
		}))
	}
	return out
}
