# SPDX-License-Identifier: GPL-2.0-or-later
"""Random lines typed at the console; VMs started, paused, reset and killed at random (`make soak` does that for long)."""
import random
import re
import subprocess

import harness
import soak
from console import table
from shell import PROMPT, Shell

FIRST = 1000   # lines after which history is full and nearly all of the programs has been used once
LINES = 10000
AGAIN = 2500


def random_line(rng, verbs):
    """Words of the commands and none, quotes, control characters; nothing that ends the machine or waits."""
    words = verbs + ["nobody", "--json", "-", "''", '"', "\\", "#", "$?", "\x01", "\x0b", "\x7f", "\t", "é", "\xff", "%s%n", "9" * 40, "=", "a=b", "--timeout", "0"]
    line = " ".join(rng.choice(words) for _ in range(rng.randrange(5)))
    return re.sub(r"^\s*(poweroff|reboot|sleep|run|top|bench)", "x", line)


def test_random_lines(machine):
    """No line crashes the shell or leaks.

    What is more after ten thousand lines than after the first thousand are pages of the programs that seldom lines use for the first time
    (each process has a copy of its own): 76 KiB. Lines that have been typed before find all of them there: then nothing may grow.
    """
    rng = random.Random(3)
    verbs = sorted(set(" ".join(table()).split()) - {"poweroff", "reboot", "sleep", "run", "top", "bench"})
    lines = [random_line(rng, verbs).encode("latin-1") for _ in range(LINES)]
    # Ctrl-C drops what completion or an open quote may have left.
    lines = [line + b"\x03\r" if rng.random() < 0.1 else line + b"\r" for line in lines]
    with machine(smp=2, mem="512m", limit=900) as m:
        shell = Shell(m)
        sent = 0

        def type_lines(first, end):
            nonlocal sent
            for at in range(first, end, 50):
                m.send(b"".join(lines[at:at + 50]))
                sent += 50
                m.send(f"echo end{sent}\r")
                m.expect(rf"\nend{sent}\r", timeout=60)
            m.expect(re.escape(PROMPT))

        def used():
            shell.run("")
            return [r for r in shell.json("mem") if r.get("name") == "ring3"][0]["used"]

        type_lines(0, FIRST)
        first = used()
        type_lines(FIRST, LINES)
        all_typed = used()
        type_lines(0, AGAIN)
        again = used()
        print(f"ring 3: {first} bytes after {FIRST} lines, {all_typed} after {LINES}, {again} after {AGAIN} of them were typed again")
        assert all_typed - first <= 160 << 10
        # A leak of five bytes a line would be more.
        assert again - all_typed <= 12 << 10
        log = "\n".join(r["line"] for r in shell.json("log"))
        assert "the shell died" not in log and "panic" not in log
        m.send("poweroff --force\r")
        assert m.wait_exit(30) == 0
