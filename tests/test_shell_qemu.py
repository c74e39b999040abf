# SPDX-License-Identifier: GPL-2.0-or-later
"""Init and shell on the kernel: the console over the serial port of a QEMU machine."""
import base64
import json
import os
import random
import re
import socket
import struct
import subprocess
import threading
import time

import pexpect.fdpexpect
import pytest

import archive
import harness
from console import check_object, read_core, table
from shell import PROMPT, Shell

MiB = 1 << 20


@pytest.mark.parametrize("config,smp", [("debug", 1), ("debug", 2), ("release", 2)])
def test_figures(machine, config, smp):
    # The release image's machine has a package and a node for each CPU.
    apart = config == "release"
    extra = sum((["-object", f"memory-backend-ram,id=m{i},size=512m", "-numa", f"node,nodeid={i},memdev=m{i},cpus={i}"] for i in range(smp)), []) if apart else []
    with machine(config=config, smp=f"{smp},sockets={smp}" if apart else smp, append="word=abc", extra=extra) as m:
        shell = Shell(m)
        assert "vm start NAME" in shell.run("help")
        host, = shell.json("host show")
        assert host["cpus"] == smp and host["virt"] == "svm" and "word=abc" in host["cmdline"]
        assert 900 * MiB < host["memory"] <= 1024 * MiB and host["tsc_khz"] > 0
        cpus = shell.json("cpu")
        assert [c["cpu"] for c in cpus] == list(range(smp))
        assert all(c["idle_ns"] > 0 and c["interrupts"] > 0 and c["switches"] > 0 for c in cpus)
        assert all({"nx", "svm", "npt"} <= set(c["features"].split()) and c["exits"] == 0 for c in cpus)
        assert [(c["package"], c["core"], c["node"]) for c in cpus] == [(i if apart else 0, i, i if apart else 0) for i in range(smp)]
        assert "CPU PACKAGE  CORE" in shell.run("cpu")
        rows = shell.json("mem")
        nodes = [r for r in rows if r["kind"] == "node"]
        assert [(n["node"], n["cpus"]) for n in nodes] == ([(i, 1) for i in range(smp)] if apart else [(0, smp)])
        assert all(0 < n["free"] < n["total"] for n in nodes) and sum(n["total"] for n in nodes) < host["memory"]
        mem = rows[0]
        assert mem["total"] == host["memory"] and 0 < mem["free"] < mem["total"] and mem["guest"] == 0
        assert {"kernel", "ring3"} <= {r["name"] for r in rows if r["kind"] == "container"}
        # What the kernel needs at rest: its image, its page structures, all that it has allocated.
        assert 0 < mem["at_rest"] and mem["kernel_image"] + mem["page_structs"] + mem["kernel"] <= 16 * MiB
        assert any("boot archive" in r["line"] for r in shell.json("log"))
        assert len(shell.json("log 3")) == 3
        assert {"info"} <= {r["level"] for r in shell.json("log")} <= {"error", "warn", "info", "debug"} and shell.json("log warn") == [r for r in shell.json("log") if r["level"] in ("error", "warn")]
        assert shell.json("log")[-1]["ns"] > 0
        assert shell.json("log level") == [{"level": "info"}] and shell.json("log level error") == [{"level": "error"}] == shell.json("log level")
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


# ---- VMs under the console's hands ----

FILLED = 256 << 10  # bytes of the VM `filled` that are no zeros, at FILL_FROM
FILL_FROM = 8 << 20

@pytest.fixture(scope="module")
def beats(tmp_path_factory):
    """A boot archive with VMs whose guest lives until it is ended."""
    subprocess.run(["make", "-s", "guests"], cwd=harness.TREE, check=True, timeout=300)
    files = {"guests/beat.elf": open(f"{harness.BUILD}/guests/beat.elf", "rb").read()}
    for i, vcpus in enumerate([1, 2, 3]):
        files[f"vms/beat{i}.conf"] = archive.vm_conf("/guests/beat.elf", vcpus, "16M")
    files["vms/filled.conf"] = archive.vm_conf("/guests/beat.elf", 1, "32M", f"fill={FILLED // 8}")
    files["scripts/hello"] = b"# as a boot would run it\necho hello from a script\nhost show\nvm start beat0\nwait beat0 --state running\nvm kill beat0\n"
    return archive.extend(harness.image("debug", "strata.cpio"), str(tmp_path_factory.mktemp("beats") / "all.cpio"), files)


def wait_text(shell, name, pattern, after=0, limit=30):
    """The lines of a VM's serial port, once one behind the first `after` matches."""
    end = time.monotonic() + limit * harness.TIME_SCALE
    while True:
        lines = [row["text"] for row in shell.json(f"vm log {name}") if "text" in row]
        if any(re.search(pattern, line) for line in lines[after:]):
            return lines
        assert time.monotonic() < end, f"{name} never said {pattern}: {lines[-5:]}"


