#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packs the real-mode part, the kernel and the EFI stub into one image: a bzImage of the Linux/x86
boot protocol that is a PE/COFF EFI application as well.

usage: nm STRATA_ELF STUB_ELF | pack.py SETUP_BIN KERNEL_BIN STUB_BIN OUT

    0        PE headers, real-mode part         (setup_sects)
    4K ...   kernel, EFI stub: whole pages      (syssize), the parts that loaders load

File offsets and RVAs are the same, so a part lies at the same distance from the others whoever loads it. The PE
headers have room for three more sections (images/unify.py adds them).
"""
import struct
import sys

SECTOR, PAGE = 512, 4096
SETUP_SECTS, SYSSIZE, INIT_SIZE, HANDOVER = 0x1F1, 0x1F4, 0x260, 0x264
ENTRY64 = 0x200

PE_AT = 0x40
HEADERS_END = 0x1EF             # where the sentinel of boot_params stands
NR_DIRECTORIES = 6              # up to the base relocations: firmware and signers look at the first six
SECTION_SIZE = 40
CODE, DATA = 0x20, 0x40
EXECUTE, READ, WRITE = 0x20000000, 0x40000000, 0x80000000


def pad(data, unit):
    return data + bytes(-len(data) % unit)


def read_symbols(lines):
    symbols = {}
    for line in lines:
        parts = line.split()
        if len(parts) == 3:
            symbols.setdefault(parts[2], int(parts[0], 16))
    return symbols


def section(name, start, end, flags):
    size = end - start
    return struct.pack("<8sIIIIIIHHI", name.encode(), size, start, size, start, 0, 0, 0, 0, flags)


def pe_headers(sections, entry, headers_size, image_size):
    """MZ stub, COFF header, PE32+ optional header, section table. Manual: Microsoft, "PE Format"."""
    code = sum(end - start for _, start, end, flags in sections if flags & CODE)
    data = sum(end - start for _, start, end, flags in sections if flags & DATA)
    code_base = next(start for _, start, _, flags in sections if flags & CODE)
    optional = struct.pack(
        "<HBBIIIIIQIIHHHHHHIIIIHHQQQQII",
        0x20B, 0, 0, code, data, 0, entry, code_base,
        0, PAGE, SECTOR,        # image base, section and file alignment
        0, 0,                   # operating system
        1, 1,                   # image version: LoadFile2 initrds are understood, as from Linux' stub 1.0 on
        0, 0, 0,                # subsystem version, win32 version
        image_size, headers_size, 0,
        10, 0x100,              # EFI application; NX_COMPAT
        0, 0, 0, 0, 0, NR_DIRECTORIES) + bytes(8 * NR_DIRECTORIES)
    # Executable, line numbers and symbols stripped, large addresses. Relocations are not stripped:
    # there are none, and the image may be loaded anywhere.
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, len(sections), 0, 0, 0, len(optional), 0x002E)
    mz = struct.pack("<2s58xI", b"MZ", PE_AT)
    head = mz + coff + optional + b"".join(section(*s) for s in sections)
    if len(head) > HEADERS_END:
        sys.exit("pack.py: the PE headers reach into the boot protocol's header")
    return head


def checksummed(kernel, symbols):
    """With the word that makes the sum of all 8-byte words zero (head.S checks it)."""
    if len(kernel) != symbols["image_file_end"] - symbols["image_start"]:
        sys.exit("pack.py: kernel.bin is not what is summed up at start")
    kernel = bytearray(kernel)
    words = struct.unpack(f"<{len(kernel) // 8}Q", kernel)
    struct.pack_into("<Q", kernel, symbols["image_checksum"] - symbols["image_start"], -sum(words) % (1 << 64))
    return bytes(kernel)


def pack(setup, kernel, stub, symbols):
    setup, kernel, stub = pad(setup, PAGE), checksummed(pad(kernel, PAGE), symbols), pad(stub, PAGE)
    sectors = len(setup) // SECTOR - 1
    if not 1 <= sectors <= 63:
        sys.exit(f"pack.py: {sectors} setup sectors; the protocol allows 1 to 63")
    image = bytearray(setup + kernel + stub)
    if symbols["stub_text"] != len(setup) + len(kernel) or symbols["stub_end"] != len(image):
        sys.exit("pack.py: the stub was linked for another place")
    # A loader may run the stub where it put kernel and stub: init_size covers both.
    init_size = max(symbols["image_size"], len(kernel) + len(stub))
    sections = [
        (".kernel", len(setup), symbols["stub_text"], DATA | READ),
        (".text", symbols["stub_text"], symbols["stub_text_end"], CODE | EXECUTE | READ),
        (".data", symbols["stub_text_end"], symbols["stub_end"], DATA | READ | WRITE),
    ]
    head = pe_headers(sections, symbols["stub_pe_entry"], len(setup), len(image))
    image[:len(head)] = head
    image[SETUP_SECTS] = sectors
    struct.pack_into("<I", image, SYSSIZE, (len(kernel) + len(stub)) // 16)
    struct.pack_into("<I", image, INIT_SIZE, init_size)
    struct.pack_into("<I", image, HANDOVER, symbols["stub_handover_entry"] - len(setup) - ENTRY64)
    return bytes(image)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    symbols = read_symbols(sys.stdin)
    with open(sys.argv[4], "wb") as f:
        f.write(pack(read(sys.argv[1]), read(sys.argv[2]), read(sys.argv[3]), symbols))


if __name__ == "__main__":
    main()
