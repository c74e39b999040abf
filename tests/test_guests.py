# SPDX-License-Identifier: GPL-2.0-or-later
"""The test guests (tests/guests): on QEMU itself, which is the reference that they are right."""
import os
import subprocess

import pytest

import harness

FOLDER = os.path.join(harness.BUILD, "guests")
# name: (CPUs, command line)
GUESTS = {
    "long": (1, "number=12345"),
    "real": (1, ""),
    "smp": (4, ""),
    "irq": (1, ""),
    "timer": (1, ""),
    "paging": (1, ""),
    "string": (1, "movs=1 kernel-ports=1"),
    "fpu": (2, ""),
    "cpuid": (2, ""),
    "clock": (1, ""),
    "sum": (1, "rounds=20"),
}
EXIT_ALL_PASSED = 1  # isa-debug-exit: (0 << 1) | 1


@pytest.fixture(scope="module", autouse=True)
def guests():
    subprocess.run(["make", "-s", "guests"], cwd=harness.TREE, check=True, timeout=300)


@pytest.mark.parametrize("name", GUESTS)
def test_reference(machine, name):
    cpus, cmdline = GUESTS[name]
    with machine(name=name, kernel=os.path.join(FOLDER, f"{name}.elf"), initrd=False, smp=cpus, mem="128m", console="",
                 append=cmdline) as m:
        m.expect(rf"{name}: (\d+) passed, (\d+) failed", timeout=60)
        assert "FAIL" not in m.text()
        assert m.wait_exit(10) == EXIT_ALL_PASSED
