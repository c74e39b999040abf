# SPDX-License-Identifier: GPL-2.0-or-later
"""The image starts through each loader and says what it was given."""
import pytest

WORDS = "quiet=1 name=value"


def check_first_line(m):
    line = m.expect(r"Strata: [^\r\n]*command line '([^'\r\n]*)'", timeout=60)
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
    with machine(append=WORDS + " x=" + "y" * 1500) as m:
        m.expect(r"Strata: [^\r\n]*x=y{1500}'", timeout=60)