def check_trace(shell):
    """What happened to beat1's two vCPUs meanwhile, and that it stands still."""
    rows = shell.json("trace show 100000")
    for row in rows:
        check_object(row, table()["trace show"]["output"])
    assert rows == shell.json("trace show 100000") and rows[-5:] == shell.json("trace show 5")
    assert {r["kind"] for r in rows} == {"guest", "exit", "inject", "post", "switch", "call"}
    assert all(r["vm"] == "beat1" for r in rows if r["kind"] != "switch") and {r["vcpu"] for r in rows if r["kind"] == "guest"} == {0, 1}
    assert {"MSR", "HLT"} <= {r["name"] for r in rows if r["kind"] == "exit"}
    # The console's output is its VMM's, whose calls are told with it.
    assert {"vcpu_run"} <= {r["name"] for r in rows if r["kind"] == "call"}
    # Switches are those to its vCPUs' threads and away from them. An interrupt was posted before it was injected.
    assert any("vm" in r for r in rows if r["kind"] == "switch")
    by_cpu = [[r["ns"] for r in rows if r["cpu"] == cpu] for cpu in {r["cpu"] for r in rows}]
    whole = max([min(ns) for ns in by_cpu if len(ns) >= 2047], default=0)  # what came before has been overwritten in part
    for vcpu in (0, 1):
        ticks = [r["kind"] for r in rows if r["kind"] in ("post", "inject") and (r["vcpu"], r["address"]) == (vcpu, "0x70") and r["ns"] >= whole]
        assert (whole or "post" in ticks) and "inject inject" not in " ".join(ticks), ticks
    for cpu in {r["cpu"] for r in rows}:
        own = sorted((r for r in rows if r["cpu"] == cpu), key=lambda r: r["sequence"])
        assert [r["sequence"] for r in own] == list(range(own[0]["sequence"], own[0]["sequence"] + len(own)))
        # An exit lies inside the stay in the guest that is told next.
        for at, row in enumerate(own):
            if row["kind"] == "exit":
                stay = next((r for r in own[at:] if r["kind"] == "guest"), None)
                assert not stay or stay["ns"] <= row["ns"] and row["ns"] + row["duration_ns"] <= stay["ns"] + stay["duration_ns"] + 1, (row, stay)
    document = json.loads(shell.run("trace export"))
    assert sum(r["ph"] != "M" for r in document["traceEvents"]) == len(rows)
    # Of the threads that ran when it began only their leaving is known.
    assert [r for r in rows if r["kind"] != "switch"] == [r for r in shell.json("trace show 100000 --vm beat1") if r["kind"] != "switch"]


def check_trace_of_all(shell):
    """The shell's own calls, each a write to the terminal that took all of its bytes or some."""
    rows = shell.json("trace show 100000")
    writes = [r for r in rows if (r["kind"], r["name"]) == ("call", "write") and "vm" not in r]
    assert writes and all(r["number"] == 1 and r["result"] > 0 for r in writes) and any("vm" not in r for r in rows if r["kind"] == "switch")
    assert all(r["kind"] == "switch" or r["vm"] == "beat1" for r in shell.json("trace show 100000 --vm beat1"))


