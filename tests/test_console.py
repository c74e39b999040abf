# SPDX-License-Identifier: GPL-2.0-or-later
"""Shell and init, run on this machine over mgmt/lib/strata_linux.c with a scripted peer in the VMM's place."""
import base64
import json
import os
import random
import struct
import subprocess

import pexpect
import pexpect.fdpexpect
import pytest

import harness
from console import PROMPT, VMS, Console, read_core


@pytest.fixture
def console(tmp_path):
    c = Console(tmp_path)
    yield c
    c.child.close(force=True)


def test_help(console):
    text = console.run("help")
    for verb in ("vm list", "vm start NAME", "host show", "poweroff", "mem", "log"):
        assert verb in text
    assert "usage: vm stop NAME [--timeout SECONDS] [--json]" in console.run("help vm stop")
    assert "vm kill NAME" in console.run("help vm")
    assert "error: help: no such command: nonsense" in console.run("help nonsense")


@pytest.mark.parametrize("line,answer", [
    ("nonsense", "error: nonsense: no such command: try help"),
    ("vm", "error: vm: no such command: try help"),
    ("vm show", "error: vm show: expected: vm show NAME [--json]"),
    ("vm show a b", "error: vm show: expected: vm show NAME [--json]"),
    ("vm show nobody", "error: nobody: no such VM"),
    ("vm start nobody", "error: nobody: no such VM"),
    ("vm kill stubborn", "error: stubborn: not running"),
    ("vm stop good1 --timeout x", "error: vm stop: expected: vm stop NAME"),
    ("vm console stubborn", "error: stubborn: not running"),
    ("vm console stubborn --json", '{"error":"vm console: expected: vm console NAME"}'),
    ("poweroff now", "error: poweroff: expected: poweroff [--force] [--json]"),
    ("log -1", "error: log: expected: log [error|warn|info|debug] [LINES]"),
    ("vm show 'open", "error: a quote is not closed"),
    ("--json", '{"error":"--json: expected a command with it"}'),
    ("x " * 70, "error: more than 64 words"),
    ("host show", "error: host: the kernel does not say"),
    ("cpu", "error: cpu: the kernel does not say"),
    ("mem", "error: mem: the kernel does not say"),
])
def test_bad_words(console, line, answer):
    assert answer in console.run(line)


def test_errors_as_json(console):
    assert console.json("vm show nobody") == [{"error": "nobody: no such VM"}]


def test_list_and_autostart(console):
    console.wait_running("good1")
    console.wait_running("good2")
    rows = {row["name"]: row for row in console.json("vm list")}
    assert sorted(rows) == sorted(VMS)
    assert rows["good1"]["state"] == "running" and rows["good2"]["state"] == "running"
    assert rows["stubborn"]["state"] == "stopped" and rows["good2"]["autostart"]


def test_stop_and_start(console):
    console.wait_running("good1")
    assert "good1: stopped: powered off by the guest" in console.run("vm stop good1")
    assert "good1: running" in console.run("vm start good1")
    assert "error: good1: already running" in console.run("vm start good1")


def test_stubborn(console):
    console.run("vm start stubborn")
    assert "error: stubborn: still stopping" in console.run("vm stop stubborn --timeout 1")
    assert "stubborn: stopped: killed" in console.run("vm kill stubborn")
    assert console.state("stubborn") == "stopped"


def test_failures(console):
    console.wait_running("good1")
    assert "error: refuses: /vms/refuses.conf:3: memory: expected a size such as 512M" in console.run("vm start refuses")
    assert "its VMM ended with status 7" in console.run("vm start silent")
    console.run("vm start crashes")
    assert "its VMM crashed: signal 11" in console.run("vm stop crashes")
    # The VM alone is gone; why, what its VMM said last and what its guest said can still be read.
    assert console.state("good1") == "running"
    shown = console.run("vm show crashes")
    assert "failed" in shown and "something is wrong" in shown and "its VMM crashed: signal 11" in shown
    assert "hello from crashes" in console.run("vm log crashes")
    assert "crashes: running" in console.run("vm start crashes")


@pytest.mark.parametrize("text,answer", [
    ("[vm]\nkernel = /guests/k\nmemory = 12\n", "3: memory: expected a size that is a multiple of 1M"),
    ("[vm]\nkernel = /guests/k\nvcpu = 2\n", "3: vcpu: unknown key in [vm]"),
    ("[vm]\nmemory = 64M\n", "2: kernel: missing in [vm]; expected the path of the guest's kernel"),
    ("[vn]\n", "1: [vn]: unknown section; expected vm, module N"),
    ("[vm]\nkernel = /guests/k\n", " no VM: Function not implemented"),
])
def test_vmm_refuses(tmp_path, text, answer):
    """The real VMM, as far as it gets on Linux: what is wrong with a configuration comes up to the shell."""
    console = Console(tmp_path, os.path.join(harness.BUILD, "debug", "linux", "vmm"))
    (console.vms / "stubborn.conf").write_text(text)
    assert f"error: stubborn: {console.vms}/stubborn.conf:{answer}" in console.run("vm start stubborn")
    assert console.state("stubborn") == "failed"
    console.child.close(force=True)


