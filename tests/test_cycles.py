# SPDX-License-Identifier: GPL-2.0-or-later
"""Many starts and stops: every page, handle and thread comes back."""
import archive
import debian


def run_once(c, name, timeout):
    """Starts it, and waits until init says that its process has ended."""
    c.m.sendline(f"vm start {name}")
    c.m.expect(rf"init: vm {name}: (stopped|failed)[^\r\n]*[\r\n]", timeout)


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
            c.held()
            before = c.held()
            for _ in range(cycles):
                run_once(c, name, 120)
            after = c.held()
            assert c.show(name)["starts"] == cycles + warm
            assert c.show(name)["state"] == "stopped", c.show(name)
            assert after == before
        c.poweroff()
