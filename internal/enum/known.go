package enum

import (
	"strings"

	"github.com/winrmctl/winrmctl/internal/wsman"
)

// Known returns the declaration of a class that short names stand for, nil for others: Windows sends no types with its
// properties, so that a build number, which is a string, looks like a number, and an array of one like a scalar. The types
// are those of the classes' documentation (CIMWin32, MS-WSMV 2.2.4.3, 2.2.4.19, 2.2.4.37); properties that are not
// declared here are told by their form, as those of other classes.
func Known(class string) *wsman.Class {
	class = spelled(class)
	declaration := declarationOf(class)
	if declaration == "" {
		return nil
	}
	c := &wsman.Class{Name: class}
	for line := range strings.Lines(declaration) {
		fields := strings.Fields(line)
		for _, name := range fields[min(1, len(fields)):] {
			p := wsman.ClassProperty{Type: fields[0]}
			name, p.Array = strings.CutSuffix(name, "[]")
			p.Name, p.Key = strings.CutSuffix(name, "*")
			c.Properties = append(c.Properties, p)
		}
	}
	return c
}

// spelled is the name of a class as its declaration has it: CIM does not mind case.
func spelled(class string) string {
	for _, known := range []string{
		"Win32_Service", "Win32_Process", "Win32_OperatingSystem", "Win32_ComputerSystem", "Win32_LogicalDisk", "Win32_NetworkAdapterConfiguration",
		"Win32_QuickFixEngineering", "Win32_UserAccount", "Shell", "Listener", "CertMapping",
	} {
		if strings.EqualFold(known, class) {
			return known
		}
	}
	return class
}

