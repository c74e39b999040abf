#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Check that every header compiles alone, included twice.

Usage: header_check.py KERNEL_COMMAND USER_COMMAND (compiler and flags, each one argument)
Kernel headers are compiled as the kernel, those of hypervisor/lib and hypervisor/abi also as a
program, those of mgmt as a program only. Headers for assembly (*_asm.h) are preprocessed only.
Ends with `header-check: N passed, M failed`.
"""
import concurrent.futures
import os
import shlex
import subprocess
import sys


def headers():
    for root in ("hypervisor", "drivers", "mgmt"):
        for folder, dirs, files in os.walk(root):
            dirs.sort()
            yield from (os.path.join(folder, n) for n in sorted(files) if n.endswith(".h"))


def check(job):
    mode, command, path = job
    name = path.removeprefix("hypervisor/")
    if path.endswith("_asm.h"):
        args = ["-E", "-x", "assembler-with-cpp", "-"]
    else:
        args = ["-fsyntax-only", "-x", "c", "-"]
    source = f'#include "{name}"\n#include "{name}"\n'
    p = subprocess.run(shlex.split(command) + args, input=source.encode(), stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, check=False)
    return mode, path, p.returncode == 0, p.stdout.decode("utf-8", "replace")


def main():
    kernel, user = sys.argv[1:]
    jobs = []
    for path in headers():
        if not path.startswith("mgmt/"):
            jobs.append(("kernel", kernel, path))
        if path.startswith(("mgmt/", "hypervisor/lib/", "hypervisor/abi/")):
            jobs.append(("program", user, path))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for mode, path, ok, out in pool.map(check, jobs):
            if not ok:
                failed += 1
                print(f"{path} does not compile alone ({mode}):\n{out}", flush=True)
    print(f"header-check: {len(jobs) - failed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
