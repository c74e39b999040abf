# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian as a guest with several CPUs, alone and beside another."""
import pytest

import debian

SUMS = 20
MIB = 64


def sums_agree(c, rounds, mib, timeout):
    """sha256sum of one random file on both vCPUs at once, so many times."""
    c.guest(f"dd if=/dev/urandom of=/tmp/r bs=1M count={mib} 2>/dev/null", 120)
    c.m.sendline(f"n=0; for i in $(seq {rounds}); do taskset 1 sha256sum /tmp/r >/tmp/a & taskset 2 sha256sum /tmp/r >/tmp/b; "
                 "wait; cmp /tmp/a /tmp/b && n=$((n + 1)); done; echo agreed $n times")
    agreed = int(c.m.expect(r"\nagreed (\d+) times", timeout)[1])
    c.m.expect(r"demo# ")
    return agreed


def test_two_vcpus(machine, tmp_path):
    """A shell, two CPUs, the same sum on both at once, no complaint of the guest's kernel."""
    initrd = debian.build("release", tmp_path, {"vms/one.conf": debian.conf(2, "384M")})
    with machine(config="release", smp=2, initrd=initrd) as m:
        c = debian.Console(m)
        c.boot("one")
        assert c.guest("nproc").strip() == "2"
        assert sums_agree(c, SUMS, MIB, 600) == SUMS
        assert c.complaints() == ""
        c.detach()
        c.poweroff()


@pytest.mark.parametrize("cpus", [2, 4])
def test_more_vcpus_than_cpus(machine, tmp_path, cpus):
    """Eight vCPUs on fewer CPUs: all of them come up and work, and the guest's kernel does not complain."""
    initrd = debian.build("release", tmp_path, {"vms/eight.conf": debian.conf(8)})
    with machine(config="release", smp=cpus, initrd=initrd) as m:
        c = debian.Console(m)
        c.boot("eight", 300)
        assert c.guest("nproc").strip() == "8"
        c.guest("for i in $(seq 0 7); do dd if=/dev/zero bs=1M count=2 2>/dev/null | "
                "taskset $(printf %x $((1 << i))) sha256sum >/tmp/$i & done; wait", 120)
        assert c.guest("cat /tmp/[0-7] | sort | uniq -c").split()[0] == "8"
        assert c.complaints() == ""
        c.detach()
        c.poweroff()


def burn(c, name):
    """Both vCPUs sum a file over and over; each sum is a line in /tmp/CPU."""
    c.attach(name)
    c.guest("dd if=/dev/urandom of=/tmp/r bs=1M count=4 2>/dev/null; sha256sum /tmp/r | cut -c1-64 >/tmp/right", 60)
    for cpu in (0, 1):
        c.m.sendline(f"(while :; do taskset {1 << cpu} sha256sum /tmp/r | cut -c1-64 >>/tmp/{cpu}; done) &")
        c.m.expect(r"demo# ")
    c.detach()


def progress(c, name):
    """How many sums each vCPU has made; all of them must be right."""
    c.attach(name)
    wrong = c.guest("sort -u /tmp/0 /tmp/1 /tmp/right | grep -c .").split()[-1]
    lines = c.guest("wc -l /tmp/0 /tmp/1").split()
    c.detach()
    assert wrong == "1", "a sum was wrong"
    return int(lines[0]), int(lines[2])


def run_times(c, names):
    return [c.show(name)["run_time_ns"] for name in names]


def share_of(c, name, other, seconds, accept):
    """What part of the two VMs' run time the first gets, from now on, once it is what `accept` accepts; else the last seen."""
    begun = run_times(c, (name, other))
    share = 0.0
    for _ in range(seconds):
        c.run("sleep 1", 60)
        ran = [now - then for now, then in zip(run_times(c, (name, other)), begun)]
        share = ran[0] / sum(ran)
        if sum(ran) > 4e9 and accept(share):
            break
    return share


def test_two_guests(machine, tmp_path):
    """Two on two CPUs: fair, by weight too; killing one leaves the other as it was."""
    initrd = debian.build("release", tmp_path, {"vms/one.conf": debian.conf(2), "vms/two.conf": debian.conf(2)})
    with machine(config="release", smp=2, initrd=initrd) as m:
        c = debian.Console(m)
        for name in ("one", "two"):
            c.boot(name)
            c.detach()
        for name in ("one", "two"):
            burn(c, name)
        share = share_of(c, "one", "two", 60, lambda s: abs(s - 0.5) <= 0.025)
        assert 0.475 <= share <= 0.525, share
        for name in ("one", "two"):
            assert min(progress(c, name)) >= 1
        before = progress(c, "two")
        c.run("vm kill one")
        assert c.show("one")["state"] == "stopped"
        while min(now - then for now, then in zip(progress(c, "two"), before)) < 3:
            c.run("sleep 1", 60)
        c.attach("two")
        assert c.complaints() == ""
        c.detach()
        c.run("vm kill two")
        c.poweroff()
