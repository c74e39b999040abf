#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures the workloads on the bare machine, under KVM and under Strata, and writes the report.

    run.py [--only NAME,...] [--sides NAME,...] [--repeat N] [--jobs N] [--fresh] [--config NAME] [--qemu COMMAND]

Sides take turns, or run N at a time: figures are counts, which other work does not change. After each the results are saved, so an interrupted run
goes on where it was (--fresh: begins anew). A side that fails is a named hole. The emulator is Debian 13's QEMU, fetched once, unless --qemu says
another (emulator.py). Output: build/bench/results.json, report.html, report.md.
"""
import argparse
import concurrent.futures
import os
import platform
import shlex
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "kvm"))
import report  # noqa: E402
import results as R  # noqa: E402
import sides  # noqa: E402
import emulator  # noqa: E402
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
    machine = {"emulator": sides.version_of(args.qemu) + args.mended, "clock": "icount shift=0, one instruction, of whichever CPU, is one nanosecond",
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
    """Takes the pairs (workload, line) of a side as they come, and notes what it measures."""
    started = time.monotonic()
    for workload, line in said:
        value = known[workload].value(line) if workload in known else None
        if value:
            values[workload].setdefault(value[0], []).append(value[1])
            say(f"    {workload} {value[0]} {value[1]:g} {known[workload].metrics[value[0]][0]}")
        elif line:
            say(f"    {workload}: {line}")
    say(f"    {time.monotonic() - started:.0f} s")


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
        row["exact"] = workload.side_job
        if workload.shape.cpus > 1:
            row["note"] = f"{workload.shape.cpus} CPUs in turns: {'instructions' if unit == 'instructions' else 'a second is 10^9 instructions'} of all of them"
    return True


def missing(known, values):
    """The workloads that have not all of their metrics, and the metrics that these have."""
    names = [name for name, found in values.items() if set(found) != set(known[name].metrics)]
    return names, tuple(metric for name in names for metric in values[name])


def tries(known, side, job, say):
    """(values, what ended each try that another one followed, what ended the last). A side that may be tried again measures what the tries before have not."""
    values, failures, reason = {name: {} for name in job}, [], ""
    for number in range(side.tries):
        names, side.have = missing(known, values)
        new, reason, side.number = {name: {} for name in names}, "", number
        try:
            listen(known, side.run(names), new, say)
        except sides.SideFailed as e:
            reason = " ".join(str(e).split())[:300]
            failures.append(reason)
            say(f"    failed: {reason}")
        for name in names:
            values[name] = {**new[name], **values[name]}
        if not reason.startswith((sides.PANIC, sides.STANDS)) or not missing(known, values)[0]:
            break
    return values, failures[:-1] if reason else failures, reason


def one_turn(results, known, side, job, repeat, say):
    """One job on one side. What was measured before it failed counts."""
    values, failures, reason = tries(known, side, job, say)
    with LOCK:
        for number, failure in enumerate(failures):
            R.add_failed_try(results, ",".join(job), side.name, number + 1, failure)
        for name in job:
            if note(results, known[name], side, values[name], reason):
                results["done"].append(f"{repeat} {name} {side.name}")
        R.sort_rows(results, [(name, metric) for name in known for metric in known[name].metrics])


def choose(known, only):
    """The workloads of these names; all without."""
    unknown = [n for n in only or [] if n not in known]
    if unknown:
        sys.exit(f"bench: ONLY={unknown[0]}: expected some of {', '.join(known)}")
    return [w for w in known.values() if not only or w.name in only]


LOCK = threading.Lock()  # results, while several turns run


def run(args, path, say):
    known = workloads.load()
    chosen = choose(known, args.only)
    results = begin(args, path)
    turns = [(repeat, job, name) for repeat in range(args.repeat) for job in jobs_of(chosen) for name in args.sides]

    def turn(number):
        repeat, job, name = turns[number]
        which = f"[{number + 1}/{len(turns)}]"
        left = [n for n in job if f"{repeat} {n} {name}" not in results["done"]]
        say(f"{which} {', '.join(left or job)} on {report.NAMES[name]}" + ("" if left else ": there already"))
        if left:
            side = sides.SIDES[name](config=args.config, shape=known[left[0]].shape, qemu=args.qemu)
            one_turn(results, known, side, left, repeat, say if args.jobs == 1 else lambda text: say(which + text))
            with LOCK:
                R.save(path, results)

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for future in [pool.submit(turn, number) for number in range(len(turns))]:
            future.result()
    return results


def profile(args, say):
    """Where the time of each workload goes, by perf in the guest. Nothing is saved."""
    known = workloads.load()
    for job in jobs_of([w for w in choose(known, args.only) if not w.side_job]):
        for name in args.sides:
            say(f"{', '.join(job)} on {report.NAMES[name]}")
            side = sides.SIDES[name](config=args.config, shape=known[job[0]].shape, perf=True, qemu=args.qemu)
            try:
                listen(known, side.run(job), {workload: {} for workload in job}, say)
            except sides.SideFailed as e:
                sys.exit(f"bench: {name}: {e}")


def say(text):
    """A line at once: turns that run side by side speak at the same time."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda s: s.split(","), metavar="NAME,...")
    parser.add_argument("--sides", type=lambda s: s.split(","), default=list(R.SIDES), metavar="NAME,...")
    parser.add_argument("--repeat", type=int, default=1, metavar="N")
    parser.add_argument("--config", default="release")
    parser.add_argument("--output", default=sides.BUILD, metavar="FOLDER")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="turns at a time, each with up to 4 GiB of memory")
    parser.add_argument("--qemu", type=lambda s: tuple(shlex.split(s)), metavar="COMMAND", help="the emulator; default: Debian 13's")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--perf", action="store_true", help="profiles by perf in the guest instead of figures")
    args = parser.parse_args()
    for name in args.sides:
        if name not in R.SIDES:
            sys.exit(f"bench: SIDES={name}: expected some of {', '.join(R.SIDES)}")
    try:
        args.qemu, args.mended = (args.qemu, "") if args.qemu else emulator.command()
    except (OSError, subprocess.CalledProcessError) as e:
        sys.exit(f"bench: Debian 13's QEMU: {e}; QEMU=qemu-system-x86_64 takes this machine's")
    if not sides.version_of(args.qemu).startswith("QEMU emulator"):
        sys.exit(f"bench: QEMU={shlex.join(args.qemu)}: expected a QEMU; it is {sides.version_of(args.qemu)}")
    if args.perf:
        profile(args, say)
        return
    path = os.path.join(args.output, "results.json")
    try:
        results = run(args, path, say)
    except (R.BadResults, workloads.BadWorkload, sides.cpio.Missing) as e:
        sys.exit(f"bench: {e}")
    report.write_all(results, args.output)
    print(f"report: {os.path.join(args.output, 'report.html')}, report.md; {len(results['rows'])} rows, {len(results['holes'])} not measured")


if __name__ == "__main__":
    main()
