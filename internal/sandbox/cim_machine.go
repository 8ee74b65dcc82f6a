package sandbox

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"
)

// machineClasses are classes of Windows with facts of this machine: names and types of properties are those of Windows, as
// far as there is something to put into them. What the machine does not tell is null.
func (s *Server) machineClasses() []*cimClass {
	system := declare("Win32_ComputerSystem", `string Caption CreationClassName Description DNSHostName Domain Manufacturer Model Name* PrimaryOwnerName Roles[] Status SystemType UserName Workgroup
		boolean HypervisorPresent PartOfDomain
		uint16 DomainRole PCSystemType
		sint16 CurrentTimeZone
		uint32 NumberOfLogicalProcessors NumberOfProcessors
		uint64 TotalPhysicalMemory
		datetime InstallDate`)
	system.all(func() [][]cimValue { return [][]cimValue{s.computerSystem(system)} })
	operating := declare("Win32_OperatingSystem", `string BootDevice BuildNumber Caption CreationClassName CSCreationClassName CSName Description Manufacturer MUILanguages[] Name* OSArchitecture Status SystemDrive Version
		boolean Debug Distributed Primary
		uint16 OSType ServicePackMajorVersion
		sint16 CurrentTimeZone
		uint32 MaxNumberOfProcesses NumberOfProcesses ProductType
		uint64 FreePhysicalMemory FreeSpaceInPagingFiles MaxProcessMemorySize SizeStoredInPagingFiles TotalVirtualMemorySize TotalVisibleMemorySize
		datetime InstallDate LastBootUpTime LocalDateTime`)
	operating.all(func() [][]cimValue { return [][]cimValue{s.operatingSystem(operating)} })
	link := declare("Win32_SystemOperatingSystem", `boolean PrimaryOS
		ref:Win32_ComputerSystem GroupComponent*
		ref:Win32_OperatingSystem PartComponent*`)
	link.all(func() [][]cimValue {
		return [][]cimValue{link.row(map[string]cimValue{
			"PrimaryOS":      booleanValue(true),
			"GroupComponent": {kind: cimReference, object: &cimInstance{system, s.computerSystem(system)}},
			"PartComponent":  {kind: cimReference, object: &cimInstance{operating, s.operatingSystem(operating)}},
		})}
	})
	return []*cimClass{system, operating, link, s.logicalDisks(), s.networkAdapters()}
}

