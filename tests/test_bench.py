# SPDX-License-Identifier: GPL-2.0-or-later
"""The comparison with KVM: workload files, results, comparison, report, and the run of it with sides that are played."""
import json
import os
import re
import subprocess
import sys
import threading

import pexpect
import pytest

import harness

BENCH = os.path.join(harness.TREE, "bench")
sys.path.insert(0, BENCH)
sys.path.insert(0, os.path.join(BENCH, "kvm"))
import collect  # noqa: E402
import compare  # noqa: E402
import emulator  # noqa: E402
import guest_profile  # noqa: E402
import realset  # noqa: E402
import report  # noqa: E402
import results as R  # noqa: E402
import run  # noqa: E402
import sides  # noqa: E402
import watch  # noqa: E402
import workloads  # noqa: E402


def sample():
    r = R.new({"emulator": "QEMU <7>"}, {"kernel": "6.1"}, "abc", "off")
    for value in (100, 104, 101):
        R.add_sample(r, "boot", "boot", "ns", "lower", "bare", value)
    R.add_sample(r, "boot", "boot", "ns", "lower", "kvm", 150)["exact"] = True
    R.add_sample(r, "boot", "boot", "ns", "lower", "strata", 120)
    R.add_sample(r, "fio", "read <&>", "IOPS", "higher", "kvm", 1000.0)
    R.add_sample(r, "fio", "read <&>", "IOPS", "higher", "strata", 800.0)
    R.add_hole(r, "fio", "bare", "QEMU ended with <1>")
    return r


# ---- profiles of guests ----

def trace_line(address, flags):
    return f"Trace 0: 0x7f0000 [0000000000000000/{address:016x}/{flags:08x}/ff000001] \n"


def test_a_profile_tells_guest_from_host_and_ring_3_from_the_kernel(tmp_path, capsys):
    guest = guest_profile.Symbols(["ffffffff81000000 T switch", "ffffffff81000010 t read", "ffffffff81000020 D data"])
    host = guest_profile.Symbols(["ffffffff80000000 T exit"])
    inside = guest_profile.IN_GUEST
    one = [(0xffffffff81000000, inside), (0xffffffff81000012, inside), (0x401000, inside | 3)]
    lines = one + one + [(0xffffffff80000004, 0), (0xffffffffc0001000, 0), (0x400000, 3)] + one
    log = tmp_path / "log"
    log.write_text("something else\n" + "".join(trace_line(*line) for line in lines), encoding="utf-8")
    found = guest_profile.count(log, False, guest.address("switch"), guest, host)
    assert found.calls == 3 and found.distances == {3: 1, 6: 1}
    assert found.functions == {("guest", "switch"): 3, ("guest", "read"): 3, ("guest", "(ring 3)"): 3, ("host", "exit"): 1, ("host", "(module)"): 1,
                               ("host", "(ring 3)"): 1}
    assert found.total("guest") == 3 and found.total("host") == 1
    bare = guest_profile.count(log, True, None, guest, host)
    assert bare.calls == 0 and bare.total("host") == 0 and bare.total("guest") == len(lines)
    guest_profile.show({"strata": found}, "switch")
    assert "usual distance (how often): 3 (1), 6 (1)" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        guest.address("data")


def test_a_profile_begins_with_the_workload(monkeypatch):
    """What QEMU is told, and when: played by a machine that writes its log at once."""
    said = []
    machine = type("M", (), {"hmp": lambda self, line: said.append(line)})()
    monkeypatch.setattr(os.path, "exists", lambda path: True)
    monkeypatch.setattr(os.path, "getsize", lambda path: 1 << 20)
    with pytest.raises(guest_profile.Done):
        guest_profile.Tracer(0, 1, "log", ("qemu-that-is-not-there",))(machine, "run")
    assert said == ["stop", "singlestep on", "log exec,nochain", "cont", "stop", "log none"]


# ---- results ----


