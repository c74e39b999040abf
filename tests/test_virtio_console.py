# SPDX-License-Identifier: GPL-2.0-or-later
"""A shell on the machine's virtio console (console=hvc0): alone, beside a serial port, behind it; a device that is not there or cannot be used."""
import os
import random
import re
import time

import pexpect
import pytest

import harness
import vms
from shell import PROMPT, Shell
from test_log_console import frame

PANIC = r"panic: [^\r\n]*NMI[^\r\n]*\r*\n"


class Console:
    """The host's side of a virtio console. QEMU drops output that a socket or a pipe has no room for, and a file has
    room always: output goes to PATH.out, which `tail` follows, and input comes from the FIFO PATH.in."""

    def __init__(self, path, more=""):
        self.fifo = os.open(make_fifo(f"{path}.in"), os.O_RDWR)
        open(f"{path}.out", "wb").close()
        self.path, self.extra = path, ["-S", "-device", f"virtio-serial-pci{more}"]
        self.child = pexpect.spawn("tail", ["--follow", "--bytes=+1", "--sleep-interval=0.05", f"{path}.out"], encoding="utf-8",
                                   codec_errors="replace", timeout=30 * harness.TIME_SCALE)

    def plug(self, m):
        """The command line knows no file for input, QMP does; then the machine starts."""
        while m.child.isalive() and not listens(m):
            time.sleep(0.05)
        m.qmp("chardev-add", id="hvc", backend={"type": "file", "data": {"in": f"{self.path}.in", "out": f"{self.path}.out"}})
        m.qmp("device_add", driver="virtconsole", chardev="hvc")
        m.qmp("cont")

    def send(self, text):
        data = text.encode()
        while data:
            data = data[os.write(self.fifo, data[:4096]):]

    def expect(self, pattern, timeout=30):
        self.child.expect(pattern, timeout=timeout * harness.TIME_SCALE)

    def before(self):
        return self.child.before

    def close(self):
        self.child.close(force=True)
        os.close(self.fifo)


def listens(m):
    try:
        return m.qmp("query-status")
    except OSError:
        return None


def make_fifo(path):
    os.mkfifo(path)
    return path


@pytest.fixture
def hvc(tmp_path):
    """Makes a Console, for a device with more properties."""
    made = []

    def make(more=""):
        made.append(Console(str(tmp_path / "hvc"), more))
        return made[-1]
    yield make
    for c in made:
        c.close()


@pytest.mark.parametrize("config,more", [("debug", ""), ("release", ",disable-legacy=on")])
def test_alone(machine, tmp_path, hvc, config, more):
    """The only console: the log from its first line, VMs, a paste of which nothing is lost, the end of the machine."""
    vms.make_guests()
    port = hvc(more)
    initrd = vms.boot_archive(config, tmp_path, {"beat0": ("beat", 1, "", "")})
    with machine(config=config, smp=2, initrd=initrd, console="console=hvc0", extra=port.extra) as m:
        port.plug(m)
        port.expect(r"Strata \S+ \(\w+\), protocol")
        port.expect(r"console hvc0: PCI 00:[0-9a-f]{2}\.0\r*\n")
        shell = Shell(port)
        assert "beat0" in shell.run("vm list")
        port.send("vm start beat0\rvm console beat0\r")
        port.expect("beat: [0-9]+")
        port.send("\x1d")
        port.expect(re.escape(PROMPT))
        shell.run("vm kill beat0")
        port.send("".join(f"echo {'x' * (i % 90)}number{i}\r" for i in range(1000)))
        for i in range(1000):
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


def test_beside_a_port(machine, hvc):
    """Named last it is /dev/console; the serial port has a shell and the log as well."""
    port = hvc()
    with machine(smp=2, console="console=ttyS0 console=hvc0", extra=port.extra) as m:
        port.plug(m)
        first, second = Shell(port), Shell(m)
        assert first.run("echo here").endswith("here\n") and second.run("echo there").endswith("there\n")
        # A panic needs no shell.
        port.send("echo hal")
        port.expect("echo hal")
        m.qmp("inject-nmi")
        m.expect(PANIC, timeout=30, allow_panic=True)
        port.expect(PANIC)


def test_before_a_port(machine, hvc):
    """Named first it is /dev/console1."""
    port = hvc()
    with machine(smp=2, console="console=hvc0 console=ttyS0", extra=port.extra) as m:
        port.plug(m)
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