func (s *Server) computerSystem(c *cimClass) []cimValue {
	info := hostInfo()
	values := map[string]cimValue{
		"CreationClassName": textValue(c.Name), "Name": textValue(s.options.ComputerName), "Caption": textValue(s.options.ComputerName),
		"DNSHostName": textOrNull(info.Hostname), "Workgroup": textValue("WORKGROUP"), "Domain": textValue("WORKGROUP"),
		"Description": textOrNull(strings.TrimSpace(info.Platform + " " + info.PlatformVersion)), "PartOfDomain": booleanValue(false),
		"HypervisorPresent": booleanValue(info.VirtualizationRole == "guest"), "Model": textOrNull(info.VirtualizationSystem),
		"DomainRole": unsigned(2), "Roles": texts([]string{"Sandbox_Server"}), "Status": textValue("OK"), "SystemType": textOrNull(info.KernelArch),
		"UserName": textValue(s.options.ComputerName + `\` + s.options.User), "CurrentTimeZone": timeZone(),
		"NumberOfLogicalProcessors": unsigned(uint64(runtime.NumCPU())),
	}
	if n, err := cpu.Counts(false); err == nil {
		values["NumberOfProcessors"] = unsigned(uint64(max(n, 1)))
	}
	if m, err := mem.VirtualMemory(); err == nil {
		values["TotalPhysicalMemory"] = unsigned(m.Total)
	}
	return c.row(values)
}

func (s *Server) operatingSystem(c *cimClass) []cimValue {
	info := hostInfo()
	caption := strings.TrimSpace(info.Platform + " " + info.PlatformVersion)
	language := os.Getenv("LANG")
	if i := strings.IndexByte(language, '.'); i >= 0 {
		language = language[:i]
	}
	values := map[string]cimValue{
		"CreationClassName": textValue(c.Name), "CSCreationClassName": textValue("Win32_ComputerSystem"), "CSName": textValue(s.options.ComputerName),
		"Caption": textOrNull(caption), "Name": textValue(caption), "Version": textOrNull(info.PlatformVersion), "BuildNumber": textOrNull(info.KernelVersion),
		"OSArchitecture": textValue(fmt.Sprintf("%d-bit", 32<<(^uint(0)>>63))), "Manufacturer": textOrNull(info.PlatformFamily),
		"Primary": booleanValue(true), "Debug": booleanValue(false), "Distributed": booleanValue(false), "Status": textValue("OK"),
		"OSType": unsigned(osType()), "NumberOfProcesses": unsigned(info.Procs), "LocalDateTime": timeValue(time.Now()), "CurrentTimeZone": timeZone(),
		"MUILanguages": texts(strings.Fields(strings.ReplaceAll(language, "_", "-"))), "ProductType": unsigned(3),
	}
	if info.BootTime > 0 {
		values["LastBootUpTime"] = timeValue(time.Unix(int64(info.BootTime), 0))
	}
	if m, err := mem.VirtualMemory(); err == nil { // in KiB, as Windows has these
		values["TotalVisibleMemorySize"], values["FreePhysicalMemory"] = unsigned(m.Total>>10), unsigned(m.Available>>10)
		if swap, err := mem.SwapMemory(); err == nil {
			values["SizeStoredInPagingFiles"], values["FreeSpaceInPagingFiles"] = unsigned(swap.Total>>10), unsigned(swap.Free>>10)
			values["TotalVirtualMemorySize"] = unsigned((m.Total + swap.Total) >> 10)
		}
	}
	return c.row(values)
}

// osType is a value of Win32_OperatingSystem.OSType.
func osType() uint64 {
	switch runtime.GOOS {
	case "linux":
		return 36
	case "windows":
		return 18 // WINNT
	}
	return 1 // Other
}

func timeZone() cimValue {
	_, offset := time.Now().Zone()
	return signed(int64(offset / 60))
}

// hostInfo never fails: what cannot be found out is empty.
func hostInfo() *host.InfoStat {
	info, err := host.Info()
	if err != nil || info == nil {
		return &host.InfoStat{Platform: runtime.GOOS}
	}
	return info
}

func (s *Server) logicalDisks() *cimClass {
	c := declare("Win32_LogicalDisk", `string Caption CreationClassName Description DeviceID* FileSystem Name ProviderName SystemCreationClassName SystemName VolumeName
		boolean Compressed
		uint16 Access
		uint32 DriveType MediaType
		uint64 FreeSpace Size
		datetime InstallDate`)
	return c.all(func() [][]cimValue {
		partitions, _ := disk.Partitions(false) // what could be read is there all the same
		var out [][]cimValue
		seen := map[string]bool{}
		for _, p := range partitions {
			if seen[p.Mountpoint] {
				continue
			}
			seen[p.Mountpoint] = true
			values := map[string]cimValue{
				"DeviceID": textValue(p.Mountpoint), "Name": textValue(p.Mountpoint), "Caption": textValue(p.Mountpoint), "CreationClassName": textValue(c.Name),
				"Description": textValue("Local Fixed Disk"), "DriveType": unsigned(3), "FileSystem": textOrNull(p.Fstype), "VolumeName": textOrNull(p.Device),
				"SystemName": textValue(s.options.ComputerName), "SystemCreationClassName": textValue("Win32_ComputerSystem"),
			}
			if usage, err := disk.Usage(p.Mountpoint); err == nil {
				values["Size"], values["FreeSpace"] = unsigned(usage.Total), unsigned(usage.Free)
			}
			out = append(out, c.row(values))
		}
		return out
	})
}

func (s *Server) networkAdapters() *cimClass {
	c := declare("Win32_NetworkAdapterConfiguration", `boolean DHCPEnabled IPEnabled
		string Caption Description DNSHostName IPAddress[] IPSubnet[] MACAddress ServiceName SettingID
		uint32 Index* InterfaceIndex MTU
		datetime DHCPLeaseExpires DHCPLeaseObtained`)
	return c.all(func() [][]cimValue {
		interfaces, _ := net.Interfaces()
		var out [][]cimValue
		for i, n := range interfaces {
			var addresses, masks []string
			for _, a := range n.Addrs {
				prefix, err := netip.ParsePrefix(a.Addr)
				if err != nil {
					continue
				}
				addresses = append(addresses, prefix.Addr().String())
				masks = append(masks, fmt.Sprint(prefix.Bits()))
			}
			out = append(out, c.row(map[string]cimValue{
				"Index": unsigned(uint64(i)), "InterfaceIndex": unsigned(uint64(n.Index)), "MTU": unsigned(uint64(max(n.MTU, 0))),
				"Caption": textValue(fmt.Sprintf("[%08d] %s", i, n.Name)), "Description": textValue(n.Name), "ServiceName": textValue(n.Name),
				"MACAddress": textOrNull(strings.ToUpper(n.HardwareAddr)), "IPAddress": texts(addresses), "IPSubnet": texts(masks),
				"IPEnabled": booleanValue(len(addresses) > 0 && slices.Contains(n.Flags, "up")), "DHCPEnabled": booleanValue(false),
			}))
		}
		return out
	})
}
