# SPDX-License-Identifier: GPL-2.0-or-later
"""CD, disk image and network boot, on BIOS and UEFI, to the console's prompt; the same bytes each time."""
import filecmp
import os

import pytest

import harness
import media
from test_efi import PROMPT


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """One of each, and a folder per test for what a machine writes to."""
    folder = str(tmp_path_factory.mktemp("media"))
    initrd = harness.image("release", "strata.cpio")
    return {"iso": media.iso(folder, initrd), "disk": media.disk(folder, initrd, size="64M", system="16M"),
            "pxe": media.pxe(folder, initrd)}


def to_prompt(machine, folder, kind, extra):
    with machine(config="release", kernel=False, limit=300, extra=media.bios_or_uefi(kind, folder) + extra) as m:
        m.expect(r"command line '[^'\r\n]*console=ttyS0[^'\r\n]*'", 150)
        m.expect(PROMPT, 60)


@pytest.mark.parametrize("kind", ["bios", "uefi"])
def test_iso(machine, built, tmp_path, kind):
    to_prompt(machine, tmp_path, kind, media.drive(built["iso"]))


@pytest.mark.parametrize("kind", ["bios", "uefi"])
def test_disk(machine, built, tmp_path, kind):
    to_prompt(machine, tmp_path, kind, media.drive(built["disk"], "disk"))


def test_pxe(machine, built, tmp_path):
    to_prompt(machine, tmp_path, "bios", media.network(tmp_path, "boot.ipxe", tftp=built["pxe"]))


def test_iso_size(built):
    assert os.path.getsize(built["iso"]) <= 8 << 20


def test_reproducible(built, tmp_path):
    """Built again, in another folder at another time: the same bytes."""
    initrd = harness.image("release", "strata.cpio")
    assert filecmp.cmp(built["iso"], media.iso(tmp_path, initrd), shallow=False)
    again = media.disk(tmp_path, initrd, size="64M", system="16M")
    for end in (".raw", ".qcow2"):
        one, two = (path[:-4] + end for path in (built["disk"], again))
        assert filecmp.cmp(one, two, shallow=False)
    again = media.pxe(tmp_path, initrd)
    for top, _, names in os.walk(again):
        for name in names:
            path = os.path.join(top, name)
            assert filecmp.cmp(path, os.path.join(built["pxe"], os.path.relpath(path, again)), shallow=False), name
