#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a FAT file system image with mtools, the same bytes from the same files.

usage: fat.py OUT SIZE_MIB [--label LABEL] DEST=SOURCE...

SIZE_MIB 0: as small as the files allow. Folders are made as needed; every time stamp is SOURCE_DATE_EPOCH (or the first day of 1980).
"""
import os
import subprocess
import sys

EPOCH_1980 = 315532800
SECTOR = 512


def environment():
    """mtools writes times as local ones and asks nothing with this environment."""
    epoch = max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), EPOCH_1980)
    return dict(os.environ, SOURCE_DATE_EPOCH=str(epoch), TZ="UTC", MTOOLS_SKIP_CHECK="1", MTOOLSRC="/dev/null")


def run(argv):
    p = subprocess.run(argv, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       check=False)
    if p.returncode != 0:
        raise SystemExit(f"fat.py: {' '.join(argv)}: {p.stdout.decode('utf-8', 'replace').strip()}")


def folders_of(files):
    """Every folder above a file, parents first."""
    seen = []
    for dest in files:
        parts = dest.strip("/").split("/")[:-1]
        for i in range(len(parts)):
            folder = "/".join(parts[:i + 1])
            if folder not in seen:
                seen.append(folder)
    return seen


def make(out, size_mib, files, label="STRATA"):
    """files: {"EFI/BOOT/BOOTX64.EFI": path on this machine}."""
    if size_mib == 0:
        total = sum(os.path.getsize(source) + 4096 for source in files.values())
        size_mib = max(1, -(-(total * 103 // 100 + 128 * 1024) // (1 << 20)))
    with open(out, "wb") as f:
        f.truncate(size_mib << 20)
    # FAT32 needs 65525 clusters: below 36 MiB the firmware gets FAT16 or FAT12, which UEFI reads as well.
    kind = ["-F"] if size_mib >= 64 else []
    run(["mformat", "-i", out, "-T", str((size_mib << 20) // SECTOR), "-h", "64", "-s", "32", "-N", "53545241", "-v", label,
         *kind, "::"])
    for folder in folders_of(files):
        run(["mmd", "-i", out, f"::/{folder}"])
    for dest, source in files.items():
        run(["mcopy", "-o", "-i", out, source, "::/" + dest.strip("/")])


def main():
    args = sys.argv[1:]
    label = "STRATA"
    if "--label" in args:
        at = args.index("--label")
        label = args[at + 1]
        del args[at:at + 2]
    if len(args) < 2 or not args[1].isdigit() or any("=" not in a for a in args[2:]):
        sys.exit(__doc__)
    make(args[0], int(args[1]), dict(a.split("=", 1) for a in args[2:]), label)


if __name__ == "__main__":
    main()
