# SPDX-License-Identifier: GPL-2.0-or-later
"""Every verb of the command table: what is typed, good and bad, and what comes back. A verb without a line here fails.

On this machine, so what only the kernel knows is answered by an error here; tests/test_shell_qemu.py has those.
"""
import pytest

from console import Console, check_object, table

NO_KERNEL = "the kernel does not say"

# verb: ([(good words, answer)], [(bad words, answer)])
VERBS = {
    "help": ([("", "vm list"), ("vm show", "usage: vm show NAME")], [("nonsense", "error: help: no such command"), ("a b c", "expected: help")]),
    "vm list": ([("", "stubborn")], [("x", "expected: vm list")]),
    "vm show": ([("good1", "autostart")], [("", "expected: vm show NAME"), ("nobody", "no such VM"), ("a b", "expected:")]),
    "vm start": ([("stubborn", "stubborn: running")], [("", "expected:"), ("nobody", "no such VM"), ("good1", "already running"), ("refuses", "expected a size")]),
    "vm stop": ([("good1", "good1: stopped"), ("good2 --timeout 9", "good2: stopped")],
                [("deaf", "does not listen to its power button: use vm kill"), ("", "expected:"), ("good1 --timeout", "expected:"), ("good1 --timeout -1", "expected:"), ("silent", "not running")]),
    "vm kill": ([("good2", "good2: stopped: killed")], [("", "expected:"), ("nobody", "no such VM"), ("silent", "not running")]),
    "vm pause": ([("good1", "good1: paused")], [("", "expected:"), ("good1", "already paused"), ("nobody", "no such VM"), ("silent", "not running")]),
    "vm resume": ([("good1", "good1: running")], [("", "expected:"), ("good1", "not paused"), ("silent", "not running")]),
    "vm reset": ([("good1", "good1: running")], [("", "expected:"), ("nobody", "no such VM"), ("silent", "not running")]),
    "vm nmi": ([("good1", "good1: running"), ("good1 --vcpu 1", "running")],
               [("", "expected:"), ("good1 --vcpu", "expected:"), ("good1 --vcpu x", "expected:"), ("good1 --vcpu 7", "from 0 to 1"), ("silent", "not running")]),
    "vm dump": ([("good1", "vCPU 1: halted"), ("good1 --vcpu 1", "rip    0x0"), ("good1 --memory 0x10 --length 20", "000000000010  10 11 12"), ("good1 --core", "f0VMRgIBAQ")],
                [("", "expected:"), ("good1 --vcpu 2", "from 0 to 1"), ("good1 --memory", "expected:"), ("good1 --memory x", "expected:"), ("good1 --length 5", "expected:"),
                 ("good1 --memory 0 --length 0", "expected:"), ("good1 --memory 0x100000", "expected the address of guest memory"), ("good1 --core --vcpu 1", "expected:"), ("good2 --core", "good2: its memory cannot be read"),
                 ("silent --core", "not running"), ("nobody --core", "no such VM"), ("silent", "not running")]),
    "vm log": ([("good1", "hello from good1"), ("good1 1", "last ?[1mline")],
               [("", "expected:"), ("good1 0", "expected:"), ("good1 x", "expected:"), ("nobody", "no such VM"), ("mute", "has said nothing yet")]),
    "vm create": ([("new1 --file @/one.conf memory=64M", "new1: stopped"), ("new2 --like new1 console1.scrollback=1M", "new2: stopped"), ("new3 kernel=/etc/passwd", "new3: stopped")],
                  [("", "expected:"), ("new4", "new4:0: kernel: missing"), ("new1 kernel=/etc/passwd", "there is one already"), ("new4 kernel=/no/such", "new4: /no/such: No such file"),
                   ("'a b' kernel=/etc/passwd", "expected a name of at most 31"), ("new4 --file /no/such", "cannot be opened"), ("new4 --like nobody", "no such VM"),
                   ("new4 --file @/one.conf memory=lots", "new4: memory=lots: expected a size"), ("new4 --file a --like b", "expected:")]),
    "vm set": ([("new1 vcpus=3 weight=7", "new1: stopped"), ("new1 vcpus=", "new1: stopped")],
               [("", "expected:"), ("new1", "expected:"), ("new1 x=1", "expected a key"), ("new1 vcpus", "expected KEY=VALUE"), ("new1 vcpus=0", "expected a number from 1 to 64"),
                ("nobody vcpus=1", "no such VM")]),
    "vm destroy": ([("new1", "new1: destroyed"), ("new3", "destroyed")], [("", "expected:"), ("new1", "no such VM"), ("good1", "running: stop or kill it first")]),
    "vm console": ([], [("", "expected:"), ("nobody", "no such VM"), ("silent", "not running")]),
    "host show": ([], [("", NO_KERNEL), ("x", "expected:")]),
    "cpu": ([], [("", NO_KERNEL), ("x", "expected:")]),
    "mem": ([], [("", NO_KERNEL), ("x", "expected:")]),
    "top": ([], [("", NO_KERNEL), ("0", "expected:"), ("1 2", "expected:"), ("--interval 0.01", "expected:")]),
    "trace on": ([], [("", NO_KERNEL), ("x", "expected:"), ("--vm", "expected:"), ("--vm good1", "no VM of that name runs"), ("--vm a b", "expected:")]),
    "trace off": ([], [("", NO_KERNEL), ("x", "expected:")]),
    "trace show": ([], [("", NO_KERNEL), ("0", "expected:"), ("--vm", "expected:"), ("5 --vm good1", NO_KERNEL), ("1 2", "expected:")]),
    "trace export": ([], [("", NO_KERNEL), ("x", "expected:"), ("--vm", "expected:"), ("--vm good1", NO_KERNEL)]),
    "terminal": ([("", "1000 rows, 200 columns, paged"), ("ask", "1000 rows"), ("50 100", "50 rows, 100 columns"), ("1000 100", "1000 rows"), ("ask", "1000 rows, 200 columns")],
                 [("x", "expected:"), ("5", "expected:"), ("4 80", "expected:"), ("24 x", "expected:"), ("1 2 3", "expected:")]),
    "log level": ([], [("", NO_KERNEL), ("x", "expected error, warn, info or debug"), ("warn 5", "expected:")]),
    "log": ([("", ""), ("5", ""), ("warn", ""), ("error 5", "")], [("-5", "expected:"), ("x", "expected:"), ("warn x", "expected:"), ("5 warn", "expected:")]),
    "config show": ([("", "autostart = good1"), ("good1", "memory = 64M")], [("nobody", "no such VM"), ("a b", "expected:")]),
    "config check": ([("@/one.conf", "one.conf: ok")], [("", "missing in [vm]"), ("nobody", "no such VM"), ("/no/such", "cannot be opened")]),
    "echo": ([("a b", "a b"), ("$?", "0")], [("'a", "a quote is not closed")]),
    "sleep": ([("0.01", "")], [("", "expected:"), ("x", "expected:"), ("1e9", "expected:"), ("-1", "expected:"), ("99999", "expected:")]),
    "wait": ([("good1 --state running", "good1: running"), ("silent", "silent: stopped")],
             [("", "expected:"), ("good1 --state", "expected:"), ("nobody", "no such VM"), ("good1 --state x", "expected names of states"),
              ("good1 --timeout 0.1", "still running")]),
    "run": ([("@/script", "+ echo hi")], [("", "expected:"), ("/no/such", "No such file"), ("a b", "expected:")]),
    "bench": ([], [("x", "expected:"), ("lock", "ticket lock, 1 CPU: Function not implemented"), ("a b", "expected:")]),
    "reboot": ([], [("now", "expected:")]),
    "poweroff": ([], [("now", "expected:")]),
}


