# SPDX-License-Identifier: GPL-2.0-or-later
"""VMs of Strata that are refused or killed, from its console. That guests run: test_guests_vm.py."""
import os
import subprocess
import time

import pytest

import harness
from shell import Shell

GUESTS = {
    # name: (vCPUs, command line)
    "timer": (1, ""),
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
