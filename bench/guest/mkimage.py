#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the disk image of the bench guest: Debian's packages less what no workload needs, and /bench.

    mkimage.py --packages ROOT.tar --folder SCRATCH --output FILE [--file DEST=SOURCE ...]

The image is an ext4 file system just large enough; workloads write to tmpfs.
"""
import argparse
import os
import shutil
import subprocess
import sys

UNUSED = [
    "./usr/lib/x86_64-linux-gnu/perl", "./usr/share/perl", "./usr/share/perl5", "./usr/bin/*lto-dump*", "*/lto1",
    "*/lib?san*", "./usr/lib/python3*", "./usr/lib/x86_64-linux-gnu/gconv", "./usr/share/zoneinfo", "./usr/share/i18n",
    "./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./var/cache", "./var/lib/apt", "./var/lib/dpkg", "./dev",
    "./usr/share/info", "./usr/bin/gdb*",
]


def fail(text):
    sys.exit(f"mkimage: {text}")


def unpack(packages, root):
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    subprocess.run(["tar", "-xf", packages, "-C", root, "--no-same-owner"] + [f"--exclude={p}" for p in UNUSED], check=True)
    for folder in ["proc", "sys", "dev", "tmp"]:
        os.makedirs(os.path.join(root, folder), exist_ok=True)


def add_files(root, pairs):
    for pair in pairs:
        dest, _, source = pair.partition("=")
        if not source or not os.path.exists(source):
            fail(f"--file {pair}: expected DEST=SOURCE with a file that is there")
        path = os.path.join(root, dest.lstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(source, path)


def add_users(root):
    """What packages' scripts would have made, which are not run."""
    with open(os.path.join(root, "etc/passwd"), "w", encoding="utf-8") as f:
        f.write("root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/tmp:/usr/sbin/nologin\n"
                "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n")
    with open(os.path.join(root, "etc/group"), "w", encoding="utf-8") as f:
        f.write("root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n")


def add_commands(root):
    """busybox for the commands that no package brought (they are of Debian's base, which is not fetched)."""
    done = subprocess.run([os.path.join(root, "bin/busybox"), "--list-full"], capture_output=True, text=True, check=True)
    for applet in done.stdout.split():
        name = os.path.basename(applet)
        if any(os.path.lexists(os.path.join(root, folder, name)) for folder in ("bin", "sbin", "usr/bin", "usr/sbin")):
            continue
        os.makedirs(os.path.join(root, "bin"), exist_ok=True)
        os.symlink("busybox", os.path.join(root, "bin", name))


def size_of(root):
    total = 0
    for where, folders, files in os.walk(root):
        total += 4096 * len(folders)
        total += sum((os.lstat(os.path.join(where, n)).st_size + 4095) & ~4095 for n in files)
    return total


def make(root, output):
    megabytes = size_of(root) * 106 // 100 // (1 << 20) + 8
    temporary = output + ".tmp"
    if os.path.exists(temporary):
        os.remove(temporary)
    done = subprocess.run(["/sbin/mkfs.ext4", "-q", "-O", "^has_journal,^resize_inode", "-m", "0", "-N", "16384", "-U",
                           "5a7a7a00-0000-4000-8000-0000000be9c4", "-E", "hash_seed=5a7a7a00-0000-4000-8000-0000000be9c4",
                           "-d", root, temporary, f"{megabytes}M"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        fail(f"mkfs.ext4: {done.stdout.strip()}")
    os.replace(temporary, output)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", required=True, metavar="ROOT.tar")
    parser.add_argument("--folder", required=True, metavar="SCRATCH")
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--file", action="append", default=[], metavar="DEST=SOURCE")
    args = parser.parse_args()
    unpack(args.packages, args.folder)
    add_files(args.folder, args.file)
    add_users(args.folder)
    add_commands(args.folder)
    make(args.folder, args.output)
    shutil.rmtree(args.folder)


if __name__ == "__main__":
    main()
