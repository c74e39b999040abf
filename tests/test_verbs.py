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
                [("", "expected:"), ("good1 --timeout", "expected:"), ("good1 --timeout -1", "expected:"), ("silent", "not running")]),
    "vm kill": ([("good2", "good2: stopped: killed")], [("", "expected:"), ("nobody", "no such VM"), ("silent", "not running")]),
    "vm console": ([], [("", "expected:"), ("nobody", "no such VM"), ("silent", "not running")]),
    "host show": ([], [("", NO_KERNEL), ("x", "expected:")]),
    "cpu": ([], [("", NO_KERNEL), ("x", "expected:")]),
    "mem": ([], [("", NO_KERNEL), ("x", "expected:")]),
    "log": ([("", ""), ("5", "")], [("-5", "expected:"), ("x", "expected:")]),
    "config show": ([("", "autostart = good1"), ("good1", "memory = 64M")], [("nobody", "no such VM"), ("a b", "expected:")]),
    "config check": ([("@/one.conf", "one.conf: ok")], [("", "missing in [vm]"), ("nobody", "no such VM"), ("/no/such", "cannot be opened")]),
    "echo": ([("a b", "a b"), ("$?", "0")], [("'a", "a quote is not closed")]),
    "sleep": ([("0.01", "")], [("", "expected:"), ("x", "expected:"), ("1e9", "expected:"), ("-1", "expected:"), ("99999", "expected:")]),
    "wait": ([("good1 --state running", "good1: running"), ("silent", "silent: stopped")],
             [("", "expected:"), ("good1 --state", "expected:"), ("nobody", "no such VM"), ("good1 --state x", "expected names of states"),
              ("good1 --timeout 0.1", "still running")]),
    "run": ([("@/script", "+ echo hi")], [("", "expected:"), ("/no/such", "No such file"), ("a b", "expected:")]),
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
    assert seen >= {"vm list", "vm show", "vm start", "vm stop", "vm kill", "config show", "config check", "echo", "run", "wait", "help"}
