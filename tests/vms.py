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
        events = {rf"init: vm {re.escape(name)}: (?:stopped|failed)[^\r\n]*[\r\n]": False,
                  r"\[the VM has ended\]|error: [^\r\n]*[\r\n]": False}
        text = ""
        self.m.send(f"vm start {name}\rvm console {name}\r")
        while not all(events.values()):
            waiting = [pattern for pattern, seen in events.items() if not seen]
            self.m.expect(waiting, timeout=limit)
            events[waiting[self.m.index]] = True
            text += self.m.before()
        vm = self.show(name)
        return (vm["state"], vm["reason"], vm["exit_code"]), text

    def poweroff(self):
        self.m.send("poweroff\r")
        assert self.m.wait_exit(30) == 0
