# SPDX-License-Identifier: GPL-2.0-or-later
"""What mC2 has, row by row, where it is here, and what shows it: the source of docs/certikos.md.

Evidence is `kind:name`; tests/test_certikos.py runs the first five kinds and looks up the sixth:
    selftest   a test of the debug kernel                program   a line of tests/programs/certikos.c
    explore    a scenario of tests/explore               replay    a kind of event in the logical log, replayed
    make       a target                                  test      a pytest, FILE::NAME, that make check runs
"""

SYSTEM = [
    ("concurrent kernel and hypervisor, shared-memory multiprocessor, fine-grained locks", "`hypervisor/`; lock order in `hypervisor/README.md`",
     ["selftest:storm_moving_threads", "selftest:lock_order_violation", "test:tests/test_guests_vm.py::test_as_vms"]),
    ("layers: machine, CPU-local, lock, memory, thread, process, trap, virtualization", "a folder each in `hypervisor/`", ["make:layer-check"]),
    ("I/O concurrency, multi-threading, multiprocessor", "interrupts, threads and CPUs at once: sleeps with time-outs, wakeups, interrupts",
     ["selftest:storm_wait_queue", "selftest:storm_interrupts"]),
    ("ticket lock: a ticket by fetch-and-increment, then wait for now-serving", "`lock/lock.c`", ["selftest:storm_ticket_lock", "explore:ticket lock, 2 CPUs"]),
    ("MCS lock, behind the same interface", "`lock/mcs.c`; chosen by lock class", ["selftest:storm_mcs_lock", "selftest:lock_mcs_states", "explore:MCS lock, 3 CPUs"]),
    ("mutual exclusion: tickets are unique while CPUs are below the counter's range", "`lock/lock_selftest.c`, statically and across the wrap",
     ["selftest:lock_tickets_wrap", "explore:ticket lock, 3 CPUs"]),
    ("liveness: every acquire returns", "no schedule ends in a deadlock or without end; who joins the line has at most the other CPUs ahead",
     ["explore:MCS lock, lock and 2 tries", "replay:lock: waits"]),
    ("push/pull: shared memory has one owner between acquire and release", "`lock/lock_debug.c`; `lock/spec/lock_spec.c`; lock keys at every field",
     ["selftest:lock_wrong_release", "selftest:lock_held_where_none_may_be", "replay:lock: taken"]),
    ("logical log, replayed against sequential specifications", "`lock/llog.h`, `hypervisor/*/spec/`, `tests/replay`",
     ["replay:lock: freed", "replay:wakeup", "replay:zone: alloc", "test:tests/test_mutants.py::test_replayed"]),
    ("hardware scheduler: all interleavings", "`tests/explore`: under x86-TSO, by partial-order reduction", ["explore:sleep and wakeup", "test:tests/test_mutants.py::test_explored"]),
    ("CPU-local and thread-local machines: private state without locks", "`DEFINE_CPU_PRIVATE` (`cpu/cpu.h`): no function reaches another CPU's",
     ["selftest:thread_runs_where_it_was_put", "selftest:thread_switch_keeps_registers_and_stack"]),
    ("shared queues, enq and deq; a ready queue for each CPU", "`thread/ready.c`, `thread/inbox.c`",
     ["replay:made ready", "replay:runs", "replay:posted", "replay:accepted", "explore:two posts"]),
    ("scheduler: yield, sleep, wakeup, context switch", "`thread/sched.c`, `thread/wait.c`, `thread/switch.S`",
     ["selftest:thread_yield_takes_turns", "selftest:wait_no_wakeup_is_lost_between_cpus", "explore:two sleepers, one wakeup"]),
    ("condition variables, also with a bounded wait", "`thread/wait.c`", ["selftest:storm_condvar", "selftest:condvar_times_out_with_the_lock", "explore:condition variable"]),
    ("a caller's weight goes with its call", "`thread/loan.c`, `proc/call.c`",
     ["program:chan_call", "selftest:call_carries_the_callers_weight", "selftest:call_gains_no_time", "selftest:call_refused_in_a_chain", "replay:loan: given", "replay:loan: less",
      "replay:loan: taken back"]),
    ("IPC, synchronous and asynchronous", "`proc/channel.c`", ["program:chan_synchronous", "program:chan_asynchronous", "test:tests/test_llog.py::test_channels"]),
    ("correctness and liveness of system calls: they return", "each is bounded, or sleeps with a limit and can be interrupted",
     ["program:chan_wait", "program:thread_sleep", "selftest:wait_is_interrupted", "test:tests/test_programs.py::test_torture"]),
    ("mC2 is comparable with KVM", "`bench/`; the verb `bench` for the kernel's small operations", ["test:tests/test_bench_verb.py::test_instructions"]),
    ("trusted or left out there: boot loader, sequential consistency", "starts from any loader; explored under TSO",
     ["test:tests/test_boot_entry.py::test_64_bit_entry", "test:tests/test_efi.py::test_ovmf_kernel", "explore:stale knock"]),
]

