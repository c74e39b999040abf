# SPDX-License-Identifier: GPL-2.0-or-later
"""The test guests as VMs under Strata, and SMP guests with more vCPUs than CPUs. The reference: test_guests.py."""
import re

import pytest

import vms
from test_guests import GUESTS, guests  # noqa: F401 (a fixture)

# As on QEMU itself, but for what says that this is a VM, and for MOVS at an IO-APIC (docs/limits.md).
VMS = {**GUESTS, "string": (1, "kernel-ports=1"), "cpuid": (2, "hypervisor=1"), "clock": (2, "hypervisor=1")}
GOOD_END = ("stopped", "debug-exit", 0)


def run_all(console, names, limit=120):
    """Each VM ends well and has passed checks."""
    ends = {}
    for name in names:
        end, text = console.run_vm(name, limit)
        failed = re.findall(r"^FAIL .*", text, re.M)
        ends[name] = (end, failed)
    assert ends == {name: (GOOD_END, []) for name in names}


@pytest.mark.parametrize("config,smp", [("debug", 2), ("release", 1)])
def test_as_vms(machine, tmp_path, config, smp):
    table = {name: (name, vcpus, cmdline, "") for name, (vcpus, cmdline) in VMS.items()}
    if smp == 1:
        table["smp"] = ("smp", 4, "messages=50", "")
    with machine(config=config, smp=smp, initrd=vms.boot_archive(config, tmp_path, table)) as m:
        console = vms.Console(m)
        run_all(console, table)
        console.poweroff()


def test_interrupts_once(machine, tmp_path):
    """By instructions: where the host's timers disturb a handler repeats exactly."""
    table = {"irq": ("irq", 1, "", "")}
    with machine(config="release", smp=1, icount=True, initrd=vms.boot_archive("release", tmp_path, table)) as m:
        console = vms.Console(m)
        run_all(console, table)
        console.poweroff()


@pytest.mark.parametrize("config,smp,vcpus", [("release", 2, (8, 16)), ("debug", 4, (16,))])
def test_many_vcpus(machine, tmp_path, config, smp, vcpus):
    table = {f"smp{n}": ("smp", n, "", "") for n in vcpus}
    with machine(config=config, smp=smp, initrd=vms.boot_archive(config, tmp_path, table)) as m:
        console = vms.Console(m)
        run_all(console, table, limit=300)
        assert console.json("mem")[0]["guest"] == 0
        console.poweroff()
