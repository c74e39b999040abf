#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the comparison on a real server that boots a set (realset.py), over the server's serial line.

    collect.py --set FOLDER --serial /dev/ttyUSB0 --machine 'NAME OF THE SERVER' [--repeat N] [--sides NAME,...] --output FOLDER

The server must boot the set each time it starts. This program tells its GRUB which side to start, reads what the side says until it has done
its jobs, and goes on with the next after the reboot. Results are saved after each side; a side that is silent for --limit seconds
is a named hole, and the server then waits for somebody to reset it.
"""
import argparse
import json
import os
import re
import subprocess
import sys

import pexpect
import pexpect.fdpexpect

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "kvm"))
import report  # noqa: E402
import results as R  # noqa: E402
import run  # noqa: E402
import sides  # noqa: E402
import workloads  # noqa: E402

ASKS = rb"bench-set: which side\?"
PROMPT = rb"strata> "
# What a side says last, and what it is told then.
ENDS = {"bare": (rb"bench: end \d+", None), "bare-boot": (rb"boot: tsc \d+\r", None), "kvm": (rb"host: job ended with \d+", None),
        "strata": (PROMPT, "reboot")}


class Line:
    """The server's serial line, as a pexpect child; `limit`: seconds of silence."""

    def __init__(self, child, limit):
        self.child, self.limit, self.seen = child, limit, b""

    def until(self, pattern):
        """Reads up to a pattern. Whatever comes before it shows that the machine is alive."""
        while True:
            index = self.child.expect([pattern, rb"Kernel panic[^\r\n]*", rb"\n", pexpect.TIMEOUT, pexpect.EOF], timeout=self.limit)
            if index < 3:
                self.seen += self.child.before + self.child.after
            if index == 0:
                return
            if index == 1:
                raise sides.SideFailed(self.child.after.decode("utf-8", "replace"))
            if index > 2:
                raise sides.SideFailed(f"{'nothing came for ' + str(self.limit) + ' s' if index == 3 else 'the line ended'}; last said: "
                                       f"{sides.last_line((self.seen + self.child.before).decode('utf-8', 'replace'))}")

    def entry(self, name):
        """Starts one entry of GRUB's, and reads what it says until it has done its jobs."""
        self.until(ASKS)
        self.seen = b""
        self.child.send(name.encode() + b"\r")
        last, answer = ENDS[name]
        self.until(last)
        if answer:
            self.child.send(answer.encode() + b"\r")

    def text(self):
        """What the last entry has said."""
        return self.seen.decode("utf-8", "replace").replace("\r\n", "\n")


def entries_of(name, plan):
    """(entry of GRUB's, its jobs) for a side."""
    if name != "bare":
        return [(name, plan["jobs"])]
    return [("bare-boot" if job == ["boot"] else "bare", [job]) for job in plan["bare"]]


def texts_of(jobs, text):
    """(job, what was said in it): a side with more than one says which one begins."""
    if "bench-set: job " not in text:
        return [(job, text) for job in jobs]
    parts = re.split(r"(?m)^bench-set: job (\S+)\s*$", text)
    said = {tuple(job.split(",")): text for job, text in zip(parts[1::2], parts[2::2])}
    return [(job, said.get(tuple(job), "")) for job in jobs]


def take(results, known, side, job, text, say):
    """Notes what a job said."""
    values, reason = {name: {} for name in job}, ""
    try:
        run.listen(known, side.parse(job, text), values, say)
    except sides.SideFailed as e:
        reason = str(e)[:300]
        say(f"    failed: {reason}")
    for name in job:
        run.note(results, known[name], side, values[name], reason)


def measure(results, known, line, name, plan, say):
    """One side, all of its jobs. What it did before it failed counts."""
    for entry, jobs in entries_of(name, plan):
        reason = ""
        try:
            line.entry(entry)
        except sides.SideFailed as e:
            reason = str(e)[:300]
            say(f"    failed: {reason}")
        said = texts_of(jobs, line.text())
        begun = [job for job, text in said if text]
        for job, text in said:
            if reason and (job not in begun or job == begun[-1]):
                for workload in job:
                    R.add_hole(results, workload, name, reason)
            else:
                take(results, known, sides.SIDES[name](shape=known[job[0]].shape), job, text, say)


def collect(plan, line, args, say):
    known = workloads.load()
    results = R.new({"machine": args.machine, "clock": "the machine's own: its TSC's ticks, and time"},
                    {"Strata": plan["config"], "guest kernel": "Debian's, vmlinux by PVH", "KVM's host": "Debian's"},
                    plan["commit"], sides.MITIGATIONS)
    for repeat in range(args.repeat):
        for name in args.sides:
            say(f"[{repeat + 1}/{args.repeat}] {report.NAMES[name]}")
            measure(results, known, line, name, plan, say)
            for row in results["rows"]:
                row.update(exact=False, unit=row["unit"].replace("instructions", "ticks"), note="")
            R.save(os.path.join(args.output, "results.json"), results)
    report.write_all(results, args.output)
    return results


def open_serial(path, speed):
    subprocess.run(["stty", "-F", path, str(speed), "raw", "-echo", "cs8", "-cstopb", "-parenb", "clocal"], check=True)
    return pexpect.fdpexpect.fdspawn(os.open(path, os.O_RDWR | os.O_NOCTTY), maxread=65536)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", required=True, metavar="FOLDER")
    parser.add_argument("--serial", required=True, metavar="DEVICE")
    parser.add_argument("--machine", required=True, metavar="NAME")
    parser.add_argument("--repeat", type=int, default=3, metavar="N")
    parser.add_argument("--sides", type=lambda s: s.split(","), default=list(R.SIDES), metavar="NAME,...")
    parser.add_argument("--limit", type=int, default=1800, metavar="SECONDS")
    parser.add_argument("--output", required=True, metavar="FOLDER")
    args = parser.parse_args()
    try:
        with open(os.path.join(args.set, "set.json"), encoding="utf-8") as f:
            plan = json.load(f)
        child = open_serial(args.serial, plan["speed"])
    except (OSError, ValueError, subprocess.CalledProcessError) as e:
        sys.exit(f"collect: {e}")
    results = collect(plan, Line(child, args.limit), args, lambda text: print(text, flush=True))
    print(f"report: {args.output}/report.html; {len(results['rows'])} rows, {len(results['holes'])} not measured")


if __name__ == "__main__":
    main()
