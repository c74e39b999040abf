#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sizes of what users start from, and instructions from firmware's hand-off to the console's prompt.

usage: boot_cost.py [--instructions] [--sizes] [FILE ...]

Instructions: QEMU with -icount shift=0 (an instruction is a nanosecond of virtual time), one CPU and 1 GiB. Its gdbstub stops
the machine where the 16-bit entry begins and where the shell first waits for the console; the time between is read from the ACPI
PM timer (a tick is 279 instructions). Time that the CPU idles counts as well.
"""
import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SETUP_ENTRY = 0x10200           # QEMU's linuxboot ROM puts the real-mode part at 0x10000
PM_TIMER, PM_HZ = 0x608, 3579545
LIMIT = 120 * float(os.environ.get("STRATA_TIME_SCALE", "1"))


class Gdb:
    """QEMU's gdbstub: breakpoints and monitor commands."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(LIMIT)
        self.sock.connect(path)
        self.buffer = b""

    def byte(self):
        if not self.buffer:
            self.buffer = self.sock.recv(65536)
            if not self.buffer:
                raise EOFError("QEMU has ended")
        first, self.buffer = self.buffer[:1], self.buffer[1:]
        return first

    def receive(self):
        while self.byte() != b"$":
            pass
        data = b""
        while (c := self.byte()) != b"#":
            data += c
        self.byte(), self.byte()
        self.sock.sendall(b"+")
        return data.decode()

    def send(self, text):
        data = text.encode()
        self.sock.sendall(b"$" + data + b"#%02x" % (sum(data) & 0xFF))

    def call(self, text):
        self.send(text)
        return self.receive()

    def monitor(self, command):
        self.send("qRcmd," + command.encode().hex())
        out = ""
        while (reply := self.receive()) != "OK":
            if reply.startswith("E"):
                raise RuntimeError(f"{command}: {reply}")
            out += bytes.fromhex(reply[1:]).decode()
        return out

    def run_to(self, address):
        if self.call(f"Z1,{address:x},1") != "OK":
            raise RuntimeError("no breakpoint")
        self.call("c")
        if self.call(f"z1,{address:x},1") != "OK":
            raise RuntimeError("no breakpoint to remove")

    def ticks(self):
        return int(re.search(r"= (0x[0-9a-f]+)", self.monitor(f"i /w {PM_TIMER:#x}"))[1], 16) & 0xFFFFFF


def symbol(elf, name):
    out = subprocess.run(["nm", elf], stdout=subprocess.PIPE, check=True).stdout.decode()
    return int(re.search(rf"^([0-9a-f]+) \w {name}$", out, re.M)[1], 16)


def instructions(image, archive, elf, extra=()):
    """From the 16-bit entry to the first read of the console behind the prompt."""
    folder = tempfile.mkdtemp(prefix="strata-cost-")
    serial, gdb_path = os.path.join(folder, "serial"), os.path.join(folder, "gdb")
    argv = ["qemu-system-x86_64", "-machine", "q35", "-cpu", "EPYC,+svm,+npt", "-smp", "1", "-m", "1g", "-no-reboot", "-S",
            "-accel", "tcg,thread=single", "-icount", "shift=0,sleep=on", "-rtc", "base=2026-01-01,clock=vm", "-seed", "1",
            "-display", "none", "-monitor", "none", "-net", "none", "-serial", f"file:{serial}",
            "-gdb", f"unix:{gdb_path},server=on,wait=off", "-kernel", image, "-initrd", archive, "-append", "console=ttyS0", *extra]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as qemu:
        try:
            while not os.path.exists(gdb_path):
                if qemu.poll() is not None:
                    sys.exit("boot_cost.py: QEMU does not start")
            gdb = Gdb(gdb_path)
            gdb.run_to(SETUP_ENTRY)
            begin = gdb.ticks()
            wait = symbol(elf, "console_ready")
            gdb.run_to(wait)
            while not at_prompt(serial):
                gdb.run_to(wait)
            end = gdb.ticks()
        finally:
            qemu.kill()
            qemu.wait()
            shutil.rmtree(folder, ignore_errors=True)
    return ((end - begin) & 0xFFFFFF) * 1000000000 // PM_HZ


def at_prompt(serial):
    with open(serial, "rb") as f:
        return b"strata> " in f.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="release")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    build = os.path.join(TREE, "build", args.config)
    print("| artifact | bytes |\n|---|---|")
    for path in args.files:
        size = os.path.getsize(path)
        print(f"| {os.path.relpath(path, build)} | {size:,} |")
    if args.instructions:
        n = instructions(f"{build}/strata", f"{build}/strata.cpio", f"{build}/strata.elf")
        print(f"\n{n:,} instructions from the 16-bit entry to the prompt (1 CPU, 1 GiB, uncompressed archive)")


if __name__ == "__main__":
    main()
