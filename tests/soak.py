#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Many VMs on few CPUs, started, paused, resumed, reset, dumped, sent NMIs and killed at random, in the debug image.

    soak.py [--minutes M] [--vms N] [--cpus N] [--seed S] [--no-replay]

A model says what state each VM must be in; guests check their own memory all the while, and the logical log is replayed against its
specifications. At the end every VM is killed, and all that they held must have come back. Prints `soak: ok` and the counts. The
seed repeats the order of actions.
"""
import argparse
import collections
import contextlib
import os
import random
import re
import subprocess
import sys
import tempfile
import time

import archive
import harness
import llog
from harness import Machine, MachineError
from shell import Shell

MEM = 1536  # MiB; the replay reads memory of less than 2048

# state: the verbs that are right in it, and the state after them
RIGHT = {
    "stopped": {"start": "running"},
    "running": {"pause": "paused", "reset": "running", "kill": "stopped", "nmi": "running", "dump": "running"},
    "paused": {"resume": "running", "reset": "running", "kill": "stopped", "dump": "paused"},
}
# verbs that must be refused: the state stays
WRONG = {
    "stopped": ["pause", "resume", "reset", "kill", "nmi", "dump", "stop"],
    "running": ["start", "resume", "stop"],
    "paused": ["start", "pause", "stop"],
}


class Soak:
    right, wrong = RIGHT, WRONG
    up, up_within = r"beat: up", 2  # what a guest says that has begun, in the last so many lines

    def __init__(self, machine, names, rng):
        self.shell = Shell(machine)
        self.names = names
        self.rng = rng
        self.state = {name: "stopped" for name in names}
        self.counts = collections.Counter()

    def fail(self, what):
        raise MachineError(f"soak: {what}\nstates: {self.state}")

    def step(self):
        name = self.rng.choice(self.names)
        state = self.state[name]
        wrong = self.rng.random() < 0.1
        verb = self.rng.choice(self.wrong[state]) if wrong else self.rng.choice(sorted(self.right[state]))
        if verb == "nmi" and not wrong:
            self.bring_up(name)
        out = self.shell.run(f"vm {verb} {name}")
        refused = "error: " in out
        if refused != wrong:
            self.fail(f"vm {verb} {name} while {state}: {out}")
        if not wrong:
            self.state[name] = self.right[state][verb]
        self.counts["refused" if wrong else verb] += 1

    def ups(self, name):
        return self.shell.run(f"vm log {name} 1000").count("beat: up")

    def bring_up(self, name):
        """From its reset to where its handlers are: an NMI before that ends any machine by a triple fault."""
        self.shell.run(f"vm pause {name}")
        before = self.ups(name)
        self.shell.run(f"vm reset {name}")
        end = time.monotonic() + 120 * harness.TIME_SCALE
        while self.ups(name) == before:
            if time.monotonic() > end:
                self.fail(f"{name} does not come up")

    def look(self):
        """That the console sees what the model says, and no guest has found its memory wrong."""
        rows = {row["name"]: row for row in self.shell.json("vm list")}
        for name in self.names:
            if rows[name]["state"] != self.state[name]:
                self.fail(f"{name} is {rows[name]['state']}: {rows[name]['reason']}\n{self.shell.run('log 30')}")
        name = self.rng.choice(self.names)
        if self.state[name] == "running":
            text = self.shell.run(f"vm log {name} 3")
            if "wrong" in text:
                self.fail(f"{name}: {text}")

    def wait_for(self, what, seen):
        end = time.monotonic() + 120 * harness.TIME_SCALE
        while not seen():
            if time.monotonic() > end:
                self.fail(what)

    def progress(self):
        """Each VM that runs goes on."""
        for name in self.names:
            if self.state[name] != "running":
                continue
            self.shell.run(f"vm reset {name}")
            self.wait_for(f"{name} does not go on", lambda n=name: re.search(self.up, self.shell.run(f"vm log {n} {self.up_within}")))

    def kill_all(self):
        for name in self.names:
            if self.state[name] != "stopped":
                self.shell.run(f"vm kill {name}")
                self.state[name] = "stopped"

    def work(self, minutes, actions, every):
        """Actions for so long and so many at least, with a look after each so many; then what runs must go on, and all is ended."""
        end = time.monotonic() + minutes * 60
        steps = 0
        while time.monotonic() < end or steps < actions:
            self.step()
            steps += 1
            if steps % every == 0:
                self.look()
        self.progress()
        self.look()
        self.kill_all()
        return steps


def held(shell):
    """What VMs hold: VMs, guest memory, bytes of ring 3."""
    rows = shell.json("mem")
    ring3 = [r for r in rows if r.get("name") == "ring3"][0]["used"]
    return shell.json("host show")[0]["vms"], rows[0]["guest"], ring3


@contextlib.contextmanager
def soak_machine(replay, **kwargs):
    """The machine, and the replay of its log or None."""
    if replay:
        with llog.logged(name="soak", mem=MEM, live=True, **kwargs) as (m, log):
            yield m, log
    else:
        with Machine("soak", mem=f"{MEM}m", **kwargs) as m:
            yield m, None


def boot_archive(folder, names):
    with open(f"{harness.BUILD}/guests/beat.elf", "rb") as f:
        files = {"guests/beat.elf": f.read()}
    for i, name in enumerate(names):
        files[f"vms/{name}.conf"] = archive.vm_conf("/guests/beat.elf", 1 + i % 2, "8M", "period=100000000")
    return archive.extend(harness.image("debug", "strata.cpio"), os.path.join(folder, "all.cpio"), files)


def drive(m, names, minutes, seed, actions):
    """All of it, on a machine that has just been started: how many actions, and of which kind."""
    s = Soak(m, names, random.Random(seed))
    # Each VM once: from here on init keeps a log for each.
    for name in names:
        s.shell.run(f"vm start {name}")
    s.state = {name: "running" for name in names}
    s.look()
    s.kill_all()
    before = held(s.shell)
    steps = s.work(minutes, actions, 20)
    after = held(s.shell)
    if after[:2] != (0, 0):
        s.fail(f"{after[0]} VMs and {after[1]} bytes of guest memory did not come back")
    # Heaps of init and shell and the logs' pages may have grown; one VM left behind is more than that.
    if after[2] - before[2] > len(names) * 4096 + 65536:
        s.fail(f"ring 3 holds {after[2] - before[2]} bytes more than before")
    m.send("poweroff\r")
    m.wait_exit(60)
    return steps, s.counts


def soak(minutes, vms, cpus, seed, replay=False, actions=40):
    """So long and so many actions at least: (number of actions, their counts, what the replay said)."""
    names = [f"beat{i:02}" for i in range(vms)]
    log = None
    with tempfile.TemporaryDirectory(prefix="strata-soak-") as folder:
        try:
            with soak_machine(replay, smp=cpus, initrd=boot_archive(folder, names), limit=minutes * 60 + 900) as (m, log):
                steps, counts = drive(m, names, minutes, seed, actions)
        except MachineError as e:
            raise MachineError(f"{e}\n{log.text if log else ''}") from e
    if log and (log.violations or log.status != 0):
        raise MachineError(f"soak: the log's replay:\n{log.text}")
    return steps, counts, log.text.splitlines()[0] if log else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--vms", type=int, default=24)
    parser.add_argument("--cpus", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-replay", action="store_true", help="do not replay the logical log")
    args = parser.parse_args()
    subprocess.run(["make", "-s", "guests", "replay"], cwd=harness.TREE, check=True, timeout=300)
    try:
        steps, counts, replayed = soak(args.minutes, args.vms, args.cpus, args.seed, not args.no_replay)
    except MachineError as e:
        sys.exit(f"soak: {e}")
    if replayed:
        print(replayed)
    print(f"soak: ok ({args.vms} VMs on {args.cpus} CPUs, {steps} actions, seed {args.seed}): "
          + ", ".join(f"{n} {verb}" for verb, n in sorted(counts.items())))


if __name__ == "__main__":
    main()
