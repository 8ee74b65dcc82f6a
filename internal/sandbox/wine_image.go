//go:build linux && amd64

package sandbox

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"slices"
	"unicode/utf16"
)

// image makes a Windows program for x86-64 that does nothing but call functions of kernel32.dll, one after the other, with
// constants and with what earlier calls have returned. There are no branches beside this one: a call that must succeed and
// does not leads to the calls of otherwise. The format is that of "PE Format" (learn.microsoft.com), the calling
// convention that of "x64 calling convention" there.
type image struct {
	data      []byte // memory, from imageBase+imageStart on
	calls     []apiCall
	otherwise []apiCall // the last of these ends the program, as the last of calls does
}

// apiCall is one call. Its arguments are an int, an address, or what is at an address (content).
type apiCall struct {
	function  string
	arguments []any
	result    address // where the result goes, 8 bytes; 0 for nowhere
	must      bool    // that it returns 0 is a failure
}

// address is a place in the memory of the program.
type address uint64

// content is the 8 bytes at an address.
type content address

const (
	imageBase  = 0x140000000
	imageStart = 0x1000 // of the one section
	fileBlock  = 512    // FileAlignment
)

// end is the next free address.
func (p *image) end() address { return imageBase + imageStart + address(len(p.data)) }

// bytes stores data, aligned as all structures of the Windows API want it.
func (p *image) bytes(b []byte) address {
	for len(p.data)%16 != 0 {
		p.data = append(p.data, 0)
	}
	a := p.end()
	p.data = append(p.data, b...)
	return a
}