def test_interrupt_a_wait(console):
    console.run("vm start stubborn")
    console.child.send("vm stop stubborn --timeout 3600\r")
    console.child.expect_exact("\n")
    console.child.send("\x03")
    console.child.expect_exact("error: given up")
    console.child.expect_exact(PROMPT)
    assert "stubborn: stopped: killed" in console.run("vm kill stubborn")


def test_console(console):
    console.wait_running("good1")
    console.child.send("vm console good1\r")
    console.child.expect_exact("hello from good1")
    console.child.send("abc\r")
    console.child.expect_exact("ABC")
    # What follows Ctrl-] belongs to the shell.
    console.child.send("tail")
    console.child.expect_exact("TAIL")
    console.child.send("\x1dvm show good1\r")
    console.child.expect_exact("[detached]")
    console.child.expect_exact("running")
    console.child.expect_exact(PROMPT)
    console.child.send("vm console good1\r")
    console.child.expect_exact("hello from good1")
    console.child.send("\x1d")
    console.child.expect_exact(PROMPT)


def test_paste_loses_nothing(console):
    names = [f"name{i:03}" for i in range(200)]
    console.child.send("".join(f"vm show {n}\r" for n in names))
    for n in names:
        console.child.expect_exact(f"error: {n}: no such VM")


def test_long_line(console):
    word = "".join(random.Random(1).choices("abcdefghij", k=1000))
    console.child.send(f"vm show {word} --json\r")
    console.child.expect_exact('{"error":"' + word[:400])
    console.child.expect_exact(PROMPT)


def test_completion(console):
    console.child.send("vm sho\tgood\t\t")
    console.child.expect_exact("good1")
    console.child.expect_exact("good2")
    console.child.send("1\r")
    console.child.expect_exact("autostart")
    console.child.expect_exact(PROMPT)


def test_random_lines(console):
    rng = random.Random(2)
    words = ["vm", "show", "list", "good1", "--json", "'", '"', "\\", "#", "help", "log", "\x01\x7f", "é", "--timeout", "-5", "%s%n"]
    for _ in range(300):
        console.run("x" + " ".join(rng.choices(words, k=rng.randrange(6))).replace("'", "").replace('"', ""))
    console.wait_running("good2")


def test_shell_is_restarted(console):
    console.child.send("\x04")
    console.child.expect_exact(PROMPT)
    console.wait_running("good1")


def test_poweroff(console):
    console.child.send("poweroff\r")
    console.child.expect(pexpect.EOF)


def test_pause(console):
    console.wait_running("good1")
    assert "good1: paused" in console.run("vm pause good1")
    assert console.state("good1") == "paused"
    assert "error: good1: it is paused" in console.run("vm stop good1")
    assert "good1: paused" in console.run("wait good1 --state paused")
    assert "good1: running" in console.run("vm resume good1")
    assert "good1: stopped" in console.run("vm stop good1")


def test_nobody_answers(console):
    """A VMM that is stuck: Ctrl-C gives the request up, and the VM can be killed."""
    console.run("vm start mute")
    console.child.send("vm pause mute\r")
    console.child.expect_exact("\n")
    console.child.send("\x03")
    console.child.expect_exact("error: given up")
    console.child.expect_exact(PROMPT)
    assert "mute: stopped: killed" in console.run("vm kill mute")
    assert console.json("vm list")


def test_request_whose_vmm_ends(console):
    console.run("vm start crashes")
    assert "error: crashes: failed: its VMM crashed: signal 11" in console.run("vm stop crashes")


def test_vm_log(console):
    console.wait_running("good1")
    rows = console.json("vm log good1")
    # The ring keeps the last 64 bytes: of the first line, a part is left.
    assert [row["text"] for row in rows][1:] == ["hello from good1", "last ?[1mline?"] and set(rows[0]["text"]) == {"x"}
    assert console.json("vm log good1 2") == rows[1:]
    console.run("vm kill good1")
    assert console.json("vm log good1") == rows


