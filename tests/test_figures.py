# SPDX-License-Identifier: GPL-2.0-or-later
"""The console's figures, on this machine: the shell over a kernel that is made up (mgmt/lib/strata_fake.c), where all rates are known."""
import json
import os
import re
import subprocess

import pexpect

import harness
from console import check_object, table

SHELL = os.path.join(harness.BUILD, "debug", "linux", "shell")


def run(line, status=0):
    """What one line of the shell prints, with nobody before it."""
    done = subprocess.run([SHELL, "-c", line], env={"STRATA_FAKE": "1", "TERM": "dumb"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60 * harness.TIME_SCALE)
    assert done.returncode == status, done.stdout
    return done.stdout.decode()


def objects(verb, words=""):
    rows = [json.loads(row) for row in run(f"{verb} {words} --json").splitlines()]
    members = table()[verb]["output"]
    for row in rows:
        check_object(row, members)
    return rows


def console(term="vt100", size=(24, 80), **env):
    child = pexpect.spawn(SHELL, env={"STRATA_FAKE": "1", "TERM": term, **env}, timeout=30 * harness.TIME_SCALE, encoding="utf-8", dimensions=size, preexec_fn=harness.die_with_parent)
    child.delaybeforesend = None
    child.expect_exact("strata> ")
    return child


def test_cpu_and_mem():
    cpus = objects("cpu")
    assert [c["cpu"] for c in cpus] == [0, 1] and cpus[1]["dedicated_to"] == "good1" and cpus[0]["features"] == "nx svm npt"
    nodes = [r for r in objects("mem") if r["kind"] == "node"]
    assert [(n["node"], n["cpus"], n["free"] >> 20) for n in nodes] == [(0, 1, 100), (1, 1, 200)]
    assert re.search(r"(?m)^ +1 +1 +512000 +204800$", run("mem"))
    assert objects("host show")[0]["cpu_model"] == "Made-up CPU"


def test_top_objects():
    rows = objects("top", "--interval 0.1")
    assert rows[0] == {"kind": "cpu", "cpu": 0, "guest_percent": 60.0, "kernel_percent": 20.0, "user_percent": 10.0, "idle_percent": 10.0, "exits_per_s": 1500.0, "switches_per_s": 30.0}
    vm, = [r for r in rows if r["kind"] == "vm"]
    assert vm["name"] == "good1" and vm["run_percent"] == 85.0 and vm["exits"] == {"io": 1000.0, "cpuid": 300.0, "hlt": 200.0} and vm["exits_per_s"] == 1500.0
    vcpus = [r for r in rows if r["kind"] == "vcpu"]
    assert [(v["vcpu"], v["run_percent"], v["steal_percent"], v["wait_percent"], v["exits_per_s"]) for v in vcpus] == [(0, 80, 15, 5, 1000), (1, 5, 0, 95, 500)]


def test_top_in_rounds():
    """With a number, and where nobody sits, it prints; a VM that comes in between has no rates yet."""
    text = run("top 3 --interval 0.1")
    assert text.count("EXITS/S SWITCHES/S") == 3 and "\x1b" not in text
    assert len(re.findall(r"(?m)^good1 +2 +85.0 +64.0 +64 +1500 io cpuid hlt$", text)) == 3
    assert re.search(r"(?m)^fleeting +2 +0.0 ", text)
    assert max(map(len, text.splitlines())) <= 80
    for words in ("0", "x", "1 2", "--interval", "--interval 0.01", "--interval x", "-1"):
        assert "expected: top" in run(f"top {words}", status=2)


def test_top_live():
    c = console()
    c.send("top --interval 0.1\r")
    for _ in range(3):
        c.expect_exact("\x1b[H\x1b[J")
        c.expect(r"good1 +2 +85.0 .*q ends")
    c.send("x")
    c.expect_exact("q ends")
    c.send("q")
    c.expect_exact("strata> ")
    c.send("top --interval 0.1\r")
    c.expect_exact("q ends")
    c.send("\x03")
    c.expect_exact("strata> ")
    c.send("top 1000 --interval 0.1\r")
    c.expect_exact("EXITS/S")
    c.send("q")
    c.expect_exact("strata> ")
    c.close(force=True)


def test_top_fits_the_screen():
    for rows in (10, 12, 24):
        c = console(size=(rows, 80))
        c.send("top --interval 0.1\r")
        c.expect_exact("\x1b[H\x1b[J")
        c.expect_exact("q ends")
        assert c.before.count("\n") < rows, (rows, c.before)
        assert ("(and " in c.before) == (rows < 24)
        c.close(force=True)


def test_top_on_a_dumb_terminal():
    c = console(term="dumb")
    c.send("top --interval 0.1\r")
    c.expect_exact("q ends")
    c.expect_exact("q ends")
    assert "\x1b" not in c.before
    c.send("q")
    c.expect_exact("strata> ")
    c.close(force=True)


def test_trace_show():
    rows = objects("trace show")
    assert [r["ns"] for r in rows] == sorted(r["ns"] for r in rows) and len(rows) == 12
    first, last = rows[0], rows[-1]
    assert first["kind"] == "switch" and first["thread"] == 3 and first["name"] == "vcpu" and "vm" not in first
    assert last["name"] == 'idle\n"x' and last["cpu"] == 1
    cpuid = next(r for r in rows if r["name"] == "CPUID")
    assert (cpuid["vm"], cpuid["vcpu"], cpuid["address"], cpuid["duration_ns"], cpuid["lost"]) == ("good1", 0, "0x1000", 250, 0)
    assert [r["lost"] for r in rows if r["kind"] == "guest"] == [2, 2]
    assert {r["vm"] for r in rows if r["name"] == "HLT"} == {"VM 8"}
    assert objects("trace show", "3") == rows[-3:]
    text = run("trace show 5")
    assert "HLT at 0x2000, 100 ns" in text and len(text.splitlines()) == 6
    assert 'to thread 1 idle?"x' in text
    for words in ("0", "x", "1 2"):
        assert "expected: trace show" in run(f"trace show {words}", status=2)


def test_trace_switches():
    c = console()
    for verb, answer in (("trace on", "tracing is on"), ("trace off", "tracing is off")):
        c.send(f"{verb}\r")
        c.expect_exact(answer)
        c.expect_exact("strata> ")
    c.close(force=True)
    assert objects("trace on") == [{"action": "tracing"}] and objects("trace off") == [{"action": "stopped tracing"}]


def test_trace_export():
    """One JSON document in Chrome's format: names of rows, spans with begin and length, instants."""
    document = json.loads(run("trace export"))
    assert document == json.loads(run("trace export --json"))
    assert objects("trace export") == [document]
    rows = document["traceEvents"]
    assert all(r["ph"] in "MXi" and isinstance(r["pid"], int) for r in rows)
    names = {(r["name"], r["pid"], r.get("tid")): r["args"]["name"] for r in rows if r["ph"] == "M"}
    assert names == {("process_name", 0, None): "CPUs", ("thread_name", 0, 0): "CPU 0", ("thread_name", 0, 1): "CPU 1",
                     ("process_name", 8, None): "good1", ("process_name", 9, None): "VM 8"}
    spans = [r for r in rows if r["ph"] == "X"]
    assert all(r["ts"] >= 5e5 and r["dur"] >= 0 for r in spans)
    # A thread's span lasts until the next switch on its CPU.
    assert [(r["name"], r["tid"], r["ts"], r["dur"]) for r in spans if r["pid"] == 0][:2] == [("vcpu", 0, 5e5, 12.0), ("vcpu", 1, 5e5 + 1, 12.0)]
    assert [(r["ts"], r["dur"], r["args"]) for r in spans if r["name"] == "CPUID"][0] == (5e5 + 2.5, 0.25, {"cpu": 0, "rip": "0x1000"})
    assert [(r["name"], r["s"], r["pid"], r["tid"]) for r in rows if r["ph"] == "i"] == [("interrupt 0x30", "t", 8, 0)] * 2
    assert "expected: trace export" in run("trace export x", status=2)
