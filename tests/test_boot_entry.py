# SPDX-License-Identifier: GPL-2.0-or-later
"""The ways into the kernel: the 64-bit entry at any address, GRUB's CD, and machines that are unfit."""
import os
import re
import subprocess

import pytest

import harness

LOADER64 = os.path.join(harness.BUILD, "tests", "loader64.elf")


@pytest.fixture(scope="session")
def loader64():
    """A small multiboot program that plays a 64-bit loader (tests/boot/loader64.c)."""
    subprocess.run(["make", "-s", "build/tests/loader64.elf"], cwd=harness.TREE, check=True, timeout=60)
    return LOADER64


CR4_LA57 = 1 << 12

# The loader says that there is 1 GiB of RAM, beyond what page numbers reach.
FAR = 1 << 44


# The lowest place, an odd page, across a 1 GiB border above 4 GiB (boot_params and initrd as well).
@pytest.mark.parametrize("address,mem", [(0x2000000, "1g"), (0x7655000, "1g"), (0x17FFFF000, "7g")])
@pytest.mark.parametrize("config", ["release", "debug"])
def test_64_bit_entry(machine, loader64, config, address, mem):
    modules = f"{harness.image(config)} console=ttyS0 word,{harness.image(config, 'strata.cpio')}"
    with machine(config=config, kernel=False, mem=mem,
                 extra=["-kernel", loader64, "-append", f"load={address:#x} far={FAR:#x}", "-initrd", modules]) as m:
        m.expect(r"Strata:? [^\r\n]*command line 'console=ttyS0 word'", timeout=60)
        m.expect(r"[\r\n]1024 MiB of RAM above 16 TiB are left out[\r\n]", timeout=60)


# The image in one 2 MiB page with its stack, in two, on both sides of a 1 GiB border, and too high.
@pytest.mark.parametrize("address", [0x2000000, 0x7655000, 0x3FFF5000, 0x17FFFF000])
def test_five_levels(machine, loader64, address):
    """The loader enters with five-level paging on. It can be left below 4 GiB alone."""
    modules = f"{harness.image('release')} console=ttyS0 init=/none,{harness.image('release', 'strata.cpio')}"
    with machine(config="release", kernel=False, mem="7g", cpu="max,+svm,+npt,+la57",
                 extra=["-kernel", loader64, "-append", f"load={address:#x}", "-initrd", modules]) as m:
        if address >= 1 << 32:
            m.expect(r"strata: cannot start: five-level paging is on, and the image lies above 4 GiB", timeout=60)
            assert int(re.search(r"CR4=([0-9a-f]+)", m.hmp("info registers"))[1], 16) & CR4_LA57
            return
        m.expect(r"command line 'console=ttyS0 init=/none'", timeout=60)
        m.expect(r"2 CPUs online", timeout=60)
        m.expect(r"/none cannot be started", timeout=60)
        assert not int(re.search(r"CR4=([0-9a-f]+)", m.hmp("info registers"))[1], 16) & CR4_LA57


@pytest.mark.parametrize("config", ["release", "debug"])
def test_grub_bios_amd(machine, config):
    subprocess.run(["make", "-s", f"CONFIG={config}", f"O=build/{config}", "image-iso"], cwd=harness.TREE,
                   check=True, timeout=120)
    with machine(config=config, kernel=False,
                 extra=["-cdrom", harness.image(config, "image/strata.iso"), "-boot", "d"]) as m:
        m.expect(r"Strata:? [^\r\n]*command line '[^']*console=ttyS0,115200n8'", timeout=90)


def test_no_long_mode(machine):
    with machine(cpu="qemu32") as m:
        m.expect(r"strata: this CPU has no 64-bit mode with NX: cannot run", timeout=30)


def test_no_svm(machine):
    """One line, then it stops: no reset loop (-no-reboot would end the machine)."""
    with machine(cpu="EPYC,-svm") as m:
        m.expect(r"strata: cannot start: this CPU has no AMD SVM[\r\n]", timeout=30)
        m.drain(3)
        assert m.qmp("query-status")["running"]
        assert m.text().count("cannot start") == 1


def test_no_acpi(machine):
    """Nobody says where interrupts go: the console is looked at by a timer."""
    with machine(config="release", machine="pc,acpi=off") as m:
        m.expect(r"console ttyS0: no interrupt reaches us: polled", 60)
        m.expect(r"strata> ", 60)
        m.sendline("echo typed")
        m.expect(r"\ntyped", 30)
        m.expect(r"strata> ", 30)
