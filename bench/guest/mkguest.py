#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the initramfs of the bench guest, the same for all sides.

    mkguest.py --modules DIR --boot PROGRAM --output FILE

DIR is /lib/modules/VERSION of an unpacked Debian kernel package; PROGRAM is guest/boot.c, linked
statically, for `rdinit=/boot`.
"""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import cpio  # noqa: E402

MODULES = ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4"]


def build(args):
    archive = cpio.Archive()
    for folder in ["proc", "sys", "dev", "tmp", "run"]:
        archive.folder(folder)
    archive.node("dev/console", 5, 1)
    archive.add_file("/init", os.path.join(HERE, "init"))
    archive.add_file("/boot", args.boot)
    archive.add_file("/bin/busybox", "/bin/busybox")
    cpio.add_modules(archive, args.modules, MODULES, "/modules/guest.order")
    for name in ("brd", "loop"):
        archive.add_file(f"/modules/{name}.ko", cpio.module_index(args.modules)[name])
    return archive


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", required=True, metavar="DIR")
    parser.add_argument("--boot", required=True, metavar="PROGRAM")
    parser.add_argument("--output", required=True, metavar="FILE")
    args = parser.parse_args()
    try:
        build(args).save(args.output)
    except cpio.Missing as e:
        sys.exit(f"mkguest: {e}")


if __name__ == "__main__":
    main()
