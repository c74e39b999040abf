# SPDX-License-Identifier: GPL-2.0-or-later
"""The image starts through each loader and says what it was given."""
import time

import pytest

import harness

WORDS = "quiet=1 name=value"


def check_first_line(m):
    line = m.expect(r"Strata [^\r\n]*command line '([^'\r\n]*)'", timeout=60)
    text = line[1] if isinstance(line[1], str) else line[1].decode()
    assert text.endswith(f"console=ttyS0 {WORDS}")


@pytest.mark.parametrize("config", ["release", "debug"])
def test_qemu_kernel(machine, config):
    """The 16-bit entry, as qemu -kernel, PXELINUX and iPXE use it."""
    with machine(config=config, append=WORDS) as m:
        check_first_line(m)


def test_grub_bios_intel(bochs):
    """The 32-bit entry: GRUB from a CD, on an Intel model."""
    with bochs(append=WORDS) as m:
        check_first_line(m)


def test_long_command_line(machine):
    """Nothing of 2,000 characters is lost: the last words count."""
    with machine(append="x=" + "y" * 1900 + " selftest=lock strata.exit=selftest") as m:
        m.expect(r"selftest: [1-9]\d* passed, 0 failed", timeout=60)
        assert m.wait_exit() == 1


def test_command_line(machine):
    """A line for each word that is wrong; those of loaders and of other programs are none of ours. A machine that cannot
    start ends as it was told, on all consoles; the word that came last counts."""
    words = ("BOOT_IMAGE=/x rd.debug quiet strata.log=loud maxcpus=0 console=ttyS1,7 console=ttyS0 strata.panic=wait"
             " strata.panic=poweroff -- after")
    second = harness.log_path("com2", ".log")
    with machine(config="release", cpu="qemu64,-svm", append=words, extra=["-serial", f"file:{second}"]) as m:
        m.expect(r"strata: cannot start: this CPU has no AMD SVM", timeout=60)
        assert m.wait_exit() == 2 * 126 + 1
        complaints = [line[14:] for line in m.text().splitlines() if line.startswith("command line: ")]
        assert complaints == ["quiet: no such word: ignored",
                              "strata.log=loud: expected error|warn|info|debug",
                              "maxcpus=0: expected NUMBER (from 1 to 256)",
                              "console=ttyS1,7: expected ttySN[,BAUD[n8]]|uart[8250],TYPE,ADDRESS[,BAUD[n8]]|hvc0|none"]
    with open(second, encoding="utf-8") as f:
        assert f.read().replace("\r", "") == m.text().replace("\r", "")


def test_panic_shows_where(machine):
    """An NMI that nobody asked for: registers and a backtrace with names; then the machine does as it was told."""
    with machine(config="debug", smp=1, append="init=/none strata.panic=1") as m:
        m.expect(r"/none cannot be started: error 2", timeout=60)
        time.sleep(0.5)  # until the CPU idles
        m.qmp("inject-nmi")
        m.expect(r"panic: NMI \(vector 2\) on CPU 0", timeout=30, allow_panic=True)
        m.expect(r"rip 0008:[0-9a-f]{16} rflags", timeout=30, allow_panic=True)
        m.expect(r"backtrace:\s+[0-9a-f]{16} cpu_idle\+0x", timeout=30, allow_panic=True)
        m.expect(r"[0-9a-f]{16} at_linked_address\+0x", timeout=30, allow_panic=True)
        m.expect(r"strata.panic: rebooting", timeout=60, allow_panic=True)
        assert m.wait_exit() == 0


def test_panic_ends_a_wait(machine):
    """Every test that waits for something else fails by the panic's words, not by its limit."""
    with machine(config="release", smp=1, append="init=/none strata.panic=wait") as m:
        m.expect(r"/none cannot be started: error 2", timeout=60)
        m.qmp("inject-nmi")
        with pytest.raises(harness.MachineError, match="the kernel panicked"):
            m.expect("what nobody prints", timeout=30)


@pytest.mark.parametrize("board, ref", [("q35", "HPET"), ("pc,hpet=off", "PM timer")])
def test_time_reference(machine, board, ref):
    """The TSC is calibrated by the best counter that the machine has."""
    with machine(machine=board, append="selftest=time strata.exit=selftest") as m:
        match = m.expect(r"TSC: (\d+)\.\d+ MHz by the (HPET|PM timer|PIT)", timeout=60)
        assert match[2].decode() == ref
        m.expect(r"selftest: [1-9]\d* passed, 0 failed", timeout=60)


def test_64_cpus(machine):
    """As many CPUs as one word of a CPU set has bits: all start and answer calls."""
    with machine(smp=64, append="selftest=ipi strata.exit=selftest") as m:
        m.expect(r"64 CPUs online", timeout=120)
        m.expect(r"selftest: [1-9]\d* passed, 0 failed", timeout=120)
        assert m.wait_exit() == 1
