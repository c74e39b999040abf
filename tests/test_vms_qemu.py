# SPDX-License-Identifier: GPL-2.0-or-later
"""The test guests as VMs of Strata, started and watched from its console."""
import os
import subprocess
import time

import pytest

import harness
from test_shell_qemu import Shell

# irq is not among them: QEMU 7.2 aborts in the middle of it (docs/limits.md). timer compares clocks, which a busy
# computer makes differ: it is only there to run until it is killed.
GUESTS = {
    # name: (vCPUs, command line); long's number is checked by the guest
    "long": (1, "number=12345"),
    "smp": (4, ""),
    "timer": (1, ""),
    "paging": (1, ""),
    "fpu": (2, ""),
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A boot archive behind the usual one: each guest as a VM, and one whose configuration is bad."""
    subprocess.run(["make", "-s", "guests"], cwd=harness.TREE, check=True, timeout=300)
    folder = tmp_path_factory.mktemp("vms")
    pairs = []
    for name, (vcpus, cmdline) in GUESTS.items():
        conf = folder / f"{name}.conf"
        line = f"cmdline = {cmdline}\n" if cmdline else ""
        conf.write_text(f"[vm]\nvcpus = {vcpus}\nmemory = 64M\nkernel = /guests/{name}.elf\n{line}[debug-exit]\nport = 0xf4\n")
        pairs += [f"vms/{name}.conf={conf}", f"guests/{name}.elf={harness.BUILD}/guests/{name}.elf"]
    (folder / "bad.conf").write_text("[vm]\nvcpus = lots\n")
    pairs.append(f"vms/bad.conf={folder}/bad.conf")
    more = folder / "more.cpio"
    subprocess.run([os.path.join(harness.TREE, "packaging/mkarchive"), str(folder / "root"), str(more)] + pairs,
                   check=True, timeout=60)
    whole = folder / "all.cpio"
    whole.write_bytes(open(harness.image("debug", "strata.cpio"), "rb").read() + more.read_bytes())
    return str(whole)


def state(shell, name):
    vm, = shell.json(f"vm show {name}")
    return vm


def wait_stopped(shell, name, seconds=60):
    end = time.monotonic() + seconds * harness.TIME_SCALE
    while state(shell, name)["state"] in ("starting", "running"):
        assert time.monotonic() < end, f"{name} does not end"
        time.sleep(0.2)
    return state(shell, name)


@pytest.mark.parametrize("name", [name for name in GUESTS if name != "timer"])
def test_guest_as_vm(machine, archive, name):
    with machine(initrd=archive, smp=2) as m:
        shell = Shell(m)
        assert "error" not in shell.run(f"vm start {name}")
        vm = wait_stopped(shell, name)
        assert vm["state"] == "stopped" and vm["exit_code"] == 0, vm


def test_bad_configuration(machine, archive):
    with machine(initrd=archive) as m:
        shell = Shell(m)
        assert "error: bad: /vms/bad.conf:2: vcpus: " in shell.run("vm start bad")
        assert state(shell, "bad")["state"] == "failed"


def test_kill_gives_memory_back(machine, archive):
    with machine(initrd=archive) as m:
        shell = Shell(m)

        def used():
            rows = shell.json("mem")
            assert rows[0]["guest"] == 0
            return [r for r in rows if r.get("name") == "ring3"][0]["used"]

        shell.run("vm start timer")
        shell.run("vm kill timer")
        before = used()  # init has grown by what it keeps for a VM
        for _ in range(5):
            shell.run("vm start timer")
            assert shell.json("mem")[0]["guest"] >= 60 << 20
            assert shell.json("host show")[0]["vms"] == 1
            shell.run("vm kill timer")
            time.sleep(0.5)
        assert shell.json("host show")[0]["vms"] == 0
        # Exact but for a page or two of init's and the shell's own heaps; one VM left behind is 700 KiB, its kernel part 30.
        assert abs(used() - before) <= 5 * 4096
