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
    assert [r["ns"] for r in rows] == sorted(r["ns"] for r in rows) and len(rows) == 18
    first, last = rows[0], rows[-1]
    assert first["kind"] == "switch" and first["thread"] == 3 and first["name"] == "vcpu" and first["vm"] == "good1" and "vm" not in last
    assert last["name"] == 'idle\n"x' and last["cpu"] == 1
    cpuid = next(r for r in rows if r["name"] == "CPUID")
    assert (cpuid["vm"], cpuid["vcpu"], cpuid["address"], cpuid["duration_ns"], cpuid["lost"]) == ("good1", 0, "0x1000", 250, 0)
    assert [r["lost"] for r in rows if r["kind"] == "guest"] == [2, 2]
    assert {r["vm"] for r in rows if r["name"] == "HLT"} == {"VM 8"}
    assert {(r["vm"], r["vcpu"], r["address"], r["name"]) for r in rows if r["kind"] == "post"} == {("good1", 1, "0x31", "interrupt")}
    calls = {(r["name"], r["thread"], r["number"], r["result"], r.get("vm"), r["duration_ns"]) for r in rows if r["kind"] == "call"}
    assert calls == {("read", 4, 0, -11, None, 1500), ("mmap", 3, 9, 0x7f0000000000, "good1", 1000)}
    assert objects("trace show", "3") == rows[-3:]
    text = run("trace show 9")
    assert "HLT at 0x2000, 100 ns" in text and len(text.splitlines()) == 10
    assert 'to thread 1 idle?"x' in text
    text = run("trace show 100")
    for line in ("post   good1/1 interrupt 0x31\n", "call   thread 4 read = -11, 1500 ns\n", "call   good1 thread 3 mmap = 0x7f0000000000, 1000 ns\n"):
        assert line in text
    for words in ("0", "x", "1 2", "--vm", "5 --vm", "--vm good1 5 6"):
        assert "expected: trace show" in run(f"trace show {words}", status=2)


def test_trace_of_one_vm():
    """Its events, the switches to its threads, and the first away from them; of another VM there is nothing but its exits."""
    rows = objects("trace show", "--vm good1 100")
    assert [r["kind"] for r in rows if r["cpu"] == 0] == ["switch", "inject", "guest", "exit", "call", "post", "switch"]
    assert {r.get("vm") for r in rows} == {"good1", None} and [r["name"] for r in rows if "vm" not in r] == ['idle\n"x'] * 2
    assert objects("trace show", "2 --vm good1") == rows[-2:] and [r["lost"] for r in rows if r["kind"] == "guest"] == [2, 2]
    document, = objects("trace export", "--vm good1")
    assert {r["pid"] for r in document["traceEvents"] if r["ph"] != "M"} == {0, 1, 9}
    for verb in ("trace on", "trace show", "trace export"):
        assert "error: nobody: no VM of that name runs" in run(f"{verb} --vm nobody", status=1)
    assert "expected: trace on [--vm NAME]" in run("trace on --vm", status=2)
    assert objects("trace on", "--vm good1") == [{"action": "tracing"}]


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
                     ("process_name", 1, None): "system calls", ("thread_name", 1, 3): "thread 3 vcpu", ("thread_name", 1, 4): "thread 4",
                     ("process_name", 9, None): "good1", ("process_name", 10, None): "VM 8"}
    spans = [r for r in rows if r["ph"] == "X"]
    assert all(r["ts"] >= 5e5 and r["dur"] >= 0 for r in spans)
    # A thread's span lasts until the next switch on its CPU.
    assert [(r["name"], r["tid"], r["ts"], r["dur"]) for r in spans if r["pid"] == 0][:2] == [("vcpu", 0, 5e5, 12.0), ("vcpu", 1, 5e5 + 1, 12.0)]
    assert [(r["ts"], r["dur"], r["args"]) for r in spans if r["name"] == "CPUID"][0] == (5e5 + 2.5, 0.25, {"cpu": 0, "rip": "0x1000"})
    assert [(r["name"], r["s"], r["pid"], r["tid"]) for r in rows if r["ph"] == "i"] == [("interrupt 0x30", "t", 9, 0)] * 2 + [("post interrupt 0x31", "t", 9, 1)] * 2
    calls = [(r["name"], r["tid"], r["dur"], r["args"]) for r in spans if r["pid"] == 1]
    assert calls[0] == ("read", 4, 1.5, {"cpu": 0, "number": 0, "result": "-11"})
    assert {c[3]["result"] for c in calls} == {"-11", "0x7f0000000000"}
    for words in ("x", "--vm", "--vm good1 x"):
        assert "expected: trace export" in run(f"trace export {words}", status=2)


def test_log():
    rows = objects("log")
    assert [r["sequence"] for r in rows] == list(range(60)) and rows[5] == {"sequence": 5, "ns": 500000000, "level": "warn", "line": "line 5"}
    assert [r["sequence"] for r in objects("log", "3")] == [57, 58, 59]
    assert {r["level"] for r in objects("log", "warn")} == {"error", "warn"} and len(objects("log", "warn")) == 30
    assert [r["sequence"] for r in objects("log", "error 2")] == [52, 56]
    assert objects("log", "error 0") == [] and len(objects("log", "debug 1000")) == 60
    assert "     5.700 warn  line 57\n" in run("log 3")