// declarationOf returns lines of a type and the properties that have it; [] marks arrays, * keys.
func declarationOf(class string) string {
	switch class {
	case "Win32_Service":
		return `boolean AcceptPause AcceptStop DelayedAutoStart DesktopInteract Started
			string Caption CreationClassName Description DisplayName ErrorControl Name* PathName ServiceType StartMode StartName State Status
			string SystemCreationClassName SystemName
			uint32 CheckPoint ExitCode ProcessId ServiceSpecificExitCode TagId WaitHint
			datetime InstallDate`
	case "Win32_Process":
		return `string Caption CommandLine CreationClassName CSCreationClassName CSName Description ExecutablePath Handle* Name
			string OSCreationClassName OSName Status WindowsVersion
			uint16 ExecutionState
			uint32 HandleCount MaximumWorkingSetSize MinimumWorkingSetSize PageFaults PageFileUsage ParentProcessId PeakPageFileUsage
			uint32 PeakWorkingSetSize Priority ProcessId QuotaNonPagedPoolUsage QuotaPagedPoolUsage QuotaPeakNonPagedPoolUsage
			uint32 QuotaPeakPagedPoolUsage SessionId ThreadCount
			uint64 KernelModeTime OtherOperationCount OtherTransferCount PeakVirtualSize PrivatePageCount ReadOperationCount
			uint64 ReadTransferCount UserModeTime VirtualSize WorkingSetSize WriteOperationCount WriteTransferCount
			datetime CreationDate InstallDate TerminationDate`
	case "Win32_OperatingSystem":
		return `string BootDevice BuildNumber BuildType Caption CodeSet CountryCode CreationClassName CSCreationClassName CSDVersion CSName
			string Description Locale Manufacturer MUILanguages[] Name* Organization OSArchitecture OtherTypeDescription PlusProductID
			string PlusVersionNumber RegisteredUser SerialNumber Status SystemDevice SystemDirectory SystemDrive Version WindowsDirectory
			sint16 CurrentTimeZone
			boolean DataExecutionPrevention_32BitApplications DataExecutionPrevention_Available DataExecutionPrevention_Drivers Debug
			boolean Distributed PAEEnabled PortableOperatingSystem Primary
			uint8 DataExecutionPrevention_SupportPolicy ForegroundApplicationBoost QuantumLength QuantumType
			uint16 OSType ServicePackMajorVersion ServicePackMinorVersion
			uint32 EncryptionLevel LargeSystemCache MaxNumberOfProcesses NumberOfLicensedUsers NumberOfProcesses NumberOfUsers
			uint32 OperatingSystemSKU OSLanguage OSProductSuite ProductType SuiteMask
			uint64 FreePhysicalMemory FreeSpaceInPagingFiles FreeVirtualMemory MaxProcessMemorySize SizeStoredInPagingFiles
			uint64 TotalSwapSpaceSize TotalVirtualMemorySize TotalVisibleMemorySize
			datetime InstallDate LastBootUpTime LocalDateTime`
	case "Win32_ComputerSystem":
		return `string BootupState Caption ChassisSKUNumber CreationClassName Description DNSHostName Domain InitialLoadInfo[] LastLoadInfo
			string Manufacturer Model Name* NameFormat OEMStringArray[] PrimaryOwnerContact PrimaryOwnerName Roles[] Status
			string SupportContactDescription[] SystemFamily SystemSKUNumber SystemStartupOptions[] SystemType UserName Workgroup
			boolean AutomaticManagedPagefile AutomaticResetBootOption AutomaticResetCapability BootROMSupported DaylightInEffect
			boolean EnableDaylightSavingsTime HypervisorPresent InfraredSupported NetworkServerModeEnabled PartOfDomain
			boolean PowerManagementSupported
			uint8 OEMLogoBitmap[] SystemStartupSetting
			uint16 AdminPasswordStatus BootOptionOnLimit BootOptionOnWatchDog BootStatus[] ChassisBootupState DomainRole
			uint16 FrontPanelResetStatus KeyboardPasswordStatus PCSystemType PCSystemTypeEx PowerManagementCapabilities[]
			uint16 PowerOnPasswordStatus PowerState PowerSupplyState ResetCapability SystemStartupDelay ThermalState WakeUpType
			sint16 CurrentTimeZone ResetCount ResetLimit
			uint32 NumberOfLogicalProcessors NumberOfProcessors
			uint64 TotalPhysicalMemory
			sint64 PauseAfterReset
			datetime InstallDate`
	case "Win32_LogicalDisk":
		return `string Caption CreationClassName Description DeviceID* ErrorDescription ErrorMethodology FileSystem Name PNPDeviceID ProviderName
			string Purpose Status SystemCreationClassName SystemName VolumeName VolumeSerialNumber
			boolean Compressed ConfigManagerUserConfig ErrorCleared PowerManagementSupported QuotasDisabled QuotasIncomplete
			boolean QuotasRebuilding SupportsDiskQuotas SupportsFileBasedCompression VolumeDirty
			uint16 Access Availability PowerManagementCapabilities[] StatusInfo
			uint32 ConfigManagerErrorCode DriveType LastErrorCode MaximumComponentLength MediaType
			uint64 BlockSize FreeSpace NumberOfBlocks Size
			datetime InstallDate`
	case "Win32_NetworkAdapterConfiguration":
		return `boolean ArpAlwaysSourceRoute ArpUseEtherSNAP DeadGWDetectEnabled DHCPEnabled DNSEnabledForWINSResolution
			boolean DomainDNSRegistrationEnabled FullDNSRegistrationEnabled IPEnabled IPFilterSecurityEnabled IPPortSecurityEnabled
			boolean IPUseZeroBroadcast IPXEnabled PMTUBHDetectEnabled PMTUDiscoveryEnabled TcpUseRFC1122UrgentPointer
			boolean WINSEnableLMHostsLookup
			string Caption DatabasePath DefaultIPGateway[] Description DHCPServer DNSDomain DNSDomainSuffixSearchOrder[] DNSHostName
			string DNSServerSearchOrder[] IPAddress[] IPSecPermitIPProtocols[] IPSecPermitTCPPorts[] IPSecPermitUDPPorts[] IPSubnet[]
			string IPXAddress IPXNetworkNumber[] IPXVirtualNetNumber MACAddress ServiceName SettingID WINSHostLookupFile
			string WINSPrimaryServer WINSScopeID WINSSecondaryServer
			uint8 DefaultTOS DefaultTTL IGMPLevel
			uint16 GatewayCostMetric[] TcpWindowSize
			uint32 ForwardBufferMemory Index* InterfaceIndex IPConnectionMetric IPXFrameType[] IPXMediaType KeepAliveInterval
			uint32 KeepAliveTime MTU NumForwardPackets TcpipNetbiosOptions TcpMaxConnectRetransmissions TcpMaxDataRetransmissions
			uint32 TcpNumConnections
			datetime DHCPLeaseExpires DHCPLeaseObtained`
	case "Win32_QuickFixEngineering":
		return `string Caption CSName* Description FixComments HotFixID* InstalledBy InstalledOn Name ServicePackInEffect* Status
			datetime InstallDate`
	case "Win32_UserAccount":
		return `boolean Disabled LocalAccount Lockout PasswordChangeable PasswordExpires PasswordRequired
			string Caption Description Domain* FullName Name* SID Status
			uint8 SIDType
			uint32 AccountType
			datetime InstallDate`
	case "Shell":
		return `string ShellId* Name ResourceUri Owner ClientIP InputStreams OutputStreams WorkingDirectory Locale DataLocale CompressionMode
			string ProfileLoaded Encoding BufferMode State MemoryUsed
			uint32 ProcessId ChildProcesses
			datetime Lifetime IdleTimeOut MaxIdleTimeOut ShellRunTime ShellInactivity`
	case "Listener":
		return `string Address* Transport* Hostname URLPrefix CertificateThumbprint ListeningOn[]
			uint32 Port
			boolean Enabled`
	case "CertMapping":
		return `string URI* Subject* Issuer* UserName Password
			boolean Enabled`
	}
	return ""
}
