# SPDX-License-Identifier: GPL-2.0-or-later
"""CD, disk image and network boot, on BIOS and UEFI, to the console's prompt; the same bytes each time."""
import filecmp
import os
import shutil

import pytest

import firmware
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
    firmware.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=built["pxe"])
    to_prompt(machine, tmp_path, "bios", media.network(tmp_path, "boot.ipxe", tftp=built["pxe"]))


def test_iso_size(built):
    assert os.path.getsize(built["iso"]) <= 8 << 20


def deb(folder, environment):
    """The Debian package of this build, made in that folder out of copies with times of their own."""
    parts = [folder / name for name in ("strata", "strata.cpio")]
    os.makedirs(folder / "out")
    for part in parts:
        shutil.copyfile(harness.image("release", part.name), part)
        os.utime(part, (len(environment) * 1000, len(environment) * 2000))
    firmware.run([os.path.join(harness.TREE, "packaging", "mkdeb.py"), str(folder / "out"), *map(str, parts), "abc1234"],
                 env=dict(os.environ, SOURCE_DATE_EPOCH="1700000000", **environment))
    name, = os.listdir(folder / "out")
    return folder / "out" / name


def test_reproducible(built, tmp_path):
    """Built again, in another folder at another time: the same bytes."""
    initrd = harness.image("release", "strata.cpio")
    assert filecmp.cmp(built["iso"], media.iso(tmp_path, initrd), shallow=False)
    again = media.disk(tmp_path, initrd, size="64M", system="16M")
    for end in (".raw", ".qcow2"):
        one, two = (path[:-4] + end for path in (built["disk"], again))
        assert filecmp.cmp(one, two, shallow=False)
    one, two = (firmware.unify(tmp_path / name, initrds=[initrd]) for name in ("one.efi", "two.efi"))
    assert filecmp.cmp(one, two, shallow=False)
    one, two = deb(tmp_path / "one", {}), deb(tmp_path / "two", {"TZ": "Asia/Tokyo", "LC_ALL": "C"})
    assert filecmp.cmp(one, two, shallow=False)
    again = media.pxe(tmp_path, initrd)
    for top, _, names in os.walk(again):
        for name in names:
            path = os.path.join(top, name)
            assert filecmp.cmp(path, os.path.join(built["pxe"], os.path.relpath(path, again)), shallow=False), name
