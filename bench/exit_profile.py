#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The instructions of one exit path, by function: exit_profile.py [--config release] OPERATION

The exit-cost guest repeats OPERATION as a VM under -icount; QEMU's log says every block that runs
(-singlestep: a block is one instruction; nochain: none goes unseen). Whole rounds, from one exit of
the guest to the next, are taken out of it, and one of the usual length is counted by function.
Instructions that cost far more than one on hardware are counted apart, by what they are.
"""
import argparse
import bisect
import collections
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(TREE, "tests"))
import archive  # noqa: E402
import harness  # noqa: E402

GUEST = os.path.join(harness.BUILD, "bench/exit.elf")
SOURCE = os.path.join(HERE, "exit/exit.c")
KERNEL_START = 0xffffffff80000000
EXPENSIVE = ("wrmsr", "rdmsr", "xsave", "xsavec", "xsaveopt", "xrstor", "fxsave", "fxrstor", "xsetbv", "xgetbv", "vmload", "vmsave",
             "vmrun", "stgi", "clgi", "invlpg", "invlpga", "lgdt", "lidt", "ltr", "iretq", "cpuid", "wrgsbase", "rdgsbase",
             "swapgs", "syscall", "sysret", "sysretq", "out", "in", "lfence", "rdtsc", "rdtscp", "verw")


def operations():
    with open(SOURCE, encoding="utf-8") as f:
        return re.findall(r'^\t\{ "([a-z0-9-]+)"', f.read(), re.M)


class Code:
    """Functions and expensive instructions of an ELF file, by address."""

    def __init__(self, path, prefix=""):
        if not os.path.exists(path):
            sys.exit(f"exit_profile: {path}: not there: run make profile-exit")
        self.starts, self.names, self.expensive = [], [], {}
        nm = subprocess.run(["nm", "-n", path], capture_output=True, text=True, check=True).stdout
        for line in nm.splitlines():
            fields = line.split()
            if len(fields) == 3 and fields[1] in "tTwW" and not fields[2].startswith(".L"):
                self.starts.append(int(fields[0], 16))
                self.names.append(prefix + fields[2])
        text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=True).stdout
        for address, insn, rest in re.findall(r"^\s*([0-9a-f]+):\t(\w+)\s*(.*)$", text, re.M):
            if insn in EXPENSIVE:
                self.expensive[int(address, 16)] = insn
            elif insn == "mov" and re.search(r"%[cd]r\d+$|%db\d+$", rest):
                self.expensive[int(address, 16)] = "mov to " + re.search(r"%(\w+)$", rest)[1]

    def function(self, address):
        at = bisect.bisect_right(self.starts, address)
        return self.names[at - 1] if at else hex(address)


def trace(operation, config, log, cpu=None, items="exec,nochain"):
    """Runs the guest and writes QEMU's log of some thousand instructions in the midst of it."""
    number = operations().index(operation)
    folder = os.path.dirname(log)
    with open(GUEST, "rb") as f:
        files = {"vms/exit.conf": archive.vm_conf("/guests/exit.elf", 1, "256M", f"only={number}"), "guests/exit.elf": f.read()}
    initrd = archive.extend(harness.image(config, "strata.cpio"), os.path.join(folder, "exit.cpio"), files)
    which = {"cpu": cpu} if cpu else {}
    with harness.Machine("profile-exit", config=config, smp=1, icount=True, initrd=initrd, extra=["-D", log], **which) as m:
        m.expect(re.escape("strata> "), timeout=60)
        m.send("vm start exit\rvm console exit\r")
        m.expect(rf"exit-cost: repeating {operation}", timeout=60)
        m.hmp("stop")
        m.hmp("singlestep on")
        m.hmp(f"log {items}")
        m.hmp("cont")
        while not os.path.exists(log) or os.path.getsize(log) < 8 << 20:
            if m.child.exitstatus is not None:
                m.fail("it ended while it was traced")
        m.hmp("stop")
        m.hmp("log none")


