# SPDX-License-Identifier: GPL-2.0-or-later
"""A shell on the machine's virtio console (console=hvc0): alone, beside a serial port, behind it; a device that is not there or cannot be used."""
import os
import random
import re
import time

import pytest

import harness
import vms
from shell import PROMPT, Shell
from test_log_console import frame
from test_shell_qemu import Port

PANIC = r"panic: [^\r\n]*NMI[^\r\n]*\r*\n"


def device(path, more=""):
    return ["-chardev", f"socket,id=hvc,path={path},server=on,wait=on", "-device", f"virtio-serial-pci{more}", "-device", "virtconsole,chardev=hvc"]


def connect(path):
    """QEMU makes the socket, and starts the machine when somebody is there."""
    end = time.monotonic() + 30 * harness.TIME_SCALE
    while not os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.05)
    return Port(path)


@pytest.mark.parametrize("config,more", [("debug", ""), ("release", ",disable-legacy=on")])
def test_alone(machine, tmp_path, config, more):
    """The only console: the log from its first line, VMs, a paste of which nothing is lost, the end of the machine."""
    vms.make_guests()
    path = str(tmp_path / "hvc")
    initrd = vms.boot_archive(config, tmp_path, {"beat0": ("beat", 1, "", "")})
    with machine(config=config, smp=2, initrd=initrd, console="console=hvc0", extra=device(path, more)) as m:
        port = connect(path)
        port.expect(r"Strata \S+ \(\w+\), protocol")
        port.expect(r"console hvc0: PCI 00:[0-9a-f]{2}\.0\r*\n")
        shell = Shell(port)
        assert "beat0" in shell.run("vm list")
        port.send("vm start beat0\rvm console beat0\r")
        port.expect("beat: [0-9]+")
        port.send("\x1d")
        port.expect(re.escape(PROMPT))
        shell.run("vm kill beat0")
        # QEMU drops output that its host side does not take, so not much is asked for at a time.
        for first in range(0, 1000, 100):
            port.send("".join(f"echo {'x' * (i % 90)}number{i}\r" for i in range(first, first + 100)))
            for i in range(first, first + 100):
                port.expect(rf"\nx*number{i}\r", timeout=60)
        # More than all buffers from the host to the shell hold, while it is busy; each frame's check sum is looked at.
        rng = random.Random(1)
        port.send("sleep 1\r" + "".join(frame(i, "# " + "".join(rng.choices("abcdefgh", k=2000))) for i in range(250)))
        for i in range(250):
            port.expect(rf"\x1eE {i:08x} 0 0 ", timeout=60)
        port.send("\r")
        port.expect(re.escape(PROMPT))
        assert len(shell.json("log")) > 10
        port.send("poweroff\r")
        assert m.wait_exit(60) == 0
        assert m.text() == ""


def test_beside_a_port(machine, tmp_path):
    """Named last it is /dev/console; the serial port has a shell and the log as well."""
    path = str(tmp_path / "hvc")
    with machine(smp=2, console="console=ttyS0 console=hvc0", extra=device(path)) as m:
        port = connect(path)
        first, second = Shell(port), Shell(m)
        assert first.run("echo here").endswith("here\n") and second.run("echo there").endswith("there\n")
        # A panic needs no shell.
        port.send("echo hal")
        port.expect("echo hal")
        m.qmp("inject-nmi")
        m.expect(PANIC, timeout=30, allow_panic=True)
        port.expect(PANIC)


def test_before_a_port(machine, tmp_path):
    """Named first it is /dev/console1."""
    path = str(tmp_path / "hvc")
    with machine(smp=2, console="console=hvc0 console=ttyS0", extra=device(path)) as m:
        port = connect(path)
        shell, second = Shell(m), Shell(port)
        assert "console=hvc0 console=ttyS0" in second.run("host show")
        assert "no such VM" in shell.run("vm start nobody")
        port.send("poweroff --force\r")
        assert m.wait_exit(60) == 0


@pytest.mark.parametrize("extra,why", [
    ([], "there is no virtio console"),
    (["-device", "virtio-serial-pci,vectors=0", "-device", "virtconsole"], "it has no MSI-X"),
    (["-device", "virtio-serial-pci,disable-modern=on", "-device", "virtconsole"], "no common configuration (Virtio 1.0 or later is needed)"),
    (["-device", "virtio-serial-pci,iommu_platform=on,disable-legacy=on", "-device", "virtconsole"], "it wants more features than VIRTIO_F_VERSION_1"),
])
def test_none(machine, extra, why):
    """One line says why, and the other console works."""
    with machine(smp=1, console="console=ttyS0 console=hvc0", extra=extra) as m:
        m.expect(re.escape(f"console=hvc0: {why}") + "\r*\n", timeout=60)
        assert Shell(m).run("echo works").endswith("works\n")
