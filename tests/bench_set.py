# SPDX-License-Identifier: GPL-2.0-or-later
"""The set for real servers (bench/realset.py) on an emulated one: GRUB on its serial line starts the three sides in turn, and
bench/collect.py has their figures. Minutes: `make check-bench-set`. With one CPU under icount: a thread for each CPU makes QEMU 7.2 abort when a
guest of KVM's writes CR8 (docs/limits.md), as the exit-cost guest does."""
import json
import os
import subprocess
import sys

import harness

BENCH = os.path.join(harness.TREE, "bench")
sys.path.insert(0, BENCH)
import collect  # noqa: E402
import results as R  # noqa: E402
import workloads  # noqa: E402

JOBS = ["boot", "create", "exit", "start"]


class Args:
    machine, repeat, sides = "QEMU as a server", 1, list(R.SIDES)


def test_set(tmp_path):
    subprocess.run(["make", "-s", "bench-set", f"ONLY={','.join(JOBS)}"], cwd=harness.TREE, check=True, timeout=900)
    folder = os.path.join(harness.BUILD, "bench/set")
    with open(f"{folder}/set.json", encoding="utf-8") as f:
        plan = json.load(f)
    Args.output = str(tmp_path)
    limit = 300 * harness.TIME_SCALE
    with harness.Machine("server", kernel=False, smp=1, icount=True, mem="3g", limit=3600,
                         extra=["-cdrom", f"{folder}/set.iso", "-boot", "d", "-action", "reboot=reset"]) as m:
        results = collect.collect(plan, collect.Line(m.child, limit), Args, print)
    assert not results["holes"], results["holes"]
    known = workloads.load()
    for name in JOBS:
        for metric in known[name].metrics:
            row = R.find_row(results, name, metric)
            if name == "exit" and row is None:
                continue  # an operation that this machine has not
            sides = {"kvm", "strata"} | ({"bare"} if name == "boot" else set())
            assert row and set(row["samples"]) == sides and row["unit"] != "instructions", (name, metric, row)
    assert R.load(str(tmp_path / "results.json"))["machine"]["machine"] == Args.machine
    assert (tmp_path / "report.html").exists()
