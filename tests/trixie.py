# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of Debian 13 on Debian 12: each in a root of its own in ~/.cache/strata, made once by mmdebstrap without root rights.

    argv = trixie.program("cbmc-root", "cbmc", "cbmc")

The root is unpacked only: no script of a package has run, and nothing is mounted. A program is started by the root's own dynamic linker.
"""
import os
import shutil
import subprocess
import sys

SUITE = "trixie"
MIRROR = "http://deb.debian.org/debian"


def cache():
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "strata")


def root(name, package, program):
    """The folder with a package and what it depends on; it is there whole or not at all."""
    path = os.path.join(cache(), name)
    if os.path.exists(f"{path}/usr/bin/{program}"):
        return path
    print(f"fetching Debian 13's {package} into {path}", file=sys.stderr, flush=True)
    new = f"{path}.{os.getpid()}"
    os.makedirs(cache(), exist_ok=True)
    try:
        subprocess.run(["mmdebstrap", "--quiet", "--variant=extract", f"--include={package}", "--architectures=amd64",
                        '--aptopt=Apt::Install-Recommends "false"', "--skip=output/dev", SUITE, new, MIRROR], check=True)
        shutil.rmtree(path, ignore_errors=True)
        os.rename(new, path)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return path


def program(name, package, binary):
    """The command that starts a program of that root."""
    path = root(name, package, binary)
    return [f"{path}/usr/lib64/ld-linux-x86-64.so.2", "--library-path", f"{path}/usr/lib/x86_64-linux-gnu:{path}/usr/lib",
            f"{path}/usr/bin/{binary}"]


def qemu():
    """QEMU 10, with modules and firmware of its root. Modules that are not there it finds at Debian 12's, says so, and refuses them."""
    line = program("qemu-root", "qemu-system-x86", "qemu-system-x86_64")
    path = os.path.join(cache(), "qemu-root")
    return ["env", f"QEMU_MODULE_DIR={path}/usr/lib/x86_64-linux-gnu/qemu", *line,
            "-L", f"{path}/usr/share/qemu", "-L", f"{path}/usr/share/seabios"]
