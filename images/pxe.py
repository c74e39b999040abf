#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a directory for a TFTP or HTTP server that machines boot Strata from.

usage: pxe.py OUT STRATA ARCHIVE [--cmdline TEXT] [--key KEY --cert CERT]

    boot.ipxe            iPXE's script: menu with a timeout; mac-XX-XX-XX-XX-XX-XX.ipxe goes before it
    pxelinux.cfg/        PXELINUX' menu, with pxelinux.0, lpxelinux.0 (HTTP) and ldlinux.c32
    undionly.kpxe, ipxe.efi   iPXE itself, for firmware that has none
    strata, strata.cpio  kernel and boot archive
    strata.efi           both in one, signed when a key is given; then *.sig for iPXE's imgverify as well
    SHA256SUMS
"""
import argparse
import hashlib
import os
import shutil
import tempfile

import common

TIMEOUT = 3
PXELINUX = ("/usr/lib/PXELINUX/pxelinux.0", "/usr/lib/PXELINUX/lpxelinux.0", "/usr/lib/syslinux/modules/bios/ldlinux.c32")
IPXE = ("/usr/lib/ipxe/undionly.kpxe", "/usr/lib/ipxe/ipxe.efi")

IPXE_SCRIPT = """\
#!ipxe
# A machine of its own: mac-52-54-00-12-34-56.ipxe beside this file goes first, if there is one.
chain --autofree mac-${{netX/mac:hexhyp}}.ipxe ||
set cmdline {cmdline}
:menu
menu Strata
item strata Start Strata
item local  Boot from the local disk
item shell  iPXE shell
choose --default strata --timeout {timeout} target || goto shell
goto ${{target}}
:strata
kernel strata ${{cmdline}} initrd=strata.cpio || goto failed
initrd strata.cpio || goto failed
{verify}boot || goto failed
:failed
echo strata: could not be loaded; press a key for the menu
prompt --timeout 10000 || goto menu
goto menu
:local
exit
:shell
shell
"""

PXELINUX_CONFIG = """\
DEFAULT strata
PROMPT 1
TIMEOUT {tenths}
SAY Strata: Enter starts it; "local" boots from the local disk.
LABEL strata
  LINUX strata
  INITRD strata.cpio
  APPEND {cmdline}
LABEL local
  LOCALBOOT 0
"""


def sign_all(folder, key, cert):
    """strata.efi for firmware; detached signatures for iPXE (imgverify)."""
    efi = os.path.join(folder, "strata.efi")
    common.run(["sbsign", "--key", key, "--cert", cert, "--output", efi, efi])
    for name in ("strata", "strata.cpio"):
        path = os.path.join(folder, name)
        common.run(["openssl", "cms", "-sign", "-binary", "-noattr", "-in", path, "-signer", cert, "-inkey", key,
                    "-certfile", cert, "-outform", "DER", "-out", path + ".sig"])


def sums(folder):
    lines = []
    for top, dirs, names in os.walk(folder):
        dirs.sort()
        for name in sorted(names):
            path = os.path.join(top, name)
            with open(path, "rb") as f:
                lines.append(f"{hashlib.sha256(f.read()).hexdigest()}  {os.path.relpath(path, folder)}\n")
    common.write(os.path.join(folder, "SHA256SUMS"), "".join(sorted(lines, key=lambda line: line.split("  ")[1])))


def fill(folder, args):
    shutil.copyfile(args.strata, os.path.join(folder, "strata"))
    common.join_archives(os.path.join(folder, "strata.cpio"), [args.archive])
    verify = "imgverify strata strata.sig || goto failed\nimgverify strata.cpio strata.cpio.sig || goto failed\n"
    common.write(os.path.join(folder, "boot.ipxe"), IPXE_SCRIPT.format(
        cmdline=args.cmdline, timeout=TIMEOUT * 1000, verify=""))
    if args.key:
        common.write(os.path.join(folder, "boot-signed.ipxe"), IPXE_SCRIPT.format(
            cmdline=args.cmdline, timeout=TIMEOUT * 1000, verify=verify))
    common.write(os.path.join(folder, "pxelinux.cfg/default"), PXELINUX_CONFIG.format(
        cmdline=args.cmdline, tenths=TIMEOUT * 10))
    for path in PXELINUX + IPXE:
        if not os.path.exists(path):
            raise common.BuildError(f"{path} does not exist: run packaging/deps images")
        shutil.copyfile(path, os.path.join(folder, os.path.basename(path)))
    here = os.path.dirname(os.path.abspath(__file__))
    common.run([os.path.join(here, "unify.py"), args.strata, os.path.join(folder, "strata.efi"), "--cmdline", args.cmdline,
                "--initrd", args.archive])
    if args.key:
        sign_all(folder, args.key, args.cert)
    sums(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("out", "strata", "archive"):
        parser.add_argument(name)
    parser.add_argument("--cmdline", default="console=ttyS0,115200n8")
    parser.add_argument("--key")
    parser.add_argument("--cert")
    args = parser.parse_args()
    if bool(args.key) != bool(args.cert):
        raise common.BuildError("--key and --cert: expected both or none")
    parent = os.path.dirname(os.path.abspath(args.out))
    os.makedirs(parent, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pxe-", dir=parent) as work:
        folder = os.path.join(work, "pxe")
        os.mkdir(folder)
        fill(folder, args)
        shutil.rmtree(args.out, ignore_errors=True)
        os.rename(folder, args.out)


if __name__ == "__main__":
    common.main(main)
