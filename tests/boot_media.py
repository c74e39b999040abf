# SPDX-License-Identifier: GPL-2.0-or-later
"""CD, stick, disk and network, BIOS and UEFI, until the demo guest's user level. Part of make check-boot."""
import gzip
import os
import shutil

import pytest

import harness
import media
import smoke
from test_efi import PROMPT

DEMO = os.path.join(harness.BUILD, "demo.cpio")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("media"))
    initrd = media.archive(folder, DEMO)
    disk = media.disk(folder, initrd)
    return {"cd": media.iso(folder, initrd), "disk": disk, "qcow2": disk[:-3] + "qcow2", "pxe": media.pxe(folder, initrd)}


def to_guest(machine, folder, kind, extra, limit=600):
    """Prompt, then the guest's first user-level line on its console."""
    with machine(config="release", kernel=False, limit=limit, extra=media.bios_or_uefi(kind, folder) + extra) as m:
        m.expect(r"command line '[^'\r\n]*console=ttyS0[^'\r\n]*'", 300)
        m.expect(PROMPT, 60)
        m.sendline("vm console demo")
        m.expect([smoke.BANNER, r"init: vm demo: failed[^\r\n]*"], 120)
        assert m.index == 0, m.child.match[0]


@pytest.mark.parametrize("kind", ["bios", "uefi"])
@pytest.mark.parametrize("medium", ["cd", "usb", "disk", "qcow2"])
def test_medium(machine, built, tmp_path, kind, medium):
    image, how = (built["cd"], "usb") if medium == "usb" else (built[medium], medium if medium == "cd" else "disk")
    to_guest(machine, tmp_path, kind, media.drive(image, how))


@pytest.mark.parametrize("nic", ["virtio", "e1000e"])
@pytest.mark.parametrize("kind", ["bios", "uefi"])
@pytest.mark.parametrize("protocol", ["tftp", "http"])
def test_ipxe(machine, built, tmp_path, protocol, kind, nic):
    if protocol == "tftp":
        to_guest(machine, tmp_path, kind, media.network(tmp_path, "boot.ipxe", nic, tftp=built["pxe"]))
        return
    with media.http_server(built["pxe"]) as url:
        to_guest(machine, tmp_path, kind, media.network(tmp_path, f"{url}/boot.ipxe", nic))


@pytest.mark.parametrize("packed", [False, True])
def test_pxelinux(machine, built, tmp_path, packed):
    """QEMU's network ROM is iPXE; it starts PXELINUX as any PXE firmware does."""
    folder = shutil.copytree(built["pxe"], tmp_path / "pxe")
    archive = folder / "strata.cpio"
    if packed:
        archive.write_bytes(gzip.compress(archive.read_bytes()))
    to_guest(machine, tmp_path, "bios", media.network(tmp_path, "pxelinux.0", tftp=folder))


def test_mac_override(machine, tmp_path):
    """A script named after the machine's address goes before the menu."""
    folder = media.pxe(tmp_path, harness.image("release", "strata.cpio"))
    with open(os.path.join(folder, "mac-52-54-00-12-34-56.ipxe"), "w", encoding="ascii") as f:
        f.write("#!ipxe\nkernel strata console=ttyS0 only-this-machine initrd=strata.cpio\ninitrd strata.cpio\nboot\n")
    extra = media.network(tmp_path, "boot.ipxe", tftp=folder)
    extra[-1] += ",mac=52:54:00:12:34:56"
    with machine(config="release", kernel=False, limit=300, extra=extra) as m:
        m.expect(r"command line 'console=ttyS0 only-this-machine[^'\r\n]*'", 150)
        m.expect(PROMPT, 60)


def test_uefi_pxe_unified(machine, built, tmp_path):
    """UEFI's own network boot loads the unified image, no other loader between."""
    extra = media.network(tmp_path, "strata.efi", tftp=built["pxe"])
    extra[-1] += ",romfile="
    to_guest(machine, tmp_path, "uefi", extra)
