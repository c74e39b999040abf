# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines that Strata cannot run on: one clear line, then it stands still and does not reset. And odd ones that it can."""
import re

import pytest

PROMPT = re.escape("strata> ")


@pytest.mark.parametrize("odd,line", [
    ({"mem": "16m"}, r"too little memory: \d+ MiB usable, 32 MiB needed"),
    ({"mem": "32m"}, r"too little memory: \d+ MiB usable, 32 MiB needed"),
    ({"cpu": "EPYC,+svm,-npt"}, r"this CPU's AMD SVM has no nested paging"),
    ({"cpu": "EPYC,-svm"}, r"this CPU has no AMD SVM"),
], ids=["16m", "32m", "no-npt", "no-svm"])
def test_one_line_and_stop(machine, odd, line):
    with machine(config="release", smp=2, **odd) as m:
        m.expect(rf"strata: cannot start: {line}\r*\n", timeout=60)
        m.drain(0.5)
        # A reset would have ended QEMU (-no-reboot), or started Strata again.
        assert m.child.isalive() and m.qmp("query-status")["status"] == "running"
        assert m.text().count("cannot start") == 1 and len(re.findall(r"(?m)^Strata ", m.text())) == 1
        assert m.text().rstrip().endswith(re.search(line, m.text())[0])


def test_small(machine):
    """Little more than what is needed is enough."""
    with machine(config="release", smp=2, mem="40m") as m:
        m.expect(PROMPT, timeout=60)


@pytest.mark.parametrize("kind,clock", [("q35,pit=off", "HPET"), ("q35,hpet=off,pit=off", "PM timer")])
def test_without_pit(machine, kind, clock):
    with machine(config="release", smp=2, machine=kind) as m:
        m.expect(rf"TSC: \d+\.\d+ MHz by the {clock}\r*\n", timeout=60)
        m.expect(r"2 CPUs online\r*\n", timeout=60)
        m.expect(PROMPT, timeout=60)
