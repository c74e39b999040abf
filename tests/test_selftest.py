# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's own tests, in the debug image: on QEMU with 1, 2 and 4 CPUs, on Bochs with 2."""
import re

import pytest

# The kernel writes 0 to isa-debug-exit when all passed, 1 otherwise; QEMU exits with 2n+1.
EXIT_ALL_PASSED = 1

# What thread/watchdog_selftest.c plants, and where the backtraces must point.
PLANTED = [r"watchdog: system call planted_call has not returned for \d+ ms: thread caller sleeps(\n  \S+ \S+)*\n  \S+ planted_call\+"]
PLANTED_SMP = [r"watchdog: CPU \d+ has not scheduled for \d+ ms: thread planted(\n  \S+ \S+)*\n  \S+ planted_standstill\+",
               r"watchdog: lock planted: CPU \d+ has waited \d+ ms for CPU \d+\n who waits:(\n  \S+ \S+)+\n"
               r" who holds it:(\n  \S+ \S+)*\n  \S+ planted_standstill\+"]


def check_log(text, passed, failed):
    lines = re.findall(r"selftest: (\S+) (ok|FAILED.*)", text)
    bad = [f"{name} {result}" for name, result in lines if result != "ok"]
    assert not bad and failed == 0, "failed: " + "; ".join(bad)
    assert passed == len(lines), "the count differs from the lines"
    assert passed > 0, "no test ran"


@pytest.mark.parametrize("smp", [1, 2, 4])
def test_selftest(machine, smp):
    with machine(smp=smp, append="selftest strata.exit=selftest") as m:
        m.expect(r"selftest: (\d+) passed, (\d+) failed", timeout=120)
        passed, failed = (int(n) for n in m.child.match.groups())
        status = m.wait_exit(20)
        check_log(m.text(), passed, failed)
        assert status == EXIT_ALL_PASSED
        for pattern in PLANTED + (PLANTED_SMP if smp > 1 else []):
            assert re.search(pattern, re.sub(r"\r|(?m:^\[[^]]*\] ?)", "", m.text())), pattern


def test_selftest_intel(bochs):
    with bochs(smp=2, append="selftest strata.exit=selftest", limit=320) as m:
        match = m.expect(r"selftest: (\d+) passed, (\d+) failed", timeout=300)
        check_log(m.text(), int(match[1]), int(match[2]))
