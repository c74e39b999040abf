# SPDX-License-Identifier: GPL-2.0-or-later
"""Init and shell on this machine, over mgmt/lib/strata_linux.c, with a scripted peer in the VMM's place."""
import json
import os
import re
import struct
import subprocess
import time

import pexpect

import harness

PROMPT = "strata> "
VMS = ["good1", "good2", "stubborn", "refuses", "crashes", "silent", "deaf", "mute"]


class Console:
    def __init__(self, folder, vmm=f"{harness.TREE}/tests/tools/fake_vmm.py", options=()):
        self.folder = folder
        vms = folder / "vms"
        vms.mkdir()
        for name in VMS:
            (vms / f"{name}.conf").write_text("[vm]\nmemory = 64M\n" + ("autostart = yes\n" if name == "good2" else ""))
        (vms / "not a name.conf").write_text("")
        self.vms = vms
        conf = folder / "strata.conf"
        conf.write_text("[host]\nautostart = good1\n")
        linux = os.path.join(harness.BUILD, "debug", "linux")
        self.child = pexpect.spawn(f"{linux}/init", ["-m", vmm, "-s",
                                   f"{linux}/shell", "-v", str(vms), "-c", str(conf), *options],
                                   timeout=30 * harness.TIME_SCALE, encoding="utf-8", codec_errors="replace",
                                   dimensions=(1000, 200), preexec_fn=harness.die_with_parent)
        self.child.delaybeforesend = None
        self.child.expect_exact(PROMPT)

    def run(self, line, on=None, frames=False):
        """Types a line, on the console or another terminal; returns what it printed.

        frames: strata-client was there before. It asks again while it hears nothing, and is gone after the first answer: the others
        come whenever the shell gets to them, lines of their own before the echo of this one.
        """
        child = on or self.child
        child.send(line + "\r")
        if frames:
            child.expect_exact(line)
        child.expect_exact("\n")
        child.expect_exact(PROMPT)
        text = re.sub(r"\x1b\[\??[0-9;]*[A-Za-z]", "", child.before)
        return text.replace("\r\n", "\n").replace("\r", "")

    def json(self, line):
        return self.objects(self.run(line + " --json"))

    @staticmethod
    def objects(text):
        return [json.loads(row) for row in text.splitlines() if row.startswith("{")]

    def state(self, name):
        return self.json(f"vm show {name}")[0]["state"]

    def wait_running(self, name):
        """An autostarted VM is "starting" until its VMM has said that it runs."""
        deadline = time.monotonic() + 30 * harness.TIME_SCALE
        while self.state(name) == "starting" and time.monotonic() < deadline:
            pass
        assert self.state(name) == "running"


def table():
    """The command table, as the shell itself prints it: a dictionary of its rows by name."""
    shell = os.path.join(harness.BUILD, "debug", "linux", "shell")
    out = subprocess.run([shell, "--table"], stdout=subprocess.PIPE, check=True, timeout=60).stdout
    return {row["name"]: row for row in map(json.loads, out.decode().splitlines())}


TYPES = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list, "number": (int, float)}


def check_object(row, members):
    """That an object has the members that the table promises, and no others."""
    if set(row) == {"error"}:
        return
    known = {m["name"]: m for m in members}
    assert not set(row) - set(known), f"not in docs/json.md: {set(row) - set(known)}"
    for name, member in known.items():
        if name in row:
            assert isinstance(row[name], TYPES[member["type"]]), (name, row[name])
        else:
            assert member["optional"], f"{name} is missing in {row}"


def read_core(data):
    """{address: bytes} of the segments (memsz of them), and the notes, of an ELF core file."""
    phoff, phnum = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    segments, notes = {}, []
    for i in range(phnum):
        kind, _, offset, _, paddr, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", data, phoff + 56 * i)
        body = data[offset:offset + filesz]
        assert len(body) == filesz
        if kind == 1:
            segments[paddr] = body + bytes(memsz - filesz)
        while kind == 4 and body:
            name, size, what = struct.unpack_from("<III", body)
            start = 12 + (name + 3 & ~3)
            notes.append((body[12:12 + name - 1].decode(), what, body[start:start + size]))
            body = body[start + (size + 3 & ~3):]
    return segments, notes