CALLS = [
    ("thread_wakeup", "`thread_wakeup`", ["program:thread_wakeup"]),
    ("thread_kill", "`thread_kill`", ["program:thread_kill"]),
    ("thread_sleep", "`thread_sleep`", ["program:thread_sleep"]),
    ("thread_yield, sys_yield", "Linux `sched_yield`", ["program:sched_yield"]),
    ("pt_read", "`as_query`", ["program:as_query"]),
    ("get_uctx, set_uctx", "`thread_get_context`, `thread_set_context`", ["program:thread_context"]),
    ("palloc, free", "Linux `mmap`, `munmap`, charged to the container", ["program:mmap"]),
    ("cid_get", "Linux `getcpu`; `self`", ["program:self"]),
    ("sys_chan_send, sys_chan_recv", "`chan_send`, `chan_recv`", ["program:chan_asynchronous", "program:chan_synchronous"]),
    ("sys_chan_wait, sys_chan_check", "`chan_wait`, `chan_check`", ["program:chan_wait"]),
    ("sys_proc_create", "`proc_spawn`", ["program:proc_spawn"]),
    ("vmcbinit", "`vm_create`, `vcpu_create`", ["program:vm_create"]),
    ("sys_run, vm_exit", "`vcpu_run`", ["program:vcpu_run"]),
    ("sys_get_exit_reason, sys_get_eip, sys_get_exit_io_width/port/rep/str/write/eip", "fields of the run page", ["program:run_page_exit"]),
    ("sys_check_shadow, sys_check_pending_event", "`ready_for_irq` of the run page", ["program:run_page_pending"]),
    ("sys_inject", "`vcpu_inject`", ["program:vcpu_inject"]),
    ("sys_set_intcept_int", "`request_irq_window` of the run page", ["program:run_page_window"]),
    ("sys_set_seg, sys_reg_get, sys_reg_set", "`vcpu_get_state`, `vcpu_set_state`", ["program:vcpu_state"]),
    ("sys_sync", "`vcpu_sync`", ["program:vcpu_sync"]),
    ("sys_npt_instr", "`vm_map`, `vm_unmap`", ["program:vm_map"]),
    ("pagefault_handler", "demand paging; a fault of its own ends the program with a message", ["program:page_fault"]),
]


def evidence(kind):
    """The names of one kind."""
    return sorted({e.split(":", 1)[1] for _, _, shown in SYSTEM + CALLS for e in shown if e.startswith(kind + ":")})


def table(rows):
    yield "| mC2 | here | shown by |"
    yield "|---|---|---|"
    for name, where, shown in rows:
        yield f"| {name} | {where} | {', '.join(f'`{e}`' for e in shown)} |"


def document():
    lines = ["# mC2, row by row", "",
             "Made by `tests/test_certikos.py`, which runs what is named here (`selftest`, `program`, `explore`, `replay`, `make`) and fails",
             "when one of them does, or when this file is not what it made (`build/certikos.md`). `test` names tests of `make check`.", "",
             "## The system", "", *table(SYSTEM), "", "## The system-call layer", "", *table(CALLS), ""]
    return "\n".join(lines)
