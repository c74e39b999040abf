#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the steps of `make check` (or `make quick`), two at a time, and add up their counts.

Usage: check.py check|quick TARGET...
The steps are the make targets given and the files tests/test_*.py (quick: one self-test). A step is a command whose last line with `N passed` / `N failed` is its count; without one it counts as
one by its exit status. Every skipped test counts as failed. The output of each step is
kept in build/check/STEP.log, and shown if the step fails. The last line is the sum.
"""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import threading
import time

MAKE = os.environ.get("MAKE", "make")
PYTEST = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no"]
LIMIT = 1500  # seconds for one step
start = time.monotonic()
printing = threading.Lock()


def make(*targets):
    return [MAKE, "-s"] + list(targets)


def steps(kind, targets):
    if kind == "quick":
        tests = {"selftest": PYTEST + ["tests/test_selftest.py", "-k", "test_selftest[2]"]}
    else:
        tests = {os.path.basename(p)[:-3]: PYTEST + [p] for p in sorted(glob.glob("tests/test_*.py"))}
    # Whole machines first: they take long, so both workers end at about the same time.
    return {**tests, **{t: make(t) for t in targets}}


def counts(text, status):
    """(passed, failed) from the last line that has counts."""
    for line in reversed(text.splitlines()):
        found = re.findall(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)\b", line)
        if found:
            passed = sum(int(n) for n, what in found if what == "passed")
            failed = sum(int(n) for n, what in found if what != "passed")
            return passed, failed if failed or status == 0 else 1
    return (1, 0) if status == 0 else (0, 1)


def say(text):
    with printing:
        print(f"[{time.monotonic() - start:5.0f} s] {text}", flush=True)


def run_step(name, argv):
    say(f"{name} ...")
    begin = time.monotonic()
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    env.setdefault("STRATA_TIME_SCALE", "5")  # limits are for what hangs, not for a computer that others use as well
    try:
        p = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
        status, out = p.returncode, p.stdout
    except subprocess.TimeoutExpired as e:
        status, out = 124, (e.stdout or b"") + f"\n(no end after {LIMIT} s)\n".encode()
    text = out.decode("utf-8", "replace")
    with open(f"build/check/{name}.log", "w", encoding="utf-8") as f:
        f.write(text)
    passed, failed = counts(text, status)
    if passed + failed == 0:
        failed = 1
    if failed:
        with printing:
            print(f"--- {name} ---\n{text.rstrip()}\n--- end of {name} ---", flush=True)
    say(f"{name}: {passed} passed, {failed} failed ({time.monotonic() - begin:.0f} s)")
    return passed, failed


def main():
    kind, targets = sys.argv[1], sys.argv[2:]
    os.makedirs("build/check", exist_ok=True)
    total = [run_step("build", [MAKE, "-s", "-j2", "both"])]
    if total[0][1] == 0:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            total += pool.map(lambda step: run_step(*step), steps(kind, targets).items())
    passed, failed = (sum(column) for column in zip(*total))
    print(f"{passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
