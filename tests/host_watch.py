# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the computer that runs the tests, or one CPU of it, stood still for a while: a virtual machine of a busy host does.

A guest's kernel then finds that its CPUs were stuck, and says so, with reason and through no fault of ours.
A thread on each CPU sleeps briefly over and over and notes when it comes back much too late.
"""
import os
import threading
import time

SLEEP = 0.5
LATE = 5.0  # a busy computer runs a thread that seldom runs within far less

_gaps = []  # (when it was over, seconds)
_watched = False


def _watch(cpu):
    os.sched_setaffinity(0, {cpu})
    before = time.monotonic()
    while True:
        time.sleep(SLEEP)
        now = time.monotonic()
        if now - before > SLEEP + LATE:
            _gaps.append((now, now - before))
        before = now


def start():
    """From now on. More calls change nothing."""
    global _watched
    if _watched:
        return
    _watched = True
    for cpu in os.sched_getaffinity(0):
        threading.Thread(target=_watch, args=(cpu,), daemon=True).start()


def longest(since):
    """Seconds of the longest gap that ended after `since` (time.monotonic()); 0: none."""
    return max((gap for end, gap in list(_gaps) if end > since), default=0)
