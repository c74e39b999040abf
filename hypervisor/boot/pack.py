#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packs setup.bin and kernel.bin into an image of the Linux/x86 boot protocol (bzImage).

usage: pack.py SETUP_BIN KERNEL_BIN INIT_SIZE OUT

Patches the header fields that depend on sizes: setup_sects, syssize, init_size. INIT_SIZE is what
the kernel needs in memory from its load address, with .bss and early tables.
"""
import struct
import sys

SECTOR = 512
SETUP_SECTS, SYSSIZE, INIT_SIZE = 0x1F1, 0x1F4, 0x260


def pad(data, unit):
    return data + bytes(-len(data) % unit)


def pack(setup, kernel, init_size):
    image = bytearray(pad(setup, SECTOR))
    sectors = len(image) // SECTOR - 1
    if not 1 <= sectors <= 63:
        sys.exit(f"pack.py: {sectors} setup sectors; the protocol allows 1 to 63")
    kernel = pad(kernel, 16)
    if len(kernel) > init_size:
        sys.exit("pack.py: the kernel is larger than init_size")
    image[SETUP_SECTS] = sectors
    struct.pack_into("<I", image, SYSSIZE, len(kernel) // 16)
    struct.pack_into("<I", image, INIT_SIZE, init_size)
    return bytes(image) + kernel


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as f:
        setup = f.read()
    with open(sys.argv[2], "rb") as f:
        kernel = f.read()
    with open(sys.argv[4], "wb") as f:
        f.write(pack(setup, kernel, int(sys.argv[3], 0)))


if __name__ == "__main__":
    main()
