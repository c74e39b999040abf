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
