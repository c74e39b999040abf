#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Check that no file includes a header of a layer that it may not use.

MAY_USE is the rule: for each place (the longest matching folder counts) the places whose headers
a file there may include, its own being understood. Tests beside a file obey the rule of their
folder, and may use the stand-ins of tests/host as well. Ends with `layer-check: N passed, M failed`, counting files.
"""
import os
import re
import sys

# The kernel's layers, lowest first; a layer may use every one before it.
ORDER = ["hypervisor/abi", "hypervisor/lib", "hypervisor/cpu", "hypervisor/lock", "hypervisor/mem",
         "hypervisor/thread", "hypervisor/io", "hypervisor/proc", "hypervisor/virt", "hypervisor/trap"]
PURE = ["hypervisor/abi", "hypervisor/lib"]

MAY_USE = {layer: ORDER[:i] for i, layer in enumerate(ORDER)}
MAY_USE["hypervisor/abi"] = []
MAY_USE["hypervisor/boot"] = ORDER + ["drivers"]
MAY_USE["drivers"] = PURE + ["hypervisor/cpu", "hypervisor/lock", "hypervisor/mem",
                             "hypervisor/thread", "hypervisor/io"]
# Host tests of the whole, and stand-ins for kernel parts in host tests.
MAY_USE["tests"] = ORDER + ["drivers", "mgmt"]
MAY_USE["bench"] = PURE + ["mgmt/lib"]
# Ring 3: the interface, pure code, its own library; a program never reaches into another one.
MAY_USE["mgmt"] = PURE + ["mgmt/lib"]

# System headers that the kernel may use: the compiler's own, without libc.
FREESTANDING = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "limits.h", "stdalign.h", "cpuid.h"}
KERNEL = ("hypervisor/", "drivers/")
GUESTS = ("tests/guests/", "bench/exit/")  # over a runtime of their own, tests/guests/rt
HOST_ONLY = re.compile(r"_(test|fuzz|doc)\.c$|/spec/")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def place_of(path):
    """The folder whose rule holds for a file: mgmt programs each count as a place of their own."""
    parts = path.split("/")
    if parts[0] == "hypervisor" or (parts[0] == "mgmt" and len(parts) > 2):
        return "/".join(parts[:2])
    return parts[0]


def rule_of(place):
    return MAY_USE.get(place, MAY_USE.get(place.split("/")[0]))


def resolve(path, name):
    """The path of an included file; generated files are below gen/ in the build folder."""
    for base in ("hypervisor", ".", "mgmt", os.path.dirname(path)):
        candidate = os.path.normpath(os.path.join(base, name))
        if os.path.exists(candidate):
            return candidate
    return None


def problems(path):
    place = place_of(path)
    allowed = rule_of(place)
    if allowed is None:
        yield 0, f"{place} is not a known layer (see MAY_USE in {sys.argv[0]})"
        return
    kernel = path.startswith(KERNEL) and not HOST_ONLY.search(path)
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            m = INCLUDE.match(line)
            if not m:
                continue
            quoted, name = m[1] == '"', m[2]
            if not quoted:
                if kernel and name not in FREESTANDING:
                    yield number, f"<{name}>: the kernel uses no libc header"
                continue
            if name == "version.h":
                continue
            target = resolve(path, name)
            if target is None:
                yield number, f'"{name}": there is no such file'
            elif HOST_ONLY.search(path) and target.startswith("tests/host/"):
                continue
            elif place_of(target) not in [place] + allowed and target.split("/")[0] not in allowed:
                yield number, f'"{name}": {place} may not use {place_of(target)}'


def main():
    passed = failed = 0
    for root in ("hypervisor", "drivers", "mgmt", "bench", "tests"):
        for folder, dirs, files in os.walk(root):
            dirs.sort()
            for name in sorted(files):
                path = os.path.join(folder, name)
                if not name.endswith((".c", ".h", ".S")) or path.startswith(GUESTS):
                    continue
                found = list(problems(path))
                for number, text in found:
                    print(f"{path}:{number}: {text}")
                passed += not found
                failed += bool(found)
    print(f"layer-check: {passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
