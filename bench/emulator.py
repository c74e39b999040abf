# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark's emulator: Debian 13's QEMU, with one store taken out.

QEMU's VMRUN delivers an injected interrupt itself, and leaves its vector where the next look for exceptions finds it and delivers it once more, with
interrupts off as well (docs/limits.md). KVM's guests panic or spin of it. The store of the vector does nothing else: what delivers it has
it as an argument. It is found by what stands around it in helper_vmrun and by the call that follows; a QEMU where it is not there is taken as it is.
"""
import os
import re
import struct

import trixie

FUNCTION, DELIVERS = b"helper_vmrun", b"do_interrupt_x86_hardirq"
# mov VECTOR, exception_index(%rbx); exception_is_int = 0; exception_next_eip = -1; is logging on?; do_interrupt_x86_hardirq(env, VECTOR, 1)
STORE = re.compile(rb"(\x89[\x83\x8b\x93\xb3\xbb]..\xff\xff)\xc7\x83....\x00\x00\x00\x00\x48\xc7\x83....\xff\xff\xff\xff\xf6\x05....\x02\x0f\x85...."
                   rb"\xba\x01\x00\x00\x00\x48\x89\xdf\xe8(....)", re.DOTALL)
NOP = b"\x66\x0f\x1f\x44\x00\x00"
SHT_DYNSYM, PT_LOAD = 11, 1


def functions(image):
    """(address, size) by name of what an ELF64 file exports."""
    table, size, number = struct.unpack_from("<Q", image, 40)[0], *struct.unpack_from("<HH", image, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, table + n * size) for n in range(number)]
    found = {}
    for section in sections:
        if section[1] == SHT_DYNSYM:
            names = sections[section[6]][4]
            for place in range(section[4], section[4] + section[5], 24):
                name, _, _, _, address, length = struct.unpack_from("<IBBHQQ", image, place)
                found[image[names + name:image.index(b"\0", names + name)]] = address, length
    return found


def file_offset(image, address):
    """Where in an ELF64 file the byte of an address is; None: nowhere."""
    table, size, number = struct.unpack_from("<Q", image, 32)[0], *struct.unpack_from("<HH", image, 54)
    for n in range(number):
        kind, _, offset, base, _, length = struct.unpack_from("<IIQQQQ", image, table + n * size)
        if kind == PT_LOAD and base <= address < base + length:
            return address - base + offset
    return None


def mended(image):
    """The file with the store taken out; None: it is not there, or not once."""
    found = functions(image)
    if FUNCTION not in found or DELIVERS not in found:
        return None
    address, length = found[FUNCTION]
    start = file_offset(image, address)
    if start is None:
        return None
    places = [m for m in STORE.finditer(image[start:start + length])
              if address + m.end() + struct.unpack("<i", m[2])[0] == found[DELIVERS][0]]
    if len(places) != 1:
        return None
    place = start + places[0].start()
    return image[:place] + NOP + image[place + len(NOP):]


def mend(path):
    """The path of the mended program beside its original, made once; the original's where nothing can be mended."""
    new = path + ".mended"
    if not os.path.exists(new) or os.path.getmtime(new) < os.path.getmtime(path):
        with open(path, "rb") as f:
            image = mended(f.read())
        if image is None:
            return path
        temporary = f"{new}.{os.getpid()}"
        with open(temporary, "wb") as f:
            f.write(image)
        os.chmod(temporary, 0o755)
        os.replace(temporary, new)
    return new


def command():
    """(the command, what the report says of it beside its version)."""
    line = trixie.qemu()
    place = next(n for n, word in enumerate(line) if word.endswith("/usr/bin/qemu-system-x86_64"))
    original = line[place]
    line[place] = mend(original)
    return tuple(line), ", an injected interrupt's second delivery taken out (bench/emulator.py)" if line[place] != original else ""
