# SPDX-License-Identifier: GPL-2.0-or-later
"""What Strata is to reach, as ratios of medians, and what is known of those that it does not reach."""

# (workload, metric): (over, under, at most, or for `higher` at least)
GOALS = {
    ("start", "start-and-end"): ("strata", "kvm", 0.1),
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
    ("start", "start-and-end"): "guest memory is allocated and zeroed when the VM is made: 43.6 of 48.3 million instructions for 256 MiB (with 16 MiB "
                                "4.7 million), three quarters of them steps of REP STOSQ; KVM's guest touches next to nothing of its memory",
    ("exit", "halt-timer-wake"): "probably that KVM arms its timer early by what it has learned and waits the rest out (lapic_timer_advance_ns); Strata programs the "
                                 "exact time and wakes the vCPU's thread after it",
    ("exit", "interrupt-latency"): "as halt-timer-wake",
    ("exit", "port-vmm-in"): "the session ends (VMSAVE, VMLOAD, STGI), vcpu_run returns to ring 3 and is called again",
    ("exit", "port-vmm-out"): "as port-vmm-in",
    ("exit", "x2apic-self-ipi"): "write, delivery, handler and EOI together: two exits and an injection",
    ("syscall", "getppid"): "one step of what perf prints (0.001 s of 0.098 s)",
}


# Exit costs have goals in instructions, not as ratios.
COUNTS = {
    "cpuid": 160, "vmmcall-unknown": 160, "tsc-adjust-read": 160, "tsc-adjust-write": 160, "port-kernel-in": 160,
    "port-kernel-out": 160, "port-vmm-in": 600, "port-vmm-out": 600, "x2apic-self-ipi": 600, "x2apic-eoi": 600,
}


def count_of(row):
    """The most that Strata is to take for a row's operation; None: no such goal."""
    return COUNTS.get(row["metric"]) if row["workload"] == "exit" else None


def goal_of(row):
    """(over, under, limit) of a row; by default to be no worse than KVM."""
    return GOALS.get((row["workload"], row["metric"]), ("strata", "kvm", 1))


def cause_of(row):
    return row.get("cause") or CAUSES.get((row["workload"], row["metric"]), "")
