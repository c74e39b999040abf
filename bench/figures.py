#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of the kernel itself on 1, 2, 4 and 8 CPUs that take turns: the console's `bench`, in instructions that repeat.

    figures.py [--config release] [--cpus 1,2,4,8] --output docs/figures.md
"""
import argparse
import json
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(HERE)
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(TREE, "tests"))
import cpio  # noqa: E402
import harness  # noqa: E402
import run  # noqa: E402

CPUS = (1, 2, 4, 8)
VERBS = ("lock", "ipc", "switch", "wakeup", "syscall", "fair", "late")


def script(verbs):
    """The commands, in an archive: what is typed comes when it comes, and no run would be like the other."""
    archive = cpio.Archive()
    archive.add("/etc/figures", "\n".join([f"bench {verb} --json" for verb in verbs] + ["poweroff", ""]).encode())
    return archive


def measure(cpus, verbs=VERBS, config="release", words="", limit=600):
    """The rows of those verbs by name, as the console's objects (docs/json.md)."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "figures.cpio")
        with open(path, "wb") as f:
            f.write(cpio.read(harness.image(config, "strata.cpio")))
            script(verbs).write(f)
        with harness.Machine(f"figures-{cpus}", config=config, smp=cpus, icount=True, initrd=path, limit=limit,
                             append=f"strata.run=/etc/figures {words}".strip()) as m:
            m.expect(r"\+ poweroff", limit)
            m.wait_exit(60)
            text = m.text()
    rows = [json.loads(line) for line in re.findall(r'(?m)^(\{"measure".*\})\s*$', text)]
    return {row["measure"]: row for row in rows}


def shares(row):
    """Per cent of an equal share, of the thread with least and the one with most."""
    return 100 * row["least_ns"] / row["ns"], 100 * row["most_ns"] / row["ns"]


def shown(name, row):
    if row is None:
        return "–"
    if name.startswith(("fairness", "by weight")):
        return "{:.1f} to {:.1f} %".format(*shares(row))
    if name.startswith("woken late"):
        return f"{row['ns']:,.0f}, at most {row['most_ns']:,}"
    return f"{row['ns']:,.0f}" + (f", behind {row['behind']}" if row["behind"] else "")


def table(found):
    names = list(max(found.values(), key=len))
    lines = ["| measure | " + " | ".join("1 CPU" if n == 1 else f"{n} CPUs" for n in found) + " |", "|---" * (len(found) + 1) + "|"]
    return lines + [f"| {name} | " + " | ".join(shown(name, rows.get(name)) for rows in found.values()) + " |" for name in names]


TEXT = """\
# Figures of the kernel on several CPUs

Made by `make figures` of commit {commit} (release image, {emulator}, `-icount shift=0,sleep=off -smp N`): the console's `bench`, in
instructions of all CPUs together. They repeat exactly; `tests/test_figures_smp.py` holds them to budgets.

{table}

- A lock of 2 and more CPUs is held over a PAUSE, so all others wait for it each time; what stands there is one acquisition, the turns of those that wait included. `behind`: so many
  rounds another CPU had still to do when the first had done all of its (500 and more). First come, first served means 1 at most.
- Channel, switch, wakeup: one round trip, one switch, one wakeup with the switch to the woken thread. What idle CPUs do meanwhile, chiefly look for work before they halt, is in it.
- `fairness`: so many threads compute; what the one with least and the one with most ran, in per cent of an equal share, over 96 ms of running for each on the average (24 slices of 4 ms), after
  200 ms in which they settle. A slice more or less is 4 %. On several CPUs a thread moves when it is owed 8 ms (8 %), and may be ahead or behind by twice that for a while. `by weight`: every second
  thread has twice the weight.
- `woken late`: one of so many threads sleeps 1.1 ms a hundred times, the others compute; how much later than it wanted it runs, on the average and at most. Where there are more threads than CPUs,
  one that has just moved to the sleeper's CPU is owed running time and takes it first: that is the greatest figure of several CPUs.

## The clock

With `-icount` QEMU runs all CPUs on one thread, in turns, and its clock is the number of instructions that all have executed. A turn ends at PAUSE and HLT (of a guest's guest as well), and at the next
timer of the machine. So a CPU that waits with PAUSE costs a few instructions a turn and lets the next one go on, and one that halts costs none. Nothing depends on the computer under it: two
runs give the same figures to the last digit (`test_repeats`), as long as input does not come from outside.

Two things to know. A CPU that neither pauses nor halts until the next timer has used up the time of those behind it: QEMU 7.2 gives the next turn to the first CPU again, and later ones never run
(since 8.1 they have their part). Code that waits for another CPU without PAUSE hangs there; Linux' SMP start is such code. And CPUs that neither pause nor halt run one after the
other, not at once: two that take a lock without a PAUSE inside never meet.

What it does not tell: time. An instruction counts 1 whether it is an addition, an atomic one on a line that eight CPUs want, or WRMSR. That an MCS lock spins on its own line, which is what it is there for,
is not in these figures; on real machines a contended lock costs chiefly the transfer of its line. `bench` on a real server prints ns of that server.
"""


def write(path, config, cpus):
    found = {}
    for n in cpus:
        print(f"{n} CPUs", flush=True)
        found[n] = measure(n, config=config)
    emulator = run.output_of("qemu-system-x86_64", "--version").splitlines()[0].replace("QEMU emulator version", "QEMU")
    with open(path, "w", encoding="utf-8") as f:
        f.write(TEXT.format(commit=run.commit(), emulator=emulator, table="\n".join(table(found))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="release")
    parser.add_argument("--cpus", type=lambda s: [int(n) for n in s.split(",")], default=CPUS, metavar="N,...")
    parser.add_argument("--output", required=True, metavar="FILE")
    args = parser.parse_args()
    try:
        write(args.output, args.config, args.cpus)
    except (harness.MachineError, cpio.Missing, OSError) as e:
        sys.exit(f"figures: {e}")


if __name__ == "__main__":
    main()
