# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian guests for tests: boot archives with VMs of the demo's kernel, and the console's verbs around them."""
import os
import re
import struct
import time

import archive
import host_watch
import shell
from harness import BUILD, image
from shell import PROMPT

DEBIAN = "/guests/demo/vmlinux"
INITRD = "initrd = /guests/demo/initrd\n"
# What a kernel says when something went wrong in it.
COMPLAINTS = "WARNING: CPU|BUG:|lockup|Call Trace|unchecked MSR|rcu_.*stall"
# What it says of CPUs that did not run for a time, and of nothing else.
STUCK = re.compile(r"soft lockup|lockup_detector|rcu_.*stall|Call Trace")


# A multiboot program, loaded at 1 MiB, that ends its VM at once: mov $0, %al; out %al, $0xf4; hlt; jmp.
TINY = struct.pack("<8I", 0x1badb002, 0x10000, -(0x1badb002 + 0x10000) & 0xffffffff, 0x100000, 0x100000, 0x100026,
                   0x100026, 0x100020) + b"\xb0\x00\xe6\xf4\xeb\xfe"


def conf(vcpus=2, memory="256M", cmdline="console=ttyS0 quiet", extra=""):
    """The configuration of a VM that runs Debian."""
    return archive.vm_conf(DEBIAN, vcpus, memory, cmdline, INITRD + extra)


def build(config, folder, files):
    """A boot archive with Strata, Debian's files and {path: bytes}; the demo VM itself does not start."""
    base = os.path.join(folder, "base.cpio")
    with open(base, "wb") as out:
        for part in (image(config, "strata.cpio"), os.path.join(BUILD, "demo.cpio")):
            with open(part, "rb") as f:
                data = f.read()
                out.write(data + b"\0" * (-len(data) % 4))
    return archive.extend(base, os.path.join(folder, "run.cpio"), {"vms/demo.conf": conf(), **files})


class Console(shell.Shell):
    """The shell on the host's console, and through it those of guests."""

    def __init__(self, m):
        super().__init__(m)
        self.turn = 0
        self.since = time.monotonic()
        host_watch.start()

    def show(self, name):
        return self.json(f"vm show {name}")[0]

    def start(self, name, timeout=60):
        assert "error" not in self.run(f"vm start {name}", timeout)

    def attach(self, name, sync=True):
        """With `sync` waits for the guest's shell: what its console said before is shown first."""
        self.m.sendline(f"vm console {name}")
        self.m.expect(r"Ctrl-\] detaches")
        if sync:
            self.guest("true")

    def detach(self):
        self.m.send("\x1d")
        self.m.expect(r"\[detached\]")
        self.m.expect(PROMPT)

    def boot(self, name, timeout=180):
        """Starts a VM and waits for its shell; stays attached."""
        self.start(name)
        self.attach(name, sync=False)
        self.m.expect(r"demo# ", timeout)

    def guest(self, line, timeout=60):
        """Runs a line in the shell of the guest that we are attached to; what it printed."""
        self.turn += 1
        # The echo of the line is not the answer, nor is what was said before.
        self.m.sendline(f"echo be''gin{self.turn}; {line}; echo e''nd{self.turn}")
        self.m.expect(rf"\nbegin{self.turn}\r*\n", timeout)
        self.m.expect(rf"(?:^|\n)end{self.turn}\r*\n", timeout)
        text = re.sub(r"\r", "", self.m.before())
        self.m.expect(r"demo# ", timeout)
        return text

    def complaints(self):
        """What the guest's kernel found wrong; not that its CPUs did not run while this computer did not."""
        lines = self.guest(f"dmesg | grep -E '{COMPLAINTS}'").strip().splitlines()
        gap = host_watch.longest(self.since)
        if gap:
            print(f"this computer stood still for {gap:.0f} s")
            lines = [line for line in lines if not STUCK.search(line)]
        return "\n".join(lines)

    def held(self):
        """All that VMs, processes and the kernel hold: what has to come back. Seen by a new shell, whose history is empty."""
        self.m.send("\x04")
        self.m.expect(PROMPT)
        host, mem = self.json("host show")[0], self.json("mem")
        rows = {r["name"]: r["used"] for r in mem if r["kind"] == "container"}
        return {"objects": host["objects"], "threads": host["threads"], "vms": host["vms"],
                "containers": len(rows), "guest": mem[0]["guest"], "kernel": mem[0]["kernel"],
                "user": mem[0]["user"], "free": mem[0]["free"]}

    def poweroff(self):
        self.m.sendline("poweroff")
        assert self.m.wait_exit(60) == 0
