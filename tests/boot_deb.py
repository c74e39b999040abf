# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package: lintian, installed and purged in a Debian root, and a boot by the menu entry that it makes.

Part of make check-boot. The root is made by mmdebstrap; grub-probe finds no device in it, so the entry has no search
lines there and starts from the folder that the loader is on.
"""
import glob
import os
import subprocess

import pytest

import firmware
import harness
from test_efi import PROMPT

HOOK = """\
set -e
cp "$DEB" "$1/strata.deb"
find "$1" -xdev ! -path '*/var/*' | sort >before
chroot "$1" dpkg -i /strata.deb
test -s "$1/boot/strata/strata" -a -s "$1/boot/strata/strata.cpio" -a -x "$1/usr/bin/strata-build-archive"
chroot "$1" env grub_probe=/bin/true sh /etc/grub.d/42_strata >entry
printf '[file /x]\\nsource = strata.deb\\n' >"$1/m"
chroot "$1" strata-build-archive /m /tmp/x.cpio
test -s "$1/tmp/x.cpio"
rm "$1/tmp/x.cpio" "$1/m"
chroot "$1" dpkg -P strata-hypervisor
find "$1" -xdev ! -path '*/var/*' | sort >after
"""


@pytest.fixture(scope="module")
def deb():
    subprocess.run(["make", "-s", "CONFIG=release", "image-deb"], cwd=harness.TREE, check=True, timeout=300)
    found, = glob.glob(os.path.join(harness.BUILD, "release", "image", "strata-hypervisor_*_amd64.deb"))
    return found


def test_lintian(deb):
    """No error, and no warning either."""
    assert firmware.run(["lintian", "--allow-root", "--fail-on", "error,warning", deb]).decode().count(": strata") == 0


def test_install_boot_purge(machine, deb, tmp_path):
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\ncd " + str(tmp_path) + "\n" + HOOK)
    hook.chmod(0o755)
    firmware.run(["mmdebstrap", "--quiet", "--variant=essential", "--include=python3-minimal,python3,grub-common",
                  f"--customize-hook={hook}", "bookworm", "/dev/null"], env=dict(os.environ, DEB=deb))
    before, after = (set((tmp_path / name).read_text().splitlines()) for name in ("before", "after"))
    assert after == before
    entry = (tmp_path / "entry").read_text()
    assert "linux /boot/strata/strata console=ttyS0,115200n8" in entry
    config = tmp_path / "grub.cfg"
    config.write_text("search --file --set=root /boot/strata/strata\nset timeout=0\n" + entry)
    image = tmp_path / "grub.efi"
    firmware.run(["grub-mkstandalone", "-O", "x86_64-efi", "-o", str(image), "--locales=", "--themes=", "--fonts=",
                  f"boot/grub/grub.cfg={config}"])
    content = {"EFI/BOOT/BOOTX64.EFI": image, "boot/strata/strata": harness.image("release"),
               "boot/strata/strata.cpio": harness.image("release", "strata.cpio")}
    argv = firmware.pflash(tmp_path) + firmware.esp(tmp_path, content)
    with machine(config="release", kernel=False, limit=300, extra=argv) as m:
        m.expect(r"command line 'BOOT_IMAGE=/boot/strata/strata console=ttyS0,115200n8'", 150)
        m.expect(PROMPT, 60)
