# SPDX-License-Identifier: GPL-2.0-or-later
"""What VMs cost, and that all of it comes back: every page, handle and thread, after many starts."""
import os

import pytest

import archive
import debian
from harness import image

KiB, MiB = 1 << 10, 1 << 20


def run_once(c, name, timeout):
    """Starts it, and waits until init says that its process has ended."""
    c.m.sendline(f"vm start {name}")
    c.m.expect(rf"init: vm {name}: (stopped|failed)[^\r\n]*[\r\n]", timeout)
    c.m.expect(debian.PROMPT)  # drawn anew below that line


def test_nothing_is_lost(machine, tmp_path):
    initrd = debian.build("debug", tmp_path, {
        "vms/tiny.conf": archive.vm_conf("/guests/tiny.elf", 1, "16M"),
        "vms/big.conf": debian.conf(2, cmdline="console=ttyS0 quiet demo=off"),
        "guests/tiny.elf": debian.TINY})
    with machine(config="debug", smp=2, mem="1g", initrd=initrd, limit=900) as m:
        c = debian.Console(m)
        for name, cycles, warm in (("tiny", 200, 5), ("big", 10, 1)):
            for _ in range(warm):
                run_once(c, name, 120)
            before = c.held()
            for _ in range(cycles):
                run_once(c, name, 120)
            after = c.held()
            assert c.show(name)["starts"] == cycles + warm
            assert c.show(name)["state"] == "stopped", c.show(name)
            assert after == before
        c.poweroff()


@pytest.mark.parametrize("config", ["release", "debug"])
def test_sizes(machine, tmp_path, config):
    """The image, the kernel at rest, and the kernel's part of a VM with 2 vCPUs that runs Debian."""
    assert os.path.getsize(image(config)) <= MiB
    initrd = debian.build(config, tmp_path, {"vms/one.conf": debian.conf(2)})
    with machine(config=config, smp=2, mem="1g", initrd=initrd) as m:
        c = debian.Console(m)
        rest = c.json("mem")[0]
        assert rest["kernel_image"] + rest["page_structs"] + rest["kernel"] <= 16 * MiB
        c.boot("one")
        c.detach()
        rows = c.json("mem")
        vm, = [r for r in rows if r["kind"] == "vm"]
        assert vm["memory"] > 255 * MiB
        # What the kernel says of it, and what it has really taken: for the VM, its process and its threads.
        taken = rows[0]["kernel"] - rest["kernel"]
        assert 0 < vm["kernel_memory"] <= taken <= MiB, (vm, taken)
        assert "KiB of the kernel's" in c.run("mem")
        c.run("vm kill one")
        c.poweroff()
