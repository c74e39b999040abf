#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Take a Linux kernel out of a Debian package: vmlinuz, the ELF file inside of it, and modules.

Usage: unpack_kernel.py PACKAGE.deb OUTPUT MODULE...
Writes OUTPUT/vmlinuz, OUTPUT/vmlinux, OUTPUT/release and OUTPUT/modules/MODULE.ko.

A bzImage says where its payload is (Documentation/x86/boot.rst, fields setup_sects, payload_offset,
payload_length): a compressed ELF file, followed, except for gzip, by its size in four bytes.
"""
import bz2
import io
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import zlib

ELF = b"\x7fELF"


def fail(text):
    sys.exit(f"unpack_kernel.py: {text}")


def by_tool(*argv):
    def run(data):
        return subprocess.run(argv, input=data, stdout=subprocess.PIPE, check=True).stdout
    return run


def xz(data):
    return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data)


def lzma_alone(data):
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(data)


def gzip(data):
    return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data)


def bzip2(data):
    return bz2.BZ2Decompressor().decompress(data)


FORMATS = [
    (b"\xfd7zXZ\0", xz),
    (b"\x28\xb5\x2f\xfd", lambda data: by_tool("zstd", "-dcq")(data[:-4])),
    (b"\x1f\x8b", gzip),
    (b"BZh", bzip2),
    (b"\x02\x21\x4c\x18", lambda data: by_tool("lz4", "-dcq")(data[:-4])),
    (b"\x5d\0\0", lzma_alone),
    (ELF, lambda data: data),
]


def vmlinux_of(image):
    if image[0x202:0x206] != b"HdrS":
        fail("no bzImage: HdrS is not at 0x202")
    version, = struct.unpack_from("<H", image, 0x206)
    if version < 0x208:
        fail(f"boot protocol {version:#x} does not say where the payload is")
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = ((image[0x1f1] or 4) + 1) * 512 + offset
    payload = image[start:start + length]
    for magic, unpack in FORMATS:
        if payload.startswith(magic):
            elf = unpack(payload)
            break
    else:
        fail(f"payload begins with {payload[:8].hex()}: an unknown compression")
    if not elf.startswith(ELF):
        fail("the payload is no ELF file")
    return elf


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".tmp", "wb") as f:
        f.write(data)
    os.replace(path + ".tmp", path)


def main():
    package, output, modules = sys.argv[1], sys.argv[2], sys.argv[3:]
    wanted = {f"{m}.ko": m for m in modules}
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE, check=True).stdout
    release = None
    with tarfile.open(fileobj=io.BytesIO(tar)) as files:
        for member in files:
            base = os.path.basename(member.name)
            if member.isfile() and base in wanted:
                write(f"{output}/modules/{base}", files.extractfile(member).read())
                del wanted[base]
            elif member.isfile() and base.startswith("vmlinuz-"):
                release = base[len("vmlinuz-"):]
                image = files.extractfile(member).read()
    if release is None:
        fail(f"{package}: no vmlinuz in it")
    if wanted:
        fail(f"{package}: no {', '.join(wanted)} in it")
    write(f"{output}/vmlinuz", image)
    write(f"{output}/vmlinux", vmlinux_of(image))
    write(f"{output}/release", release.encode() + b"\n")


main()
