# SPDX-License-Identifier: GPL-2.0-or-later
"""The ways into the kernel: the 64-bit entry at any address, GRUB's CD, and machines that are unfit."""
import os
import re
import socket
import string
import struct
import subprocess

import pexpect.fdpexpect
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


# The machine must come to its end: nothing waits for ever on a UART that is not there.
@pytest.mark.parametrize("console", ["console=ttyS3", "console=none", "console=ttyS1,9600n8"])
def test_no_serial_port(machine, console):
    with machine(console=console, append="selftest=log_ring strata.exit=selftest") as m:
        assert m.wait_exit(timeout=60) == 1
        assert "Strata " not in m.text()


def spcr(folder, space, address, bits=8, access=1, vendor=0xFFFF):
    """QEMU arguments: ACPI's table of firmware's console, a 16550 at that address of I/O (1) or memory (0)."""
    table = folder / "spcr"
    table.write_bytes(struct.pack("<B3xBBBBQBBIBBBBBBHHBBBIBI", 0x12, space, bits, 0, access, address, 1, 3, 0, 7, 0, 1, 0, 3, 0,
                                  vendor, vendor, 0, 0, 0, 0, 0, 0))
    return ["-acpitable", f"sig=SPCR,rev=2,data={table}"]


def test_spcr(machine, tmp_path):
    """No word on the console: it is where ACPI's table says that firmware has its own."""
    second = harness.log_path("com2", ".log")
    with machine(config="debug", console="", append="selftest=log_ring strata.exit=selftest",
                 extra=["-serial", f"file:{second}", *spcr(tmp_path, 1, 0x2F8)]) as m:
        assert m.wait_exit(timeout=60) == 1
        assert "Strata " not in m.text()
    with open(second, encoding="utf-8") as f:
        text = f.read()
    assert "console: ttyS1 at port 0x2f8, by ACPI's SPCR" in text and "1 passed, 0 failed" in text


class Cards:
    """A PCI serial port, and a PCI card whose memory is a file: the registers of a UART that never changes by itself."""

    def __init__(self, folder):
        self.socket, self.file = os.path.join(folder, "card"), os.path.join(folder, "registers")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.socket)
        self.listener.listen(2)
        self.extra = ["-chardev", f"socket,id=card,path={self.socket}", "-device", "pci-serial,chardev=card",
                      "-object", f"memory-backend-file,id=regs,size=1M,share=on,mem-path={self.file}",
                      "-device", "ivshmem-plain,memdev=regs"]

    def where(self, m):
        """(I/O port, address) that firmware has given them."""
        m.expect(r"Strata [^\r\n]*command line", 60)
        text = m.hmp("info pci")
        serial = re.search(r"PCI device 1b36:0002.*?I/O at (0x[0-9a-f]+)", text, re.S)
        memory = re.search(r"PCI device 1af4:1110.*?BAR2: 64 bit prefetchable memory at (0x[0-9a-f]+)", text, re.S)
        return int(serial[1], 16), int(memory[1], 16)

    def accept(self):
        """The other end of the serial port's line, of a machine that starts."""
        self.listener.settimeout(60 * harness.TIME_SCALE)
        return self.listener.accept()[0]

    def write_registers(self, data):
        with open(self.file, "r+b") as f:
            f.write(data)

    def registers(self):
        """Four bytes each."""
        with open(self.file, "rb") as f:
            return struct.unpack("<8I", f.read(32))


@pytest.fixture
def cards(tmp_path):
    c = Cards(tmp_path)
    yield c
    c.listener.close()


@pytest.fixture
def places(machine, cards):
    with machine(config="release", extra=cards.extra) as m, cards.accept():
        return cards.where(m)


LSR_EMPTY = 0x60


def test_spcr_pci(machine, cards, places, tmp_path):
    """On a PCI card, without an interrupt that we know: a console all the same."""
    port = places[0]
    with machine(config="release", console="", extra=cards.extra + spcr(tmp_path, 1, port, vendor=0x1B36)) as m, \
            cards.accept() as s:
        line = pexpect.fdpexpect.fdspawn(s.fileno(), timeout=90 * harness.TIME_SCALE)
        line.expect(rf"console: serial port at port {port:#x}, by ACPI's SPCR".encode())
        line.expect(rb"console ttyS4: no interrupt reaches us: polled")
        line.expect(rb"strata> ")
        line.send(b"help mem\r")
        line.expect(rb"help mem[^#]*strata> ")
        # More than a UART's FIFO has at once, both ways.
        line.send(b"echo " + b"0123456789" * 20 + b"\r")
        line.expect(rb"\n" + b"0123456789" * 20)
        line.expect(rb"strata> ")
        assert m.text() == ""


def test_spcr_memory(machine, cards, places, tmp_path):
    """Registers in memory, four bytes apart: set up, and the last byte that was sent stands in the transmitter's."""
    address = places[1]
    cards.write_registers(struct.pack("<8I", 0, 0, 0, 0, 0, LSR_EMPTY, 0, 0))
    with machine(config="release", console="", append="strata.exit=nobody",
                 extra=cards.extra + spcr(tmp_path, 0, address, bits=32, access=3)) as m:
        cards.accept().close()
        assert m.wait_exit(90) == 2 * 125 + 1
        assert m.text() == ""
    sent, ier, fcr, lcr, mcr, lsr, _, scratch = cards.registers()
    assert chr(sent) in string.printable and (ier, lcr, lsr, scratch) == (0, 3, LSR_EMPTY, 0xA5)
    assert fcr == 7 and mcr & 3 == 3


# In the kernel's own memory, where there is nothing, and beyond what the CPU reaches: COM1 instead.
@pytest.mark.parametrize("address", [0x1000000, 0xD0000000, 1 << 51])
def test_spcr_wrong(machine, tmp_path, address):
    with machine(config="release", console="", extra=spcr(tmp_path, 0, address)) as m:
        m.expect(r"strata> ", 60)


def test_no_acpi(machine):
    """Nobody says where interrupts go: the console is looked at by a timer."""
    with machine(config="release", machine="pc,acpi=off") as m:
        m.expect(r"console ttyS0: no interrupt reaches us: polled", 60)
        m.expect(r"strata> ", 60)
        m.sendline("echo typed")
        m.expect(r"\ntyped", 30)
        m.expect(r"strata> ", 30)
