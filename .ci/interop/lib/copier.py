"""Writes a Windows program for x86-64 that copies stdin to stdout, byte for byte: python3 copier.py FILE.

wine 8 has neither a findstr nor a more that does this, and there is no compiler for Windows programs at hand. The format is that
of "PE Format" (learn.microsoft.com), the calling convention that of "x64 calling convention" there.
"""

import struct
import sys

BASE, SECTION, BUFFER = 0x140000000, 0x1000, 1 << 16
FUNCTIONS = ["GetStdHandle", "ReadFile", "WriteFile", "ExitProcess"]


def program():
    # The section: import directory, lookup table (also the address table), names, code. The buffer is behind the file's bytes.
    directory, table = SECTION, SECTION + 40
    names = table + 8 * (len(FUNCTIONS) + 1)
    texts, hints = b"kernel32.dll\0", []
    for f in FUNCTIONS:
        hints.append(names + len(texts))
        texts += b"\0\0" + f.encode() + b"\0"
    data = struct.pack("<IIIII20x", table, 0, 0, names, table)
    data += struct.pack("<%dQ8x" % len(hints), *hints) + texts
    slot = {f: table + 8 * i for i, f in enumerate(FUNCTIONS)}
    entry = SECTION + len(data)
    count = SECTION + 0x1000  # how many bytes were read, then the buffer
    buffer = count + 16

    code = b""

    def at(op, address):  # an instruction with an address relative to its end
        nonlocal code
        code += op + struct.pack("<i", address - (entry + len(code) + len(op) + 4))

    def call(f):
        at(b"\xff\x15", slot[f])

    def transfer(handle, f):  # f(handle, buffer, r8d, &count, NULL)
        nonlocal code
        code += handle  # mov rcx, rbx | rsi
        at(b"\x48\x8d\x15", buffer)  # lea rdx, [buffer]
        at(b"\x4c\x8d\x0d", count)  # lea r9, [count]
        code += b"\x48\xc7\x44\x24\x20\0\0\0\0"  # mov qword [rsp+32], 0
        call(f)

    code += b"\x48\x83\xe4\xf0\x48\x83\xec\x40"  # and rsp, -16; sub rsp, 64
    code += b"\xb9" + struct.pack("<i", -10)  # mov ecx, STD_INPUT_HANDLE
    call("GetStdHandle")
    code += b"\x48\x89\xc3" + b"\xb9" + struct.pack("<i", -11)  # mov rbx, rax; mov ecx, STD_OUTPUT_HANDLE
    call("GetStdHandle")
    code += b"\x48\x89\xc6"  # mov rsi, rax
    begin = len(code)
    code += b"\x41\xb8" + struct.pack("<i", BUFFER)  # mov r8d, BUFFER
    transfer(b"\x48\x89\xd9", "ReadFile")
    code += b"\x85\xc0\x74"  # test eax, eax; jz end
    failed = len(code)
    code += b"\0"
    at(b"\x44\x8b\x05", count)  # mov r8d, [count]
    code += b"\x45\x85\xc0\x74"  # test r8d, r8d; jz end
    empty = len(code)
    code += b"\0"
    transfer(b"\x48\x89\xf1", "WriteFile")
    code += b"\xeb" + struct.pack("<b", begin - len(code) - 2)  # jmp begin
    end = len(code)
    code += b"\x31\xc9"  # xor ecx, ecx
    call("ExitProcess")
    code = bytearray(code)
    code[failed], code[empty] = end - failed - 1, end - empty - 1

    data = (data + bytes(code)).ljust(0x400, b"\0")
    size = 0x2000 + BUFFER
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 0, 0, len(data), 0, 0, entry, SECTION, BASE, SECTION, 0x200, 6, 0, 0, 0, 6, 0, 0,
                           SECTION + size, 0x200, 0, 3, 0, 1 << 20, 1 << 12, 1 << 20, 1 << 12, 0, 16)
    optional += struct.pack("<8xII112x", directory, 40)
    header = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0"
    header += struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0x23) + optional
    header += struct.pack("<8sIIIIIIHHI", b".all", size, SECTION, len(data), 0x200, 0, 0, 0, 0, 0xE0000020)
    return header.ljust(0x200, b"\0") + data


with open(sys.argv[1], "wb") as f:
    f.write(program())