def test_define(console):
    (console.folder / "base.conf").write_text("[vm]\nkernel = /etc/passwd\nmemory = 32M\nautostart = yes\n")
    before = console.json("vm list")
    console.run(f"vm create good7 --file {console.folder}/base.conf memory=64M cmdline='a b'")
    vm, = console.json("vm show good7")
    assert vm["settings"] == ["memory=64M", "cmdline=a b"] and vm["state"] == "stopped" and not vm["autostart"]
    assert [row["name"] for row in console.json("vm list")] == sorted(VMS + ["good7"])
    values = [(row["key"], row["value"]) for row in console.json("config show good7")]
    assert ("memory", "32M") in values and values[-2:] == [("memory", "64M"), ("cmdline", "a b")]
    assert "ok" in console.run("config check good7")
    console.run("vm set good7 memory= vcpus=2 autostart=yes")
    vm, = console.json("vm show good7")
    assert vm["settings"] == ["cmdline=a b", "vcpus=2", "autostart=yes"] and vm["autostart"]
    assert "good7: running" in console.run("vm start good7")
    assert "error: good7: running: stop or kill it first" in console.run("vm destroy good7")
    console.run("vm kill good7")
    assert "good7: destroyed" in console.run("vm destroy good7")
    assert [row["name"] for row in console.json("vm list")] == [row["name"] for row in before]
    assert "no such VM" in console.run("vm show good7")


def test_too_many_settings(console):
    long = " ".join(f"cmdline={'x' * 600}{i}" for i in range(2))
    console.run("vm create good7 kernel=/etc/passwd")
    assert "error: " not in console.run(f"vm set good7 {long}")
    more = f"module0.file=/etc/passwd module0.cmdline={'y' * 500}"
    assert "expected at most 16 settings of 1024 bytes" in console.run(f"vm set good7 {more}")
    assert [s[:9] for s in console.json("vm show good7")[0]["settings"]] == ["kernel=/e", "cmdline=x"]


def script(console, text):
    path = console.folder / "script"
    path.write_text(text)
    return str(path)


def test_script(console):
    console.wait_running("good1")
    path = script(console, "# a comment\n\necho a 'b  c' $?\n  vm stop good1\nwait good1 --state stopped --timeout 5\nsleep 0.01\n")
    out = console.run(f"run {path}")
    assert "+ echo a 'b  c' $?\na b  c 0\n" in out and "good1: stopped" in out and out.count("+ ") == 4
    assert console.run("echo $?") == "0\n"


def test_script_stops_at_a_failure(console):
    path = script(console, "echo one\nvm show nobody\necho two\n")
    out = console.run(f"run {path}")
    assert "error: nobody: no such VM" in out and f"error: {path}:2: stopped: status 1" in out and "two" not in out
    assert console.run("echo $?") == "1\n"
    out = console.run(f"run {path} --keep-going")
    assert "two" in out and "stopped" not in out
    assert console.run("echo $?") == "1\n"
    objects = console.json(f"run {path}")
    assert objects == [{"text": "one"}, {"error": "nobody: no such VM"}, {"error": f"{path}:2: stopped: status 1"}]


def test_scripts_in_circles(console):
    path = script(console, f"run {console.folder}/script\n")
    out = console.run(f"run {path}")
    assert out.count("+ run") == 8 and f"error: {path}: expected at most 8 scripts that run each other" in out


@pytest.mark.parametrize("content,answer", [(None, "No such file"), (b"echo \0", "expected text, found a NUL byte"),
                                            ("long", "expected at most 1 MiB"), (b"frobnicate\n", "no such command"),
                                            (b"vm show \xff\n", "no such VM")])
def test_bad_scripts(console, content, answer):
    path = console.folder / "bad"
    if content is not None:
        path.write_bytes(b"#" * 1100000 if content == "long" else content)
    assert answer in console.run(f"run {path}")
    assert console.run("echo $?") == "1\n"


def test_interrupt_a_sleep(console):
    console.child.send("sleep 3600\r")
    console.child.expect_exact("\n")
    console.child.send("\x03")
    console.child.expect_exact("error: given up")
    console.child.expect_exact(PROMPT)


def test_wait(console):
    console.wait_running("good1")
    assert "good1: running" in console.run("wait good1 --state running,paused")
    assert "error: stubborn: still stopped" in console.run("wait stubborn --state running --timeout 0.1")
    assert "expected names of states" in console.run("wait stubborn --state sleeping")
    console.run("vm stop good1")
    assert console.json("wait good1")[0]["state"] == "stopped"