def test_control_of_vms(machine, beats):
    """Each verb that acts on a VM, one after the other, on a guest of two CPUs that goes on all the time."""
    rows = table()
    with machine(initrd=beats, smp=2) as m:
        shell = Shell(m)
        assert "+ host show" in shell.run("run /scripts/hello") and shell.run("echo $?") == "0\n"
        assert "error" not in shell.run("vm start beat1")
        wait_text(shell, "beat1", "beat: up, 2 CPUs")
        wait_text(shell, "beat1", "beat: 1$")
        assert "beat1: paused" in shell.run("vm pause beat1")
        lines = [row["text"] for row in shell.json("vm log beat1")]
        vcpus = shell.json("vm dump beat1")
        assert [v["vcpu"] for v in vcpus] == [0, 1] and all(int(v["cr3"], 16) for v in vcpus)
        assert vcpus == shell.json("vm dump beat1")
        assert vcpus[1] == shell.json("vm dump beat1 --vcpu 1")[0]
        # Multiboot's guest is linked at 1 MiB; the same bytes are there every time.
        code = shell.json("vm dump beat1 --memory 0x100000 --length 1500")
        assert [c["address"] for c in code] == ["0x100000", "0x100200", "0x100400"] and len(code[2]["data"]) == 2 * (1500 - 1024)
        assert code == shell.json("vm dump beat1 --memory 0x100000 --length 1500")
        assert "expected the address of guest memory" in shell.run("vm dump beat1 --memory 0x7fffffff")
        # The same as a core file.
        segments, notes = read_core(b"".join(base64.b64decode(row["base64"]) for row in shell.json("vm dump beat1 --core")))
        start = max(a for a in segments if a <= 0x100000)
        assert segments[start][0x100000 - start:][:1500].hex() == "".join(c["data"] for c in code)
        assert sum(map(len, segments.values())) == (16 << 20) - 0x20000
        status = [struct.unpack_from("<27Q", body, 112) for name, what, body in notes if (name, what) == ("CORE", 1)]
        assert [(r[16], r[19], r[10]) for r in status] == [tuple(int(v[n], 16) for n in ("rip", "rsp", "rax")) for v in vcpus]
        assert [row["text"] for row in shell.json("vm log beat1")] == lines, "a paused guest said something"
        figures = shell.json("vm show beat1")[0]
        check_object(figures, rows["vm show"]["output"])
        # Every exit of the guest was one of some CPU.
        assert sum(c["exits"] for c in shell.json("cpu")) > figures["exits"]["cpuid"]
        assert figures["state"] == "paused" and figures["exits"]["cpuid"] > 0 and figures["run_time_ns"] > 0
        assert "beat1: running" in shell.run("vm resume beat1")
        assert shell.json("trace show") == []
        assert "error: nobody: no VM of that name runs" in shell.run("trace on --vm nobody")
        assert "tracing is on" in shell.run("trace on")
        assert "beat1" in shell.run("vm list")
        assert "tracing is off" in shell.run("trace off")
        check_trace_of_all(shell)
        assert "tracing is on" in shell.run("trace on --vm beat1")
        # A line of which every character was printed since then.
        wait_text(shell, "beat1", "beat:", len(shell.json("vm log beat1")))
        assert "tracing is off" in shell.run("trace off")
        check_trace(shell)
        rows = shell.json("top --interval 0.5")
        assert [r["kind"] for r in rows] == ["cpu"] * 2 + ["vm"] + ["vcpu"] * 2
        for row in rows:
            check_object(row, table()["top"]["output"])
        assert rows[2]["name"] == "beat1" and rows[2]["exits_per_s"] > 0 and sum(rows[2]["exits"].values()) == pytest.approx(rows[2]["exits_per_s"])
        assert "beat1/1" in shell.run("top 1 --interval 0.5")
        wait_text(shell, "beat1", "beat:", len(lines))
        # All CPUs take an NMI, then one of them.
        shell.run("vm nmi beat1")
        shell.run("vm nmi beat1 --vcpu 1")
        m.send("vm console beat1\r")
        m.expect("detaches")
        m.send("n")
        m.expect("beat: 3 NMIs")
        m.send("\x1d")
        m.expect(re.escape(PROMPT))
        assert "does not listen to its power button" in shell.run("vm stop beat1")
        shell.run("trace on --vm beat1")
        assert "beat1: running" in shell.run("vm reset beat1")
        # The reply says that it has happened.
        assert [n.split()[1] for n in shell.json("vm show beat1")[0]["notes"]][-2:] == ["reset", "runs"]
        wait_text(shell, "beat1", "beat: up, 2 CPUs", len(lines))
        shell.run("trace off")
        # The second CPU was started, and said so to the first.
        posts = [r for r in shell.json("trace show 100000") if r["kind"] == "post"]
        assert [r["name"] for r in posts if r["vcpu"] == 1 and r["name"] != "interrupt"][:2] == ["INIT", "SIPI"], posts
        shell.run("vm pause beat1")
        assert "beat1: running" in shell.run("vm reset beat1")
        shell.run("wait beat1 --state running")
        shown = shell.run("vm show beat1")
        assert "reset from the console" in shown and "NMI from the console" in shown
        shell.run("vm kill beat1")
        assert "beat1: stopped: killed" in shell.run("wait beat1")
        assert "beat: up" in shell.run("vm log beat1")
        # One that is made here, with another memory, and forgotten again.
        assert "mine: stopped" in shell.run("vm create mine --like beat1 memory=24M vcpus=1")
        assert "mine: running" in shell.run("vm start mine")
        assert [v["memory"] for v in shell.json("vm list") if v["name"] == "mine"] == [(24 << 20) - 0x20000]
        shell.run("vm kill mine")
        assert "mine: destroyed" in shell.run("vm destroy mine")
        m.send("poweroff\r")
        assert m.wait_exit(60) == 0


