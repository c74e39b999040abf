#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a disk image: GPT, BIOS and UEFI, as raw and as qcow2.

usage: disk.py OUT CONFIG STRATA ARCHIVE

CONFIG is a file of configs/images/. Partitions:

    1 bios     GRUB's core for BIOS machines
    2 esp      EFI system partition: GRUB for UEFI, the menu of both
    3 system-a kernel and boot archive (FAT, label STRATA_A)
    4 system-b room for a second system
    5 volumes  the rest

No root, no loop device: file systems are made as files and copied to their places.
"""
import argparse
import os
import struct
import tempfile
import uuid

import common
import fat
import ini

SECTOR, MIB = 512, 1 << 20
KEYS = ("size", "esp", "system", "cmdline", "timeout", "archives")
TYPE = {"bios": "21686148-6449-6E6F-744E-656564454649", "esp": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
        "data": "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", "linux": "0FC63DAF-8483-4772-8E79-3D69D8477DE4"}
NAMESPACE = uuid.UUID("5a6c7e16-53b1-4d0e-9f7a-535452415441")
EARLY = ("search --no-floppy --label --set=root STRATA_ESP\nset prefix=($root)/grub\nnormal ($root)/grub/grub.cfg\n")

# boot.img: where the MBR code finds the core's first sector; diskboot.img, the core's first sector, where the rest is.
MBR_KERNEL_SECTOR = 0x5C
MBR_BOOT_DRIVE_CHECK = 0x66
CORE_BLOCKLIST = SECTOR - 12
CODE_END = 440


def read_config(path):
    sections = ini.parse(path, {"image": KEYS})
    if not sections:
        raise common.BuildError(f"{path}:1: expected a section [image]")
    s = sections[0]
    sizes = {key: s.size(key, default) for key, default in (("size", "256M"), ("esp", "8M"), ("system", "64M"))}
    for key, size in sizes.items():
        if size % MIB or size < 4 * MIB:
            raise s.error(key, "a multiple of 1M, at least 4M")
    if not s.get("timeout", "3").isdigit():
        raise s.error("timeout", "seconds")
    left = sizes["size"] - 3 * MIB - sizes["esp"] - 2 * sizes["system"]
    if left < MIB:
        raise s.error("size", f"at least {(sizes['size'] - left + MIB) // MIB}M for esp, two systems and 1M of volumes")
    return s, sizes, left


def layout(sizes, left):
    """(name, type, start, size) in bytes; the first and the last MiB are the partition table's."""
    at, parts = MIB, []
    for name, kind, size in (("bios", "bios", MIB), ("esp", "esp", sizes["esp"]), ("system-a", "data", sizes["system"]),
                             ("system-b", "data", sizes["system"]), ("volumes", "linux", left)):
        parts.append((name, TYPE[kind], at, size))
        at += size
    return parts


def write_table(path, parts):
    script = f"label: gpt\nlabel-id: {uuid.uuid5(NAMESPACE, 'disk')}\nfirst-lba: 34\nunit: sectors\n\n"
    for name, kind, start, size in parts:
        script += (f"start={start // SECTOR}, size={size // SECTOR}, type={kind}, uuid={uuid.uuid5(NAMESPACE, name)}, "
                   f"name=\"{name}\"\n")
    common.run(["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", path], input=script.encode())


def install_bios(disk, core, start):
    """What grub-bios-setup does, for a file: the core into its partition, the MBR's code with the core's place."""
    boot = bytearray(common.read("/usr/lib/grub/i386-pc/boot.img"))
    core = bytearray(common.read(core))
    first = start // SECTOR
    if len(core) > MIB:
        raise common.BuildError("GRUB's core does not fit into its partition")
    struct.pack_into("<Q", boot, MBR_KERNEL_SECTOR, first)
    boot[MBR_BOOT_DRIVE_CHECK:MBR_BOOT_DRIVE_CHECK + 2] = b"\x90\x90"  # take the drive number from the BIOS
    struct.pack_into("<Q", core, CORE_BLOCKLIST, first + 1)
    disk.seek(0)
    disk.write(boot[:CODE_END])
    disk.seek(start)
    disk.write(core)


def copy_into(disk, path, start):
    with open(path, "rb") as f:
        disk.seek(start)
        while chunk := f.read(MIB):
            if chunk.count(0) == len(chunk):
                disk.seek(len(chunk), os.SEEK_CUR)  # stays a hole
            else:
                disk.write(chunk)


def check_room(config, key, sizes, paths):
    need = sum(os.path.getsize(p) for p in paths)
    if need > sizes[key] - MIB:
        raise config.error(key, f"at least {need // MIB + 2}M for what goes into it")


def make(out, config_path, strata, archive):
    config, sizes, left = read_config(config_path)
    parts = layout(sizes, left)
    start = {name: at for name, _, at, _ in parts}
    with tempfile.TemporaryDirectory(prefix="strata-disk-") as work:
        joined, menu = os.path.join(work, "strata.cpio"), os.path.join(work, "grub.cfg")
        more = config.words("archives")
        for path in more:
            if not os.path.isfile(path):
                raise config.error("archives", f"files; {path} is none")
        common.join_archives(joined, [archive, *more])
        check_room(config, "system", sizes, [strata, joined])
        common.write(menu, "search --no-floppy --label --set=system STRATA_A\n" +
                     common.grub_menu(config.get("cmdline"), "($system)", int(config.get("timeout", "3"))))
        bios = common.grub_image(os.path.join(work, "core.img"), "i386-pc", work, EARLY)
        efi = common.grub_image(os.path.join(work, "bootx64.efi"), "x86_64-efi", work, EARLY)
        esp, system = os.path.join(work, "esp.img"), os.path.join(work, "system.img")
        check_room(config, "esp", sizes, [efi, menu])
        fat.make(esp, sizes["esp"] // MIB, {"EFI/BOOT/BOOTX64.EFI": efi, "grub/grub.cfg": menu}, "STRATA_ESP")
        fat.make(system, sizes["system"] // MIB, {"strata": strata, "strata.cpio": joined}, "STRATA_A")
        raw = out + ".tmp"
        with open(raw, "wb") as f:
            f.truncate(sizes["size"])
        write_table(raw, parts)
        with open(raw, "r+b") as disk:
            install_bios(disk, bios, start["bios"])
            copy_into(disk, esp, start["esp"])
            copy_into(disk, system, start["system-a"])
    common.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", raw, out + ".qcow2.tmp"])
    os.replace(out + ".qcow2.tmp", os.path.splitext(out)[0] + ".qcow2")
    os.replace(raw, out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("out", "config", "strata", "archive"):
        parser.add_argument(name)
    args = parser.parse_args()
    try:
        make(args.out, args.config, args.strata, args.archive)
    finally:
        for path in (args.out + ".tmp", args.out + ".qcow2.tmp"):
            if os.path.exists(path):
                os.remove(path)


if __name__ == "__main__":
    common.main(main)
