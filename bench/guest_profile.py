#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the instructions of a command in the bench guest go, on each side, by function, in the guest and outside it.

    guest_profile.py [--sides bare,kvm,strata] [--unit FUNCTION] [--after SECONDS] [--mib N] COMMAND

The machine runs under -icount as for the figures. SECONDS (of the wall) after COMMAND has begun, QEMU's log says every instruction, for
N MiB of it. It tells guest from host (the CPU's SVM state) and ring 0 from ring 3, of which only the sum is counted. With --unit the
figures are for one call of this function of the guest's kernel (__schedule: a switch), and the usual instructions from one call to the
next stand above. Linux' symbols are its own /proc/kallsyms, read once into build/bench/kallsyms.
"""
import argparse
import base64
import bisect
import collections
import gzip
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "kvm"))
import sides  # noqa: E402

SYMBOLS = os.path.join(sides.BUILD, "kallsyms")
MODULES = 0xffffffffc0000000  # of Linux: other ones in the host than in the guest
IN_GUEST = 1 << 21  # QEMU, target/i386/cpu.h, HF_GUEST_MASK, in the third field of a line
TRACE = re.compile(r"Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/([0-9a-f]+)/")


class Symbols:
    """Functions by address, from lines `ADDRESS TYPE NAME`."""

    def __init__(self, lines):
        known = sorted((int(f[0], 16), f[2]) for f in map(str.split, lines) if len(f) >= 3 and f[1] in "tTwW")
        self.starts, self.names = [a for a, _ in known], [n for _, n in known]

    def address(self, name):
        if name not in self.names:
            sys.exit(f"guest_profile: --unit {name}: no function of the guest's kernel")
        return self.starts[self.names.index(name)]

    def name(self, address):
        if address >= MODULES:
            return "(module)"
        at = bisect.bisect_right(self.starts, address)
        return self.names[at - 1] if at else hex(address)


def fetch_symbols(qemu):
    """Linux says its own symbols: the Debian package has none."""
    side = sides.Bare(qemu=qemu)
    with side.machine(["symbols"], sides.SMALL_MIB, kernel=sides.KERNEL, initrd=sides.INITRD, console="",
                      append=f"{sides.CMDLINE} bench.shell") as m:
        m.expect("bench# ", 120)
        m.sendline("stty -echo; echo kallsyms''-begin; grep ' [tTwW] ' /proc/kallsyms | gzip | base64; echo kallsyms''-end")
        m.expect("kallsyms-begin", 60)
        m.expect("kallsyms-end", 900)
        text = gzip.decompress(base64.b64decode(re.sub(r"[^A-Za-z0-9+/=]", "", m.before()))).decode()
    with open(SYMBOLS + ".tmp", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(SYMBOLS + ".tmp", SYMBOLS)


def linux_symbols(qemu):
    if not os.path.exists(SYMBOLS):
        fetch_symbols(qemu)
    with open(SYMBOLS, encoding="utf-8") as f:
        return Symbols(f)


def strata_symbols(config):
    path = os.path.join(sides.harness.BUILD, config, "strata.elf")
    return Symbols(subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout.splitlines())


class Tracer:
    """Called as the workload begins: lets it run for a while, then has the log written."""

    def __init__(self, after, mib, log, qemu):
        self.after, self.mib, self.log = after, mib, log
        self.step = "one-insn-per-tb" if sides.divides(qemu) else "singlestep"  # renamed in QEMU 8.1

    def __call__(self, machine, workload):
        time.sleep(self.after)
        machine.hmp("stop")
        machine.hmp(f"{self.step} on")
        machine.hmp("log exec,nochain")
        machine.hmp("cont")
        while not os.path.exists(self.log) or os.path.getsize(self.log) < self.mib << 20:
            if machine.child.exitstatus is not None:
                machine.fail("it ended while it was traced")
            time.sleep(0.05)
        machine.hmp("stop")
        machine.hmp("log none")
        raise Done


class Done(Exception):
    """The log is whole."""


def instructions(log):
    """(address, flags) of each."""
    with open(log, encoding="utf-8", errors="replace") as f:
        for line in f:
            match = TRACE.match(line)
            if match:
                yield int(match[1], 16), int(match[2], 16)


class Counts:
    """What a log has: `calls` of the unit, how often each distance between two of them, and instructions by (where, function)."""

    def __init__(self):
        self.calls, self.distances, self.functions = 0, collections.Counter(), collections.Counter()

    def usual(self):
        return ", ".join(f"{d} ({n})" for d, n in self.distances.most_common(3))

    def per_unit(self, key):
        return self.functions[key] / (self.calls or 1)

    def total(self, where):
        return sum(self.per_unit(key) for key in self.functions if key[0] == where)


def count(log, bare, unit, guest, host):
    """Counts of a log; `unit`: the address of a function of the guest, or None."""
    found, names, last = Counts(), {}, None
    for number, (address, flags) in enumerate(instructions(log)):
        inside = bare or bool(flags & IN_GUEST)
        key = (inside, None if flags & 3 else address)
        if key not in names:
            where = "guest" if inside else "host"
            names[key] = where, "(ring 3)" if flags & 3 else (guest if inside else host).name(address)
        found.functions[names[key]] += 1
        if inside and address == unit:
            found.calls += 1
            if last is not None:
                found.distances[number - last] += 1
            last = number
    return found


def profile(args, name, guest, host):
    with tempfile.TemporaryDirectory(prefix="strata-profile-") as folder:
        log = os.path.join(folder, "log")
        side = sides.SIDES[name](config=args.config, qemu=args.qemu)
        side.extra, side.began = ["-D", log], Tracer(args.after, args.mib, log, args.qemu)
        side.words = " bench.run=" + args.command.replace(" ", "+")
        try:
            for _ in side.run(["run"]):
                pass
        except Done:
            unit = guest.address(args.unit) if args.unit else None
            return count(log, name == "bare", unit, guest, host)
        sys.exit(f"guest_profile: {args.command} on {name} ended before it was traced")


def show(results, unit):
    """A table: what differs most between the sides first."""
    names = list(results)

    def row(title, values):
        print(f"{title:44}" + "".join(f"{v:12.1f}" for v in values))

    print(f"{'instructions for one call of ' + unit if unit else 'instructions':44}" + "".join(f"{n:>12}" for n in names))
    if unit:
        for n in names:
            print(f"  {n}: {results[n].calls} calls; usual distance (how often): {results[n].usual()}")
    for where in ("guest", "host"):
        row(where, [results[n].total(where) for n in names])
        keys = {key for n in names for key in results[n].functions if key[0] == where}
        rows = [(key[1], [results[n].per_unit(key) for n in names]) for key in keys]
        for function, values in sorted(rows, key=lambda r: (min(r[1]) - max(r[1]), -max(r[1]), r[0])):
            if max(values) >= 0.5:
                row("  " + function, values)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command")
    parser.add_argument("--sides", type=lambda s: s.split(","), default=list(sides.SIDES), metavar="NAME,...")
    parser.add_argument("--unit", default="", metavar="FUNCTION")
    parser.add_argument("--after", type=float, default=1, metavar="SECONDS")
    parser.add_argument("--mib", type=int, default=200, metavar="N")
    parser.add_argument("--config", default="release")
    parser.add_argument("--qemu", type=lambda s: tuple(shlex.split(s)), default=sides.QEMU, metavar="COMMAND")
    args = parser.parse_args()
    for name in args.sides:
        if name not in sides.SIDES:
            sys.exit(f"guest_profile: --sides {name}: expected some of {', '.join(sides.SIDES)}")
    linux, strata = linux_symbols(args.qemu), strata_symbols(args.config)
    show({n: profile(args, n, linux, strata if n == "strata" else linux) for n in args.sides}, args.unit)


if __name__ == "__main__":
    main()
