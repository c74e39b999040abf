#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the initramfs of the KVM side's host: Debian's QEMU and KVM modules, busybox, and the work.

    mkhost.py --modules DIR --output FILE [--file DEST=SOURCE ...]

DIR is /lib/modules/VERSION of an unpacked Debian kernel package; the module dependencies are read
from the modules themselves. QEMU is the one that Debian's package has put on this machine, with the
shared libraries that it names. The work is started by /job (see init), which --file puts there.
The archive is the same for the same inputs.
"""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import cpio  # noqa: E402

QEMU = "/usr/bin/qemu-system-x86_64"
BUSYBOX = "/bin/busybox"
MODULES = ["kvm-amd", "kvm-intel"]
# Firmware that QEMU looks for at -kernel, -device and without a display.
FIRMWARE = [
    "/usr/share/seabios/bios-256k.bin",
    "/usr/share/seabios/bios-microvm.bin",
    "/usr/share/qemu/kvmvapic.bin",
    "/usr/share/qemu/linuxboot_dma.bin",
    "/usr/share/qemu/multiboot_dma.bin",
    "/usr/share/qemu/multiboot.bin",
    "/usr/share/qemu/pvh.bin",
]


def make(modules, files):
    """The archive; `files`: what goes in beside, by destination."""
    archive = cpio.Archive()
    for folder in ["proc", "sys", "dev", "tmp", "run"]:
        archive.folder(folder)
    archive.node("dev/console", 5, 1)
    archive.add_file("/init", os.path.join(HERE, "init"))
    archive.add_file("/bin/busybox", BUSYBOX)
    archive.link("/bin/sh", "busybox")
    archive.add_file(QEMU, QEMU)
    for path in cpio.libraries(QEMU):
        archive.add_file(path, path)
    for path in FIRMWARE:
        archive.add_file(path, path)
    for vendor in MODULES:
        cpio.add_modules(archive, modules, [vendor], f"/modules/{vendor}.order")
    for dest, source in files.items():
        archive.add_file(dest, source)
    return archive


def build(args):
    files = {}
    for pair in args.file:
        dest, _, source = pair.partition("=")
        if not source:
            raise cpio.Missing(f"--file {pair}: expected DEST=SOURCE")
        files[dest] = source
    return make(args.modules, files)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", required=True, metavar="DIR")
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--file", action="append", default=[], metavar="DEST=SOURCE")
    args = parser.parse_args()
    try:
        build(args).save(args.output)
    except cpio.Missing as e:
        sys.exit(f"mkhost: {e}")


if __name__ == "__main__":
    main()
