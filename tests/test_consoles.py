# SPDX-License-Identifier: GPL-2.0-or-later
"""Which serial ports become consoles: the command line's, ACPI's, on cards, in memory, and where none may be."""
import contextlib
import os
import string

import pytest

import gdbstub
import harness
import uarts


# The machine must come to its end: nothing waits for ever on a UART that is not there.
@pytest.mark.parametrize("console", ["console=ttyS3", "console=none", "console=ttyS1,9600n8"])
def test_no_serial_port(machine, console):
    with machine(console=console, append="selftest=log_ring strata.exit=selftest") as m:
        assert m.wait_exit(timeout=60) == 1
        assert "Strata " not in m.text()


def test_spcr(machine, tmp_path):
    """No word on the console: it is where ACPI's table says that firmware has its own."""
    second = harness.log_path("com2", ".log")
    with machine(config="debug", console="", append="selftest=log_ring strata.exit=selftest",
                 extra=["-serial", f"file:{second}", *uarts.spcr(tmp_path, 1, 0x2F8)]) as m:
        assert m.wait_exit(timeout=60) == 1
        assert "Strata " not in m.text()
    with open(second, encoding="utf-8") as f:
        text = f.read()
    assert "console: ttyS1 at port 0x2f8, by ACPI's SPCR" in text and "1 passed, 0 failed" in text


@pytest.fixture
def cards(tmp_path):
    c = uarts.Cards(tmp_path)
    yield c
    c.stack.close()


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """(I/O port, address) that firmware gives to the cards."""
    c = uarts.Cards(tmp_path_factory.mktemp("cards"))
    try:
        with harness.Machine(config="release", extra=c.extra) as m, c.accept():
            return c.where(m)
    finally:
        c.stack.close()


@pytest.mark.parametrize("how", ["spcr", "word"])
def test_pci(machine, cards, places, tmp_path, how):
    """On a PCI card, without an interrupt that we know: a console all the same."""
    port = places[0]
    word = f"console=uart8250,io,{port:#x},115200n8" if how == "word" else ""
    table = uarts.spcr(tmp_path, 1, port, vendor=0x1B36) if how == "spcr" else []
    with machine(config="release", console=word, extra=cards.extra + table) as m, cards.accept() as s:
        line = uarts.Line(s)
        if how == "spcr":
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


@pytest.mark.parametrize("how, width", [("spcr", 4), ("mmio16", 2), ("mmio", 1)])
def test_memory(machine, cards, places, tmp_path, how, width):
    """Registers in memory: set up, and the last byte that was sent stands in the transmitter's."""
    address = places[1]
    word = f"console=uart8250,{how},{address:#x},9600n8" if how != "spcr" else ""
    table = uarts.spcr(tmp_path, 0, address, bits=32, access=3) if how == "spcr" else []
    cards.write_registers([0, 0, 0, 0, 0, uarts.LSR_EMPTY, 0, 0], width)
    with machine(console=word, append="selftest=log_ring strata.exit=selftest", extra=cards.extra + table) as m:
        cards.accept().close()
        assert m.wait_exit(90) == 1
        assert m.text() == ""
    sent, ier, fcr, lcr, mcr, lsr, _, scratch = cards.registers(width)
    assert chr(sent) in string.printable and (ier, lcr, lsr, scratch) == (0, 3, uarts.LSR_EMPTY, 0xA5)
    assert fcr == 7 and mcr & 3 == 3


def test_memory_typed(machine, cards, places):
    """Both ways through a UART in memory, each byte once."""
    path = os.path.join(cards.folder, "gdb")
    uart = uarts.PlayedUart(path, cards.file, 4)
    word = f"console=uart8250,mmio32,{places[1]:#x}"
    with machine(config="release", smp=1, console=word, append="strata.log=warn", extra=cards.extra + gdbstub.stopped(path)) as m:
        cards.accept().close()
        with uart.watched("release"):
            uart.expect(rb"strata> ", 120)
            uart.type(b"echo " + b"0123456789" * 4 + b"\r")
            uart.expect(rb"\n" + b"0123456789" * 4 + rb"\r\n", 60)
            uart.expect(rb"strata> ")
            uart.type(b"help mem\r")
            uart.expect(rb"help mem[^#]*strata> ", 60)
            assert uart.taken == len(uart.typed)
        assert m.text() == ""