@pytest.fixture(scope="module")
def rows():
    return table()


@pytest.fixture
def console(tmp_path):
    c = Console(tmp_path)
    (tmp_path / "script").write_text("echo hi\n")
    (tmp_path / "one.conf").write_text("[vm]\nkernel = /etc/passwd\n")
    yield c
    c.child.close(force=True)


def test_every_verb_is_here(rows):
    assert set(rows) == set(VERBS)


def test_verbs_take_only_their_words(rows):
    """A verb has bad arguments to refuse, and says so by its usage."""
    for name, (_, bad) in VERBS.items():
        assert bad, name


def test_good_and_bad_words(console, rows):
    for name in ("good1", "good2"):
        console.wait_running(name)
    console.run("vm start deaf")
    for verb, (good, bad) in VERBS.items():
        for words, answer in good:
            check(console, rows[verb], words, answer, "0")
        for words, answer in bad:
            check(console, rows[verb], words, answer, None)
        for name in ("good1", "good2"):
            console.run(f"vm start {name}")
        console.run("vm kill stubborn")


def check(console, row, words, answer, status):
    line = f"{row['name']} {words}".replace("@", str(console.folder)).strip()
    out = console.run(line)
    assert answer in out, (line, out)
    got = console.run("echo $?").strip()
    assert got == status if status else got in ("1", "2"), (line, out)
    if status is None:
        assert out.splitlines()[-1].startswith("error: ") or row["name"] == "config check", (line, out)


def test_objects_are_as_documented(console, rows):
    console.wait_running("good1")
    seen = set()
    for verb, (good, bad) in VERBS.items():
        if not rows[verb]["json"]:
            continue
        for words, _ in good + bad:
            line = f"{verb} {words}".replace("@", str(console.folder)).strip()
            if "'" in line:
                continue
            text = console.run(line + " --json")
            objects = console.objects(text)
            assert len(objects) == len([t for t in text.splitlines() if not t.startswith("log 2: ")]), (line, text)
            for row in objects:
                check_object(row, rows[verb]["output"] if verb != "run" else rows["echo"]["output"])
                if "error" not in row:
                    seen.add(verb)
        console.run("vm start good1")
        console.run("vm start good2")
    assert seen >= {"vm list", "vm show", "vm start", "vm stop", "vm kill", "config show", "config check", "echo", "run", "wait", "help", "vm pause", "vm resume", "vm reset",
                    "vm nmi", "vm dump", "vm log", "vm create", "vm set", "vm destroy"}
