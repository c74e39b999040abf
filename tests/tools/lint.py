#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Formatting, cppcheck, and every C file compiled by clang with the project's warnings.

Usage: lint.py [format|cppcheck|clang]... (default: all). Run by `make lint`.
Ends with `lint: N passed, M failed`: files for format and clang, one for cppcheck.
"""
import os
import re
import subprocess
import sys

ROOTS = ("hypervisor", "drivers", "mgmt", "tests", "bench", "images", "packaging")
MAKE = os.environ.get("MAKE", "make")


def sources(*suffixes):
    for root in ROOTS:
        for folder, dirs, files in os.walk(root):
            dirs.sort()
            yield from (os.path.join(folder, n) for n in sorted(files) if n.endswith(suffixes))


def run(argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def lint_format():
    files = list(sources(".c", ".h"))
    p = run(["clang-format", "--dry-run", "-Werror"] + files)
    text = p.stdout.decode("utf-8", "replace")
    bad = sorted({line.split(":")[0] for line in text.splitlines() if "clang-format-violations" in line})
    if p.returncode != 0 and not bad:
        print(text)
        return 0, 1
    for path in bad:
        print(f"{path}: not formatted: run make format F={path}")
    return len(files) - len(bad), len(bad)


def lint_cppcheck():
    os.makedirs("build/lint/cppcheck", exist_ok=True)
    folders = [r for r in ("hypervisor", "drivers", "mgmt") if os.path.isdir(r)]
    p = run(["cppcheck", "--quiet", "-j2", "--enable=warning,performance,portability", "--std=c11",
             "--platform=unix64", "--inline-suppr", "--suppressions-list=tests/cppcheck.supp", "--include=tests/cppcheck.h",
             "--cppcheck-build-dir=build/lint/cppcheck", "--error-exitcode=1", "--max-configs=2",
             "--template={file}:{line}: {severity}: {id}: {message}",
             "-DCONFIG_DEBUG=1", "-Ihypervisor", "-I.", "-Imgmt"] + folders)
    sys.stdout.write(p.stdout.decode("utf-8", "replace"))
    return (1, 0) if p.returncode == 0 else (0, 1)


def lint_clang():
    objects = [f"build/lint/clang/{s[:-2]}.o" for s in sources(".c")
               if not s.startswith(("tests/guests/", "tests/cbmc/", "hypervisor/boot/setup/"))]
    p = run([MAKE, "-k", "-j2", "CONFIG=debug"] + objects)
    text = p.stdout.decode("utf-8", "replace")
    bad = len(set(re.findall(r"\*\*\* \[[^\]]*(build/lint/clang/\S+\.o)\] Error", text)))
    if p.returncode != 0:
        print(text)
        bad = max(bad, 1)
    return len(objects) - bad, bad


def main():
    steps = {"format": lint_format, "cppcheck": lint_cppcheck, "clang": lint_clang}
    passed = failed = 0
    for name in sys.argv[1:] or steps:
        ok, bad = steps[name]()
        print(f"  LINT    {name}: {ok} passed, {bad} failed", flush=True)
        passed += ok
        failed += bad
    print(f"lint: {passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
