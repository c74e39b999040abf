# SPDX-License-Identifier: GPL-2.0-or-later
"""VMs killed, reset and paused while their registers are lent, beside one that checks its own (`make soak-loans` does that for long)."""
import pytest

import loans
import vms


@pytest.mark.parametrize("config,cpus", [("debug", 2), ("release", 4)])
def test_loans(config, cpus):
    vms.make_guests()
    steps, counts, rounds = loans.loans(config, cpus, vms=3, seed=cpus, actions=25)
    print(f"{steps} actions: {dict(counts)}; {rounds} rounds of the neighbour")
    assert steps == 25 and rounds > 1
