#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""VMs that are killed, reset and paused at random while their registers are in a CPU in place of their VMM's.

    loans.py [--minutes M] [--cpus N] [--vms N] [--seed S] [--config debug|release]

Each VM (tests/guests/lend.c) has up to three CPUs that use vector registers, ports of the VMM, HLT and IPIs, and get INIT in the middle of
it. Beside them one computes a sum with its own registers and is never touched. A model says what state each VM must be in, guests
compare their registers after each exit, and at the end all that the VMs held must have come back. Prints `loans: ok` and the counts.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

import archive
import harness
import soak
from harness import Machine, MachineError
from vms import end_sum

NEIGHBOUR = "neighbour"


class Loans(soak.Soak):
    up, up_within = r"lend: up", 3
    right = {
        "stopped": {"start": "running"},
        "running": {"pause": "paused", "reset": "running", "kill": "stopped"},
        "paused": {"resume": "running", "reset": "running", "kill": "stopped"},
    }

    def look(self):
        super().look()
        vm, = self.shell.json(f"vm show {NEIGHBOUR}")
        if vm["state"] != "running":
            self.fail(f"the neighbour is {vm['state']}: {vm['reason']}\n{self.shell.run(f'vm log {NEIGHBOUR} 10')}")

    def rounds(self):
        """How many the neighbour has done."""
        return max(map(int, re.findall(r"round (\d+)", self.shell.run(f"vm log {NEIGHBOUR} 3"))), default=0)

    def end_neighbour(self):
        """How many rounds it has done."""
        rounds = end_sum(self.shell.m, NEIGHBOUR)
        self.shell.m.expect(r"strata> ")
        vm, = self.shell.json(f"vm show {NEIGHBOUR}")
        if (vm["state"], vm["reason"], vm["exit_code"]) != ("stopped", "debug-exit", 0):
            self.fail(f"the neighbour: {vm}")
        return rounds


def boot_archive(config, folder, names):
    files = {}
    for guest in ("lend", "sum"):
        with open(f"{harness.BUILD}/guests/{guest}.elf", "rb") as f:
            files[f"guests/{guest}.elf"] = f.read()
    for i, name in enumerate(names):
        files[f"vms/{name}.conf"] = archive.vm_conf("/guests/lend.elf", 1 + (i + 1) % 3, "8M")
    files[f"vms/{NEIGHBOUR}.conf"] = archive.vm_conf("/guests/sum.elf", 1, "8M")
    return archive.extend(harness.image(config, "strata.cpio"), os.path.join(folder, "loans.cpio"), files)


def held(shell):
    """VMs, and bytes of guest memory."""
    return soak.held(shell)[:2]


def drive(m, names, minutes, seed, actions):
    """All of it, on a machine that has just been started: (actions, their counts, rounds of the neighbour)."""
    s = Loans(m, names, random.Random(seed))
    s.shell.run(f"vm start {NEIGHBOUR}")
    s.wait_for("the neighbour does not begin", s.rounds)
    before = held(s.shell)
    steps = s.work(minutes, actions, 10)
    done = s.rounds()
    s.wait_for("the neighbour does not go on", lambda: s.rounds() > done)
    if held(s.shell) != before:
        s.fail(f"VMs and bytes of guest memory: {held(s.shell)}, not {before} as at the start")
    rounds = s.end_neighbour()
    m.send("poweroff\r")
    m.wait_exit(60)
    return steps, s.counts, rounds


def loans(config, cpus, minutes=0.0, vms=5, seed=1, actions=40):
    """So long and so many actions at least."""
    names = [f"lend{i}" for i in range(vms)]
    with tempfile.TemporaryDirectory(prefix="strata-loans-") as folder:
        with Machine("loans", config=config, smp=cpus, initrd=boot_archive(config, folder, names), limit=minutes * 60 + 900) as m:
            return drive(m, names, minutes, seed, actions)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--vms", type=int, default=5)
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--config", default="debug")
    args = parser.parse_args()
    subprocess.run(["make", "-s", "guests"], cwd=harness.TREE, check=True, timeout=300)
    try:
        steps, counts, rounds = loans(args.config, args.cpus, args.minutes, args.vms, args.seed)
    except MachineError as e:
        sys.exit(f"loans: {e}")
    print(f"loans: ok ({args.vms} VMs on {args.cpus} CPUs, {args.config}, {steps} actions, seed {args.seed}, {rounds} rounds of the neighbour): "
          + ", ".join(f"{n} {verb}" for verb, n in sorted(counts.items())))


if __name__ == "__main__":
    main()
