# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines that Strata cannot run on: one clear line, then it stands still and does not reset. And odd ones that it can."""
import os
import re
import subprocess

import pytest

import gdbstub
import harness

PROMPT = re.escape("strata> ")
MSR_VM_CR = 0xc0010114
VM_CR_LOCK_SVMDIS = 0x18


def stands_still(m, line):
    m.expect(rf"strata: cannot start: {line}\r*\n", timeout=60)
    m.drain(0.5)
    # A reset would have ended QEMU (-no-reboot), or started Strata again.
    assert m.child.isalive() and m.qmp("query-status")["status"] == "running"
    assert m.text().count("cannot start") == 1 and len(re.findall(r"(?m)^Strata ", m.text())) == 1
    assert m.text().rstrip().endswith(re.search(line, m.text())[0])


@pytest.mark.parametrize("odd,line", [
    ({"mem": "16m"}, r"too little memory: \d+ MiB usable, 32 MiB needed"),
    ({"mem": "32m"}, r"too little memory: \d+ MiB usable, 32 MiB needed"),
    ({"cpu": "EPYC,+svm,-npt"}, r"this CPU's AMD SVM has no nested paging"),
    ({"cpu": "EPYC,-svm"}, r"this CPU has no AMD SVM"),
], ids=["16m", "32m", "no-npt", "no-svm"])
def test_one_line_and_stop(machine, odd, line):
    with machine(config="release", smp=2, **odd) as m:
        stands_still(m, line)


def rdmsr_of(function):
    """The address of the one RDMSR in a function of the release image."""
    elf = os.path.join(harness.BUILD, "release/strata.elf")
    code = subprocess.run(["objdump", "-d", f"--disassemble={function}", elf], check=True, stdout=subprocess.PIPE).stdout.decode()
    address, = re.findall(r"(?m)^([0-9a-f]+):.*\trdmsr", code)
    return int(address, 16)


def test_svm_switched_off(machine, tmp_path):
    """By the firmware, which QEMU's cannot: VM_CR says that SVMDIS is set and locked."""
    rdmsr, path = rdmsr_of("msr_read_safe"), tmp_path / "gdb"
    with machine(config="release", smp=2, extra=gdbstub.stopped(path)) as m:
        with gdbstub.Stub(path) as stub:
            stub.run_to(rdmsr)
            while stub.read("rcx") != MSR_VM_CR:
                stub.step()
                stub.run_to(rdmsr)
            stub.write("rax", VM_CR_LOCK_SVMDIS)
            stub.write("rdx", 0)
            stub.write("rip", rdmsr + 2)
            stub.go()
        stands_still(m, r"AMD SVM is switched off by the firmware \(VM_CR\.SVMDIS is set and locked\)")


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
