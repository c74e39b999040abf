# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests that misbehave (tests/guests/bad.c, odd.c): each ends as docs/guests.md says, and hurts nobody else."""
import os
import re
import time

import pytest

import harness
import vms

DOCS = os.path.join(harness.TREE, "docs", "guests.md")
PLACEHOLDERS = {"ADDR": r"0x[0-9a-f]+", "EXIT": r"\(exit [0-9a-f]+, [0-9a-f]+, [0-9a-f]+ at [0-9a-f]+\)"}


def rows(section):
    """The rows of the table in a section of docs/guests.md."""
    with open(DOCS, encoding="utf-8") as f:
        text = f.read().split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


ENDS = {name: (int(vcpus), state, reason) for name, vcpus, _, state, reason in rows("What ends a VM")}
ENDLESS = {name: int(vcpus) for name, vcpus, _ in rows("What never ends")}


def reason_pattern(reason):
    pattern = re.escape(reason)
    for word, meaning in PLACEHOLDERS.items():
        pattern = re.sub(rf"\b{word}\b", meaning.replace("\\", "\\\\"), pattern)
    return pattern


def table():
    cases = {**{name: vcpus for name, (vcpus, _, _) in ENDS.items()}, **ENDLESS}
    bad = {name: ("bad", vcpus, f"case={name}", "reboot = stop\n") for name, vcpus in cases.items()}
    return {"neighbour": ("sum", 1, "", ""), "odd": ("odd", 2, "", ""), **bad}


def used(console):
    """Bytes that kernel and ring 3 hold, apart from the memory of guests."""
    mem = console.json("mem")
    held = {row["name"]: row["used"] for row in mem if row.get("kind") == "container"}
    return mem[0]["guest"], held["kernel"], held["ring3"]


def wait_for_neighbour(console, rounds=2):
    """The neighbour prints a line each round: two port accesses a character."""
    def printed():
        return console.show("neighbour")["exits"]["io-user"]

    end = time.monotonic() + 120 * harness.TIME_SCALE
    want = printed() + rounds * 2 * len("round 1\r\n")
    while printed() < want:
        assert time.monotonic() < end, "the neighbour does not go on"


def start_and_kill(console, name, meanwhile=lambda: None):
    console.m.send(f"vm start {name}\r")
    console.m.expect(rf"{name}: running")
    meanwhile()
    assert console.show(name)["state"] == "running"
    console.m.send(f"vm kill {name}\r")
    console.m.expect(rf"{name}: stopped: killed", timeout=60)


def end_neighbour(console):
    assert vms.end_sum(console.m, "neighbour") >= 2 * len(ENDLESS)
    vm = console.show("neighbour")
    assert (vm["state"], vm["reason"], vm["exit_code"]) == ("stopped", "debug-exit", 0)


@pytest.mark.parametrize("config,smp", [("debug", 2), ("release", 1)])
def test_bad_guests(machine, tmp_path, config, smp):
    vms.make_guests()
    with machine(config=config, smp=smp, initrd=vms.boot_archive(config, tmp_path, table()), limit=900) as m:
        console = vms.Console(m)
        m.send("vm start neighbour\r")
        m.expect("neighbour: running")
        got = {}
        for name in ENDS:
            (state, reason, _), _ = console.run_vm(name)
            got[name] = (state, reason)
        wrong = {name: got[name] for name, (_, state, reason) in ENDS.items()
                 if got[name][0] != state or not re.fullmatch(reason_pattern(reason), got[name][1])}
        assert not wrong
        for name in ENDLESS:
            start_and_kill(console, name, lambda: wait_for_neighbour(console))
        end, text = console.run_vm("odd", limit=200)
        assert end == ("stopped", "debug-exit", 0), re.findall(r"FAIL .*", text)
        end_neighbour(console)
        assert console.json("host show")[0]["vms"] == 0
        # By now init and shell keep what they ever will for these VMs.
        before = used(console)
        for _ in range(4):
            console.run_vm("triple-fault")
            console.run_vm("tables-high")
            start_and_kill(console, "ipi-storm")
        after = used(console)
        assert before[0] == after[0] == 0
        # A VM left behind is 700 KiB of its VMM and 35 of the kernel.
        assert after[1] - before[1] <= 8 * 4096 and after[2] - before[2] <= 32 * 4096, (before, after)
        console.poweroff()
