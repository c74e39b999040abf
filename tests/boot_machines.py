# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's machines and CPU models that offer SVM, and machines short of something; to the prompt. Part of make check-boot."""
import pytest

from test_efi import PROMPT

CPUS = ["EPYC-v1", "EPYC-IBPB", "EPYC-Rome", "EPYC-Milan", "Dhyana", "Opteron_G1", "Opteron_G2", "Opteron_G3", "Opteron_G4",
        "Opteron_G5", "phenom", "qemu64", "max"]


def to_prompt(start, **kwargs):
    with start(config="release", limit=200, **kwargs) as m:
        m.expect(PROMPT, 90)


@pytest.mark.parametrize("cpu", CPUS)
def test_cpu(machine, cpu):
    to_prompt(machine, cpu=f"{cpu},+svm,+npt")


@pytest.mark.parametrize("board", ["pc", "q35", "pc,hpet=off", "q35,hpet=off", "q35,i8042=off", "pc,sata=off,usb=off"])
def test_board(machine, board):
    to_prompt(machine, machine=board)


# Nothing of a PC but its serial port: no keyboard controller, PIT, graphics, drives or network; time comes from the PM timer or the HPET.
@pytest.mark.parametrize("board", ["q35,i8042=off,pit=off,hpet=off,vmport=off,sata=off,smbus=off", "q35,pit=off,i8042=off", "pc,pit=off,hpet=off"])
def test_without_legacy(machine, board):
    to_prompt(machine, machine=board, extra=["-nodefaults"])


# Sparse APIC ids, and CPUs that may come later.
@pytest.mark.parametrize("smp", ["3,sockets=3,cores=1,maxcpus=12", "6,sockets=2,cores=3,threads=1"])
def test_cpu_ids(machine, smp):
    to_prompt(machine, smp=smp)


def test_memory_hotplug(machine):
    """Room for memory that may come later is described in the SRAT, and is no RAM."""
    to_prompt(machine, mem="1g,slots=4,maxmem=64g", extra=["-numa", "node,memdev=m0", "-object", "memory-backend-ram,id=m0,size=1g"])


def test_nodes(machine):
    extra = []
    for i in range(2):
        extra += ["-object", f"memory-backend-ram,id=m{i},size=512m", "-numa", f"node,nodeid={i},memdev=m{i},cpus={i}"]
    to_prompt(machine, extra=extra)


def memory(size):
    """QEMU arguments for RAM of which only what is touched costs the host anything."""
    return ["-object", f"memory-backend-ram,id=ram,size={size},reserve=off", "-machine", "memory-backend=ram"]


def test_memory_above_1_tib(machine):
    """With room for that much, QEMU moves an AMD machine's memory above 4 GiB to where 1 TiB ends."""
    with machine(config="release", limit=200, mem="6g,slots=1,maxmem=1100g", cpu="EPYC,+svm,+npt,phys-bits=42") as m:
        m.expect(r"memory: 61\d\d MiB in [3-9] ranges", 60)
        assert "0000010000000000-" in m.hmp("info mtree")
        m.expect(PROMPT, 90)


def test_much_memory(machine):
    """More sections of page structs than there are ranges."""
    with machine(config="release", limit=300, mem="384g", extra=memory("384g")) as m:
        m.expect(r"memory: 39\d{4} MiB in", 120)
        m.expect(PROMPT, 120)


@pytest.mark.parametrize("cpu", ["ryzen", "zambezi", "trinity_apu", "phenom_8650_toliman"])
def test_bochs_amd(bochs, cpu):
    """A second opinion on AMD's CPUs."""
    with bochs(config="release", cpu=cpu, limit=400) as m:
        m.expect(PROMPT, 300)


@pytest.mark.parametrize("cpu", ["corei7_sandy_bridge_2600k", "corei7_haswell_4770"])
def test_bochs_intel(bochs, cpu):
    """Without SVM one line says what is missing."""
    with bochs(config="release", cpu=cpu, limit=400) as m:
        m.expect(r"Intel VMX, which is not supported yet", 300)
