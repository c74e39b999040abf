# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine whose logical log is replayed while it runs.

    with logged(smp=4, append="selftest strata.exit=selftest") as (m, replay):
        ... drive m ...
    assert replay.status == 0, replay.text

The machine's memory is a file that build/replay/replay maps: it takes the events off the rings of
the CPUs (lock/llog.h) and checks them against the specifications in hypervisor/*/spec.
"""
import contextlib
import os
import re
import subprocess
import tempfile

import harness

REPLAY = os.path.join(harness.BUILD, "replay/replay")


def build():
    subprocess.run(["make", "-s", "replay"], cwd=harness.TREE, check=True, timeout=300)


class Replay:
    """The replay of one machine; its result is there when the machine has ended."""

    def __init__(self, memory, address, live):
        argv = [REPLAY, memory, address] + (["--live"] if live else [])
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, preexec_fn=harness.die_with_parent)
        self.text, self.status, self.counts = "", None, {}

    def end(self):
        """No more events come."""
        if self.status is not None:
            return
        self.text = self.process.communicate(timeout=120 * harness.TIME_SCALE)[0].decode()
        self.status = self.process.returncode
        self.counts = {m[1].strip(): int(m[2]) for m in re.finditer(r"(?m)^replay: (.{16}) (\d+)$", self.text)}

    @property
    def violations(self):
        return re.findall(r"(?m)^violation: (.*)$", self.text)


@contextlib.contextmanager
def logged(append="", mem=1024, live=False, extra=(), **kwargs):
    """A harness.Machine with `llog`, and its Replay. `mem` in MiB, below 2048 (one block at 0)."""
    with tempfile.NamedTemporaryFile(prefix="strata-ram-", dir="/dev/shm") as ram:
        backend = f"memory-backend-file,id=ram,size={mem}M,share=on,mem-path={ram.name}"
        m = harness.Machine(mem=f"{mem}m", machine="q35,memory-backend=ram", append=f"{append} llog".strip(),
                            extra=["-object", backend, *extra], **kwargs)
        replay = None
        try:
            address = m.expect(r"llog: rings at (0x[0-9a-f]+)\s", timeout=60)[1].decode()
            replay = Replay(ram.name, address, live)
            yield m, replay
        finally:
            m.stop()
            if replay:
                replay.end()
