# SPDX-License-Identifier: GPL-2.0-or-later
"""What Strata is to reach, as ratios of medians, and what is known of those that it does not reach."""

# (workload, metric): (over, under, at most, or for `higher` at least)
GOALS = {
    ("start", "start-and-end"): ("strata", "kvm", 0.1),
    ("create", "first-instruction"): ("strata", "kvm", 0.1),
    ("ipi", "ipi-halted"): ("strata", "kvm", 0.5),
    ("ipi", "ipi-both-halted"): ("strata", "kvm", 0.5),
    ("ipi-one-cpu", "ipi-both-halted"): ("strata", "kvm", 0.5),
    ("exit", "halt-timer-wake"): ("strata", "kvm", 0.5),
    ("build", "untar"): ("strata", "bare", 1.01),
    ("build", "compile"): ("strata", "bare", 1.01),
    ("syscall", "getppid"): ("strata", "bare", 1.01),
    ("memory", "stream"): ("strata", "bare", 0.99),
    ("memory", "memcpy"): ("strata", "bare", 0.99),
    ("memory", "random-4k"): ("strata", "bare", 1.01),
    ("fio", "randread-4k-1"): ("strata", "kvm", 2),
    ("fio", "randread-4k-32"): ("strata", "kvm", 2),
}

CAUSES = {
    ("exit", "x2apic-self-ipi"): "write, delivery, handler and EOI together: two exits and an injection",
    ("sched", "pipe"): "by docs/bench/profile-pipe.txt: reading kvmclock is 19 instructions longer than reading the TSC, four times a switch, on KVM too; "
                       "in QEMU 7.2 KVM's guest has no XSAVE, whose FXSAVE and FXRSTOR save it 41 a switch",
    ("sched", "messaging"): "chance of which run is measured: in one boot KVM had 0.436 to 0.447 s, Strata 0.438 to 0.440 (docs/bench/README.md); "
                            "kvmclock's reading, as in pipe, is what both have over the bare machine",
    ("overcommit", "messaging"): "what the other VM does meanwhile counts: on Strata one VM's fell whole into the other's work (0.995 s, the other's 0.522 s; alone, "
                                 "in smp2, 0.43), while both VMs came to their end in 4.0 s, on KVM in 5.3 (docs/bench/README.md)",
    ("memory", "stream"): "1 to 4 ms of something not found, in one run of seven; the others have 0.999 of bare machine, by 42 ticks (docs/bench/README.md)",
    ("syscall", "getppid"): "one step of what perf prints (0.001 s of 0.098 s)",
}


# What has its goal in the row's own unit.
COUNTS = {("exit", name): 160 for name in ("cpuid", "vmmcall-unknown", "tsc-adjust-read", "tsc-adjust-write", "port-kernel-in", "port-kernel-out")}
COUNTS.update({("exit", name): 600 for name in ("port-vmm-in", "port-vmm-out", "x2apic-self-ipi", "x2apic-eoi")})
COUNTS["create", "memory-beside"] = 2048

DECODES = "KVM fetches and decodes the instruction: the emulator has no next-RIP save"
NOTES = {("exit", name): DECODES for name in ("cpuid", "vmmcall-unknown", "tsc-adjust-read", "tsc-adjust-write", "x2apic-eoi")}
NOTES.update({
    ("exit", "touch-4k"): "Strata clears 2 MiB at the first touch",
    ("boot", "boot"): "bare: firmware and a PC's devices included",
    ("create", "memory-beside"): "KVM: anonymous memory of QEMU's process alone; Strata: all that is charged for the VM, kernel included",
    ("create", "first-instruction"): "KVM: until its first output has come; Strata: with tracing on, the reading of the command included",
})


def count_of(row):
    """The most that Strata is to have of a row's unit; None: no such goal."""
    return COUNTS.get((row["workload"], row["metric"]))


def note_of(row):
    return row.get("note") or NOTES.get((row["workload"], row["metric"]), "")


def goal_of(row):
    """(over, under, limit) of a row; by default to be no worse than KVM."""
    return GOALS.get((row["workload"], row["metric"]), ("strata", "kvm", 1))


def cause_of(row):
    return row.get("cause") or CAUSES.get((row["workload"], row["metric"]), "")
