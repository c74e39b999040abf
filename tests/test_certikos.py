# SPDX-License-Identifier: GPL-2.0-or-later
"""Every row of mC2's tables works (tests/certikos.py); docs/certikos.md is what this run makes of them."""
import os
import re
import subprocess

import pytest

import certikos
import harness
import llog

EXECUTIONS = 1000  # of each scenario: they are explored further by make explore-short


def make(*targets):
    return subprocess.run(["make", "-s", *targets], cwd=harness.TREE, timeout=900, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)


@pytest.fixture(scope="module")
def shown():
    """All evidence that this run gives: a set of `kind:name`."""
    llog.build()
    assert make("CONFIG=debug", "build/explore/explore", "programs-archive").returncode == 0
    return selftests() | programs() | explored() | targets()


def selftests():
    """With the logical log, so that one machine shows both."""
    names = ",".join(certikos.evidence("selftest"))
    with llog.logged(smp=4, append=f"selftest={names} strata.exit=selftest") as (m, replay):
        m.expect(r"selftest: (\d+) passed, (\d+) failed", timeout=120)
        m.wait_exit(60)
        text = m.text()
    found = {f"selftest:{n}" for n in re.findall(r"selftest: (\S+) ok", text)}
    if replay.status == 0:
        found |= {f"replay:{name}" for name, n in replay.counts.items() if n}
    return found


def programs():
    with harness.Machine(smp=2, initrd=os.path.join(harness.BUILD, "programs.cpio"),
                         append="strata.exit=init init=/bin/certikos") as m:
        m.wait_exit(120)
        return {f"program:{n}" for n in re.findall(r"certikos: (\S+) ok", m.text())}


def explored():
    p = subprocess.run([os.path.join(harness.BUILD, "explore/explore"), str(EXECUTIONS)], stdout=subprocess.PIPE,
                       timeout=300 * harness.TIME_SCALE, check=False)
    lines = p.stdout.decode().splitlines()
    return {f"explore:{name}" for name in certikos.evidence("explore")
            if any(x.startswith(f"explore: {name}") and "executions" in x for x in lines)
            and not any(x.startswith(f"explore: {name}") and "FAILED" in x for x in lines)}


def targets():
    return {f"make:{t}" for t in certikos.evidence("make") if make(t).returncode == 0}


@pytest.mark.parametrize("row", certikos.SYSTEM + certikos.CALLS, ids=lambda r: r[0].split(":")[0][:40])
def test_row(row, shown):
    missing = [e for e in row[2] if not e.startswith("test:") and e not in shown]
    assert not missing, f"not shown: {missing}"


def test_named_tests_are_there():
    for name in certikos.evidence("test"):
        path, function = name.split("::")
        with open(os.path.join(harness.TREE, path), encoding="utf-8") as f:
            assert f"def {function}(" in f.read(), f"{path} has no {function}"


def test_document():
    made = certikos.document()
    with open(os.path.join(harness.BUILD, "certikos.md"), "w", encoding="utf-8") as f:
        f.write(made)
    with open(os.path.join(harness.TREE, "docs/certikos.md"), encoding="utf-8") as f:
        assert f.read() == made, "docs/certikos.md is old: cp build/certikos.md docs/"
