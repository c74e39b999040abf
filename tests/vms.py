# SPDX-License-Identifier: GPL-2.0-or-later
"""VMs driven from Strata's console by tests: archives of guests, starts, ends, what a guest printed."""
import json
import os
import re
import subprocess

import archive
import harness

PROMPT = re.escape("strata> ")
GUESTS = os.path.join(harness.BUILD, "guests")
# What tests/guests/sum.c computes, on any machine.
SUM = "0xeefd7369e9158516"


def make_guests():
    subprocess.run(["make", "-s", "guests"], cwd=harness.TREE, check=True, timeout=300)


def boot_archive(config, folder, vms):
    """Strata's programs and VMs of test guests: {name of the VM: (guest, vCPUs, command line, further configuration)}."""
    files = {}
    for name, (guest, vcpus, cmdline, extra) in vms.items():
        files[f"vms/{name}.conf"] = archive.vm_conf(f"/guests/{guest}.elf", vcpus, "64M", cmdline, extra)
        with open(os.path.join(GUESTS, f"{guest}.elf"), "rb") as f:
            files[f"guests/{guest}.elf"] = f.read()
    return archive.extend(harness.image(config, "strata.cpio"), os.path.join(folder, f"{config}.cpio"), files)


def expect_all(m, patterns, limit):
    """Waits until each has come, in whatever order: {pattern: match}, and what stood before them."""
    matches, text = {}, ""
    while len(matches) < len(patterns):
        waiting = [pattern for pattern in patterns if pattern not in matches]
        m.expect(waiting, timeout=limit)
        matches[waiting[m.index]] = m.child.match
        text += m.before()
    return matches, text


def stopped(name):
    """What init says when the VM's process has ended; its console ends on its own, before or after."""
    return rf"init: vm {re.escape(name)}: (?:stopped|failed)[^\r\n]*[\r\n]"


def end_sum(m, name):
    """A key ends a VM of sum.c; what it says at the end is for all its rounds, whose number is returned."""
    said = rf"sum {SUM} after (\d+) rounds"
    m.send(f"vm console {name}\rq")
    matches, _ = expect_all(m, [said, stopped(name), r"\[the VM has ended\]"], 60)
    return int(matches[said][1])


class Console:
    """The shell of a machine that has just been started."""

    def __init__(self, machine, timeout=90):
        self.m = machine
        self.m.expect(PROMPT, timeout=timeout)

    def json(self, line):
        """The objects that a command prints, one a line. (The prompt before it may still be on its way.)"""
        self.m.send(f"{line} --json\r")
        self.m.expect(r"\n((?:\{[^\n]*\}\r*\n)+)" + PROMPT)
        return [json.loads(row) for row in self.m.child.match[1].decode().splitlines() if row.strip()]

    def show(self, name):
        vm, = self.json(f"vm show {name}")
        return vm

    def run_vm(self, name, limit=60):
        """Starts a VM and watches its console until it has ended: (state, reason, exit code), what was printed.

        The VM's process and its console end on their own; which is seen first is open. A VM that has
        ended before the console was attached to it has no console any more.
        """
        self.m.send(f"vm start {name}\rvm console {name}\r")
        _, text = expect_all(self.m, [stopped(name), r"\[the VM has ended\]|error: [^\r\n]*[\r\n]"], limit)
        vm = self.show(name)
        return (vm["state"], vm["reason"], vm["exit_code"]), text

    def poweroff(self):
        self.m.send("poweroff\r")
        assert self.m.wait_exit(30) == 0
