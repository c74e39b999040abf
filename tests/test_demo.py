# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo VM (Debian's kernel, busybox userland) from boot to power-off, as `make smoke` drives it."""
import os

import pytest

import smoke
from harness import BUILD, image


def archive(config, folder):
    """Strata's programs and the VM, one archive behind the other."""
    path = os.path.join(folder, "run.cpio")
    with open(path, "wb") as out:
        for part in (image(config, "strata.cpio"), os.path.join(BUILD, "demo.cpio")):
            with open(part, "rb") as f:
                out.write(f.read())
    return path


@pytest.mark.parametrize("config, cpus, mem", [("release", 2, "1g"), ("debug", 1, "1g"), ("debug", 4, "8g")])
def test_demo(machine, tmp_path, config, cpus, mem):
    with machine(config=config, smp=cpus, mem=mem, initrd=archive(config, tmp_path)) as m:
        assert smoke.drive(m) == 2


def test_debian_dmesg(machine, tmp_path):
    """Two CPUs, the same sum on both at once, no complaint of the guest's kernel."""
    with machine(config="release", smp=2, initrd=archive("release", tmp_path)) as m:
        m.expect(smoke.PROMPT, 60)
        m.sendline("vm console demo")
        m.expect(r"demo# ", 120)
        m.sendline("dd if=/dev/urandom of=/tmp/r bs=1M count=8 2>/dev/null; echo made")
        m.expect(r"\nmade", 60)
        m.sendline("for i in 1 2 3; do taskset 1 sha256sum /tmp/r >/tmp/a & taskset 2 sha256sum /tmp/r >/tmp/b; wait; "
                   "cmp /tmp/a /tmp/b && echo agree$((i * 11)); done")
        for i in (11, 22, 33):
            m.expect(rf"\nagree{i}", 120)
        m.sendline("dmesg | grep -cE 'WARNING: CPU|BUG:|lockup|Call Trace'; echo end$((40 + 2))")
        m.expect(r"\n(\d+)\r*\nend42", 30)
        assert int(m.child.match[1]) == 0
