#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""make smoke: Strata in QEMU with the demo VM, driven over the console; prints `smoke: ok`.

It waits for the guest's first user-level line, uses the guest's shell, detaches, stops the VM by its
power button, sees that guest memory came back, and powers the machine off.
"""
import argparse
import re
import sys
import time

from harness import Machine, MachineError

PROMPT = r"strata> "
BANNER = r"demo: user level reached, (\d+) CPUs"


def command(m, line, answer, timeout=20):
    """Type a command; the match of its answer, with the prompt behind it."""
    m.sendline(line)
    match = m.expect(answer, timeout)
    m.expect(PROMPT, timeout)
    return match


def guest_memory(m):
    return int(command(m, "mem", r"\nguests +(\d+) KiB")[1])


def drive(m):
    m.expect(PROMPT, 60)
    m.sendline("vm console demo")
    cpus = m.expect(BANNER, 90)[1]
    m.expect(r"demo# ", 30)
    m.sendline("echo sum $((6 * 7))")
    m.expect(r"sum 42", 20)
    m.send("\x1d")
    m.expect(r"\[detached\]", 10)
    m.expect(PROMPT, 10)
    command(m, "vm list", r"demo +running")
    running = guest_memory(m)
    if running < 256 * 1024:
        raise MachineError(f"mem shows {running} KiB of guests while a VM of 256 MiB runs")
    command(m, "vm stop demo", r"demo: stopped", 60)
    stopped = guest_memory(m)
    if stopped != 0:
        raise MachineError(f"{stopped} KiB of guest memory did not come back")
    m.sendline("poweroff")
    status = m.wait_exit(30)
    if status != 0:
        raise MachineError(f"QEMU ended with {status}")
    return int(cpus)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="release")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--mem", default="1g")
    parser.add_argument("--archive", required=True)
    args = parser.parse_args()
    begun = time.monotonic()
    if not re.fullmatch(r"\d+[mg]", args.mem):
        sys.exit(f"smoke: --mem {args.mem}: expected a number with m or g")
    try:
        with Machine("smoke", config=args.config, smp=args.cpus, mem=args.mem, initrd=args.archive, limit=300) as m:
            cpus = drive(m)
    except MachineError as e:
        sys.exit(f"smoke: {e}")
    print(f"smoke: ok ({args.config}, {args.cpus} CPUs, {args.mem}; the guest has {cpus} CPUs; "
          f"{time.monotonic() - begun:.0f} s)")


if __name__ == "__main__":
    main()
