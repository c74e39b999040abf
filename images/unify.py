#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a unified EFI image: the kernel with its boot archive and command line as sections of one file, which can
be signed and is then checked by firmware as a whole.

usage: unify.py IMAGE OUT [--cmdline TEXT] [--initrd FILE]...

IMAGE is build/strata. Archives are put one behind the other. The result still is a Linux boot protocol image; loaders
that are no firmware ignore what was added.
"""
import argparse
import struct
import sys

PAGE = 4096
READ_DATA = 0x40000040          # initialized data, readable
HEADERS_END = 0x1EF             # hypervisor/boot/pack.py
SECTION_SIZE = 40


def pad(data, unit):
    return data + bytes(-len(data) % unit)


class Pe:
    """The few fields of a PE image (Microsoft, "PE Format") that adding a section touches."""

    def __init__(self, data, path):
        self.data = bytearray(data)
        if len(data) < 0x200 or data[:2] != b"MZ" or data[0x202:0x206] != b"HdrS":
            sys.exit(f"unify.py: {path}: expected an image as build/strata is (PE and Linux boot protocol)")
        self.at, = struct.unpack_from("<I", data, 0x3C)
        signature, self.nr = struct.unpack_from("<4s2xH", data, self.at)
        optional_size, = struct.unpack_from("<H", data, self.at + 20)
        self.optional = self.at + 24
        self.table = self.optional + optional_size
        if signature != b"PE\0\0" or self.table + (self.nr + 1) * SECTION_SIZE > HEADERS_END:
            sys.exit(f"unify.py: {path}: the PE headers have no room for a section")
        if struct.unpack_from("<I", data, self.optional + 112 + 4 * 8 + 4)[0]:
            sys.exit(f"unify.py: {path}: is signed already; expected an unsigned image, sign what comes out")

    def add(self, name, content):
        """A section behind everything else, where file offset and address are the same."""
        at = self.table + self.nr * SECTION_SIZE
        if at + SECTION_SIZE > HEADERS_END:
            sys.exit("unify.py: the PE headers have no room for another section")
        self.data = bytearray(pad(bytes(self.data), PAGE))
        start, raw = len(self.data), pad(content, PAGE)
        struct.pack_into("<8sIIIIIIHHI", self.data, at, name.encode(), len(content), start, len(raw), start,
                         0, 0, 0, 0, READ_DATA)
        self.data += raw
        self.nr += 1
        struct.pack_into("<H", self.data, self.at + 6, self.nr)
        sizes, = struct.unpack_from("<I", self.data, self.optional + 8)
        struct.pack_into("<I", self.data, self.optional + 8, sizes + len(raw))
        struct.pack_into("<I", self.data, self.optional + 56, len(self.data))


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as e:
        sys.exit(f"unify.py: {path}: {e.strerror}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image")
    parser.add_argument("out")
    parser.add_argument("--cmdline", default="")
    parser.add_argument("--initrd", action="append", default=[])
    args = parser.parse_args()
    pe = Pe(read(args.image), args.image)
    if args.cmdline:
        if not args.cmdline.isascii() or len(args.cmdline) > 2047:
            sys.exit("unify.py: --cmdline: expected at most 2047 ASCII characters")
        pe.add(".cmdline", args.cmdline.encode())
    archives = b"".join(pad(read(path), 4) for path in args.initrd)
    if archives:
        pe.add(".initrd", archives)
    with open(args.out, "wb") as f:
        f.write(pe.data)


if __name__ == "__main__":
    main()
