# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks of VMs: Debian's kernel with its virtio driver and ext4 on a disk from the boot archive."""
import hashlib
import os
import re
import subprocess

import pytest

import harness
from shell import Shell

CONF = """\
[vm]
vcpus = 2
memory = 256M
kernel = /guests/vmlinux
initrd = /guests/bench.cpio
cmdline = console=ttyS0 quiet bench.shell
[disk 0]
file = /guests/disk.img
size = 48M
[disk 1]
size = 64M
[disk 2]
file = /guests/odd.img
readonly = yes
"""


def make_disk(folder):
    """An ext4 image of 32 MiB with a file of 4 MiB, and that file's digest."""
    root = folder / "files"
    root.mkdir()
    data = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(1 << 17))
    (root / "data").write_bytes(data)
    image = folder / "disk.img"
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-d", str(root), str(image), "32M"], check=True, timeout=60)
    return image, hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def disks(tmp_path_factory):
    """A boot archive with the VM `disk`; the digest of the file on its disk."""
    subprocess.run(["make", "-s", "bench-guest"], cwd=harness.TREE, check=True, timeout=300)
    folder = tmp_path_factory.mktemp("disk")
    image, digest = make_disk(folder)
    (folder / "odd.img").write_bytes(b"odd" * 1000)
    (folder / "disk.conf").write_text(CONF)
    (folder / "small.conf").write_text(CONF.replace("48M", "16M"))
    build = harness.BUILD + "/bench"
    pairs = [f"vms/disk.conf={folder}/disk.conf", f"vms/small.conf={folder}/small.conf",
             f"guests/disk.img={image}", f"guests/odd.img={folder}/odd.img",
             f"guests/vmlinux={build}/kernel/vmlinux", f"guests/bench.cpio={build}/guest.cpio"]
    more = folder / "more.cpio"
    subprocess.run([os.path.join(harness.TREE, "packaging/mkarchive"), str(folder / "root"), str(more)] + pairs,
                   check=True, timeout=60)
    whole = folder / "all.cpio"
    with open(harness.image("release", "strata.cpio"), "rb") as f:
        whole.write_bytes(f.read() + more.read_bytes())
    return str(whole), digest


class Guest:
    """The guest's shell: one command, its output."""

    def __init__(self, m):
        self.m = m
        self.number = 0
        m.expect("bench: shell", 120)
        m.expect("bench# ", 30)
        self.run("stty -echo; PS1=")

    def run(self, line, timeout=60):
        self.number += 1
        self.m.sendline(f"{line}; echo done-$(({self.number} * 1000))-$?")
        self.m.expect(rf"done-{self.number * 1000}-(\d+)\r*\n", timeout)
        return self.m.before().replace("\r", "").replace("bench# ", "").strip()


def detach(m):
    m.send("\x1d")
    m.expect(r"\[detached\]", 20)
    m.expect(r"strata> ", 20)


def test_disks(machine, disks):
    archive, digest = disks
    with machine(config="release", smp=2, mem="1g", initrd=archive) as m:
        shell = Shell(m)
        assert "small.conf: disk 0: size: /guests/disk.img is larger than 16777216 bytes" in shell.run("vm start small")
        m.sendline("vm start disk")
        m.expect(r"strata> ", 60)
        m.sendline("vm console disk")
        guest = Guest(m)
        # Sizes: the file's or more, what was asked for, and the file's up to a sector.
        assert guest.run("cat /sys/block/vd?/size").split() == ["98304", "131072", "6"]
        assert guest.run("cat /sys/block/vd?/ro").split() == ["0", "0", "1"]
        assert guest.run("cat /sys/block/vda/serial") == "disk0"
        guest.run("mkdir /a /c && mount -t ext4 /dev/vda /a")
        assert digest in guest.run("sha256sum /a/data")
        # Write through the file system and read it back past the cache.
        guest.run("cp /a/data /a/copy && sync && umount /a && mount -t ext4 /dev/vda /a && cmp /a/data /a/copy && echo same",
                  120)
        assert digest in guest.run("sha256sum /a/copy")
        assert guest.run("dd if=/a/data of=/dev/vdb bs=1M oflag=direct 2>/dev/null && "
                         "dd if=/dev/vdb bs=64k count=64 iflag=direct 2>/dev/null | cmp - /a/data && echo same", 120) == "same"
        assert guest.run("dd if=/dev/zero of=/dev/vdc count=1 2>/dev/null || echo refused") == "refused"
        assert guest.run("head -c 9 /dev/vdc") == "oddoddodd"
        # Both CPUs at once, on two disks.
        guest.run("for d in a b; do for i in 1 2 3; do dd if=/dev/vd$d of=/dev/null bs=128k iflag=direct 2>/dev/null; done & done; wait")
        # What was written outlives a reset of the guest.
        guest.run("umount /a")
        detach(m)
        m.sendline("vm reset disk")
        m.sendline("vm console disk")
        m.expect(rf"done-{guest.number * 1000}-0", 10)  # the scrollback of before
        guest = Guest(m)
        guest.run("mkdir /a && mount -t ext4 /dev/vda /a")
        assert digest in guest.run("sha256sum /a/copy")
        assert guest.run("dmesg | grep -cE 'I/O error|WARNING: CPU|BUG:|lockup|Call Trace'") == "0"
        interrupts = [int(n) for line in guest.run("grep virtio0-req /proc/interrupts").splitlines()
                      for n in re.findall(r"\s(\d+)(?=\s)", line)]
        assert sum(interrupts) > 0
        detach(m)
        vm, = shell.json("vm show disk")
        assert vm["state"] == "running"
        shell.run("vm kill disk")
        rows = shell.json("mem")
        assert rows[0]["guest"] == 0
