# SPDX-License-Identifier: GPL-2.0-or-later
"""The workloads: bench/workloads/NAME, a shell script each, whose head says what it measures.

A line `#: METRIC UNIT BETTER` names a metric, its unit, and whether `lower` or `higher` is better; the
script prints `METRIC VALUE`. A workload whose first line says `# side job` is done by the sides
themselves (sides.py). A line `# machine: cpus=2 vcpus=4 vms=2` asks for another machine than one with one CPU,
and for other guests than one with as many vCPUs.
"""
import collections
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))


class BadWorkload(Exception):
    """A workload file that cannot be used; the text names it and what was expected."""


class Shape(collections.namedtuple("Shape", "cpus vcpus vms")):
    """CPUs of the machine, vCPUs of each VM, and how many VMs at once."""

    @property
    def pinned(self):
        """Each vCPU has a CPU to itself, and there is one for everything else."""
        return self.vms == 1 < self.vcpus < self.cpus


ONE = Shape(1, 1, 1)


def shape_of(name, words):
    given = {"cpus": 1, "vcpus": 1, "vms": 1}
    for word in words:
        key, _, value = word.partition("=")
        if key in given and re.fullmatch(r"[1-9]\d?", value):
            given[key] = int(value)
        else:
            raise BadWorkload(f"{name}: machine: {word}: expected cpus=N, vcpus=N or vms=N")
    return Shape(**given)


class Workload:
    def __init__(self, name, text):
        self.name = name
        self.side_job = text.startswith("# side job")
        self.shape = ONE
        self.metrics = {}
        for line in text.splitlines():
            if line.startswith("# machine:"):
                self.shape = shape_of(name, line.split()[2:])
            if not line.startswith("#:"):
                continue
            words = line[2:].split()
            if len(words) != 3 or words[2] not in ("lower", "higher"):
                raise BadWorkload(f"{name}: {line}: expected #: METRIC UNIT lower|higher")
            self.metrics[words[0]] = tuple(words[1:3])
        if not self.metrics:
            raise BadWorkload(f"{name}: expected a line #: METRIC UNIT lower|higher")

    def value(self, line):
        """(metric, value) of a line that the script printed; None for anything else."""
        words = line.split()
        if len(words) == 2 and words[0] in self.metrics and re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", words[1]):
            return words[0], float(words[1])
        return None


def load(folder=os.path.join(HERE, "workloads")):
    """Every workload by name; those that are side jobs come first."""
    found = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            found.append(Workload(name, f.read()))
    found.sort(key=lambda w: not w.side_job)
    return {w.name: w for w in found}
