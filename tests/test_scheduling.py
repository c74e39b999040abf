# SPDX-License-Identifier: GPL-2.0-or-later
"""What a VM's configuration says of CPUs: weight, cap, CPUs to keep to, CPUs of its own. The guests only compute."""
import archive
import debian
import pytest

# As debian.TINY, but it spins with interrupts off.
SPIN = debian.TINY[:0x20] + b"\xfa\xeb\xfe\x90\x90\x90"

VMS = {"light": "cpus = 1\n", "heavy": "cpus = 1\nweight = 300\n", "capped": "cap = 30\n", "own": "cpus = dedicated\n",
       "both": "cpus = dedicated\n"}


def conf(name, lines):
    return archive.vm_conf("/guests/spin", 2 if name == "both" else 1, "16M", extra=lines)


def boot(machine, folder, smp, files):
    initrd = archive.extend(debian.image("debug", "strata.cpio"), str(folder / "run.cpio"),
                            {**files, "guests/spin": SPIN})
    return machine(config="debug", smp=smp, initrd=initrd)


def test_pools(machine, tmp_path):
    """Two cores of two threads: a pool has both threads of a core, and VMs stay in theirs."""
    conf = "[pool 1]\ncpus = 2-3\n[pool 2]\ncpus = 1\n[pool 3]\ncpus = 0-1\n"
    files = {"etc/strata.conf": conf.encode(),
             "vms/in.conf": archive.vm_conf("/guests/spin", 3, "16M", extra="pool = 1\n"),
             "vms/own.conf": archive.vm_conf("/guests/spin", 1, "16M", extra="pool = 1\ncpus = dedicated\n"),
             "vms/none.conf": archive.vm_conf("/guests/spin", 1, "16M", extra="pool = 2\n")}
    with boot(machine, tmp_path, "4,sockets=1,cores=2,threads=2", files) as m:
        for pool in (2, 3):
            m.expect(rf"init: /etc/strata.conf: \[pool {pool}\] cpus = \S+: expected whole cores, not CPU 0's")
        c = debian.Console(m)
        cpus = c.json("cpu")
        assert [cpu["pool"] for cpu in cpus] == [0, 0, 1, 1]
        assert cpus[0]["core"] == cpus[1]["core"] != cpus[2]["core"] == cpus[3]["core"]
        assert "pool 2 has none of these CPUs" in c.run("vm start none")
        c.start("in")
        assert c.show("in")["cpus"] == "2-3"
        before = c.json("cpu")
        # One vCPU spins, two wait for a start that never comes.
        settles(c, lambda: c.json("cpu")[2]["guest_ns"] + c.json("cpu")[3]["guest_ns"], 2e9, 1e12)
        after = c.json("cpu")
        assert [a["guest_ns"] for a in after[:2]] == [b["guest_ns"] for b in before[:2]]
        # The pool's only core is not free while somebody is on it.
        assert "error" in c.run("vm start own")
        c.run("vm kill in")
        c.start("own")
        assert [cpu["dedicated_to"] for cpu in c.json("cpu")] == ["", "", "own", "own"]
        c.run("vm kill own")
        assert [cpu["dedicated_to"] for cpu in c.json("cpu")] == [""] * 4
        c.poweroff()


@pytest.fixture
def console(machine, tmp_path):
    files = {f"vms/{name}.conf": conf(name, lines) for name, lines in VMS.items()}
    with boot(machine, tmp_path, 2, files) as m:
        yield debian.Console(m)


def settles(c, value, low, high):
    """Samples `value` from second to second until it is in the range; the last one."""
    for _ in range(30):
        c.run("sleep 1", 60)
        last = value()
        if low <= last <= high:
            break
    return last


def run_time(c, name):
    return c.show(name)["run_time_ns"]


def share_of(c, first, second):
    begun = run_time(c, first), run_time(c, second)

    def share():
        a, b = run_time(c, first) - begun[0], run_time(c, second) - begun[1]
        return a / (a + b)
    return share


def test_configured(console):
    c = console

    # One CPU for both: a quarter and three quarters.
    c.start("light")
    c.start("heavy")
    assert 0.225 <= settles(c, share_of(c, "light", "heavy"), 0.225, 0.275) <= 0.275
    # The rest of the machine is idle, and they do not go there.
    assert c.json("cpu")[0]["guest_ns"] < c.json("cpu")[1]["guest_ns"] / 50
    # Changed while they run: half and half, then they may go where they like and each has a CPU.
    assert "error" not in c.run("vm set light weight=300")
    assert c.show("light")["weight"] == 300
    assert 0.45 <= settles(c, share_of(c, "light", "heavy"), 0.45, 0.55) <= 0.55
    assert "error: light: pool 0 has none of these CPUs" in c.run("vm set light cpus=7")
    assert c.show("light")["cpus"] == "1"
    c.run("vm set light cpus=0-1")
    c.run("vm set heavy cpus=")  # the file's again
    assert [c.show(name)["cpus"] for name in ("light", "heavy")] == ["0-1", "1"]
    c.run("vm set light cpus= weight=")
    c.run("vm kill heavy")

    # A cap holds though a CPU is idle.
    c.start("capped")
    begun = run_time(c, "capped"), c.json("host show")[0]["uptime_ns"]

    def part():
        return (run_time(c, "capped") - begun[0]) / (c.json("host show")[0]["uptime_ns"] - begun[1])
    assert 0.2 <= settles(c, part, 0.24, 0.36) <= 0.36
    c.run("vm kill capped")

    # CPU 0 is never anybody's own.
    assert "pool 0 has not 2 CPUs free by whole cores" in c.run("vm start both")
    # Who keeps to CPU 1 would have none left.
    assert "error: own" in c.run("vm start own")
    c.run("vm kill light")

    # A CPU of its own: ten seconds without one interrupt of the host.
    c.start("own")
    assert c.show("own")["dedicated"] and c.json("cpu")[1]["dedicated_to"] == "own"
    assert c.show("own")["state"] == "running"
    # Timers that were set there before (the watchdog's are seconds away) still fire, once each; then there is silence.
    before = c.json("cpu")[1]
    for _ in range(5):
        c.run("sleep 10", 120)
        after = c.json("cpu")[1]
        if after["interrupts"] == before["interrupts"]:
            break
        before = after
    assert after["interrupts"] == before["interrupts"], (before, after)
    assert after["guest_ns"] - before["guest_ns"] > 9e9 and after["idle_ns"] == before["idle_ns"]
    c.run("vm kill own")
    # It is everybody's again.
    c.start("heavy")
    assert c.show("heavy")["state"] == "running"
    c.run("vm kill heavy")
    assert c.json("host show")[0]["vms"] == 0
    c.poweroff()
