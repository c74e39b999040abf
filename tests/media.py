# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds boot media for tests and says how QEMU starts from them."""
import contextlib
import functools
import http.server
import os
import threading

import firmware
import harness

IMAGES = os.path.join(harness.TREE, "images")
NICS = {"virtio": "virtio-net-pci", "e1000e": "e1000e"}


def archive(folder, *more):
    """Strata's archive with others behind it."""
    path = os.path.join(folder, "joined.cpio")
    with open(path, "wb") as out:
        for part in (harness.image("release", "strata.cpio"), *more):
            with open(part, "rb") as f:
                out.write(f.read())
    return path


def iso(folder, initrd, cmdline="console=ttyS0"):
    out = os.path.join(folder, "strata.iso")
    firmware.run([f"{IMAGES}/iso.py", out, harness.image("release"), initrd, "--cmdline", cmdline])
    return out


def disk(folder, initrd, cmdline="console=ttyS0", size="512M", system="128M"):
    config, out = os.path.join(folder, "image.conf"), os.path.join(folder, "strata.raw")
    with open(config, "w", encoding="utf-8") as f:
        f.write(f"[image]\nsize = {size}\nesp = 8M\nsystem = {system}\ncmdline = {cmdline}\ntimeout = 0\n")
    firmware.run([f"{IMAGES}/disk.py", out, config, harness.image("release"), initrd])
    return out


def pxe(folder, initrd, cmdline="console=ttyS0", **keys):
    out = os.path.join(folder, "pxe")
    argv = [f"{IMAGES}/pxe.py", out, harness.image("release"), initrd, "--cmdline", cmdline]
    for name, value in keys.items():
        argv += [f"--{name}", value]
    firmware.run(argv)
    return out


def drive(path, kind="cd"):
    """QEMU arguments: a CD, or a disk of any format (`usb` plugs it in as a stick)."""
    if kind == "cd":
        return ["-cdrom", path, "-boot", "d"]
    fmt = "qcow2" if path.endswith(".qcow2") else "raw"
    argv = ["-drive", f"file={path},format={fmt},if=none,id=d0,snapshot=on"]
    if kind == "usb":
        return argv + ["-device", "qemu-xhci", "-device", "usb-storage,drive=d0,bootindex=1"]
    return argv + ["-device", "virtio-blk-pci,drive=d0,bootindex=1"]


def network(folder, bootfile, nic="virtio", tftp=None):
    """QEMU arguments: boot from a network whose server is QEMU itself (DHCP, TFTP)."""
    served = f",tftp={tftp}" if tftp else ""
    return ["-netdev", f"user,id=n0,bootfile={bootfile}{served}", "-device", f"{NICS[nic]},netdev=n0,bootindex=1"]


def bios_or_uefi(kind, folder):
    return firmware.pflash(folder) if kind == "uefi" else []


@contextlib.contextmanager
def http_server(folder):
    """Serves a folder on a port of this machine's loopback; QEMU's network reaches it as 10.0.2.2."""
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://10.0.2.2:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