def addresses(log):
    with open(log, encoding="utf-8", errors="replace") as f:
        for line in f:
            match = re.match(r"Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", line)
            if match:
                yield int(match[1], 16)


def rounds(log, vmrun):
    """Lists of addresses, each from behind one VMRUN to the next."""
    out, current = [], None
    for address in addresses(log):
        if current is not None:
            current.append(address)
        if address == vmrun:
            if current is not None:
                out.append(current)
            current = []
    return out


def msr_writes(operation, cpu, config="release"):
    """What the kernel does to MSRs and buffers on the way from one VMRUN to the next: a list of (MSR, value) and "verw" for
    each round, and how many rounds have it. On QEMU's CPU model `cpu`."""
    kernel = Code(os.path.join(harness.BUILD, config, "strata.elf"))
    rounds_seen, current = collections.Counter(), None
    with tempfile.TemporaryDirectory(prefix="strata-profile-") as folder:
        log = os.path.join(folder, "log")
        trace(operation, config, log, cpu, "exec,cpu,nochain")
        with open(log, encoding="utf-8", errors="replace") as f:
            insn, registers = None, {}
            for line in f:
                if match := re.match(r"Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", line):
                    insn = kernel.expensive.get(int(match[1], 16))
                    if insn == "vmrun":
                        if current is not None:
                            rounds_seen[tuple(current)] += 1
                        current = []
                    elif insn == "verw" and current is not None:
                        current.append("verw")
                elif insn == "wrmsr" and current is not None and re.match(r"R[A-D]X=|RSI=", line):
                    registers.update((name, int(value, 16)) for name, value in re.findall(r"\b(R[ACD]X)=([0-9a-f]+)", line))
                    current.append((registers["RCX"], registers["RDX"] << 32 | registers["RAX"]))
                    insn = None
    return rounds_seen


def code_of(config):
    """Which code an address is of: the kernel's, the guest's (linked at 1 MiB) or else the VMM's."""
    kernel = Code(os.path.join(harness.BUILD, config, "strata.elf"))
    guest = Code(GUEST + "64", "guest:")
    vmm = Code(os.path.join(harness.BUILD, config, "user/bin/vmm.debug"), "vmm:")

    def find(address):
        if address >= KERNEL_START:
            return kernel
        return guest if 0x100000 <= address < 0x400000 else vmm
    return kernel, guest, find


def profile(operation, config="release"):
    """(instructions of the usual round, rounds seen, {function: instructions}, {expensive instruction: count}).

    The guest's own expensive instructions are not counted.
    """
    kernel, guest, find = code_of(config)
    with tempfile.TemporaryDirectory(prefix="strata-profile-") as folder:
        log = os.path.join(folder, "log")
        trace(operation, config, log)
        seen = [r for a, insn in kernel.expensive.items() if insn == "vmrun" for r in rounds(log, a)]
    if not seen:
        sys.exit("exit_profile: no exit in the trace")
    usual = collections.Counter(len(r) for r in seen).most_common(1)[0][0]
    chosen = next(r for r in seen if len(r) == usual)
    functions, expensive = collections.Counter(), collections.Counter()
    for address in chosen:
        code = find(address)
        functions[code.function(address)] += 1
        if code is not guest and address in code.expensive:
            expensive[code.expensive[address]] += 1
    return usual, len(seen), functions, expensive


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("operation")
    parser.add_argument("--config", default="release")
    args = parser.parse_args()
    if args.operation not in operations():
        sys.exit(f"exit_profile: {args.operation}: expected one of {', '.join(operations())}")
    usual, seen, functions, expensive = profile(args.operation, args.config)
    print(f"{args.operation}: {usual} instructions from one VMRUN to the next, guest included ({seen} rounds seen)")
    for name, count in functions.most_common():
        print(f"{count:6}  {name}")
    print("expensive: " + ", ".join(f"{name} {count}" for name, count in sorted(expensive.items())))


if __name__ == "__main__":
    main()
