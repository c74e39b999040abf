#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures the workloads on the bare machine, under KVM and under Strata, and writes the report.

    run.py [--only NAME,...] [--sides NAME,...] [--repeat N] [--cpus N] [--fresh] [--config NAME]

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
NOT_THERE = {("start", "bare")}


def output_of(*argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True, cwd=sides.TREE).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def describe(args):
    icount = "icount shift=0, one instruction is one nanosecond" if args.cpus == 1 else "multi-threaded TCG, wall time"
    machine = {"emulator": output_of("qemu-system-x86_64", "--version").splitlines()[0], "clock": icount,
               "cpu": "EPYC,+svm,+npt", "cpus": str(args.cpus), "host": f"{platform.machine()}, {os.cpu_count()} CPUs"}
    kernel = sides.cpio.read(os.path.join(sides.BUILD, "kernel/release")).decode().strip()
    versions = {"guest kernel": f"Linux {kernel}, vmlinux by PVH", "KVM's host": f"Linux {kernel}", "Strata": args.config}
    return R.new(machine, versions, output_of("git", "describe", "--always", "--dirty", "--abbrev=12"), sides.MITIGATIONS)


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
    """Side jobs one by one; what runs in the Debian guest in one boot of it."""
    jobs = [[w.name] for w in chosen if w.side_job]
    inside = [w.name for w in chosen if not w.side_job]
    return jobs + ([inside] if inside else [])


def measure(results, known, side, job, say):
    """One job on one side: its samples, all or none of a workload. Returns the metrics without a value, by workload."""
    values = {name: {} for name in job}
    started = time.monotonic()
    for workload, line in side.run(job):
        value = known[workload].value(line) if workload in known else None
        if value:
            values[workload][value[0]] = value[1]
            say(f"    {workload} {value[0]} {value[1]:g} {known[workload].metrics[value[0]][0]}")
        elif line:
            say(f"    {workload}: {line}")
    say(f"    {time.monotonic() - started:.0f} s")
    for name, found in values.items():
        for metric, value in found.items():
            unit, better = known[name].metrics[metric]
            row = R.add_sample(results, name, metric, unit, better, side.name, value)
            row["exact"] = side.cpus == 1
    wanted = {n: [m for m in known[n].metrics if m not in values[n]] for n in job if (n, side.name) not in NOT_THERE}
    return {n: metrics for n, metrics in wanted.items() if metrics}


def one_turn(results, known, side, job, key, say):
    for name in job:
        R.remove_holes(results, name, side.name)
    try:
        missing = measure(results, known, side, job, say)
    except sides.SideFailed as e:
        say(f"    failed: {e}")
        for name in job:
            R.add_hole(results, name, side.name, str(e)[:300])
        return
    for name, metrics in missing.items():
        R.add_hole(results, name, side.name, f"no value of {', '.join(metrics)}")
    results["done"].append(key)


def run(args, path, say):
    known = workloads.load()
    unknown = [n for n in args.only or [] if n not in known]
    if unknown:
        sys.exit(f"bench: ONLY={unknown[0]}: expected some of {', '.join(known)}")
    chosen = [w for w in known.values() if not args.only or w.name in args.only]
    results = begin(args, path)
    turns = [(repeat, job, name) for repeat in range(args.repeat) for job in jobs_of(chosen) for name in args.sides]
    for number, (repeat, job, name) in enumerate(turns):
        key = f"{repeat} {','.join(job)} {name}"
        say(f"[{number + 1}/{len(turns)}] {', '.join(job)} on {report.NAMES[name]}"
            + (": there already" if key in results["done"] else ""))
        if key not in results["done"]:
            one_turn(results, known, sides.SIDES[name](config=args.config, cpus=args.cpus), job, key, say)
            R.save(path, results)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda s: s.split(","), metavar="NAME,...")
    parser.add_argument("--sides", type=lambda s: s.split(","), default=list(R.SIDES), metavar="NAME,...")
    parser.add_argument("--repeat", type=int, default=1, metavar="N")
    parser.add_argument("--cpus", type=int, default=1, metavar="N")
    parser.add_argument("--config", default="release")
    parser.add_argument("--output", default=sides.BUILD, metavar="FOLDER")
    parser.add_argument("--fresh", action="store_true")
    args = parser.parse_args()
    for name in args.sides:
        if name not in R.SIDES:
            sys.exit(f"bench: SIDES={name}: expected some of {', '.join(R.SIDES)}")
    path = os.path.join(args.output, "results.json")
    try:
        results = run(args, path, lambda text: print(text, flush=True))
    except (R.BadResults, workloads.BadWorkload, sides.cpio.Missing) as e:
        sys.exit(f"bench: {e}")
    report.write_all(results, args.output)
    print(f"report: {os.path.join(args.output, 'report.html')}, report.md; {len(results['rows'])} rows, {len(results['holes'])} not measured")


if __name__ == "__main__":
    main()
