# SPDX-License-Identifier: GPL-2.0-or-later
"""Random lines typed at the console; VMs started, paused, reset and killed at random (`make soak` does that for long)."""
import random
import re
import subprocess

import harness
import soak
from console import table
from shell import PROMPT, Shell

SETTLED = 3000
LINES = 10000


def random_line(rng, verbs):
    """Words of the commands and none, quotes, control characters; nothing that ends the machine or waits."""
    words = verbs + ["nobody", "--json", "-", "''", '"', "\\", "#", "$?", "\x01", "\x0b", "\x7f", "\t", "é", "\xff", "%s%n", "9" * 40, "=", "a=b", "--timeout", "0"]
    line = " ".join(rng.choice(words) for _ in range(rng.randrange(5)))
    return re.sub(r"^\s*(poweroff|reboot|sleep|run|top|bench)", "x", line)


def test_random_lines(machine):
    """No line crashes the shell or leaks: memory after ten thousand of them is what it was after three thousand."""
    rng = random.Random(3)
    verbs = sorted(set(" ".join(table()).split()) - {"poweroff", "reboot", "sleep", "run", "top", "bench"})
    with machine(smp=2, mem="512m", limit=900) as m:
        shell = Shell(m)

        def type_lines(count):
            sent = 0
            while sent < count:
                batch = [random_line(rng, verbs).encode("latin-1") for _ in range(50)]
                # Ctrl-C drops what completion or an open quote may have left.
                m.send(b"".join(line + b"\x03\r" if rng.random() < 0.1 else line + b"\r" for line in batch))
                sent += len(batch)
                m.send(f"echo end{sent}of{count}\r")
                m.expect(rf"\nend{sent}of{count}\r", timeout=60)
            m.expect(re.escape(PROMPT))

        def used():
            shell.run("")
            return [r for r in shell.json("mem") if r.get("name") == "ring3"][0]["used"]

        type_lines(SETTLED)
        before = used()
        type_lines(LINES - SETTLED)
        # History and the heap have settled by then; a leak of 10 bytes a line would be 70 KB.
        after = used()
        print(f"ring 3: {before} bytes after {SETTLED} lines, {after} after {LINES}")
        assert after - before <= 64 << 10
        log = "\n".join(r["line"] for r in shell.json("log"))
        assert "the shell died" not in log and "panic" not in log
        m.send("poweroff --force\r")
        assert m.wait_exit(30) == 0


def test_vms_at_random():
    """24 VMs on 4 CPUs, with the logical log replayed. By actions, not by time: the same order everywhere."""
    subprocess.run(["make", "-s", "guests", "replay"], cwd=harness.TREE, check=True, timeout=300)
    steps, counts, replayed = soak.soak(minutes=0, vms=24, cpus=4, seed=51, replay=True, actions=40)
    print(f"{steps} actions: {dict(counts)}\n{replayed}")
    assert steps == 40 and {"start", "pause", "resume", "reset", "kill", "nmi", "dump", "refused"} == set(counts)