def test_medians_and_ratios():
    row = sample()["rows"][0]
    assert R.median(row, "bare") == 101 and R.spread(row, "bare") == (100, 104)
    assert R.ratio(row, "strata", "kvm") == 0.8
    assert R.ratio(sample()["rows"][1], "strata", "bare") is None


def test_files(tmp_path):
    path = str(tmp_path / "a/results.json")
    R.save(path, sample())
    assert R.load(path) == sample()


@pytest.mark.parametrize("change, said", [
    (lambda r: r.pop("commit"), "commit: expected str"),
    (lambda r: r.update(schema=9), "expected a results file of schema"),
    (lambda r: r["rows"][0].update(better="more"), "row 0: better: expected 'lower' or 'higher'"),
    (lambda r: r["rows"][1]["samples"].update(xen=[1]), "row 1: samples: expected sides of bare, kvm, strata"),
    (lambda r: r["rows"][1]["samples"].update(kvm=["1"]), "row 1: samples of kvm: expected a list of numbers"),
    (lambda r: r["rows"][1]["samples"].update(kvm=[True]), "row 1: samples of kvm: expected a list of numbers"),
])
def test_bad_files(tmp_path, change, said):
    r = sample()
    change(r)
    path = tmp_path / "r.json"
    path.write_text(json.dumps(r))
    with pytest.raises(R.BadResults, match=re.escape(said)):
        R.load(str(path))


def test_unreadable_files(tmp_path):
    with pytest.raises(R.BadResults, match="No such file"):
        R.load(str(tmp_path / "none"))
    (tmp_path / "x").write_text("{")
    with pytest.raises(R.BadResults, match="expected JSON"):
        R.load(str(tmp_path / "x"))


# ---- comparison ----


def results_with(samples, better="lower", exact=False):
    r = R.new({}, {}, "abc", "off")
    for value in samples:
        R.add_sample(r, "w", "m", "ns", better, "strata", value)["exact"] = exact
    return r


@pytest.mark.parametrize("old, new, better, exact, said, worse", [
    ([100, 102], [101, 103], "lower", False, [], False),            # ranges overlap
    ([100, 101], [150, 151], "lower", False, ["worse"], True),
    ([100, 101], [50, 51], "lower", False, ["better"], False),
    ([100, 101], [50, 51], "higher", False, ["worse"], True),
    ([1000], [1005], "lower", False, [], False),                     # within a hundredth
    ([1000], [1001], "lower", True, ["worse"], True),                # a count has no noise
    ([1000], [1000], "lower", True, [], False),
])
def test_compare(old, new, better, exact, said, worse):
    lines, bad = compare.compare(results_with(old, better, exact), results_with(new, better, exact))
    assert [line.split()[0] for line in lines] == said and bad == worse


def test_compare_new_and_gone():
    a, b = results_with([1]), results_with([1])
    b["rows"][0]["metric"] = "other"
    lines, bad = compare.compare(a, b)
    assert [line.split() for line in lines] == [["new", "w", "other"], ["gone", "w", "m"]] and not bad


