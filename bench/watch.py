# SPDX-License-Identifier: GPL-2.0-or-later
"""Sees that an emulated machine has come to a stand: what QEMU does to KVM's guests now and then (docs/limits.md).

With `-icount sleep=off` a machine where all CPUs sleep is at its next timer at once, and a CPU with interrupts off whose registers never change waits
for what only another one can do. So looks at all CPUs, some seconds apart, that see the same each time tell what no length of a silence does, on a
busy computer as on a quiet one.
"""
import re
import threading

import harness

LOOKS, APART, PAUSE = 10, 2, 20  # looks in a row; seconds between two, and before the next ten
IF = 0x200


def cpus_of(text):
    """(RIP, interrupts on, halted, general registers as text) of each CPU, of QEMU's `info registers -a`."""
    found = re.findall(r"([RE]AX=[^#]*?)[RE]IP=(\w+) [RE]?FL=(\w+) .* HLT=([01])", text)
    return [(int(rip, 16), bool(int(flags, 16) & IF), halted == "1", registers) for registers, rip, flags, halted in found]


def stand(looks):
    """What is wrong with a machine that was looked at so often; "": nothing that these tell."""
    if not looks or not all(looks) or len({len(look) for look in looks}) != 1:
        return ""
    for number, seen in enumerate(zip(*looks)):
        rip, on, halted, _ = seen[0]
        if set(seen) == {seen[0]} and not on and not halted:
            return f"CPU {number} spins at {rip:#x} with interrupts off"
    if all(halted for look in looks for _, _, halted, _ in look):
        return "all CPUs sleep and nothing wakes them"
    return ""


class Watch:
    """`with Watch(machine) as w:` looks at it meanwhile, and ends it when it stands; `w.found` says why then."""

    def __init__(self, machine):
        self.machine, self.found, self.done = machine, "", threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def look(self):
        try:
            return cpus_of(self.machine.hmp("info registers -a"))
        except (OSError, ValueError, harness.MachineError):
            return []  # it is ending, or too busy to answer: no look

    def run(self):
        while not self.done.wait(PAUSE):
            looks = []
            while len(looks) < LOOKS and not self.done.wait(APART):
                looks.append(self.look())
                if not looks[-1] or len(looks) > 1 and not stand(looks):
                    break
            if len(looks) == LOOKS and stand(looks):
                self.found = stand(looks)
                self.machine.child.kill(9)
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.done.set()
        self.thread.join()
