# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done against speculation: said by log and console, and done by a machine that announces the controls.

QEMU takes writes of SPEC_CTRL, PRED_CMD and FLUSH_CMD and forgets them, so that the steps run as on hardware and have no effect;
that their values and order are right is in test_exit_cost.py, from a trace.
"""
import pytest

import harness
import vms
from test_guests import GUESTS, guests  # noqa: F401 (a fixture)

OPEN = "v2: open; retbleed: open; ssb: open; vmscape: open"
ON = "v2: IBRS+IBPB; retbleed: IBPB on exit; ssb: open; vmscape: IBPB on exit"
# A CPU whose vendor is Intel: no barrier at each exit, but before the VMM runs.
VERW = "meltdown: open; l1tf: open; mds: verw; v2: IBRS+IBPB; ssb: open; vmscape: IBPB to VMM"
LINE = r"(?m)^mitigations: ([^\r\n]*)\r*\n"


@pytest.mark.parametrize("cpu,text", [(harness.MITIGATED_CPU, ON), (harness.VERW_CPU, VERW)], ids=["ibrs", "verw"])
def test_selftests(machine, cpu, text):
    """The kernel's own tests, with the mitigated ways in and out of ring 3 and of guests."""
    with machine(smp=2, cpu=cpu, append="selftest strata.exit=selftest") as m:
        assert m.expect(LINE, timeout=60)[1].decode() == text
        assert m.expect(r"selftest: (\d+) passed, (\d+) failed", timeout=120)[2] == b"0", m.text()
        assert m.wait_exit(20) == 1


def console_of(m, text):
    assert m.expect(LINE, timeout=60)[1].decode() == text
    console = vms.Console(m)
    assert [row["mitigations"] for row in console.json("cpu")] == [text] * 2
    m.send("cpu\r")
    assert m.expect(LINE)[1].decode() == text
    m.expect(vms.PROMPT)
    return console


def test_guests_under_mitigations(machine, tmp_path):
    """Guests have a SPEC_CTRL of their own and PRED_CMD, and nothing else of theirs changes; programs run as before."""
    names = ("long", "irq", "fpu", "paging", "smp")
    table = {name: (name, *GUESTS[name], "") for name in names}
    table["smp"] = ("smp", 4, "messages=50", "")
    table["cpuid"] = ("cpuid", 2, "hypervisor=1 spec-ctrl=7 ibpb=1", "")
    with machine(config="debug", smp=2, cpu=harness.MITIGATED_CPU, initrd=vms.boot_archive("debug", tmp_path, table)) as m:
        console = console_of(m, ON)
        for name in table:
            end, text = console.run_vm(name, 120)
            assert end == ("stopped", "debug-exit", 0) and "FAIL" not in text, (name, end, text)
        console.poweroff()


@pytest.mark.parametrize("word,cpu,warning,text", [
    ("off", harness.MITIGATED_CPU, False, "off"),
    ("sometimes", harness.MITIGATED_CPU, True, ON),
    ("auto", "EPYC,+svm,+npt", False, OPEN),
])
def test_word(machine, word, cpu, warning, text):
    with machine(config="release", smp=2, cpu=cpu, append=f"mitigations={word}") as m:
        if warning:
            m.expect(rf"command line: mitigations={word}: expected auto\|off\r*\n", timeout=60)
        console_of(m, text).poweroff()
        assert m.text().count("command line: mitigations") == warning
