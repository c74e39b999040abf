#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Build a copy of the tree somewhere else and compare the products byte for byte.

Usage: reproducible.py VERSION (what the tree's own build calls itself). The copy is built from
scratch in another folder with another umask, time zone and home.
Ends with `reproducible: N passed, M failed`, counting products.
"""
import hashlib
import os
import subprocess
import sys
import tempfile

PRODUCTS = ("strata", "strata.elf", "strata.cpio")
MAKE = os.environ.get("MAKE", "make")


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def copy_tree(to):
    if os.path.isdir(".git") or os.path.isfile(".git"):
        listing = "git ls-files -co --exclude-standard | while read -r f; do [ ! -e \"$f\" ] || echo \"$f\"; done"
    else:
        listing = "find . -path ./build -prune -o -type f -print"
    subprocess.run(f"({listing}) | tar -cf - -T - | tar -xf - -C '{to}'", shell=True, check=True)
    # Downloaded packages are inputs, not products.
    if os.path.isdir("build/downloads"):
        os.makedirs(f"{to}/build")
        subprocess.run(["cp", "-a", "build/downloads", f"{to}/build/"], check=True)


def main():
    version = sys.argv[1]
    configs = sorted(n[:-3] for n in os.listdir("configs") if n.endswith(".mk"))
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="strata-reproducible-") as folder:
        tree = os.path.join(folder, "another/place/for/the/tree")
        os.makedirs(tree)
        copy_tree(tree)
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        env.update(TZ="Pacific/Chatham", LANG="C.UTF-8", HOME=folder)
        p = subprocess.run(["sh", "-c", f"umask 077; exec {MAKE} -s -j2 both VERSION='{version}'"],
                           cwd=tree, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if p.returncode != 0:
            print(p.stdout.decode("utf-8", "replace"))
            print("reproducible: 0 passed, 1 failed")
            return 1
        for config in configs:
            for product in PRODUCTS:
                ours, theirs = f"build/{config}/{product}", f"{tree}/build/{config}/{product}"
                same = os.path.exists(ours) and os.path.exists(theirs) and digest(ours) == digest(theirs)
                passed += same
                failed += not same
                if not same:
                    print(f"{ours} differs when it is built in another folder")
    print(f"reproducible: {passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