# In the kernel's own memory, where there is nothing, and beyond what the CPU reaches: COM1 instead.
@pytest.mark.parametrize("address, why", [
    (0x1000000, r"ACPI: the SPCR has a serial port at address 0x1000000: RAM is there: not used"),
    (0xD0000000, r"console: no UART answers at address 0xd0000000"),
    (1 << 51, r"ACPI: the SPCR has a serial port at address 0x8000000000000: the CPU does not reach that address: not used")])
def test_spcr_wrong(machine, tmp_path, address, why):
    with machine(config="release", console="", extra=uarts.spcr(tmp_path, 0, address)) as m:
        m.expect(why, 60)
        m.expect(r"strata> ", 60)


def test_words_wrong(machine):
    """Each is named with what is wrong, and has no effect: the console is the one that there is without words."""
    wrong = [("uart8250,mmio,0x1000000", "console at address 0x1000000: RAM is there: ignored"),
             ("uart,mmio32,0xd0000002", "console at address 0xd0000002: the address is no multiple of a register's size: ignored"),
             ("uart,mmio16,0xd0000ff2", "console at address 0xd0000ff2: the registers cross the end of a page: ignored"),
             ("uart,0xfee00000", "console at address 0xfee00000: the interrupt controllers are there: ignored"),
             ("uart8250,0x8000000000000", "console at address 0x8000000000000: the CPU does not reach that address: ignored"),
             ("uart8250,io,0x61", "console=uart8250,io,0x61: expected ttySN"),
             ("uart8250,mmio32be,0xd0000000", "console=uart8250,mmio32be,0xd0000000: expected ttySN")]
    with machine(config="release", console=" ".join(f"console={word}" for word, _ in wrong)) as m:
        m.expect(r"strata> ", 60)
        text = m.text()
        for _, line in wrong:
            assert text.count(f"command line: {line}") == 1, line


def test_word_absent(machine):
    """A place where nothing answers, beside a console that works."""
    with machine(config="release", console="console=uart8250,mmio,0xd0000000 console=ttyS0") as m:
        m.expect(r"console: no UART answers at address 0xd0000000", 60)
        m.expect(r"strata> ", 60)


class Com1:
    def __init__(self, m):
        self.m = m

    def send(self, data):
        self.m.child.send(data)

    def expect(self, pattern):
        self.m.expect(pattern.decode(), 90)


# Ports that share one interrupt: the first and the third, the second and the fourth.
@pytest.mark.parametrize("ports", [(0, 2), (1, 3)])
def test_shared_interrupt(machine, tmp_path, ports):
    """A shell on both, busy at the same time: no byte of the one is held up by the other."""
    with contextlib.ExitStack() as stack:
        others = [n for n in ports if n != 0]
        sockets = [uarts.listen(stack, os.path.join(tmp_path, f"line{n}")) for n in others]
        extra = []
        for n in others:
            extra += ["-chardev", f"socket,id=line{n},path={tmp_path}/line{n}", "-device", f"isa-serial,chardev=line{n},index={n}"]
        m = stack.enter_context(machine(config="release", console=" ".join(f"console=ttyS{n}" for n in ports), extra=extra))
        lines = [Com1(m)] if 0 in ports else []
        for s in sockets:
            lines.append(uarts.Line(stack.enter_context(s.accept()[0])))
        for line in lines:
            line.expect(rb"strata> ")
        for turn in range(5):
            text = [b"%d" % (turn + i) * 100 for i in range(2)]
            for line, t in zip(lines, text):
                line.send(b"echo " + t + b"\r")
            for line, t in zip(lines, text):
                line.expect(rb"\n" + t + rb"\r*\n")
                line.expect(rb"strata> ")
