# SPDX-License-Identifier: GPL-2.0-or-later
"""images/build with `suite =`: Debian systems that mmdebstrap makes, as VMs, to their prompts. Part of make check-boot."""
import os

import pexpect

import firmware
import harness
import media
from test_efi import PROMPT

# One by systemd, one with a program of its own in place of init. systemd's emergency shell, since a getty waits for its device for a
# time only, which is too short on a slow machine.
MANIFEST = """\
[vm systemd]
suite = bookworm
packages = linux-image-cloud-amd64 systemd-sysv udev
memory = 1G
cmdline = console=ttyS0 quiet systemd.unit=emergency.target systemd.setenv=SYSTEMD_SULOGIN_FORCE=1

[vm plain]
suite = bookworm
packages = linux-image-cloud-amd64 mount
init = init
memory = 1G
cmdline = console=ttyS0 quiet
"""

INIT = r"""#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev
. /etc/os-release
echo "up: $VERSION_CODENAME"
export PS1='debian# '
exec setsid -c sh -i </dev/ttyS0 >/dev/ttyS0 2>&1
"""


def press_enter(m):
    """sulogin discards what was typed before it reads, which it does some time after it has asked, and nothing shows when: as a
    person would, press it again. The shell answers the ones too many with prompts."""
    for _ in range(60):
        m.sendline("")
        if m.child.expect([rb"root@[^\r\n]*# ", pexpect.TIMEOUT], timeout=10) == 0:
            return
    m.fail("no shell after 60 times Enter")


def test_suite(machine, tmp_path):
    (tmp_path / "init").write_text(INIT)
    (tmp_path / "m.conf").write_text(MANIFEST)
    out = str(tmp_path / "out.cpio")
    firmware.run([os.path.join(harness.TREE, "images", "build"), str(tmp_path / "m.conf"), out], timeout=1800)
    with machine(config="release", mem="4g", initrd=media.archive(tmp_path, out), limit=1800) as m:
        m.expect(PROMPT, 120)
        m.sendline("vm start plain")
        m.expect(PROMPT, 60)
        m.sendline("vm console plain")
        m.expect(r"up: bookworm", 300)
        m.expect(r"debian# ", 60)
        # A system that has what its packages brought: dpkg answers.
        m.sendline("dpkg-query -W -f '${Package} ${Status}\\n' dpkg bash")
        m.expect(r"\nbash install ok installed\r*\ndpkg install ok installed", 120)
        m.send("\x1d")
        m.expect(PROMPT, 30)
        m.sendline("vm kill plain")
        m.expect(PROMPT, 60)
        m.sendline("vm start systemd")
        m.expect(PROMPT, 60)
        m.sendline("vm console systemd")
        m.expect(r"Press Enter for maintenance", 600)
        press_enter(m)
        m.sendline("cat /proc/1/comm /etc/debian_version")
        m.expect(r"systemd\r*\n12\.", 120)
