//go:build linux && amd64

package sandbox

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// The Windows programs that wine runs for a command.
//
// A program that is started from Unix gets a command line that wine puts together from argv, with each quotation mark turned
// into \" (build_command_line in wine's dlls/ntdll/unix/env.c). cmd.exe reads its line itself and would see those
// backslashes. The other ways to its parser alter a line too, in wine 8: what a variable holds is expanded again, with
// delayed expansion as well (handleExpansion in programs/cmd/wcmdmain.c); a batch file reads % differently, and in the OEM
// code page; and both are cut at 8,191 characters with what they add to the line. CreateProcessW takes a line as it is.
//
// So two small programs start a command. They are made for it alone: all that they need stands in them, in UTF-16.
//
//   - outer is started from Unix. It makes a job that ends with it and that it is in itself: to kill outer is to kill all
//     that the command has started, wherever that has put itself. It starts inner with CREATE_NO_WINDOW, which gives a
//     console that nobody sees. A remote shell of Windows has one too: code pages and Ctrl-C belong to a console.
//   - inner sets code page, environment and directory, starts the command, waits for it, and reports to a FIFO, in numbers of
//     32 bits: the error of the directory, the error of CreateProcessW, the id of its own process, and at last the exit code.
//     The first error that is not 0 is the last number.

// Constants of the Windows API.
const (
	createNewGroup = 0x200 // CREATE_NEW_PROCESS_GROUP
	createNoWindow = 0x08000000
	currentProcess = -1
	errorInternal  = 1359 // ERROR_INTERNAL_ERROR: the new process ended before it was ready (NtCreateUserProcess in wine 8)
	extendedLimits = 9    // JobObjectExtendedLimitInformation
	genericWrite   = 0x40000000
	infinite       = 0xffffffff
	killOnJobClose = 0x2000
	openExisting   = 3
	shareAll       = 7
	stdInput       = -10 // STD_INPUT_HANDLE; those of output and error follow
	useStdHandles  = 0x100
)

// outerProgram runs the program in the file inner.
func outerProgram(inner string) []byte {
	p := &image{otherwise: []apiCall{call("ExitProcess", 1)}}
	limits := make([]byte, 144) // JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	binary.LittleEndian.PutUint32(limits[16:], killOnJobClose)
	job := p.words(0, 0)
	p.add(
		call("CreateJobObjectW", 0, 0).into(job),
		call("SetInformationJobObject", content(job), extendedLimits, p.bytes(limits), len(limits)).orFail(),
		call("AssignProcessToJobObject", content(job), currentProcess).orFail(),
	)
	process := p.start(p.text(windowsPath(inner)), 0, createNoWindow|createNewGroup)
	p.add(call("WaitForSingleObject", content(process), infinite), call("ExitProcess", 0))
	return p.file()
}

// innerProgram runs a line as s says. The variables of unset are of use to wine alone.
func innerProgram(s Spec, line, fifo string, unset []string) []byte {
	p := &image{}
	status, number, none, written := p.words(0, 0), p.words(0, 0), p.words(0), p.words(0)
	report := func(number address) apiCall { return call("WriteFile", content(status), number, 4, written, 0) }
	p.otherwise = []apiCall{call("GetLastError").into(number), report(number), call("ExitProcess", 1)}

	p.add(call("CreateFileW", p.text(windowsPath(fifo)), genericWrite, shareAll, 0, openExisting, 0, 0).into(status))
	if page, err := strconv.Atoi(s.CodePage); err == nil {
		p.add(call("SetConsoleCP", page), call("SetConsoleOutputCP", page)) // fail where there is no such page
	}
	for _, name := range unset {
		p.add(call("SetEnvironmentVariableW", p.text(name), 0))
	}
	for _, v := range s.Env {
		name, value, _ := strings.Cut(v, "=")
		p.add(call("SetEnvironmentVariableW", p.text(name), p.text(value)))
	}
	p.changeDirectory(s.Dir)
	p.add(report(none), call("SetConsoleCtrlHandler", 0, 0)) // the first of a group ignores Ctrl-C; the command shall not
	process := p.start(0, p.text(line), 0)
	p.add(
		report(none),
		call("SetConsoleCtrlHandler", p.handler(), 1), // nor shall Ctrl-C end this program
		call("GetCurrentProcessId").into(number), report(number),
		call("WaitForSingleObject", content(process), infinite),
		call("GetExitCodeProcess", content(process), number), report(number),
		call("ExitProcess", 0),
	)
	return p.file()
}

// interruptProgram sends Ctrl-C to the programs of a group, which has the id of the process that it began with.
func interruptProgram(group uint32) []byte {
	p := &image{otherwise: []apiCall{call("ExitProcess", 1)}}
	const controlC = 0
	p.add(
		call("FreeConsole"),
		call("AttachConsole", int(group)).orFail(),
		call("GenerateConsoleCtrlEvent", controlC, int(group)).orFail(),
		call("ExitProcess", 0),
	)
	return p.file()
}

// keeperProgram writes a byte to its stdout and ends when its stdin does.
func keeperProgram() []byte {
	p := &image{}
	input, output, buffer, n := p.words(0, 0), p.words(0, 0), p.words(0), p.words(0)
	p.add(
		call("GetStdHandle", stdInput).into(input),
		call("GetStdHandle", stdInput-1).into(output),
		call("WriteFile", content(output), buffer, 1, n, 0),
		call("ReadFile", content(input), buffer, 1, n, 0),
		call("ExitProcess", 0),
	)
	return p.file()
}

// start adds the start of a program with the streams of this one, and returns where the handle of the process will be.
func (p *image) start(file, line address, flags int) (process address) {
	startup := make([]byte, 104) // STARTUPINFOW
	binary.LittleEndian.PutUint32(startup, uint32(len(startup)))
	binary.LittleEndian.PutUint32(startup[60:], useStdHandles)
	at := p.bytes(startup)
	for i := range 3 {
		p.add(call("GetStdHandle", stdInput-i).into(at + address(80+8*i)))
	}
	process = p.words(0, 0, 0, 0, 0, 0) // PROCESS_INFORMATION
	p.add(call("CreateProcessW", file, line, 0, 0, 1, flags, 0, 0, at, process).orFail())
	return process
}

// changeDirectory goes to a directory, or to the user's own, where a remote shell of Windows starts.
func (p *image) changeDirectory(dir string) {
	if dir != "" {
		p.add(call("SetCurrentDirectoryW", p.text(dir)).orFail())
		return
	}
	const longest = 260
	home := p.bytes(make([]byte, 2*longest))
	p.add(call("ExpandEnvironmentStringsW", p.text("%USERPROFILE%"), home, longest), call("SetCurrentDirectoryW", home))
}

// handler is the address of a function that returns 1: a handler of console events that ends their way.
func (p *image) handler() address { return p.bytes([]byte("\xb8\x01\x00\x00\x00\xc3")) } // mov eax, 1; ret

// windowsPath is how programs of wine call a file of Unix, whatever drives they have.
func windowsPath(path string) string { return `\\?\unix` + strings.ReplaceAll(path, "/", `\`) }