def test_compare_as_a_program(tmp_path):
    a, b = str(tmp_path / "a.json"), str(tmp_path / "b.json")
    R.save(a, results_with([100], exact=True))
    R.save(b, results_with([120], exact=True))
    done = subprocess.run([sys.executable, os.path.join(BENCH, "compare.py"), a, b], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "worse    w m strata: 100 -> 120 ns (+20.0%)" in done.stdout
    done = subprocess.run([sys.executable, os.path.join(BENCH, "compare.py"), a, a], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout == "no change beyond noise\n"


# ---- workloads ----


def test_workload_files():
    known = workloads.load()
    assert list(known)[:3] == ["boot", "create", "exit"] and known["boot"].side_job and not known["fio"].side_job
    assert known["boot"].shape == workloads.ONE and known["overcommit"].shape == (2, 4, 2)
    assert known["ipi"].shape.pinned and not known["smp2"].shape.pinned and not known["overcommit"].shape.pinned
    assert known["fio"].value("read-128k-1 12.5") == ("read-128k-1", 12.5)
    assert known["fio"].value("read-128k-1 fast") is None and known["fio"].value("other 1") is None
    for name in known:
        path = os.path.join(BENCH, "workloads", name)
        assert subprocess.run(["sh", "-n", path], check=False).returncode == 0, name


@pytest.mark.parametrize("text, said", [("#: a b\n", "expected #: METRIC"), ("#: a ns smaller\n", "expected #: METRIC"),
                                        ("echo\n", "expected a line #:"), ("# machine: cpus=0\n", "cpus=0: expected cpus=N"),
                                        ("# machine: disks=1\n", "disks=1: expected cpus=N"),
                                        ("# machine: cpus\n", "cpus: expected cpus=N, vcpus=N or vms=N")])
def test_bad_workloads(text, said):
    with pytest.raises(workloads.BadWorkload, match=said):
        workloads.Workload("w", text)


# ---- the run, with sides that are played ----


class Played:
    """A side that says what a list says, and counts its runs; a list that is an exception fails."""

    def __init__(self, name, says):
        self.name, self.says, self.runs = name, says, 0
        self.tries, self.number, self.numbers, self.have = sides.SIDES[name].tries, 0, [], ()

    def __call__(self, **_):
        return self

    def run(self, job):
        self.runs += 1
        self.numbers.append(self.number)
        says = self.says[tuple(job)]
        if callable(says):
            says = says(self)
        if isinstance(says, Exception):
            raise says
        yield from says


@pytest.fixture
def played(monkeypatch):
    inside = ("memory", "sched")
    values = {("boot",): [("boot", "boot 5"), ("boot", "noise")],
              inside: [("memory", "stream 9"), ("sched", "sched: not found"), ("sched", "pipe 3"), ("sched", "messaging 4")]}
    known = {name: workloads.Workload(name, text) for name, text in
             {"boot": "# side job\n#: boot ns lower\n", "memory": "#: stream MB/s higher\n",
              "sched": "#: pipe us lower\n#: messaging s lower\n"}.items()}
    monkeypatch.setattr(workloads, "load", lambda: known)
    got = {name: Played(name, dict(values)) for name in R.SIDES}
    got["kvm"].says[("boot",)] = sides.SideFailed("no KVM")
    monkeypatch.setattr(sides, "SIDES", got)
    monkeypatch.setattr(run, "describe", lambda args: R.new({}, {}, "abc", "off"))
    return got


class Args:
    only, sides, repeat, config, fresh, jobs, qemu = ["boot", "memory", "sched"], list(R.SIDES), 2, "release", False, 1, ("qemu",)


def test_run_and_resume(played, tmp_path):
    path = str(tmp_path / "results.json")
    said = []
    r = run.run(Args, path, said.append)
    assert R.find_row(r, "boot", "boot")["samples"] == {"bare": [5.0, 5.0], "strata": [5.0, 5.0]}
    assert R.find_row(r, "sched", "pipe")["samples"]["kvm"] == [3.0, 3.0]
    assert [(h["workload"], h["side"], h["reason"]) for h in r["holes"]] == [("boot", "kvm", "no KVM")]
    assert "[2/12] boot on Linux KVM" in said and "    failed: no KVM" in said
    assert R.load(path) == r
    # Only what failed is done again.
    runs = {n: p.runs for n, p in played.items()}
    played["kvm"].says[("boot",)] = [("boot", "boot 7")]
    r = run.run(Args, path, said.append)
    assert {n: p.runs - runs[n] for n, p in played.items()} == {"bare": 0, "kvm": 2, "strata": 0}
    assert not r["holes"] and R.find_row(r, "boot", "boot")["samples"]["kvm"] == [7.0, 7.0]


def test_a_panic_is_tried_again_on_kvm_alone(played, tmp_path):
    """What the emulator does to KVM's guest may go well the next time; a panic under Strata is Strata's."""
    class Once(Args):
        repeat, only = 1, ["boot"]

    for side in ("kvm", "strata"):
        played[side].says[("boot",)] = sides.SideFailed("Kernel panic - not syncing: Fatal exception in interrupt")
    r = run.run(Once, str(tmp_path / "results.json"), lambda line: None)
    assert played["kvm"].numbers == list(range(12)) and played["strata"].numbers == [0] and played["bare"].numbers == [0]
    assert [h["side"] for h in r["holes"]] == ["kvm", "strata"]
    assert [(t["job"], t["side"], t["try"]) for t in r["failed_tries"]] == [("boot", "kvm", n + 1) for n in range(11)]


def test_a_try_measures_what_is_missing(played, tmp_path):
    """What a try that failed has measured is kept, and not asked for again."""
    asked = []

    def half(side):
        asked.append(side.have)
        if side.number == 0:
            yield "memory", "stream 9"
            yield "sched", "pipe 3"
        raise sides.SideFailed(f"{sides.STANDS}: CPU 0 spins")

    def rest(side):
        asked.append(side.have)
        return [("sched", "pipe 5"), ("sched", "messaging 4")]

    class Once(Args):
        repeat, only = 1, ["memory", "sched"]

    played["kvm"].says = {("memory", "sched"): half, ("sched",): rest}
    r = run.run(Once, str(tmp_path / "results.json"), lambda line: None)
    assert asked == [(), ("pipe",)] and not r["holes"]
    assert [R.find_row(r, *row)["samples"]["kvm"] for row in (("memory", "stream"), ("sched", "pipe"), ("sched", "messaging"))] == [[9], [3], [4]]
    assert [t["reason"] for t in r["failed_tries"]] == ["it stands: CPU 0 spins"]
    assert "- memory,sched on Linux KVM, try 1: it stands: CPU 0 spins" in report.markdown(r)


def test_turns_at_a_time(played, tmp_path):
    """What several turns at a time have measured is what one by one measure, in the same order."""
    found = []
    for jobs in (1, 4):
        class At(Args):
            pass
        At.jobs = jobs
        played["kvm"].runs = 0
        found.append(run.run(At, str(tmp_path / f"{jobs}.json"), lambda line: None))
    assert found[0]["rows"] == found[1]["rows"] and sorted(found[0]["done"]) == sorted(found[1]["done"])


@pytest.mark.parametrize("version, fits", [("QEMU emulator version 7.2.22 (Debian 1:7.2)", False), ("QEMU emulator version 8.0.9", False),
                                           ("QEMU emulator version 8.1.0", True), ("QEMU emulator version 10.0.13", True), ("unknown: x", False)])
def test_several_cpus_need_an_emulator_that_divides(monkeypatch, version, fits):
    monkeypatch.setattr(sides, "version_of", lambda qemu: version)
    side = sides.Bare(shape=workloads.load()["smp2"].shape)
    monkeypatch.setattr(side, "measure", lambda job: [("smp2", "compile 1")])
    if fits:
        assert list(side.run(["smp2"])) == [("smp2", "compile 1")]
        return
    with pytest.raises(sides.SideFailed, match="need QEMU 8.1"):
        list(side.run(["smp2"]))


VMRUN = """
	.globl helper_vmrun, do_interrupt_x86_hardirq
	.type helper_vmrun, @function
	.type do_interrupt_x86_hardirq, @function
helper_vmrun:
	nop
	.rept {times}
	mov %esi, -0x28f0(%rbx)
	movl $0, 0x33e4(%rbx)
	movq $-1, 0x33e8(%rbx)
	testb $2, flags(%rip)
	.byte 0x0f, 0x85, 1, 0, 0, 0
	mov $1, %edx
	mov %rbx, %rdi
	.byte 0xe8
	.long {target} - . - 4
	.endr
	.size helper_vmrun, . - helper_vmrun
do_interrupt_x86_hardirq:
	ret
	.size do_interrupt_x86_hardirq, . - do_interrupt_x86_hardirq
other:
	ret
	.data
	.local flags
flags:	.byte 0
"""


@pytest.mark.parametrize("times, target, changes", [(1, "do_interrupt_x86_hardirq", True), (2, "do_interrupt_x86_hardirq", False),
                                                    (0, "do_interrupt_x86_hardirq", False), (1, "other", False)])
def test_the_second_delivery_taken_out(tmp_path, times, target, changes):
    """The store alone becomes a nop; a file without it, with two or with another call behind it stays as it is."""
    (tmp_path / "q.S").write_text(VMRUN.format(times=times, target=target).replace("do_interrupt_x86_hardirq - .", "0f - .").replace(
        "do_interrupt_x86_hardirq:", "0:\ndo_interrupt_x86_hardirq:"))
    path = str(tmp_path / "q")
    subprocess.run(["gcc", "-shared", "-nostdlib", "-o", path, str(tmp_path / "q.S")], check=True)
    new = emulator.mend(path)
    assert (new != path) == changes
    if changes:
        with open(path, "rb") as f, open(new, "rb") as g:
            old, mended = f.read(), g.read()
        place = old.index(b"\x89\xb3\x10\xd7\xff\xff")
        assert mended == old[:place] + emulator.NOP + old[place + 6:] and os.access(new, os.X_OK)
        assert emulator.mended(mended) is None


REGISTERS = """
CPU#0
RAX=0000000000000000 RBX=ffff888000000000
RIP=ffffffff81a5a1a9 RFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
ES =0000 0000000000000000 00000000 00000000
CPU#1
RAX=0000000000000001 RBX=0000000000000002
RIP=ffffffff81a592eb RFL=00000206 [-----P-] CPL=0 II=0 A20=1 SMM=0 HLT=1
"""
SPIN = (0xffffffff81a5a1a9, False, False, "RAX=0000000000000000 RBX=ffff888000000000\n")
HALT = (0xffffffff81a592eb, True, True, "RAX=0000000000000001 RBX=0000000000000002\n")
BUSY, COUNTS = (0xffffffff81a592eb, True, False, ""), (*SPIN[:3], "RAX=0000000000000001\n")


@pytest.mark.parametrize("looks, said", [
    ([[SPIN, HALT]] * 3, "CPU 0 spins at 0xffffffff81a5a1a9 with interrupts off"), ([[BUSY, SPIN]] * 3, "CPU 1 spins"),
    ([[HALT, HALT], [HALT, (1, True, True, "")]], "all CPUs sleep and nothing wakes them"),
    ([[HALT, HALT], [BUSY, HALT]], ""), ([[SPIN], [COUNTS]], ""), ([[BUSY]] * 3, ""), ([[SPIN], []], ""), ([], ""), ([[SPIN], [SPIN, SPIN]], "")])
def test_what_stands(looks, said):
    assert watch.stand(looks).startswith(said) and bool(watch.stand(looks)) == bool(said)


class Watched:
    """A machine whose monitor says the texts of a list, then the last one for ever."""

    def __init__(self, texts):
        self.texts, self.killed, self.asked = list(texts), [], threading.Event()
        self.child = self

    def hmp(self, command):
        assert command == "info registers -a"
        text = self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]
        if len(self.texts) == 1:
            self.asked.set()
        if not text:
            raise harness.MachineError("QMP ended")
        return text

    def kill(self, signal):
        self.killed.append(signal)


@pytest.mark.parametrize("texts, killed", [(["", REGISTERS.replace("a1a9", "0000"), REGISTERS], [9]),
                                           (["", *[REGISTERS.replace("a1a9", f"{n:04x}") for n in range(40)], ""], [])])
def test_a_machine_that_stands_is_ended(monkeypatch, texts, killed):
    monkeypatch.setattr(watch, "APART", 0)
    monkeypatch.setattr(watch, "PAUSE", 0)
    assert watch.cpus_of(REGISTERS) == [SPIN, HALT]
    machine = Watched(texts)
    with watch.Watch(machine) as w:
        assert machine.asked.wait(60 * harness.TIME_SCALE)
        if killed:
            w.thread.join(60 * harness.TIME_SCALE)
    assert machine.killed == killed and bool(w.found) == bool(killed)


def test_a_workload_without_values_is_a_hole(played, tmp_path):
    played["strata"].says[("memory", "sched")] = [("memory", "stream 9")]
    r = run.run(Args, str(tmp_path / "r.json"), lambda text: None)
    assert ("sched", "strata", "no value of pipe, messaging") in [(h["workload"], h["side"], h["reason"]) for h in r["holes"]]


def test_exit_costs_of_a_log():
    text = "noise\r\nexit-cost: begin\r\ncpuid 170 169 180\r\nvmcall-unknown -\r\nexit-cost: end\r\n"
    assert list(sides.exit_costs(text)) == [("exit", "cpuid 170")]
    with pytest.raises(sides.SideFailed, match="expected the costs of exits; last said: noise"):
        list(sides.exit_costs("noise\n"))


def test_of_several_vms_the_mean(played, tmp_path):
    played["kvm"].says[("memory", "sched")] = [("memory", "stream 9"), ("sched", "pipe 3"), ("sched", "messaging 4"), ("sched", "pipe 5")]
    r = run.run(Args, str(tmp_path / "r.json"), lambda text: None)
    assert R.find_row(r, "sched", "pipe")["samples"]["kvm"] == [4.0, 4.0]


def test_jobs_with_a_machine_of_their_own():
    jobs = run.jobs_of(workloads.load().values())
    assert ["build", "http", "memory", "sched", "smp1", "syscall"] in jobs and ["overcommit"] in jobs and ["ipi"] in jobs
    known = workloads.load()
    assert all(len({known[name].shape for name in job}) == 1 for job in jobs)


QEMU = """#!/usr/bin/python3
import json, sys
pipe = sys.argv[sys.argv.index("-qmp") + 1].removeprefix("pipe:")
commands, answers = open(pipe + ".in"), open(pipe + ".out", "w")
assert "-S" in sys.argv and commands.readline().split() == ['{"execute":"qmp_capabilities"}', '{"execute":"query-cpus-fast"}']
cpus = [{"thread-id": thread, "props": {"core-id": n, "thread-id": 0, "socket-id": 0}, "cpu-index": n} for n, thread in enumerate((117, 118))]
for answer in ({"QMP": {}}, {"return": {}}, {"return": cpus}):
    print(json.dumps(answer), file=answers, flush=True)
assert json.loads(commands.readline()) == {"execute": "cont"}
print("goes on", flush=True)
sys.exit(1)
"""
TASKSET = """#!/bin/sh
case $1 in -p) echo "$3 has $4"; test "$4" != "$bad" ;; *) shift 2; exec "$@" ;; esac
"""


@pytest.mark.parametrize("bad, said, status", [("0", ["1 has 117", "2 has 118", "goes on"], 1), ("118", ["1 has 117", "2 has 118"], 143)])
def test_pinned_vcpus(tmp_path, bad, said, status):
    """What KVM's host runs for it: each vCPU on its own CPU before the guest's first instruction, and no guest where that fails."""
    for name, text in (("qemu-system-x86_64", QEMU), ("taskset", TASKSET)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    script = sides.Kvm(shape=workloads.load()["ipi"].shape).host_job(["ipi"])
    done = subprocess.run(["sh", "-c", script], env={"PATH": f"{tmp_path}:/usr/bin:/bin", "TMPDIR": str(tmp_path), "bad": bad},
                          capture_output=True, text=True, timeout=60 * harness.TIME_SCALE, check=False)
    assert [line for line in done.stdout.splitlines() if line] == said and done.returncode == status, done


def test_lines_of_several_guests():
    text = "bench: begin w\r\nbench: w: m 1\r\nbench: end 0\r\nx\r\nbench: w: m 2\r\nbench: end 0\r\n"
    assert sides.lines_of(text, 2) == [("w", "m 1"), ("w", "m 2")]
    with pytest.raises(sides.SideFailed, match="a guest ended with 1"):
        sides.lines_of(text + "bench: end 1\r\n")
    with pytest.raises(sides.SideFailed, match="0 of 1 guests came to their end; last said: Kernel"):
        sides.lines_of("Kernel\r\n")
    with pytest.raises(sides.SideFailed, match="^Kernel panic - not syncing$"):
        sides.lines_of("bench: end 0\r\n[ 1.0] Kernel panic - not syncing\r\nhost: job ended with 0\r\n", 2)


def test_what_a_new_vm_costs():
    text = "\r\n".join(json.dumps(o) for o in [
        {"kind": "host", "free": 9 << 20, "guest": 0}, {"cmdline": "", "uptime_ns": 1000}, {"kind": "switch", "ns": 1500},
        {"kind": "guest", "ns": 4000}, {"kind": "guest", "ns": 9000}, {"kind": "host", "free": 3 << 20, "guest": 4 << 20}]) + "\r\n"
    assert list(sides.created(text)) == [("create", "first-instruction 3000"), ("create", "memory-beside 2048")]
    with pytest.raises(sides.SideFailed, match="among 1 objects"):
        list(sides.created(text[:text.index("\n")]))


# ---- a real server, with a program that plays it ----

SERVER = r"""
import sys
said = {"bare-boot": "boot: tsc 70\n", "bare": "bench: begin memory\nbench: memory: stream 8\nbench: end 0\n",
        "kvm": "bench-set: job boot\nboot: tsc 9\nstamp: 90 ns, 5 KiB anonymous, status 1\n"
               "bench-set: job memory\nbench: memory: stream 7\nKVM_END",
        "strata": '+ echo bench-set: job boot\nbench-set: job boot\n{"name": "boot0", "state": "stopped", "reason": "debug-exit", "ran_ns": 80}\n'
                  "boot: tsc 8\nbench-set: job memory\nbench: memory: stream 6\nbench: end 1\nstrata> "}
while True:
    print("GRUB\nbench-set: which side?")
    side = input()
    print(said[side].replace("KVM_END", sys.argv[1]), end="", flush=True)
    if side == "strata":
        assert input() == "reboot"
"""
PLAN = {"commit": "abc", "config": "release", "jobs": [["boot"], ["memory"]], "bare": [["boot"], ["memory"]], "speed": 115200}


@pytest.mark.parametrize("kvm_end, kvm_holes", [
    ("bench: end 0\nhost: job ended with 0\n", []),
    ("Kernel panic - not syncing: no init\n", [("memory", "kvm", "Kernel panic - not syncing: no init")]),
])
def test_collect(tmp_path, kvm_end, kvm_holes):
    class Server:
        machine, repeat, sides, output = "server", 1, list(R.SIDES), str(tmp_path)

    (tmp_path / "server.py").write_text(SERVER)
    child = pexpect.spawn(sys.executable, [str(tmp_path / "server.py"), kvm_end], echo=False)
    r = collect.collect(PLAN, collect.Line(child, 60 * harness.TIME_SCALE), Server, lambda text: None)
    child.close(force=True)
    assert R.find_row(r, "boot", "boot")["samples"] == {"bare": [70.0], "kvm": [90.0], "strata": [80.0]}
    assert ("kvm" in R.find_row(r, "memory", "stream")["samples"]) == (not kvm_holes)
    holes = [(h["workload"], h["side"], h["reason"]) for h in r["holes"]]
    # Each of `memory` but one printed a single metric of it; Strata's guest said that it failed.
    assert [h for h in holes if h[1] == "kvm" and h[2].startswith("Kernel")] == kvm_holes
    assert ("memory", "strata", "a guest ended with 1") in holes
    assert R.find_row(r, "memory", "stream")["samples"]["bare"] == [8.0]
    assert R.load(str(tmp_path / "results.json")) == r and (tmp_path / "report.md").exists()


def test_set_for_a_server():
    known = workloads.load()
    jobs = run.jobs_of(known.values())
    assert realset.bare_jobs(jobs, known) == [["boot"], ["build", "http", "memory", "sched", "smp1", "syscall", "fio"]]
    text = realset.grub_config(jobs, known, 9600)
    assert text.count("boot\n\tfi") == 4 and "serial --unit=0 --speed=9600" in text
    assert "linux /set/strata console=ttyS0,9600n8 mitigations=off strata.run=/etc/bench" in text
    assert realset.bare_jobs([["start"]], known) == []


# ---- the report ----


def test_markdown():
    text = report.markdown(sample())
    assert "| boot | boot | ns | lower | 101 (100–104) | 150 | 120 | 0.800 | 1.188 | 1.485 | bare: firmware and a PC's devices included |" in text
    assert "- fio on bare machine: QEMU ended with <1>" in text


def test_behind_is_on_top():
    r = sample()
    r["rows"][1]["cause"] = "one request at a time"
    for value, side in ((100, "kvm"), (20, "strata")):
        R.add_sample(r, "start", "start-and-end", "ns", "lower", side, value)
    text = report.markdown(r)
    assert "- fio read <&>: 0.800 of Linux KVM (at least 1 is the goal): one request at a time" in text
    assert "- start start-and-end: 0.200 of Linux KVM (at most 0.1 is the goal): cause not known yet" in text
    assert text.index("0.800 of Linux KVM") < text.index("| workload |")
    assert "boot boot:" not in text
    R.add_sample(r, "exit", "cpuid", "instructions", "lower", "strata", 170)
    assert "- exit cpuid: 170 instructions (at most 160 is the goal): cause not known yet" in report.markdown(r)
    assert "Boot over the bare machine, ns: Linux KVM +49, Strata +19." in text


def test_page_in_a_browser(tmp_path):
    """What Chromium makes of the page: the table's rows, the bars' lengths, nothing loaded from elsewhere."""
    r = sample()
    report.write_all(r, str(tmp_path))
    page = (tmp_path / "report.html").read_text()
    assert not re.search(r'(src|href)="', page)
    shown = tmp_path / "report.png"
    common = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
              f"--user-data-dir={tmp_path}/profile", "--window-size=1100,900"]
    limit = 120 * harness.TIME_SCALE
    done = subprocess.run(common + ["--dump-dom", f"file://{tmp_path}/report.html"], capture_output=True, text=True, timeout=limit,
                          check=False)
    assert done.returncode == 0, done.stderr
    dom = done.stdout
    assert dom.count("<tr>") == 3 and "read &lt;&amp;&gt;" in dom and "QEMU ended with &lt;1&gt;" in dom
    widths = [float(w) for w in re.findall(r'<rect x="220" y="\d+" width="([\d.]+)"', dom)]
    assert len(widths) == 5
    assert widths[1] / widths[0] == pytest.approx(150 / 101, rel=0.01)
    assert widths[4] / widths[3] == pytest.approx(0.8, rel=0.01)
    subprocess.run(common + [f"--screenshot={shown}", f"file://{tmp_path}/report.html"], capture_output=True, timeout=limit, check=True)
    assert shown.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and shown.stat().st_size > 5000


# ---- a machine ----


def test_start_repeats_exactly():
    """Starting and ending a VM under icount: the same number of instructions twice."""
    subprocess.run(["make", "-s", "bench-small"], cwd=harness.TREE, check=True, timeout=600)
    figures = [list(sides.Strata().run(["start"])) for _ in range(2)]
    assert figures[0] == figures[1]
    (workload, line), = figures[0]
    metric, value = workloads.load()[workload].value(line)
    assert metric == "start-and-end" and value > 0


# Instructions of all CPUs, at most; Linux KVM needs 8760, 17278 and 11722.
IPI = {"ipi-running": 1600, "ipi-halted": 3800, "ipi-both-halted": 3600}


def test_interrupts_between_cpus():
    """On CPUs that take turns under icount, each vCPU on its own: a count that repeats, and less than half of KVM's."""
    subprocess.run(["make", "-s", "bench-small"], cwd=harness.TREE, check=True, timeout=600)
    ipi = workloads.load()["ipi"]
    found = dict(ipi.value(line) for _, line in sides.Strata(shape=ipi.shape).run(["ipi"]))
    print(found)
    assert set(found) == set(IPI) and all(found[name] <= most for name, most in IPI.items()), found
