#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures the workloads on the bare machine, under KVM and under Strata, and writes the report.

    run.py [--only NAME,...] [--sides NAME,...] [--repeat N] [--fresh] [--config NAME]

Sides take turns; after each the results are saved, so an interrupted run goes on where it was
(--fresh: begins anew). A side that fails is a named hole. Output: build/bench/results.json, report.html, report.md.
"""
import argparse
import os
import platform
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "kvm"))
import report  # noqa: E402
import results as R  # noqa: E402
import sides  # noqa: E402
import workloads  # noqa: E402


# What a side has not by its nature: no VM is started on the bare machine.
NOT_THERE = {(name, "bare") for name in ("create", "exit", "ipi", "ipi-one-cpu", "overcommit", "start")}


def output_of(*argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True, cwd=sides.TREE).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def commit():
    return output_of("git", "describe", "--always", "--dirty", "--abbrev=12")


def describe(args):
    clock = "icount shift=0, one instruction, of whichever CPU, is one nanosecond; where a row says so: multi-threaded TCG, wall time"
    machine = {"emulator": output_of("qemu-system-x86_64", "--version").splitlines()[0], "clock": clock,
               "cpu": "EPYC,+svm,+npt", "host": f"{platform.machine()}, {os.cpu_count()} CPUs"}
    kernel = sides.cpio.read(os.path.join(sides.BUILD, "kernel/release")).decode().strip()
    versions = {"guest kernel": f"Linux {kernel}, vmlinux by PVH", "KVM's host": f"Linux {kernel}", "Strata": args.config}
    return R.new(machine, versions, commit(), sides.MITIGATIONS)


def begin(args, path):
    """Results to go on with: those of the same commit and machine, else new ones."""
    fresh = describe(args)
    if args.fresh or not os.path.exists(path):
        return fresh
    old = R.load(path)
    same = all(old[k] == fresh[k] for k in ("commit", "machine", "versions", "mitigations"))
    if not same:
        print(f"{path}: of another commit or machine: begins anew")
    return old if same else fresh


def jobs_of(chosen):
    """Side jobs and those with a machine of their own one by one; what runs in the Debian guest in one boot of it, but disks."""
    def alone(w):
        return w.side_job or w.shape != workloads.ONE or w.name == "fio"

    jobs = [[w.name] for w in chosen if w.side_job]
    inside = [w.name for w in chosen if not alone(w)]
    return jobs + ([inside] if inside else []) + [[w.name] for w in chosen if alone(w) and not w.side_job]


def listen(known, said, values, say):
    """Takes the pairs (workload, line) of a side as they come, and notes what it measures. Seconds that it took."""
    started = time.monotonic()
    for workload, line in said:
        value = known[workload].value(line) if workload in known else None
        if value:
            values[workload].setdefault(value[0], []).append(value[1])
            say(f"    {workload} {value[0]} {value[1]:g} {known[workload].metrics[value[0]][0]}")
        elif line:
            say(f"    {workload}: {line}")
    took = time.monotonic() - started
    say(f"    {took:.0f} s")
    return took


def check_clock(known, values, took):
    """By the wall's clock no guest has computed for longer than the machine ran: Linux has taken its TSC for slower than it is."""
    for name, found in values.items():
        shape = known[name].shape
        seconds = sum(sum(v) for metric, v in found.items() if known[name].metrics[metric][0] == "s") / shape.vms
        if not shape.icount and seconds > took:
            found.clear()
            raise sides.SideFailed(f"the guest's clock is wrong: {seconds:.0f} s of work in {took:.0f} s")


