package sandbox

import (
	"os"
	"strings"
	"sync"
)

// services is the server's own list of services, which start and stop like those of Windows.
type services struct {
	mu   sync.Mutex
	list []*service
}

type service struct {
	name, display, description, mode, path string
	running                                bool
	fixed                                  bool // it cannot be stopped
}

// serviceClasses are the services: the server's own list, some of them names that scripts ask for.
func (s *Server) serviceClasses() []*cimClass {
	s.services.list = []*service{
		{"Dnscache", "DNS Client", "Caches DNS names.", "Auto", `C:\Windows\system32\svchost.exe -k NetworkService -p`, true, true},
		{"EventLog", "Windows Event Log", "Manages events and event logs.", "Auto", `C:\Windows\System32\svchost.exe -k LocalServiceNetworkRestricted -p`, true, true},
		{"LanmanServer", "Server", "Supports file and print sharing.", "Auto", `C:\Windows\system32\svchost.exe -k netsvcs -p`, true, false},
		{"RemoteRegistry", "Remote Registry", "", "Disabled", `C:\Windows\system32\svchost.exe -k localService -p`, false, false},
		{"Spooler", "Print Spooler", "Spools print jobs.", "Auto", `C:\Windows\System32\spoolsv.exe`, true, false},
		{"w32time", "Windows Time", "Maintains date and time synchronization.", "Manual", `C:\Windows\system32\svchost.exe -k LocalService`, false, false},
		{"WinRM", "Windows Remote Management (WS-Management)", "This server.", "Auto", `C:\Windows\System32\svchost.exe -k NetworkService -p`, true, true},
		{"wuauserv", "Windows Update", "Enables the download of updates.", "Manual", `C:\Windows\system32\svchost.exe -k netsvcs -p`, false, false},
	}
	c := declare("Win32_Service", `boolean AcceptPause AcceptStop DelayedAutoStart DesktopInteract Started
		string Caption CreationClassName Description DisplayName ErrorControl Name* PathName ServiceType StartMode StartName State Status SystemCreationClassName SystemName
		uint32 CheckPoint ExitCode ProcessId ServiceSpecificExitCode TagId WaitHint
		datetime InstallDate`)
	c.Methods = []string{"StartService", "StopService"}
	c.all(func() [][]cimValue {
		s.services.mu.Lock()
		defer s.services.mu.Unlock()
		var out [][]cimValue
		for _, service := range s.services.list {
			out = append(out, service.row(s, c))
		}
		return out
	})
	c.invoke = func(method string, instance []cimValue, _ map[string]string) ([]outParameter, error) {
		if instance == nil {
			return nil, invalidSelectors()
		}
		code := s.services.control(instance[c.index("Name")].text, method == "StartService")
		return []outParameter{{"ReturnValue", unsigned(code)}}, nil
	}
	return []*cimClass{c, s.userAccounts(), declare("Win32_QuickFixEngineering", `string Caption CSName* Description HotFixID* InstalledBy InstalledOn ServicePackInEffect*`).all(func() [][]cimValue { return nil })}
}

// userAccounts is the one account.
func (s *Server) userAccounts() *cimClass {
	c := declare("Win32_UserAccount", `boolean Disabled LocalAccount Lockout PasswordChangeable PasswordExpires PasswordRequired
		string Caption Description Domain* FullName Name* SID Status
		uint8 SIDType
		uint32 AccountType
		datetime InstallDate`)
	return c.all(func() [][]cimValue {
		domain, user := s.options.ComputerName, s.options.User
		return [][]cimValue{c.row(map[string]cimValue{
			"Name": textValue(user), "Domain": textValue(domain), "Caption": textValue(domain + `\` + user), "Description": textValue("The account of the sandbox"),
			"Disabled": booleanValue(false), "LocalAccount": booleanValue(true), "Lockout": booleanValue(false), "PasswordChangeable": booleanValue(false),
			"PasswordExpires": booleanValue(false), "PasswordRequired": booleanValue(true), "AccountType": unsigned(512), "SIDType": unsigned(1), "Status": textValue("OK"),
		})}
	})
}

func (v *service) row(s *Server, c *cimClass) []cimValue {
	state, pid, exit := "Stopped", uint64(0), uint64(1077) // ERROR_SERVICE_NEVER_STARTED
	if v.running {
		state, exit = "Running", 0
		pid = uint64(os.Getpid())
	}
	return c.row(map[string]cimValue{
		"Name": textValue(v.name), "DisplayName": textValue(v.display), "Caption": textValue(v.display), "Description": textOrNull(v.description),
		"State": textValue(state), "Started": booleanValue(v.running), "StartMode": textValue(v.mode), "PathName": textValue(v.path),
		"ProcessId": unsigned(pid), "ExitCode": unsigned(exit), "Status": textValue("OK"), "ServiceType": textValue("Share Process"),
		"ErrorControl": textValue("Normal"), "StartName": textValue(`NT AUTHORITY\NetworkService`), "AcceptStop": booleanValue(v.running && !v.fixed),
		"AcceptPause": booleanValue(false), "DelayedAutoStart": booleanValue(false), "DesktopInteract": booleanValue(false),
		"CheckPoint": unsigned(0), "WaitHint": unsigned(0), "TagId": unsigned(0), "ServiceSpecificExitCode": unsigned(0),
		"CreationClassName": textValue(c.Name), "SystemCreationClassName": textValue("Win32_ComputerSystem"), "SystemName": textValue(s.options.ComputerName),
	})
}

// Return values of Win32_Service.StartService and StopService.
const (
	serviceSuccess        = 0
	serviceCannotAccept   = 5
	serviceNotActive      = 6
	serviceAlreadyRunning = 10
	serviceDisabled       = 14
)

func (v *services) control(name string, start bool) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.list {
		if !strings.EqualFold(s.name, name) {
			continue
		}
		switch {
		case start && s.running:
			return serviceAlreadyRunning
		case start && s.mode == "Disabled":
			return serviceDisabled
		case !start && !s.running:
			return serviceNotActive
		case !start && s.fixed:
			return serviceCannotAccept
		}
		s.running = start
		return serviceSuccess
	}
	return serviceNotActive
}
