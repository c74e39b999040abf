# SPDX-License-Identifier: GPL-2.0-or-later
"""Media that end too early: a line that says so, and no reset. What of an archive arrived whole is used. Part of make
check-boot."""
import os

import pytest

import firmware
import harness
import media

# GRUB's own words, firmware's, and ours for what GRUB hands on.
SAYS_SO = (r"error: [^\r\n]*(outside of|premature end|read error|failure reading)[^\r\n]*"
           r"|failed to load Boot\d+[^\r\n]*|strata: cannot start: [^\r\n]*"
           r"|boot archive: [^\r\n]*(damaged|expected|cannot)[^\r\n]*")


@pytest.mark.parametrize("kind", ["bios", "uefi"])
@pytest.mark.parametrize("medium", ["cd", "disk"])
def test_truncated(machine, tmp_path, kind, medium):
    """Cut within the boot archive, which comes last on both."""
    initrd = harness.image("release", "strata.cpio")
    path = media.iso(tmp_path, initrd) if medium == "cd" else media.disk(tmp_path, initrd, size="64M", system="16M")
    with open(initrd, "rb") as f:
        inside = f.read()[-2 << 20:][:4096]
    with open(path, "rb") as f:
        at = f.read().find(inside)
    assert at > 0
    os.truncate(path, at)
    with machine(config="release", kernel=False, limit=300,
                 extra=media.bios_or_uefi(kind, tmp_path) + media.drive(path, medium)) as m:
        m.expect(SAYS_SO, 150)
        m.drain(3)
        assert m.qmp("query-status")["running"]


@pytest.mark.parametrize("part", [0.5, 0.98])
def test_truncated_pe(machine, tmp_path, part):
    """Firmware refuses a unified image that was cut, and goes on to its shell."""
    image = firmware.unify(tmp_path / "strata.efi")
    os.truncate(image, int(os.path.getsize(image) * part))
    disk = firmware.esp(tmp_path, {"EFI/BOOT/BOOTX64.EFI": image})
    with machine(config="release", kernel=False, limit=300, extra=firmware.pflash(tmp_path) + disk) as m:
        m.expect(r"failed to load Boot\d+[^\r\n]*|strata: cannot start: [^\r\n]*", 150)
        m.expect(r"Shell>", 90)