def note(results, workload, side, found, reason):
    """One workload's samples (of several VMs the mean); a hole for what it has no value of. True: it is whole."""
    R.remove_holes(results, workload.name, side.name)
    missing = [m for m in workload.metrics if m not in found]
    if workload.name == "exit" and found:
        missing = []  # an operation that a machine has not is no hole
    if missing and (workload.name, side.name) not in NOT_THERE:
        R.add_hole(results, workload.name, side.name, reason or f"no value of {', '.join(missing)}")
        if reason:
            return False
    for metric, values in found.items():
        unit, better = workload.metrics[metric]
        row = R.add_sample(results, workload.name, metric, unit, better, side.name, sum(values) / len(values))
        row["exact"] = workload.shape.icount and workload.side_job
        if workload.shape.cpus > 1:
            row["note"] = f"{workload.shape.cpus} CPUs, " + ("instructions of all of them" if workload.shape.icount else "wall time")
    return True


def tries(known, side, job, say):
    """(values, reason) of the last try: more than one where a side may be tried again."""
    for number in range(side.tries):
        values, reason, side.number = {name: {} for name in job}, "", number
        try:
            check_clock(known, values, listen(known, side.run(job), values, say))
        except sides.SideFailed as e:
            reason = str(e)[:300]
            say(f"    failed: {reason}")
        if not reason.startswith(sides.PANIC):
            break
    return values, reason


def one_turn(results, known, side, job, repeat, say):
    """One job on one side. What was measured before it failed counts."""
    values, reason = tries(known, side, job, say)
    for name in job:
        if note(results, known[name], side, values[name], reason):
            results["done"].append(f"{repeat} {name} {side.name}")


def choose(known, only):
    """The workloads of these names; all without."""
    unknown = [n for n in only or [] if n not in known]
    if unknown:
        sys.exit(f"bench: ONLY={unknown[0]}: expected some of {', '.join(known)}")
    return [w for w in known.values() if not only or w.name in only]


def run(args, path, say):
    known = workloads.load()
    chosen = choose(known, args.only)
    results = begin(args, path)
    turns = [(repeat, job, name) for repeat in range(args.repeat) for job in jobs_of(chosen) for name in args.sides]
    for number, (repeat, job, name) in enumerate(turns):
        left = [n for n in job if f"{repeat} {n} {name}" not in results["done"]]
        say(f"[{number + 1}/{len(turns)}] {', '.join(left or job)} on {report.NAMES[name]}" + ("" if left else ": there already"))
        if left:
            shape = known[left[0]].shape
            one_turn(results, known, sides.SIDES[name](config=args.config, shape=shape), left, repeat, say)
            R.save(path, results)
    return results


def profile(args, say):
    """Where the time of each workload goes, by perf in the guest. Nothing is saved."""
    known = workloads.load()
    for job in jobs_of([w for w in choose(known, args.only) if not w.side_job]):
        for name in args.sides:
            say(f"{', '.join(job)} on {report.NAMES[name]}")
            side = sides.SIDES[name](config=args.config, shape=known[job[0]].shape, perf=True)
            try:
                listen(known, side.run(job), {workload: {} for workload in job}, say)
            except sides.SideFailed as e:
                sys.exit(f"bench: {name}: {e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda s: s.split(","), metavar="NAME,...")
    parser.add_argument("--sides", type=lambda s: s.split(","), default=list(R.SIDES), metavar="NAME,...")
    parser.add_argument("--repeat", type=int, default=1, metavar="N")
    parser.add_argument("--config", default="release")
    parser.add_argument("--output", default=sides.BUILD, metavar="FOLDER")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--perf", action="store_true", help="profiles by perf in the guest instead of figures")
    args = parser.parse_args()
    for name in args.sides:
        if name not in R.SIDES:
            sys.exit(f"bench: SIDES={name}: expected some of {', '.join(R.SIDES)}")
    if args.perf:
        profile(args, lambda text: print(text, flush=True))
        return
    path = os.path.join(args.output, "results.json")
    try:
        results = run(args, path, lambda text: print(text, flush=True))
    except (R.BadResults, workloads.BadWorkload, sides.cpio.Missing) as e:
        sys.exit(f"bench: {e}")
    report.write_all(results, args.output)
    print(f"report: {os.path.join(args.output, 'report.html')}, report.md; {len(results['rows'])} rows, {len(results['holes'])} not measured")


if __name__ == "__main__":
    main()
