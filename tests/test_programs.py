# SPDX-License-Identifier: GPL-2.0-or-later
"""Ring 3: Debian's busybox as it comes, threads of glibc, and programs that mean harm."""
import hashlib
import os
import re
import subprocess

import pytest

import harness

ARCHIVE = os.path.join(harness.BUILD, "programs.cpio")
FRUIT = "pear\napple\nfig\nbanana\n"


@pytest.fixture(scope="module", autouse=True)
def archive():
    subprocess.run(["make", "-s", "programs-archive"], cwd=harness.TREE, check=True, timeout=300)


def output(machine, words, smp=2, config="debug", timeout=60, status=0):
    """What the program prints; the machine must end with its exit status, telling it in the log."""
    with machine(initrd=ARCHIVE, smp=smp, config=config, append=f"strata.exit=init init={words}") as m:
        # isa-debug-exit: the machine ends with 2n+1.
        assert m.wait_exit(timeout) == 2 * status + 1
        found = re.search(r"(?s)boot archive: [^\n]*\n(.*)^init \(", m.text().replace("\r", ""), re.M)
        assert found
        return found[1]


def busybox(machine, words, **kwargs):
    return output(machine, "/bin/busybox -- " + words, **kwargs)


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


@pytest.mark.parametrize("config", ["debug", "release"])
def test_busybox_sha256sum(machine, config):
    text = busybox(machine, "sha256sum /etc/fruit /bin/busybox /bin/torture", config=config)
    assert text.splitlines() == [
        f"{hashlib.sha256(FRUIT.encode()).hexdigest()}  /etc/fruit",
        f"{sha256('/bin/busybox')}  /bin/busybox",
        f"{sha256(os.path.join(harness.BUILD, 'programs/torture'))}  /bin/torture",
    ]


@pytest.mark.parametrize("words, lines", [
    ("cat /etc/fruit", ["pear", "apple", "fig", "banana"]),
    ("sort /etc/fruit", ["apple", "banana", "fig", "pear"]),
    ("ls -1 /bin", ["busybox", "certikos", "objects", "state", "states", "threads", "torture", "vmcalls", "vmmfpu"]),
    ("ls -1d /dev/null /etc", ["/dev/null", "/etc"]),
    ("tail -c 7 /etc/fruit", ["banana"]),
    ("grep -n i /etc/fruit", ["3:fig"]),
    ("readlink -f /bin/../etc/./fruit", ["/etc/fruit"]),
    ("expr 6 * 7", ["42"]),
    ('awk "{ n += length } END { print n, NR }" /etc/fruit', ["18 4"]),
])
def test_busybox(machine, words, lines):
    assert busybox(machine, words).splitlines() == lines


def test_busybox_error(machine):
    """What is not there is said so, and the exit code comes through."""
    text = busybox(machine, "cat /etc/nothing", status=1)
    assert text.strip() == "cat: can't open '/etc/nothing': No such file or directory"


@pytest.mark.parametrize("smp", [1, 2, 4])
def test_threads(machine, smp):
    assert output(machine, "/bin/threads", smp=smp, timeout=120).splitlines() == ["threads: ok"]


@pytest.mark.parametrize("smp", [1, 2])
def test_torture(machine, smp):
    """Whatever a program does, it loses only itself, and all its memory comes back."""
    text = output(machine, "/bin/torture -- all", smp=smp, timeout=200)
    made = re.search(r"torture: (\d+) calls, 0 failures", text)
    children = re.search(r"torture: (\d+) children, 0 failures", text)
    assert made and int(made[1]) > 100000, text
    assert children and int(children[1]) > 30, text


def test_init_that_is_no_program(machine):
    with machine(initrd=ARCHIVE, append="strata.exit=init init=/etc/fruit") as m:
        m.expect(r"/etc/fruit cannot be started: error 13", timeout=30)
        assert m.wait_exit(20) == 5


@pytest.mark.parametrize("config, smp", [("debug", 1), ("debug", 4), ("release", 2)])
def test_objects(machine, config, smp):
    text = output(machine, "/bin/objects", smp=smp, config=config)
    assert "objects: ok" in text and "objects: line" not in text


@pytest.mark.parametrize("config, smp", [("debug", 2), ("release", 1)])
def test_vm_calls(machine, config, smp):
    assert output(machine, "/bin/vmcalls", smp=smp, config=config).splitlines() == ["vmcalls: ok"]


@pytest.mark.parametrize("config, smp", [("debug", 1), ("release", 2)])
def test_vcpu_state(machine, config, smp):
    """A vCPU saved and restored at random moments computes as ever."""
    text = output(machine, "/bin/state", smp=smp, config=config, timeout=120)
    moves = re.fullmatch(r"state: ok (\d+) moves\n", text)
    assert moves and int(moves[1]) > 20, text


@pytest.mark.parametrize("config, smp", [("debug", 2), ("release", 1)])
def test_vcpu_states(machine, config, smp):
    """Two vCPUs at once, with what one has sent to the other."""
    text = output(machine, "/bin/states", smp=smp, config=config, timeout=120)
    moves = re.fullmatch(r"states: ok (\d+) moves\n", text)
    assert moves and int(moves[1]) > 0, text


@pytest.mark.parametrize("config, smp", [("debug", 1), ("debug", 2), ("release", 2)])
def test_vmm_fpu(machine, config, smp):
    """A guest's registers stay its own whatever its VMM does with RUN_NO_FPU, and the VMM's threads theirs."""
    assert output(machine, "/bin/vmmfpu", smp=smp, config=config, timeout=120).splitlines() == ["vmmfpu: ok"]
