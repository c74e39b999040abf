#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`make check`: runs each step, adds up what the steps counted, ends with the plain total.

A step is a make target (or pytest). It counts what its output's last "N passed, M failed" line says; a step that prints none
counts as one test, by its exit status. A step that fails does not stop the others.
"""
import os
import re
import subprocess
import sys
import time

PYTEST = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]


def counts(text, status):
    passed = failed = None
    for line in text.splitlines():
        p = re.search(r"(\d+) passed", line)
        f = re.search(r"(\d+) failed", line)
        e = re.search(r"(\d+) errors?\b", line)
        if p or f:
            passed = int(p[1]) if p else 0
            failed = (int(f[1]) if f else 0) + (int(e[1]) if e else 0)
    if passed is None:
        return (1, 0) if status == 0 else (0, 1)
    if status != 0 and failed == 0:
        failed = 1
    return passed, failed


def run(command):
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", stdin=subprocess.DEVNULL) as child:
        for line in child.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return child.returncode, "".join(lines)


def main():
    steps = [["make", target] for target in sys.argv[1:]] + [PYTEST]
    total_passed = total_failed = 0
    for number, command in enumerate(steps, 1):
        name = command[1] if command[0] == "make" else "tests/"
        print(f"--- {number}/{len(steps)} {name}", flush=True)
        begin = time.monotonic()
        status, text = run(command)
        passed, failed = counts(text, status)
        print(f"--- {name}: {passed} passed, {failed} failed, {time.monotonic() - begin:.0f} s", flush=True)
        total_passed += passed
        total_failed += failed
    print(f"{total_passed} passed, {total_failed} failed")
    return total_failed != 0 or total_passed == 0


os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
sys.exit(main())
