# SPDX-License-Identifier: GPL-2.0-or-later
"""The test guests as VMs under Strata. Not part of `make check`: it takes two minutes.

Run it as: /usr/bin/python3 -m pytest -q tests/guests_vm.py
"""
import json
import os
import re

import pytest

import archive
import harness
from test_guests import FOLDER, GUESTS, guests  # noqa: F401 (a fixture)

# As VMs; what differs from the reference (docs/limits.md): no strings to and from ports of the kernel.
VMS = {**GUESTS, "string": (1, ""), "cpuid": (2, "hypervisor=1"), "clock": (2, "hypervisor=1")}
PROMPT = re.escape("strata> ")


def show(m, name):
    m.send(f"vm show {name} --json\r")
    m.expect(r'(\{"name"[^\r\n]*\})[\r\n]+', timeout=20)
    state = json.loads(m.child.match[1])
    m.expect(PROMPT)
    return state


def run_vm(m, name, limit=60):
    """Starts a VM, waits until init says that it has ended; its last state."""
    m.send(f"vm start {name}\r")
    m.expect(rf"init: vm {name}: (stopped|failed)[^\r\n]*[\r\n]+", timeout=limit)
    return show(m, name)


@pytest.mark.parametrize("config,smp", [("debug", 2), ("release", 1)])
def test_as_vms(machine, tmp_path, config, smp):
    files = {}
    for name, (vcpus, cmdline) in VMS.items():
        files[f"vms/{name}.conf"] = archive.vm_conf(f"/guests/{name}.elf", vcpus, "64M", cmdline)
        with open(os.path.join(FOLDER, f"{name}.elf"), "rb") as f:
            files[f"guests/{name}.elf"] = f.read()
    initrd = archive.extend(harness.image(config, "strata.cpio"), str(tmp_path / "guests.cpio"), files)
    with machine(config=config, smp=smp, initrd=initrd) as m:
        m.expect(PROMPT, timeout=60)
        ends = {}
        for name in VMS:
            state = run_vm(m, name)
            ends[name] = (state["state"], state["reason"], state["exit_code"])
        assert ends == {name: ("stopped", "debug-exit", 0) for name in VMS}
        m.send("poweroff\r")
        assert m.wait_exit(30) == 0
