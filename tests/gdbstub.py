# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of QEMU's gdb stub, for what no switch of QEMU's makes of a machine: an MSR with another value.

    with machine(extra=gdbstub.stopped(path)) as m:  # stands still at reset
        with gdbstub.Stub(path) as stub:
            stub.run_to(address)
            stub.write("rax", 0x18)
            stub.go()
"""
import contextlib
import socket
import time

import harness

REGISTERS = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", *(f"r{n}" for n in range(8, 16)), "rip"]


def stopped(path):
    """QEMU's arguments for a machine that waits for the stub at `path` (a socket)."""
    return ["-S", "-chardev", f"socket,id=gdb,path={path},server=on,wait=off", "-gdb", "chardev:gdb"]


class Stub:
    def __init__(self, path, limit=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(limit * harness.TIME_SCALE)
        end = time.monotonic() + limit * harness.TIME_SCALE
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:  # QEMU has not made it yet
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        self.stream = self.socket.makefile("rwb")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        with contextlib.suppress(OSError):
            self.stream.close()
        self.socket.close()

    def send(self, packet):
        data = packet.encode()
        self.stream.write(b"$%s#%02x" % (data, sum(data) % 256))
        self.stream.flush()

    def receive(self):
        while (byte := self.stream.read(1)) != b"$":
            if not byte:
                raise harness.MachineError("the gdb stub is gone")
        text = b""
        while (byte := self.stream.read(1)) != b"#":
            text += byte
        self.stream.read(2)
        self.stream.write(b"+")
        self.stream.flush()
        return text.decode()

    def ask(self, packet, want=None):
        self.send(packet)
        reply = self.receive()
        if reply.startswith("E") or (want is not None and reply != want):
            raise harness.MachineError(f"gdb stub: {packet}: {reply!r}")
        return reply

    def run_to(self, address):
        """Until a CPU is about to execute the instruction at a (virtual) address."""
        self.ask(f"Z1,{address:x},1", "OK")
        self.ask("c")
        self.ask(f"z1,{address:x},1", "OK")
        if self.read("rip") != address:
            raise harness.MachineError(f"gdb stub: stopped at {self.read('rip'):#x}, not {address:#x}")

    def step(self):
        """One instruction: run_to() does not leave where it starts."""
        self.ask("s")

    def go(self):
        """From here on the machine runs without a stub."""
        self.ask("D", "OK")

    def read(self, register):
        at = REGISTERS.index(register) * 16
        return int.from_bytes(bytes.fromhex(self.ask("g")[at:at + 16]), "little")

    def write(self, register, value):
        at = REGISTERS.index(register) * 16
        values = self.ask("g")
        self.ask("G" + values[:at] + value.to_bytes(8, "little").hex() + values[at + 16:], "OK")