// words stores numbers of 32 bits.
func (p *image) words(w ...uint32) address {
	var b []byte
	for _, v := range w {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return p.bytes(b)
}

// text stores a string in UTF-16 with a NUL at its end.
func (p *image) text(s string) address {
	var b []byte
	for _, u := range utf16.Encode([]rune(s + "\x00")) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return p.bytes(b)
}

// add adds calls.
func (p *image) add(calls ...apiCall) { p.calls = append(p.calls, calls...) }

func call(function string, arguments ...any) apiCall {
	return apiCall{function: function, arguments: arguments}
}

func (c apiCall) into(result address) apiCall { c.result = result; return c }

func (c apiCall) orFail() apiCall { c.must = true; return c }

// file makes the program.
func (p *image) file() []byte {
	slots, directory := p.imports()
	failed := p.bytes(nil)
	p.emit(p.otherwise, slots, failed)
	entry := p.bytes(nil)
	p.emit(p.calls, slots, failed)
	for len(p.data)%fileBlock != 0 {
		p.data = append(p.data, 0)
	}
	return append(p.headers(entry, directory), p.data...)
}

// imports stores the table of imported functions and returns where the loader puts the address of each.
func (p *image) imports() (slots map[string]address, directory address) {
	slots = map[string]address{}
	var names []string
	for _, c := range slices.Concat(p.calls, p.otherwise) {
		if !slices.Contains(names, c.function) {
			names = append(names, c.function)
		}
	}
	var table []byte
	for _, name := range names {
		hint := p.bytes([]byte("\x00\x00" + name + "\x00"))
		table = binary.LittleEndian.AppendUint64(table, uint64(hint-imageBase))
	}
	dll := p.bytes([]byte("kernel32.dll\x00"))
	first := p.bytes(append(table, make([]byte, 8)...))
	for i, name := range names {
		slots[name] = first + address(8*i)
	}
	at := uint32(first - imageBase)
	return slots, p.words(at, 0, 0, uint32(dll-imageBase), at, 0, 0, 0, 0, 0)
}

// emit adds the machine code of calls. Arguments go through RAX into RCX, RDX, R8, R9 and to the stack above the 32 bytes
// that belong to the callee.
func (p *image) emit(calls []apiCall, slots map[string]address, failed address) {
	op := func(code string) { p.data = append(p.data, code...) }
	op64 := func(code string, v uint64) { op(code); p.data = binary.LittleEndian.AppendUint64(p.data, v) }
	op("\x48\x83\xe4\xf0" + "\x48\x83\xec\x60") // and rsp, -16; sub rsp, 96: ten arguments, aligned
	for _, c := range calls {
		for i, argument := range c.arguments {
			switch v := argument.(type) {
			case int:
				op64("\x48\xb8", uint64(v)) // mov rax, v
			case address:
				op64("\x48\xb8", uint64(v))
			case content:
				op64("\x48\xa1", uint64(v)) // mov rax, [v]
			default:
				panic(fmt.Sprintf("sandbox: an argument of type %T", argument))
			}
			if i < 4 {
				op([]string{"\x48\x89\xc1", "\x48\x89\xc2", "\x49\x89\xc0", "\x49\x89\xc1"}[i]) // mov rcx|rdx|r8|r9, rax
			} else {
				op("\x48\x89\x44\x24" + string(rune(8*i))) // mov [rsp+8*i], rax
			}
		}
		op64("\x48\xa1", uint64(slots[c.function])) // mov rax, [slot]
		op("\xff\xd0")                              // call rax
		if c.result != 0 {
			op64("\x48\xa3", uint64(c.result)) // mov [result], rax
		}
		if c.must {
			op("\x85\xc0" + "\x0f\x84") // test eax, eax; jz failed, relative to the end of the jump
			p.data = binary.LittleEndian.AppendUint32(p.data, uint32(failed-p.end()-4))
		}
	}
}

// headers makes what comes before the one section, which may be read, written and run.
func (p *image) headers(entry, directory address) []byte {
	const signature = 64
	size := uint32(len(p.data))
	optional := pe.OptionalHeader64{
		Magic: 0x20b, AddressOfEntryPoint: uint32(entry - imageBase), BaseOfCode: imageStart, ImageBase: imageBase,
		SectionAlignment: 0x1000, FileAlignment: fileBlock, MajorOperatingSystemVersion: 6, MajorSubsystemVersion: 6,
		SizeOfImage: imageStart + (size+0xfff)&^0xfff, SizeOfHeaders: fileBlock, Subsystem: pe.IMAGE_SUBSYSTEM_WINDOWS_CUI,
		SizeOfStackReserve: 1 << 20, SizeOfStackCommit: 1 << 12, SizeOfHeapReserve: 1 << 20, SizeOfHeapCommit: 1 << 12,
		NumberOfRvaAndSizes: 16,
	}
	optional.DataDirectory[pe.IMAGE_DIRECTORY_ENTRY_IMPORT] = pe.DataDirectory{VirtualAddress: uint32(directory - imageBase), Size: 40}
	file := pe.FileHeader{
		Machine: pe.IMAGE_FILE_MACHINE_AMD64, NumberOfSections: 1, SizeOfOptionalHeader: uint16(binary.Size(optional)),
		Characteristics: pe.IMAGE_FILE_RELOCS_STRIPPED | pe.IMAGE_FILE_EXECUTABLE_IMAGE | pe.IMAGE_FILE_LARGE_ADDRESS_AWARE,
	}
	section := pe.SectionHeader32{
		Name: [8]uint8{'.', 'a', 'l', 'l'}, VirtualSize: size, VirtualAddress: imageStart, SizeOfRawData: size, PointerToRawData: fileBlock,
		Characteristics: pe.IMAGE_SCN_CNT_CODE | pe.IMAGE_SCN_CNT_INITIALIZED_DATA | pe.IMAGE_SCN_MEM_READ | pe.IMAGE_SCN_MEM_WRITE | pe.IMAGE_SCN_MEM_EXECUTE,
	}
	dos := make([]byte, signature)
	copy(dos, "MZ")
	dos[0x3c] = signature
	b := bytes.NewBuffer(dos)
	b.WriteString("PE\x00\x00")
	for _, header := range []any{file, optional, section} {
		_ = binary.Write(b, binary.LittleEndian, header) // a Buffer takes all
	}
	return append(b.Bytes(), make([]byte, fileBlock-b.Len())...)
}