def test_log_level():
    assert objects("log level") == [{"level": "info"}] and objects("log level", "debug") == [{"level": "debug"}]
    c = console()
    c.send("log level\r")
    c.expect_exact("the console shows: info and what is graver")
    c.send("log level error\r")
    c.expect_exact("the console shows: error\r\n")
    c.send("log level\r")
    c.expect_exact("the console shows: error\r\n")
    c.close(force=True)
    assert "loud: expected error, warn, info or debug" in run("log level loud", status=1)


MORE = "-- more: space, Enter, q --"


def lines_of(text):
    return re.findall(r"line (\d+)\r", text)


def test_pages():
    """A screen at a time, by space; a line by Enter; q drops the rest. What is short, for programs or typed ahead is not stopped."""
    c = console(size=(24, 80))
    c.send("log\r")
    c.expect_exact(MORE)
    assert lines_of(c.before) == [str(i) for i in range(23)]
    c.send("\r")
    c.expect_exact(MORE)
    assert lines_of(c.before) == ["23"]
    c.send("x ")
    c.expect_exact(MORE)
    assert lines_of(c.before) == [str(i) for i in range(24, 47)] and "\x1b[K" in c.before
    c.setwinsize(10, 80)
    c.send(" ")
    c.expect_exact(MORE)
    assert len(lines_of(c.before)) == 9
    c.send("q")
    c.expect_exact("strata> ")
    assert lines_of(c.before) == []
    for quit in ("q", "\x03"):
        c.send("log\r")
        c.expect_exact(MORE)
        c.send(quit)
        c.expect_exact("strata> ")
        assert lines_of(c.before) == []
    c.send("log 9\r")
    c.expect_exact("strata> ")
    assert len(lines_of(c.before)) == 9 and MORE not in c.before
    c.send("log --json\r")
    c.expect_exact("strata> ")
    assert c.before.count("\n") == 61 and MORE not in c.before
    c.send("terminal nopage\rlog\r")
    c.expect_exact("10 rows, 80 columns, not paged")
    c.expect_exact("line 59")
    c.send("terminal page\rlog\rlog\recho done\r")
    c.expect_exact("paged")
    c.close(force=True)


def test_pages_count_wrapped_lines():
    c = console(size=(10, 40))
    c.send("help\r")
    c.expect_exact(MORE)
    rows = sum(max(1, -(-len(line) // 40)) for line in re.sub(r"\x1b\[\??[0-9;]*[A-Za-z]", "", c.before).split("\r\n")[1:-1])
    assert rows == 9, c.before
    c.send("q")
    c.close(force=True)


def test_no_pages_for_a_dumb_terminal():
    c = console(term="dumb", size=(10, 80))
    c.send("log\r")
    c.expect_exact("strata> ")
    assert len(lines_of(c.before)) == 60 and "\x1b" not in c.before
    c.close(force=True)


def test_asks_a_line_without_size():
    """As on a serial port: the terminal is asked when a page of the smallest one is full, and again for each."""
    c = console(size=(0, 0))
    ask = "\x1b7\x1b[999;999H\x1b[6n\x1b8"
    c.send("log\r")
    c.expect_exact(ask)
    assert len(lines_of(c.before)) == 23
    c.send("\x1b[40;100R")
    c.expect_exact(ask)
    assert len(lines_of(c.before)) == 39 - 23
    c.send("\x1b[40;100R")
    c.expect_exact(MORE)
    c.send("q")
    c.expect_exact("strata> ")
    c.send("terminal\r")
    c.expect_exact("40 rows, 100 columns, paged")
    c.expect_exact("strata> ")
    # Keys beside the answer are kept; a size that cannot be is no answer.
    c.send("terminal ask\r")
    c.expect_exact(ask)
    c.send("echo \x1b[30;90Rhi\r")
    c.expect_exact("30 rows, 90 columns")
    c.expect_exact("hi\r\n")
    c.send("terminal ask\r")
    c.expect_exact(ask)
    c.send("\x1b[0;0R")
    c.expect_exact("error: terminal: it does not tell its size")
    c.close(force=True)


def test_silent_terminal():
    """One that does not answer is asked once, and not paged."""
    c = console(size=(0, 0))
    c.send("log\r")
    c.expect_exact("strata> ")
    assert len(lines_of(c.before)) == 60 and c.before.count("\x1b[6n") == 1
    c.send("log\r")
    c.expect_exact("strata> ")
    assert len(lines_of(c.before)) == 60 and "\x1b[6n" not in c.before
    c.send("terminal 20 80\rterminal\r")
    c.expect_exact("20 rows, 80 columns, paged")
    c.expect_exact("20 rows, 80 columns, paged")
    c.expect_exact("strata> ")
    c.send("log\r")
    c.expect_exact(MORE)
    c.send("q")
    c.expect_exact("strata> ")
    c.send("terminal dumb\rlog\r")
    c.expect_exact("line 59")
    c.close(force=True)
