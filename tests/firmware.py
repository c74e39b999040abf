# SPDX-License-Identifier: GPL-2.0-or-later
"""UEFI firmware for test machines (Debian's OVMF), disks with an EFI system partition, signing."""
import os
import shutil
import subprocess
import sys

import harness

sys.path.insert(0, os.path.join(harness.TREE, "images"))
import fat  # noqa: E402

OVMF = "/usr/share/OVMF"
SHELL_BANNER = r"UEFI Interactive Shell"


def pflash(folder, code="OVMF_CODE_4M.fd", variables="OVMF_VARS_4M.fd"):
    """QEMU arguments for the firmware, with variables of its own."""
    own = os.path.join(folder, "vars.fd")
    shutil.copy(os.path.join(OVMF, variables), own)
    return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={OVMF}/{code}",
            "-drive", f"if=pflash,unit=1,format=raw,file={own}"]


def esp(folder, files, name="esp.img"):
    """A disk that is one FAT file system (firmware needs no partition table to read it); QEMU arguments.

    files: {"EFI/BOOT/BOOTX64.EFI": path or bytes}
    """
    paths = {}
    for i, (dest, source) in enumerate(files.items()):
        if isinstance(source, bytes):
            path = os.path.join(folder, f"file{i}")
            with open(path, "wb") as f:
                f.write(source)
            source = path
        paths[dest] = source
    image = os.path.join(folder, name)
    fat.make(image, 0, paths)
    return ["-drive", f"file={image},format=raw,if=none,id=esp", "-device", "virtio-blk-pci,drive=esp,bootindex=1"]


def run(argv, timeout=300, **kwargs):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False, **kwargs)
    if done.returncode != 0:
        raise harness.MachineError(f"{' '.join(map(str, argv))}:\n{done.stdout.decode('utf-8', 'replace')}")
    return done.stdout


def unify(out, config="release", cmdline="console=ttyS0", initrds=None):
    initrds = initrds if initrds is not None else [harness.image(config, "strata.cpio")]
    argv = [os.path.join(harness.TREE, "images", "unify.py"), harness.image(config), out, "--cmdline", cmdline]
    for path in initrds:
        argv += ["--initrd", path]
    run(argv)
    return out


def make_key(folder, name):
    """A key and a self-signed certificate, made for this run."""
    key, cert = (os.path.join(folder, f"{name}.{end}") for end in ("key", "pem"))
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "3650",
         "-subj", f"/CN=Strata test {name}/", "-keyout", key, "-out", cert])
    return key, cert


def sign(image, key, cert, out):
    run(["sbsign", "--key", key, "--cert", cert, "--output", out, image])
    return out
