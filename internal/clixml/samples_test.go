package clixml

// A sample is output of a real host, with the source in which it was published.
type sample struct {
	name, source string
	in, want     string
}

const (
	head = "#< CLIXML\r\n"
	root = `<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">`
	end  = "</Objs>"

	// preparing are the two records that loading a module leaves.
	preparing = `<Obj S="progress" RefId="0"><TN RefId="0"><T>System.Management.Automation.PSCustomObject</T><T>System.Object</T></TN><MS>` +
		`<I64 N="SourceId">1</I64><PR N="Record"><AV>Preparing modules for first use.</AV><AI>0</AI><Nil /><PI>-1</PI><PC>-1</PC>` +
		`<T>Completed</T><SR>-1</SR><SD> </SD></PR></MS></Obj><Obj S="progress" RefId="1"><TNRef RefId="0" /><MS>` +
		`<I64 N="SourceId">1</I64><PR N="Record"><AV>Preparing modules for first use.</AV><AI>0</AI><Nil /><PI>-1</PI><PC>-1</PC>` +
		`<T>Completed</T><SR>-1</SR><SD> </SD></PR></MS></Obj>`

	// unknownCommand is the error of a command that does not exist.
	unknownCommand = `<S S="Error">fake : The term 'fake' is not recognized as the name of a cmdlet, function, script file, or operable program. Check _x000D__x000A_</S>` +
		`<S S="Error">the spelling of the name, or if a path was included, verify that the path is correct and try again._x000D__x000A_</S>` +
		`<S S="Error">At line:1 char:1_x000D__x000A_</S><S S="Error">+ fake cmdlet_x000D__x000A_</S><S S="Error">+ ~~~~_x000D__x000A_</S>` +
		`<S S="Error">    + CategoryInfo          : ObjectNotFound: (fake:String) [], CommandNotFoundException_x000D__x000A_</S>` +
		`<S S="Error">    + FullyQualifiedErrorId : CommandNotFoundException_x000D__x000A_</S><S S="Error"> _x000D__x000A_</S>`
	unknownCommandText = "fake : The term 'fake' is not recognized as the name of a cmdlet, function, script file, or operable program. Check \r\n" +
		"the spelling of the name, or if a path was included, verify that the path is correct and try again.\r\n" +
		"At line:1 char:1\r\n+ fake cmdlet\r\n+ ~~~~\r\n" +
		"    + CategoryInfo          : ObjectNotFound: (fake:String) [], CommandNotFoundException\r\n" +
		"    + FullyQualifiedErrorId : CommandNotFoundException\r\n \r\n"

	// writeHost is the information record of Write-Host, whose text stands on stdout too.
	writeHost = `<Obj S="information" RefId="2"><TN RefId="1"><T>System.Management.Automation.InformationRecord</T><T>System.Object</T></TN>` +
		`<ToString>-= Installing spf13-vim =-</ToString><Props><Obj N="MessageData" RefId="3"><TN RefId="2">` +
		`<T>System.Management.Automation.HostInformationMessage</T><T>System.Object</T></TN><ToString>-= Installing spf13-vim =-</ToString>` +
		`<Props><S N="Message">-= Installing spf13-vim =-</S><B N="NoNewLine">false</B><S N="ForegroundColor">DarkYellow</S>` +
		`<S N="BackgroundColor">DarkMagenta</S></Props></Obj><S N="Source">C:\ProgramData\chocolatey\lib\spf13-vim\tools\spf13-vim-windows-install.ps1</S>` +
		`<DT N="TimeGenerated">2018-11-09T14:24:02.8050678+08:00</DT><Obj N="Tags" RefId="4"><TN RefId="3">` +
		"<T>System.Collections.Generic.List`1[[System.String, mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089]]</T>" +
		`<T>System.Object</T></TN><LST><S>PSHOST</S></LST></Obj><S N="User">DESKTOP-32BH6EU\lx</S><S N="Computer">DESKTOP-32BH6EU</S>` +
		`<U32 N="ProcessId">10164</U32><U32 N="NativeThreadId">1972</U32><U32 N="ManagedThreadId">9</U32></Props></Obj>`
)

