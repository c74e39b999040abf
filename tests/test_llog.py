# SPDX-License-Identifier: GPL-2.0-or-later
"""The logical log of whole machines, replayed against the sequential specifications."""
import os
import subprocess

import pytest

import harness
import llog

# What must occur in the log, lest a run in which nothing happened passes.
THREADS = ["lock: waits", "lock: taken", "lock: freed", "zone: alloc", "zone: free", "sleeps", "woken", "wakeup",
           "condition wait", "posted", "knock", "inbox emptied", "accepted", "knock answered", "made ready", "runs",
           "started", "ended", "freed"]
CHANNELS = ["channel: queue", "channel: hand", "channel: take", "channel: drop", "line: join", "line: served",
            "call: begun", "call: received", "call: over", "loan: given", "loan: less", "loan: taken back"]


@pytest.fixture(scope="module", autouse=True)
def tools():
    llog.build()


def check(replay, kinds, ended=True):
    assert not replay.violations and replay.status == 0, replay.text
    assert ("the log has ended" in replay.text) == ended, replay.text
    missing = [k for k in kinds if not replay.counts[k]]
    assert not missing, f"never happened: {missing}"
    print(replay.text)


def test_storms():
    """Locks, wait queues, condition variables, inboxes, ready queues, zones: storms of the self-tests on 4 CPUs."""
    with llog.logged(smp=4, append="selftest=storm strata.exit=selftest") as (m, replay):
        m.expect(r"selftest: (\d+) passed, (\d+) failed", timeout=120)
        assert m.child.match[2] == b"0"
        m.wait_exit(60)
    check(replay, THREADS)


def test_channels():
    """Channels: the program that uses every kind of object, on 2 CPUs. It ends in the middle of things."""
    subprocess.run(["make", "-s", "programs-archive"], cwd=harness.TREE, check=True, timeout=300)
    archive = os.path.join(harness.BUILD, "programs.cpio")
    with llog.logged(smp=2, live=True, initrd=archive, append="strata.exit=init init=/bin/objects") as (m, replay):
        assert m.wait_exit(120) == 1
    check(replay, CHANNELS, ended=False)


def test_release_has_none():
    """Not a symbol of it is in the release image."""
    names = subprocess.run(["nm", os.path.join(harness.BUILD, "release/strata.elf")], check=True, stdout=subprocess.PIPE).stdout.decode()
    found = [n for n in names.split() if n.startswith("llog_")]
    assert not found and "lock_acquire" in names
