#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a hybrid ISO: BIOS and UEFI, from a CD or written to a USB stick as it is.

usage: iso.py OUT STRATA ARCHIVE... [--cmdline TEXT]

Both firmwares get a small GRUB with its modules inside, which reads kernel and archive from the CD's own file system.
"""
import argparse
import os
import shutil
import tempfile

import common
import fat

LABEL = "STRATA"
EARLY = f"search --no-floppy --label --set=root {LABEL}\nset prefix=($root)/boot/grub\nnormal ($root)/boot/grub/grub.cfg\n"


def stage(folder, strata, archives, cmdline):
    """The CD's files."""
    os.makedirs(f"{folder}/boot/grub")
    shutil.copyfile(strata, f"{folder}/strata")
    common.join_archives(f"{folder}/strata.cpio", archives)
    common.write(f"{folder}/boot/grub/grub.cfg", common.grub_menu(cmdline, ""))


def make(out, strata, archives, cmdline):
    with tempfile.TemporaryDirectory(prefix="strata-iso-") as work:
        root = os.path.join(work, "root")
        stage(root, strata, archives, cmdline)
        common.grub_image(f"{root}/boot/grub/bios.img", "i386-pc-eltorito", work, EARLY)
        efi = common.grub_image(os.path.join(work, "bootx64.efi"), "x86_64-efi", work, EARLY)
        esp = os.path.join(work, "efi.img")
        fat.make(esp, 0, {"EFI/BOOT/BOOTX64.EFI": efi}, "STRATA_EFI")
        common.run(["find", root, "-exec", "touch", "-h", "-d", f"@{common.epoch()}", "{}", "+"])
        common.run(["xorriso", "-as", "mkisofs", "-o", out + ".tmp", "-V", LABEL, "-r", "-J", "--set_all_file_dates",
                    f"={common.epoch()}", "-b", "boot/grub/bios.img", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table",
                    "--grub2-boot-info", "--grub2-mbr", "/usr/lib/grub/i386-pc/boot_hybrid.img", "-partition_offset", "16",
                    "-append_partition", "2", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", esp, "-appended_part_as_gpt",
                    "-eltorito-alt-boot", "-e", "--interval:appended_partition_2:all::", "-no-emul-boot", root])
    os.replace(out + ".tmp", out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("strata")
    parser.add_argument("archives", nargs="+")
    parser.add_argument("--cmdline", default="console=ttyS0,115200n8")
    args = parser.parse_args()
    make(args.out, args.strata, args.archives, args.cmdline)


if __name__ == "__main__":
    common.main(main)