def test_shell_runs_a_script_by_itself(tmp_path):
    """As a boot does: nobody sits there, and the exit status is the script's."""
    shell = os.path.join(harness.BUILD, "debug", "linux", "shell")
    path = tmp_path / "script"
    for text, status, out in [("echo hi\n", 0, "hi"), ("vm console x\n", 1, "expected a person's terminal"), ("vm\n", 1, "no such command"),
                              ("sleep\n", 2, "sleep: expected: sleep SECONDS")]:
        path.write_text(text)
        done = subprocess.run([shell, "-f", str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60, check=False)
        assert done.returncode == status and out in done.stdout.decode(), text


def test_config(console):
    (console.vms / "good2.conf").write_text("[vm]\nkernel = /etc/passwd\nmemory = 64M\ncmdline = a\n  b\n")
    (console.vms / "stubborn.conf").write_text("[vm]\nkernel = /no/such\n")
    assert "[host]\nautostart = good1\n" in console.run("config show")
    rows = console.json("config show good2")
    assert {"file": str(console.vms / "good2.conf"), "section": "vm", "key": "memory", "value": "64M"} in rows and len(rows) == 4
    assert f"{console.vms}/good2.conf: ok" in console.run("config check good2")
    assert f"{console.vms}/stubborn.conf: /no/such: No such file" in console.run("config check stubborn")
    assert console.run("echo $?") == "1\n"
    checked = {row["file"].rsplit("/", 1)[1]: row for row in console.json("config check")}
    assert set(checked) == {f"{name}.conf" for name in VMS + ["strata"]}
    assert checked["strata.conf"]["ok"] and checked["good2.conf"]["ok"] and not checked["good1.conf"]["ok"]
    assert checked["good1.conf"]["problem"].endswith("good1.conf:2: kernel: missing in [vm]; expected the path of the guest's kernel")


def test_several_shells(tmp_path):
    """A shell on a second terminal: its own process, status and end; the same VMs."""
    master, slave = os.openpty()
    console = Console(tmp_path, options=("-t", os.ttyname(slave)))
    other = pexpect.fdpexpect.fdspawn(master, timeout=30 * harness.TIME_SCALE, encoding="utf-8")
    other.expect_exact(PROMPT)
    console.wait_running("good1")
    # Each has a status of its own.
    assert "no such VM" in console.run("vm show nobody")
    assert console.run("echo $?").split()[-1] == "1" and console.run("echo $?", on=other).split()[-1] == "0"
    # One waits for what the other does; a VM's console is watched by both.
    other.send("wait good1 --state paused\r")
    other.expect_exact("\n")
    assert "good1: paused" in console.run("vm pause good1")
    other.expect_exact("good1: paused")
    other.expect_exact(PROMPT)
    assert "good1: running" in console.run("vm resume good1", on=other)
    for child in (other, console.child):
        child.send("vm console good1\r")
        child.expect_exact("hello from good1")
    for child in (other, console.child):
        child.send("abc")
        child.expect_exact("ABC")
        child.send("\x1d")
        child.expect_exact("[detached]")
        child.expect_exact(PROMPT)
    # One ends and is started again; the other does not notice.
    console.run("vm show nobody")
    other.send("\x04")
    other.expect_exact(PROMPT)
    assert console.run("echo $?").split()[-1] == "1" and console.run("echo $?", on=other).split()[-1] == "0"
    console.child.close(force=True)
    os.close(slave)


def test_a_terminal_that_is_not_there(tmp_path):
    console = Console(tmp_path, options=("-t", str(tmp_path / "nothing")))
    assert "good1" in console.run("vm list")
    console.child.close(force=True)


def test_core_file(console, tmp_path):
    """Memory and registers of a VM that runs, which is held meanwhile, as a file that readelf takes."""
    console.wait_running("good1")
    text = console.run("vm dump good1 --core")
    data = base64.b64decode(text)
    segments, notes = read_core(data)
    assert sum(map(len, segments.values())) == 8192 + (1 << 20) - 4096 + 4096
    assert segments[0].rstrip(b"\0") == b"low" and segments[1 << 32] == b"high".rjust(4096, b".")
    assert not any(segments[1 << 20]) and len(data) < 20000
    status = [body for name, what, body in notes if (name, what) == ("CORE", 1)]
    assert len(status) == 2 and all(len(body) == 336 for body in status)
    regs = struct.unpack_from("<27Q", status[1], 112)
    hexes = "rip rflags rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
    order = "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi".split()
    assert list(regs[:15]) == [hexes.index(name) << 40 for name in order] and regs[16] == 0 and regs[18] == 1 << 40 and regs[17] == 0x10
    texts = [json.loads(body) for name, _, body in notes if name == "STRATA"]
    assert [t["vcpu"] for t in texts] == [0, 1] and texts[0]["cr3"]
    (tmp_path / "core").write_bytes(data)
    out = subprocess.run(["readelf", "-hln", str(tmp_path / "core")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True).stdout.decode()
    assert "CORE (Core file)" in out and "NT_PRSTATUS" in out and "arning" not in out and "rror" not in out
    # The same by objects; a VM that ran runs again, one that was paused stays so.
    rows = console.json("vm dump good1 --core")
    assert b"".join(base64.b64decode(row["base64"]) for row in rows) == data
    assert [row["offset"] for row in rows] == list(range(0, len(data), 3072))
    assert console.state("good1") == "running"
    console.run("vm pause good1")
    assert base64.b64decode(console.run("vm dump good1 --core")) == data and console.state("good1") == "paused"
