#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the host test programs, two at a time, and add up what they say.

Usage: run_programs.py unit|fuzz SECONDS PROGRAM...

unit: cmocka programs; SECONDS is the limit of each. fuzz: libFuzzer programs, run for SECONDS each
on the inputs of tests/corpus/NAME; what they find goes to build/fuzz/found/.
Prints the output of what failed and ends with `KIND: N passed, M failed`.
"""
import concurrent.futures
import os
import re
import subprocess
import sys

WORKERS = 2


def run(argv, limit, env):
    try:
        p = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=limit, check=False)
        return p.returncode, p.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as e:
        return None, (e.stdout or b"").decode("utf-8", "replace") + f"\n(no end after {limit} s)"


def run_unit(program, seconds):
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", ASAN_OPTIONS="detect_leaks=1")
    status, out = run([program], seconds, env)
    passed = len(re.findall(r"^ok \d", out, re.M))
    failed = len(re.findall(r"^not ok \d", out, re.M))
    if failed == 0 and (status != 0 or passed == 0):
        failed = 1
        out += f"\n(exit status {status}, {passed} tests passed before that)"
    return passed, failed, out


def run_fuzz(program, seconds):
    name = os.path.basename(program).removesuffix("_fuzz")
    grown, found, seeds = (f"build/fuzz/corpus/{name}", "build/fuzz/found", f"tests/corpus/{name}")
    os.makedirs(grown, exist_ok=True)
    os.makedirs(found, exist_ok=True)
    argv = [program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024",
            "-max_len=65536", "-verbosity=0", f"-artifact_prefix={found}/{name}-", grown]
    if os.path.isdir(seeds):
        argv.append(seeds)
    status, out = run(argv, seconds + 60, os.environ)
    return (1, 0, out) if status == 0 else (0, 1, out)


def main():
    kind, seconds, programs = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    runner = {"unit": run_unit, "fuzz": run_fuzz}[kind]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        results = pool.map(lambda p: runner(p, seconds), programs)
        for program, (ok, bad, out) in zip(programs, results):
            name = program.removeprefix(f"build/{kind}/")
            print(f"  {kind.upper():<7} {name}: {ok} passed, {bad} failed", flush=True)
            if bad:
                print(out, flush=True)
            passed += ok
            failed += bad
    print(f"{kind}: {passed} passed, {failed} failed")
    return failed != 0 or passed == 0


sys.exit(main())
