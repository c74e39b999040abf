# SPDX-License-Identifier: GPL-2.0-or-later
"""What loaders and firmware may hand us damaged: one clear line each, never a hang or a reset loop; and what a boot costs."""
import sys
import os

import pytest

import firmware
import harness

sys.path.insert(0, os.path.join(harness.TREE, "tests", "tools"))
import boot_cost  # noqa: E402

PROMPT = r"strata> "
MUTANTS = 1000
GOAL = 60000000


@pytest.mark.parametrize("kind", ["bios", "uefi"])
def test_mutants(machine, tmp_path, kind):
    """1,000 spoilt copies each of this machine's ACPI tables and boot_params; then the boot goes on."""
    extra = firmware.pflash(tmp_path) if kind == "uefi" else []
    with machine(append=f"strata.mutants={MUTANTS}", limit=300, extra=extra) as m:
        tables = m.expect(r"mutants: (\d+) times (\d+) ACPI tables: (\d+) refused, (\d+) warnings", 150)
        assert int(tables[1]) == MUTANTS and int(tables[2]) >= 5 and int(tables[3]) > 0 and int(tables[4]) > MUTANTS
        params = m.expect(r"mutants: (\d+) boot_params: (\d+) refused", 60)
        assert int(params[1]) == MUTANTS and 0 < int(params[2]) < MUTANTS
        m.expect(r"2 CPUs online", 60)
        m.expect(PROMPT, 60)


def test_instructions():
    """From the 16-bit entry to the prompt with one CPU and 1 GiB."""
    build = os.path.join(harness.BUILD, "release")
    used = boot_cost.instructions(f"{build}/strata", f"{build}/strata.cpio", f"{build}/strata.elf")
    assert 1000000 < used <= GOAL
