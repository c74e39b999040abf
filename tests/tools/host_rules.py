#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the make rules of the programs that test kernel and ring-3 files on the host.

Usage: host_rules.py unit|fuzz OUTPUT

Each x_test.c (x_fuzz.c) becomes one program. Lines at its top say what else goes in:
    // TEST-WITH: lib/foo.c mem/bar.c     files, relative to hypervisor/ or to the tree
    // TEST-CFLAGS: -DX=1                 for the test's own file
    // TEST-LIBS: -lcapstone              for the linker
Files of hypervisor/lib (less string.c, which libc has) and tests/host come from an archive, so
they need not be named.
"""
import os
import re
import sys

ROOTS = ("hypervisor", "drivers", "mgmt", "tests", "bench")


def find_sources(suffix):
    for root in ROOTS:
        for folder, dirs, files in os.walk(root):
            dirs.sort()
            for name in sorted(files):
                if name.endswith(suffix):
                    yield os.path.join(folder, name)


def tags(path):
    found = {"WITH": [], "CFLAGS": [], "LIBS": []}
    with open(path, encoding="utf-8") as f:
        for line in f:
            m = re.match(r"\s*(?://|/?\*)\s*TEST-(WITH|CFLAGS|LIBS):\s*(.*?)\s*(?:\*/)?$", line)
            if m:
                found[m[1]] += m[2].split()
    return found


def resolve(test, name):
    for candidate in (os.path.join("hypervisor", name), name):
        if os.path.exists(candidate):
            return candidate
    sys.exit(f"{test}: TEST-WITH: there is no {name}, here or in hypervisor/")


def archive_sources():
    lib = [f"hypervisor/lib/{n}" for n in sorted(os.listdir("hypervisor/lib"))
           if n.endswith(".c") and n != "string.c" and not re.search(r"_(test|fuzz|selftest)\.c$", n)]
    host = [f"tests/host/{n}" for n in sorted(os.listdir("tests/host")) if n.endswith(".c")]
    return lib + host


def main():
    kind, output = sys.argv[1:]
    suffix = {"unit": "_test.c", "fuzz": "_fuzz.c"}[kind]
    out = f"build/{kind}"

    def obj(source):
        return f"{out}/obj/{source[:-2]}.o"

    lines = [f"{out}/host.a: {' '.join(obj(s) for s in archive_sources())}"]
    programs = []
    for test in find_sources(suffix):
        t = tags(test)
        program = f"{out}/{test[:-2]}"
        programs.append(program)
        objs = [obj(test)] + [obj(resolve(test, n)) for n in t["WITH"]]
        lines.append(f"{program}: {' '.join(objs)} {out}/host.a")
        if t["LIBS"]:
            lines.append(f"{program}: LIBS := {' '.join(t['LIBS'])}")
        if t["CFLAGS"]:
            lines.append(f"{obj(test)}: TEST_CFLAGS := {' '.join(t['CFLAGS'])}")
    lines.append(f"PROGRAMS := {' '.join(programs)}")
    os.makedirs(os.path.dirname(output), exist_ok=True)
    with open(output, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


main()
