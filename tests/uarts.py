# SPDX-License-Identifier: GPL-2.0-or-later
"""UARTs where a PC has none: on a PCI card, and in memory, where QEMU has no such device and the test plays it.

A card's memory is a file of the test's. Where the other side has to act at each access, QEMU's gdb stub stops the machine there.
"""
import contextlib
import mmap
import os
import re
import socket
import struct
import subprocess
import threading
import time

import gdbstub
import harness

RBR, THR, LSR = 0, 0, 5
LSR_READY, LSR_EMPTY = 0x01, 0x60


def spcr(folder, space, address, bits=8, access=1, vendor=0xFFFF):
    """QEMU arguments: ACPI's table of firmware's console, a 16550 at that address of I/O (1) or memory (0)."""
    table = folder / "spcr"
    table.write_bytes(struct.pack("<B3xBBBBQBBIBBBBBBHHBBBIBI", 0x12, space, bits, 0, access, address, 1, 3, 0, 7, 0, 1, 0, 3, 0,
                                  vendor, vendor, 0, 0, 0, 0, 0, 0))
    return ["-acpitable", f"sig=SPCR,rev=2,data={table}"]


def listen(stack, path):
    """A socket that QEMU connects to when it starts, until `stack` closes it."""
    s = stack.enter_context(socket.socket(socket.AF_UNIX))
    s.settimeout(60 * harness.TIME_SCALE)
    s.bind(path)
    s.listen(2)
    return s


class Line:
    """The other end of a serial line that is a socket, read all the time: QEMU's are full after some hundred single bytes, and hold
    the port up then."""

    def __init__(self, connection):
        self.connection = connection
        self.data, self.seen = bytearray(), 0
        self.more = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with contextlib.suppress(OSError):
            while data := self.connection.recv(65536):
                with self.more:
                    self.data += data
                    self.more.notify()

    def send(self, data):
        self.connection.sendall(data)

    def expect(self, pattern, timeout=90):
        def found():
            self.match = re.compile(pattern).search(self.data, self.seen)
            return self.match

        with self.more:
            if not self.more.wait_for(found, timeout * harness.TIME_SCALE):
                raise harness.MachineError(f"serial line: waiting for {pattern!r}:\n{self.data.decode('utf-8', 'replace')}")
            self.seen = self.match.end()


class Cards:
    """A PCI serial port, and a PCI card whose memory is a file: the registers of a UART that never changes by itself."""

    def __init__(self, folder):
        self.folder = folder
        self.socket, self.file = os.path.join(folder, "card"), os.path.join(folder, "registers")
        with open(self.file, "wb") as f:
            f.truncate(1 << 20)
        self.stack = contextlib.ExitStack()
        self.listener = listen(self.stack, self.socket)
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
        return self.listener.accept()[0]

    def write_registers(self, values, width):
        with open(self.file, "r+b") as f:
            f.write(b"".join(v.to_bytes(width, "little") for v in values))

    def registers(self, width):
        with open(self.file, "rb") as f:
            data = f.read(8 * width)
        return [int.from_bytes(data[at:at + width], "little") for at in range(0, len(data), width)]


def device_page(config):
    """The (virtual) address of the page where the kernel has a console's registers: behind its image."""
    text = subprocess.run(["nm", harness.image(config, "strata.elf")], stdout=subprocess.PIPE, check=True, encoding="ascii").stdout
    return int(re.search(r"(?m)^([0-9a-f]+) . image_end$", text)[1], 16)


class PlayedUart:
    """The outside of a 16550. Each read of its receiver and each write of its transmitter stops the machine, so that every byte
    passes once; the transmitter is always empty.

    socket   gdbstub.stopped(socket) is among the machine's arguments
    file     its registers, from the beginning of a page on
    """

    def __init__(self, socket_path, file, width):
        self.width = width
        self.output, self.seen = bytearray(), 0
        self.typed, self.taken = bytearray(), 0
        self.socket_path = socket_path
        with open(file, "r+b") as f:
            self.memory = mmap.mmap(f.fileno(), 8 * width)
        self.write(LSR, LSR_EMPTY)

    @contextlib.contextmanager
    def watched(self, config):
        """While this holds the machine runs in expect() alone."""
        with gdbstub.Stub(self.socket_path) as self.stub:
            at = device_page(config)
            for kind in ("Z2", "Z3"):  # writes and reads apart: the reply says which it was
                self.stub.ask(f"{kind},{at:x},{self.width:x}", "OK")
            yield self

    def write(self, register, value):
        at = register * self.width
        self.memory[at:at + self.width] = value.to_bytes(self.width, "little")

    def read(self, register):
        at = register * self.width
        return int.from_bytes(self.memory[at:at + self.width], "little")

    def offer(self):
        """The registers of receiver and line status as they are to be found next."""
        more = self.taken < len(self.typed)
        if more:
            self.write(RBR, self.typed[self.taken])
        self.write(LSR, LSR_EMPTY | (LSR_READY if more else 0))

    def step(self):
        """Until the next byte in one direction."""
        reply = self.stub.ask("c")
        if ";rwatch:" in reply:
            if self.taken == len(self.typed):
                raise harness.MachineError("UART: the receiver was read with nothing in it")
            self.taken += 1
        elif ";watch:" in reply:
            self.output.append(self.read(THR))
        else:
            raise harness.MachineError(f"UART: the machine stopped otherwise: {reply}")
        self.offer()

    def type(self, text):
        self.typed += text
        self.offer()

    def expect(self, pattern, timeout=60):
        end = time.monotonic() + timeout * harness.TIME_SCALE
        while not (m := re.compile(pattern).search(self.output, self.seen)):
            if time.monotonic() > end:
                raise harness.MachineError(f"UART: waiting for {pattern!r}:\n{self.output.decode('utf-8', 'replace')}")
            self.step()
        self.seen = m.end()
