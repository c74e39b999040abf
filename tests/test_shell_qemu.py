# SPDX-License-Identifier: GPL-2.0-or-later
"""Init and shell on the kernel: the console over the serial port of a QEMU machine."""
import json
import random
import re

import pytest

PROMPT = "strata> "
MiB = 1 << 20


class Shell:
    def __init__(self, machine):
        self.m = machine
        self.m.expect(re.escape(PROMPT), timeout=60)

    def run(self, line):
        """Types a line; returns what it printed."""
        self.m.send(line + "\r")
        self.m.expect("\n")
        self.m.expect(re.escape(PROMPT))
        return re.sub(r"\x1b\[\??[0-9;]*[A-Za-z]", "", self.m.before()).replace("\r", "")

    def json(self, line):
        return [json.loads(row) for row in self.run(line + " --json").splitlines() if row.startswith("{")]


@pytest.mark.parametrize("config,smp", [("debug", 1), ("debug", 2), ("release", 2)])
def test_figures(machine, config, smp):
    with machine(config=config, smp=smp, append="word=abc") as m:
        shell = Shell(m)
        assert "vm start NAME" in shell.run("help")
        host, = shell.json("host show")
        assert host["cpus"] == smp and host["virt"] == "svm" and "word=abc" in host["cmdline"]
        assert 900 * MiB < host["memory"] <= 1024 * MiB and host["tsc_khz"] > 0
        cpus = shell.json("cpu")
        assert [c["cpu"] for c in cpus] == list(range(smp))
        assert all(c["idle_ns"] > 0 and c["interrupts"] > 0 and c["switches"] > 0 for c in cpus)
        rows = shell.json("mem")
        mem = rows[0]
        assert mem["total"] == host["memory"] and 0 < mem["free"] < mem["total"] and mem["guest"] == 0
        assert {"kernel", "ring3"} <= {r["name"] for r in rows if r["kind"] == "container"}
        # What the kernel needs at rest: its image, its page structures, all that it has allocated.
        assert 0 < mem["at_rest"] and mem["kernel_image"] + mem["page_structs"] + mem["kernel"] <= 16 * MiB
        assert any("boot archive" in r["line"] for r in shell.json("log"))
        assert len(shell.json("log 3")) == 3
        assert shell.json("host show")[0]["uptime_ns"] > host["uptime_ns"]
        m.send("poweroff\r")
        assert m.wait_exit(20) == 0


def test_reboot(machine):
    with machine() as m:
        Shell(m)
        m.send("reboot --force\r")
        assert m.wait_exit(20) == 0  # -no-reboot: a reset ends QEMU


@pytest.mark.parametrize("smp", [1, 2])
def test_paste_loses_nothing(machine, smp):
    names = [f"name{i:03}" for i in range(200)]
    with machine(smp=smp) as m:
        Shell(m)
        m.send("".join(f"vm show {n}\r" for n in names))
        for n in names:
            m.expect(f"error: {n}: no such VM")
        m.send("poweroff --force\r")
        assert m.wait_exit(20) == 0


def test_long_line(machine):
    word = "".join(random.Random(1).choices("abcdefghij", k=1000))
    with machine() as m:
        shell = Shell(m)
        m.send(f"vm show {word} --json\r")
        m.expect('\\{"error":"' + word[:400])
        m.expect(re.escape(PROMPT))
        assert shell.json("vm list") == []


def test_keys(machine):
    with machine() as m:
        shell = Shell(m)
        m.send("gone\x03")
        m.expect(re.escape(PROMPT))
        m.send("vm sho\tx\r")
        m.expect("error: x: no such VM")
        m.expect(re.escape(PROMPT))
        m.send("host shox\x7fw\x1b[D\x1b[C\r")  # rubout and arrows
        m.expect("processor")
        m.expect(re.escape(PROMPT))
        m.send("\x1b[A\r")  # history
        m.expect("processor")
        m.expect(re.escape(PROMPT))
        m.send("\x04")  # the shell ends: init starts another
        m.expect(re.escape(PROMPT))
        assert "nodes" in shell.run("host show")