class Port:
    """A second serial port of a machine, as far as Shell needs it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.child = pexpect.fdpexpect.fdspawn(self.socket.fileno(), encoding="utf-8", codec_errors="replace", timeout=30 * harness.TIME_SCALE)

    def send(self, text):
        self.child.send(text)

    def expect(self, pattern, timeout=30):
        self.child.expect(pattern, timeout=timeout * harness.TIME_SCALE)

    def before(self):
        return self.child.before


def test_several_shells(machine, beats, tmp_path):
    """console= twice: a shell on each port, one of them with the kernel's console."""
    path = str(tmp_path / "com2")
    with machine(initrd=beats, smp=2, console="console=ttyS1 console=ttyS0", extra=["-serial", f"unix:{path},server=on,wait=off"]) as m:
        shell = Shell(m)
        port = Port(path)
        port.send("\r")
        second = Shell(port)
        # Of its first prompt something may have been kept.
        port.send("echo here\r")
        port.expect("\nhere\r")
        port.expect(re.escape(PROMPT))
        assert "no such VM" in shell.run("vm show nobody")
        assert shell.run("echo $?").endswith("1\n")
        assert second.run("echo $?").endswith("0\n")
        port.send("wait beat0 --state running\r")
        assert "beat0: running" in shell.run("vm start beat0")
        port.expect("beat0: running")
        port.expect(re.escape(PROMPT))
        for child, other in ((m, shell), (port, second)):
            child.send("vm console beat0\r")
            child.expect("beat: [0-9]+")
            child.send("\x1d")
            child.expect(re.escape(PROMPT))
            # Much at once, each way, on both.
            word = "".join(random.Random(2).choices("abcdefghij", k=600))
            assert word in other.run(f"echo {word}")
            assert len(other.json("log")) > 10
        port.send("\x04")
        port.expect(re.escape(PROMPT))
        assert "beat0" in second.run("vm list")
        second.run("vm kill beat0")
        # The line of the log comes above the first console's prompt, which is drawn anew.
        m.expect("init: vm beat0: stopped: killed\r*\n" + re.escape(PROMPT))
        assert "stopped" in shell.run("wait beat0")
        port.send("poweroff\r")
        assert m.wait_exit(60) == 0


class Gate(threading.Thread):
    """Carries bytes between a client at `path` and a port; after `limit` of the port's the others wait for go()."""

    def __init__(self, path, port, limit):
        super().__init__(daemon=True)
        self.server, self.port, self.left = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX), limit
        self.server.bind(path)
        self.server.listen()
        self.port.connect(port)
        self.closed, self.opened = threading.Event(), threading.Event()
        self.start()

    def run(self):
        client, _ = self.server.accept()
        threading.Thread(target=self.carry, args=(client, self.port), daemon=True).start()
        while data := self.port.recv(4096):
            self.left -= len(data)
            if self.left < 0 and not self.opened.is_set():
                self.closed.set()
                self.opened.wait()
            try:
                client.sendall(data)
            except OSError:  # it has all that it wanted
                return

    @staticmethod
    def carry(source, to):
        try:
            while data := source.recv(4096):
                to.sendall(data)
        except OSError:
            pass


def test_core_over_a_port(machine, beats, tmp_path):
    """A VM of 32 MiB as a core file, through strata-client on the second port, while a person goes on at the first."""
    path, core = str(tmp_path / "com2"), tmp_path / "core"
    with machine(initrd=beats, smp=2, console="console=ttyS1 console=ttyS0", extra=["-serial", f"unix:{path},server=on,wait=off"]) as m:
        shell = Shell(m)
        shell.run("vm start filled")
        wait_text(shell, "filled", "beat: up, 1 CPUs")
        gate = Gate(str(tmp_path / "line"), path, 100 << 10)
        line = [f"{harness.BUILD}/strata-client", "--unix", str(tmp_path / "line"), "--timeout", str(int(100 * harness.TIME_SCALE)), "--output", str(core)]
        client = subprocess.Popen([*line, "vm", "dump", "filled", "--core", "--raw"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # The VM is held as long as the line takes; the other consoles are not, and nothing has the file's name.
        assert gate.closed.wait(60 * harness.TIME_SCALE)
        assert shell.json("vm show filled")[0]["state"] == "paused" and "beat0" in shell.run("vm list") and not core.exists()
        gate.opened.set()
        assert client.communicate(timeout=300 * harness.TIME_SCALE) == (b"", b"") and client.returncode == 0
        assert "filled: running" in shell.run("wait filled --state running")
        segments, notes = read_core(core.read_bytes())
        assert sum(map(len, segments.values())) == (32 << 20) - 0x20000 and [what for _, what, _ in notes] == [1, 1]
        start = max(a for a in segments if a <= FILL_FROM)
        assert segments[start][FILL_FROM - start:][:FILLED] == b"".join(struct.pack("<Q", a * 0x9e3779b97f4a7c15 % (1 << 64)) for a in range(FILL_FROM, FILL_FROM + FILLED, 8))
        m.send("poweroff --force\r")
        assert m.wait_exit(60) == 0