func samples() []sample {
	return []sample{
		{
			name:   "only progress",
			source: "pywinrm, winrm/tests/test_session.py, test_decode_clixml_no_errors",
			in:     head + root + preparing + end,
		},
		{
			name:   "a command that does not exist",
			source: "pywinrm, winrm/tests/test_session.py, test_decode_clixml_error",
			in:     head + root + preparing + unknownCommand + end,
			want:   unknownCommandText,
		},
		{
			name:   "no XML behind the header",
			source: "pywinrm, winrm/tests/test_session.py, test_decode_clixml_invalid_xml",
			in:     head + "<in >dasf<?dsfij>",
			want:   head + "<in >dasf<?dsfij>",
		},
		{
			name:   "stored with layout and plain line ends",
			source: "pypsrp, tests/tests_pypsrp/data/test_sanitise_clixml_with_error.xml (shortened)",
			in: "#< CLIXML\n<Objs xmlns=\"http://schemas.microsoft.com/powershell/2004/04\" Version=\"1.1.0.1\">\n" +
				"<Obj S=\"progress\" RefId=\"1\">\n    <TNRef RefId=\"0\"/>\n    <MS>\n        <I64 N=\"SourceId\">1</I64>\n        <PR N=\"Record\">\n" +
				"            <AV>Preparing modules for first use.</AV>\n            <AI>0</AI>\n            <Nil/>\n            <PI>-1</PI>\n" +
				"            <PC>-1</PC>\n            <T>Completed</T>\n            <SR>-1</SR>\n            <SD>\n            </SD>\n" +
				"        </PR>\n    </MS>\n</Obj>\n" +
				"<S S=\"Error\">+ fake cmdlet_x000D__x000A_</S>\n<S S=\"Error\"> _x000D__x000A_</S>\n</Objs>\n",
			want: "+ fake cmdlet\r\n \r\n\n",
		},
		{
			name:   "an exception",
			source: "PowerShell issue 5912",
			in: head + root + `<S S="Error">boom_x000D__x000A_</S><S S="Error">At line:1 char:1_x000D__x000A_</S>` +
				`<S S="Error">+ throw 'boom'_x000D__x000A_</S><S S="Error">+ ~~~~~~~~~~~~_x000D__x000A_</S>` +
				`<S S="Error">+ CategoryInfo          : OperationStopped: (boom:String) [], RuntimeException_x000D__x000A_</S></Objs>`,
			want: "boom\r\nAt line:1 char:1\r\n+ throw 'boom'\r\n+ ~~~~~~~~~~~~\r\n" +
				"+ CategoryInfo          : OperationStopped: (boom:String) [], RuntimeException\r\n",
		},
		{
			name:   "colours of PowerShell 7, on Linux",
			source: "PowerShell issue 16678",
			in:     "#< CLIXML\n" + root + `<S S="Error">_x001B_[91mWrite-Error: _x001B_[91mboomed_x001B_[0m_x000A_</S></Objs>`,
			want:   "\x1b[91mWrite-Error: \x1b[91mboomed\x1b[0m\n",
		},
		{
			name:   "warning, error, verbose, debug",
			source: `recorded from PowerShell 7 for: Write-Warning 'warn-stream'; Write-Error 'boom'; Write-Verbose -Verbose 'verb-x'; Write-Debug -Debug 'dbg-x' (Windows-MCP, tests of decode_clixml)`,
			in: head + root + `<S S="warning">warn-stream</S><S S="Error">_x001B_[31;1mWrite-Error: _x001B_[31;1mboom_x001B_[0m_x000D__x000A_</S>` +
				`<S S="verbose">verb-x</S><S S="debug">dbg-x</S></Objs>`,
			want: "WARNING: warn-stream\r\n\x1b[31;1mWrite-Error: \x1b[31;1mboom\x1b[0m\r\nVERBOSE: verb-x\r\nDEBUG: dbg-x\r\n",
		},
		{
			name:   "a German host, verbose",
			source: "log of packer and chocolatey on Windows 10.0.17025 (shortened)",
			in: "yarn has been installed.\r\n" + head + root +
				`<Obj S="progress" RefId="0"><TN RefId="0"><T>System.Management.Automation.PSCustomObject</T><T>System.Object</T></TN><MS>` +
				`<I64 N="SourceId">1</I64><PR N="Record"><AV>Module werden für erstmalige Verwendung vorbereitet.</AV><AI>0</AI><Nil /><PI>-1</PI><PC>-1</PC>` +
				`<T>Completed</T><SR>-1</SR><SD> </SD></PR></MS></Obj>` +
				`<S S="debug">Host version is 5.1.17025.1000, PowerShell Version is '5.1.17025.1000' and CLR Version is '4.0.30319.42000'.</S>` +
				`<S S="verbose">Exportieren des Alias "Get-OSBitness".</S></Objs>`,
			want: "yarn has been installed.\r\n" +
				"DEBUG: Host version is 5.1.17025.1000, PowerShell Version is '5.1.17025.1000' and CLR Version is '4.0.30319.42000'.\r\n" +
				"VERBOSE: Exportieren des Alias \"Get-OSBitness\".\r\n",
		},
		{
			name:   "Write-Host and warnings on a Chinese host",
			source: "log of chocolatey on Windows 10.0.17763 (shortened)",
			in: head + root + `<S S="verbose">正在导出别名“refreshenv”。</S>` + writeHost +
				`<S S="warning">Could not install spf13-vim!</S><S S="warning">Git not found! The git commandline must be installed before running this script</S></Objs>`,
			want: "VERBOSE: 正在导出别名“refreshenv”。\r\nWARNING: Could not install spf13-vim!\r\n" +
				"WARNING: Git not found! The git commandline must be installed before running this script\r\n",
		},
		{
			name:   "a PowerShell that starts another: both headers, then both roots",
			source: "Ansible, test/units/plugins/shell/test_powershell.py, test_parse_clixml_multiple_elements (its issue 69550)",
			in:     head + head + root + preparing + `<S S="Error">Error 1</S></Objs>` + root + preparing + `<S S="Error">Error 2</S></Objs>`,
			want:   "Error 1Error 2",
		},
		{
			name:   "a native program before the block",
			source: "Ansible issue 83848",
			in:     "The interface is unknown.(1717)\r\n" + head + root + preparing + end,
			want:   "The interface is unknown.(1717)\r\n",
		},
		{
			name:   "a native program between header and root",
			source: `recorded for: [Console]::Error.WriteLine("direct-stderr-line"); Write-Error "this-is-a-real-error" (tests of a PowerShellClixmlDecoder)`,
			in: head + "direct-stderr-line\r\n" + root + preparing + `<S S="Error">C:\path\script.ps1 : this_x000D__x000A_</S>` +
				`<S S="Error">-is-a-real-error_x000D__x000A_</S>` + end,
			want: "direct-stderr-line\r\nC:\\path\\script.ps1 : this\r\n-is-a-real-error\r\n",
		},
		{
			name:   "the runtime's last words behind a header, and no root",
			source: "rd-winrm-plugin issue 8",
			in:     "#< CLIXML\n\n  Process is terminated due to StackOverflowException.\n",
			want:   "\n  Process is terminated due to StackOverflowException.\n#< CLIXML\n",
		},
		{
			name:   "an ErrorRecord",
			source: "WinRM for Ruby, tests/spec/stubs/clixml/error_record.xml.erb (shortened), with the attribute S of -OutputFormat XML",
			in: head + root + `<Obj S="Error" RefId="0"><TN RefId="0"><T>System.Management.Automation.ErrorRecord</T><T>System.Object</T></TN>` +
				`<ToString>it &lt;broke&gt;_x000D__x000A_twice</ToString><MS><B N="writeErrorStream">true</B><Obj N="Exception" RefId="1"><TN RefId="1">` +
				`<T>Microsoft.PowerShell.Commands.WriteErrorException</T><T>System.Object</T></TN>` +
				`<ToString>Microsoft.PowerShell.Commands.WriteErrorException: it broke</ToString><Props><S N="Message">it broke</S>` +
				`<Obj N="Data" RefId="2"><TN RefId="2"><T>System.Collections.ListDictionaryInternal</T><T>System.Object</T></TN><DCT/></Obj>` +
				`<Nil N="InnerException"/><I32 N="HResult">-2146233088</I32></Props></Obj><Nil N="TargetObject"/>` +
				`<S N="FullyQualifiedErrorId">Microsoft.PowerShell.Commands.WriteErrorException</S><Ref N="InvocationInfo_BoundParameters" RefId="2" />` +
				`<S N="ErrorCategory_Message">NotSpecified: (:) [Write-Error], WriteErrorException</S></MS></Obj></Objs>`,
			want: "it <broke>\r\ntwice\r\n",
		},
	}
}
