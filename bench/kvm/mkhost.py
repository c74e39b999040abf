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
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
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


def fail(text):
    sys.exit(f"mkhost: {text}")


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as e:
        return fail(f"{path}: {e.strerror}")


class Archive:
    """A newc cpio archive in memory: sorted, with no times and no owners."""

    def __init__(self):
        self.entries = {}

    def folder(self, path):
        while path and path not in self.entries:
            self.entries[path] = (0o40755, b"")
            path = os.path.dirname(path)

    def add(self, path, data, mode=0o100644):
        path = path.lstrip("/")
        self.folder(os.path.dirname(path))
        self.entries[path] = (mode, data)

    def add_file(self, path, source):
        executable = os.stat(source).st_mode & 0o111
        self.add(path, read(source), 0o100755 if executable else 0o100644)

    def link(self, path, target):
        self.add(path, target.encode(), 0o120777)

    def node(self, path, major, minor):
        self.folder(os.path.dirname(path))
        self.entries[path] = (0o20600, (major, minor))

    def write(self, f):
        names = sorted(self.entries)
        for number, name in enumerate(names + ["TRAILER!!!"]):
            mode, data = self.entries.get(name, (0, b""))
            rmajor, rminor = data if isinstance(data, tuple) else (0, 0)
            data = b"" if isinstance(data, tuple) else data
            encoded = name.encode() + b"\0"
            fields = [number + 1, mode, 0, 0, 1, 0, len(data), 0, 0, rmajor, rminor, len(encoded), 0]
            head = b"070701" + b"".join(b"%08X" % n for n in fields) + encoded
            f.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))


def libraries(program):
    """What the dynamic linker would load, and the linker itself."""
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(f"ldd {program}: {done.stderr.strip()}")
    return sorted(set(re.findall(r"(/\S+) \(0x", done.stdout)))


def module_index(folder):
    index = {}
    for where, _, files in os.walk(folder):
        for name in files:
            if name.endswith(".ko"):
                index[name[:-3].replace("-", "_")] = os.path.join(where, name)
    return index


def depends(path):
    """The `depends=` line of a module's .modinfo section."""
    match = re.search(rb"\0depends=([^\0]*)\0", read(path))
    return [d for d in match[1].decode().split(",") if d] if match else []


def load_order(index, names):
    order = []

    def visit(name):
        name = name.replace("-", "_")
        if name not in index:
            fail(f"no module {name}.ko below the --modules folder")
        for needed in depends(index[name]):
            visit(needed)
        if name not in order:
            order.append(name)

    for name in names:
        visit(name)
    return order


def build(args):
    archive = Archive()
    for folder in ["proc", "sys", "dev", "tmp", "run"]:
        archive.folder(folder)
    archive.node("dev/console", 5, 1)
    archive.add_file("/init", os.path.join(HERE, "init"))
    archive.add_file("/bin/busybox", BUSYBOX)
    archive.link("/bin/sh", "busybox")
    archive.add_file(QEMU, QEMU)
    for path in libraries(QEMU):
        archive.add_file(path, path)
    for path in FIRMWARE:
        archive.add_file(path, path)
    index = module_index(args.modules)
    for name in load_order(index, MODULES):
        archive.add_file(f"/modules/{name}.ko", index[name])
    for vendor in MODULES:
        archive.add(f"/modules/{vendor}.order", "".join(f"{n}\n" for n in load_order(index, [vendor])).encode())
    for pair in args.file:
        dest, _, source = pair.partition("=")
        if not source:
            fail(f"--file {pair}: expected DEST=SOURCE")
        archive.add_file(dest, source)
    return archive


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", required=True, metavar="DIR")
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--file", action="append", default=[], metavar="DEST=SOURCE")
    args = parser.parse_args()
    archive = build(args)
    temporary = args.output + ".tmp"
    with open(temporary, "wb") as f:
        archive.write(f)
    os.replace(temporary, args.output)


if __name__ == "__main__":
    main()
