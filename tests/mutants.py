# SPDX-License-Identifier: GPL-2.0-or-later
"""Planted bugs: what replay and exploration must find.

Each mutant changes one file of the kernel by exact text. The changed copy is compiled into build/mutants and linked with the
objects of the debug image (for the replay of its logical log) or of the explorer (tests/explore); the tree itself is not touched.
"""
import dataclasses
import os
import shlex
import subprocess

import harness

FOLDER = os.path.join(harness.BUILD, "mutants")


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    breaks: str     # the property that is lost
    file: str       # below hypervisor/
    old: str
    new: str
    explore: str = ""   # the first scenario (tests/explore/scenarios.c) that must fail
    replay: str = ""    # self-tests (prefix) or "channels" whose log must show it
    selftest: str = ""  # a self-test that must fail: what is no matter of order, but of how much
    smp: int = 1        # CPUs of the self-test's machine
    icount: int = 0     # as harness.Machine has it: what threads get is the same in each run
    hangs: bool = False  # the machine does not end by itself


MUTANTS = [
    # ---- vector registers ----
    Mutant("loan-ended-by-another", "what is lent is given back", "cpu/fpu.c",
           "\tif (f->owner != callee)\n\t\treturn;\n\tend_loan(f);\n\ttake_back(f, s);",
           "\tend_loan(f);\n\tif (f->owner == callee)\n\t\ttake_back(f, s);", selftest="fpu_random"),
    Mutant("lender-released-alone", "what is lent is given back", "cpu/fpu.c",
           "if (f->owner != s && f->lent != s) {", "if (f->owner != s) {", selftest="fpu_random"),
    Mutant("lender-not-told", "a state is in one CPU, or in memory", "cpu/fpu.c",
           "\tf->lent->cpu = -1;\n\tf->lent = NULL;", "\tf->lent = NULL;", selftest="fpu_random"),
    Mutant("owner-not-saved", "registers are kept", "cpu/fpu.c",
           "\t} else if (f->owner) {\n\t\tsave(f, f->owner);\n\t}\n", "\t}\n", selftest="fpu_random"),
    Mutant("loaded-without-its-xcr0", "XCR0 is its owner's", "cpu/fpu.c",
           "\tf->owner = s;\n\tuse_xcr0(f, s);\n}\n\n/* Before", "\tf->owner = s;\n}\n\n/* Before", selftest="fpu_random"),
    Mutant("xcr0-of-the-next", "XCR0 is its owner's", "cpu/fpu.c",
           "\tif (features.tcg_xsave)\n\t\tnote_xcr0(f, s);\n", "", selftest="fpu_xcr0"),
    Mutant("old-control-word", "registers are kept", "cpu/fpu.c",
           "if (features.xsave && !(*(const uint64_t *)(area + XSTATE_BV_OFFSET) & XCR0_X87))", "if (false)", selftest="fpu_call_of_one"),
    Mutant("callee-left-on-its-cpu", "a state is in one CPU, or in memory", "cpu/fpu.c",
           "\tfpu_fetch(callee);\n\tf = cpu_private(fpu);", "\tf = cpu_private(fpu);", selftest="fpu_random_on_two", smp=2),
    # ---- locks ----
    Mutant("ticket-twice", "mutual exclusion", "lock/lock.c",
           "__atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);",
           "__atomic_load_n(&l->next, __ATOMIC_RELAXED);\n"
           # Wide enough that a machine's run meets it, not only the explorer.
           "\tfor (volatile int i = 0; i < 2000; i++)\n\t\t;\n"
           "\t__atomic_store_n(&l->next, ticket + 1, __ATOMIC_RELAXED);",
           explore="ticket lock, 2 CPUs", replay="storm_ticket", hangs=True),
    Mutant("ticket-waits-once", "mutual exclusion", "lock/lock.c",
           "while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket)",
           "if (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket)",
           explore="ticket lock, 2 CPUs", replay="storm_ticket"),
    Mutant("ticket-freed-early", "mutual exclusion", "lock/lock.c",
           "if (serving != ticket)", "if (serving + 1 < ticket)",
           explore="ticket lock, 2 CPUs", replay="storm_ticket"),
    Mutant("try-keeps-its-ticket", "every acquire returns", "lock/lock.c",
           "if (!__atomic_compare_exchange_n(&l->next, &expected, serving + 1, false, __ATOMIC_ACQUIRE,\n"
           "\t\t\t\t\t __ATOMIC_RELAXED))",
           "if (__atomic_fetch_add(&l->next, 1, __ATOMIC_ACQUIRE) != expected)",
           explore="ticket lock, lock and 2 tries"),
    Mutant("mcs-hands-to-the-last", "first in, first out", "lock/mcs.c",
           "\t\tnext = __atomic_load_n(&node->next, __ATOMIC_ACQUIRE);\n\t\t__atomic_store_n",
           "\t\tnext = __atomic_load_n(&l->tail, __ATOMIC_ACQUIRE);\n\t\t__atomic_store_n",
           explore="MCS lock, 3 CPUs", replay="storm_mcs", hangs=True),
    Mutant("mcs-waits-too-late", "every acquire returns", "lock/mcs.c",
           "\tllog_lock_waits(l, me, ahead, LLOG_MCS);\n\t__atomic_store_n(&node_of(ahead)->next, me, __ATOMIC_RELEASE);",
           "\t__atomic_store_n(&node_of(ahead)->next, me, __ATOMIC_RELEASE);\n"
           "\t__atomic_store_n((uint32_t *)&node->waiting, 1, __ATOMIC_RELEASE);",
           explore="MCS lock, 2 CPUs"),
    Mutant("mcs-leaves-one-behind", "every acquire returns", "lock/mcs.c",
           "\twhile (!__atomic_load_n(&node->next, __ATOMIC_ACQUIRE))\n\t\tcpu_relax();\n\treturn false;",
           "\treturn !__atomic_load_n(&node->next, __ATOMIC_ACQUIRE);",
           explore="MCS lock, 2 CPUs"),
    Mutant("mcs-does-not-wait", "mutual exclusion", "lock/mcs.c",
           "while (__atomic_load_n(&node->waiting, __ATOMIC_ACQUIRE))\n\t\tlock_wait_step(l, &wait);",
           "if (__atomic_load_n(&node->waiting, __ATOMIC_ACQUIRE))\n\t\tlock_wait_step(l, &wait);",
           explore="MCS lock, 2 CPUs", replay="storm_mcs"),
    # ---- sleep and wakeup ----
    Mutant("sleep-after-unlock", "no lost wakeup", "thread/wait.c",
           "\tgo_to_sleep(t, q, deadline, interruptible);\n\tlock_release(&q->lock);",
           "\tlock_release(&q->lock);\n\tgo_to_sleep(t, q, deadline, interruptible);",
           explore="sleep and wakeup", replay="storm_wait"),
    Mutant("condvar-unlocks-first", "no lost wakeup", "thread/wait.c",
           "\twait_begin(&c->queue);\n\tLLOG_LOCKED(&c->queue.lock, LLOG_COND_WAIT, llog_lock_id(l), 0, 0);\n\tlock_release(l);",
           "\tlock_release(l);\n\twait_begin(&c->queue);\n\tLLOG_LOCKED(&c->queue.lock, LLOG_COND_WAIT, llog_lock_id(l), 0, 0);",
           explore="condition variable", replay="storm_condvar"),
    Mutant("wakes-the-last", "first in, first out", "thread/wait.c",
           "struct thread *t = list_first_entry(&q->waiters, struct thread, wait.link);",
           "struct thread *t = list_last_entry(&q->waiters, struct thread, wait.link);",
           replay="storm_wait"),
    Mutant("wakes-one-too-few", "no lost wakeup", "thread/wait.c",
           "for (; woken < n && !list_empty(&q->waiters); woken++) {",
           "for (; woken + 1 < n && !list_empty(&q->waiters); woken++) {",
           replay="storm_wait", hangs=True),
    Mutant("claimed-twice", "conservation of threads", "thread/wait.c",
           "mine = t->wait.queued;", "mine = true;", explore="time-out or wakeup"),
    Mutant("wakes-without-lock", "mutual exclusion", "thread/wait.c",
           "\tlock_acquire(&q->lock);\n\twoken = wait_wake_locked(q, n);\n\tlock_release(&q->lock);",
           "\twoken = wait_wake_locked(q, n);", explore="condition variable"),
    Mutant("knock-forgotten-in-the-buffer", "no lost wakeup (only under TSO)", "thread/inbox.c",
           "__atomic_store_n(&t->knocking, 0, __ATOMIC_SEQ_CST);",
           "__atomic_store_n(&t->knocking, 0, __ATOMIC_RELEASE);", explore="stale knock"),
    Mutant("join-not-told", "no lost wakeup", "thread/thread.c",
           "wait_wake_locked(&t->exited, UINT32_MAX);", "(void)0;", explore="end and join"),
    # ---- inbox ----
    Mutant("inbox-tells-nobody", "no lost wakeup", "thread/inbox.c",
           "else if (!was_pending && !is_watched(in))", "else if (was_pending && !is_watched(in))", explore="sleep and wakeup", replay="storm_interrupts", hangs=True),
    Mutant("inbox-marked-empty-late", "no lost wakeup", "thread/inbox.c",
           "\t__atomic_store_n(&in->pending, false, __ATOMIC_RELEASE);\n\tlock_release(&in->lock);",
           "\tlock_release(&in->lock);\n\t__atomic_store_n(&in->pending, false, __ATOMIC_RELEASE);",
           explore="two posts"),
    Mutant("inbox-last-first", "first in, first out", "thread/inbox.c",
           "list_add_tail(&t->arriving, &in->threads);", "list_add(&t->arriving, &in->threads);",
           replay="storm"),
    Mutant("inbox-loses-threads", "conservation of threads", "thread/inbox.c",
           "list_splice_tail(&in->threads, &threads);", "list_init(&in->threads);",
           explore="sleep and wakeup"),
    Mutant("inbox-unlocked", "mutual exclusion", "thread/inbox.c",
           "\tlock_acquire(&in->lock);\n\tlist_splice_tail(&in->threads, &threads);",
           "\tlist_splice_tail(&in->threads, &threads);\n\tlock_acquire(&in->lock);",
           explore="posts from two CPUs"),
    Mutant("watch-without-fence", "no lost wakeup (only under TSO)", "thread/inbox.c",
           "\t__atomic_thread_fence(__ATOMIC_SEQ_CST);\n", "", explore="two posts"),
    # ---- ready queue ----
    Mutant("last-runs-first", "order of the ready queue", "thread/sched.c",
           "struct ready_entry *e = ready_first(&rq->ready);\n\n\tif (!e)",
           "struct ready_entry *e = ready_last(&rq->ready);\n\n\tif (!e)", replay="storm_moving"),
    Mutant("yield-loses-the-thread", "conservation of threads", "thread/sched.c",
           "\t\tif (!next)\n\t\t\treturn running;\n\t\tmake_ready(rq, running);",
           "\t\tif (!next)\n\t\t\treturn running;\n\t\trunning->state = THREAD_READY;",
           replay="storm_moving", hangs=True),
    Mutant("moved-thread-looked-at", "conservation of threads", "thread/sched.c",
           "\telse if (previous && previous->state == THREAD_DEAD)", "\tif (previous && previous->state == THREAD_DEAD)",
           explore="move and end"),
    # ---- pages ----
    Mutant("page-given-twice", "conservation of pages", "mem/zone.c",
           "\tlist_remove(z, number);\n\twhile (from > order) {", "\twhile (from > order) {", replay="storm_pages", hangs=True),
    Mutant("pages-not-counted", "conservation of pages", "mem/zone.c",
           "\tz->free_pages -= 1u << order;", "\tz->free_pages -= 1u;", replay="storm_pages"),
    Mutant("zone-unlocked", "mutual exclusion", "mem/zone.c",
           "\tlock_acquire(&z->lock);\n\tfree_locked(z, node, (uint32_t)(pa >> PAGE_SHIFT), order);\n\tlock_release(&z->lock);",
           "\tfree_locked(z, node, (uint32_t)(pa >> PAGE_SHIFT), order);", replay="storm_pages"),
    # ---- channels ----
    Mutant("channel-last-first", "first in, first out", "proc/channel.c",
           "list_add_tail(&m->node, &to->messages);", "list_add(&m->node, &to->messages);", replay="channels"),
    Mutant("channel-line-from-the-end", "first in, first out", "proc/channel.c",
           "struct chan_waiter *w = list_first_entry(&e->senders, struct chan_waiter, node);",
           "struct chan_waiter *w = list_last_entry(&e->senders, struct chan_waiter, node);", replay="channels"),
    Mutant("channel-message-passes-a-receiver", "no lost wakeup", "proc/channel.c",
           "while (!list_empty(&to->receivers)) {", "while (false) {", replay="channels", hangs=True),
    # ---- calls and loans ----
    Mutant("call-answered-twice", "a call is over once", "proc/call.c",
           "\tlist_del(&c->node);\n\te->nr_calls--;\n\tloan_end(c->caller);\n\tlog_call(LLOG_CALL_CLOSED, e, c->id, result);",
           "\tlist_del(&c->node);\n\te->nr_calls--;\n\tloan_end(c->caller);\n\tlog_call(LLOG_CALL_CLOSED, e, c->id, result);\n"
           "\tif (result == 0)\n\t\tlog_call(LLOG_CALL_CLOSED, e, c->id, result);", replay="channels"),
    Mutant("loan-kept", "what is lent is given back", "thread/loan.c",
           "\tset_lent(to, b->lent - from->loan.weight);\n", "", replay="channels", selftest="call_carries"),
    Mutant("loan-not-taken-along", "what is lent is given back", "thread/loan.c",
           "\ttake_along(to, from->loan.weight);\n", "", replay="channels", selftest="call_refused"),
    Mutant("loan-of-the-own-alone", "no inversion through a chain", "thread/loan.c",
           "l->weight = l->offer + l->lent;", "l->weight = l->offer;", replay="channels", selftest="call_carries"),
    Mutant("no-loan", "no inversion across a channel", "proc/call.c",
           "\tloan_begin(c->caller, by);\n", "", selftest="call_carries"),
    Mutant("loan-without-the-place", "who calls gains nothing", "thread/loan.c",
           "\tsched_set_place(t->loan.place);\n", "", selftest="call_gains", icount=5),
]


def words():
    """The commands and objects of make's rules."""
    out = subprocess.run(["make", "-s", "CONFIG=debug", "mutant-words"], cwd=harness.TREE, check=True, timeout=900,
                         stdout=subprocess.PIPE).stdout.decode()
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)


def source(m):
    """The changed copy of the file."""
    with open(os.path.join(harness.TREE, "hypervisor", m.file), encoding="utf-8") as f:
        text = f.read()
    assert text.count(m.old) == 1, f"{m.name}: hypervisor/{m.file} has changed: its text is there {text.count(m.old)} times"
    path = os.path.join(FOLDER, m.name, "hypervisor", m.file)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(m.old, m.new))
    return path


def run(argv, what):
    p = subprocess.run(argv, cwd=harness.TREE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900, check=False)
    assert p.returncode == 0, f"{what}:\n{p.stdout.decode('utf-8', 'replace')}"


def compile_into(m, command, obj):
    os.makedirs(os.path.dirname(obj), exist_ok=True)
    run(shlex.split(command) + ["-Wno-error", "-I", os.path.join("hypervisor", os.path.dirname(m.file)), "-c", source(m),
                                "-o", obj], m.name)


def replaced(objects, old, new):
    assert old in objects, f"{old} is no object"
    return [new if o == old else o for o in objects]


def build_explorer(m, w):
    """The explorer with the changed file in place of the right one; its path."""
    base = os.path.basename(m.file)[:-2] + ".o"
    obj = os.path.join(FOLDER, m.name, "explored", base)
    compile_into(m, w["explore-cc"], obj)
    program = os.path.join(FOLDER, m.name, "explore")
    objects = replaced(w["explore-objects"].split(), f"build/explore/explored/{base}", obj)
    run(shlex.split(w["explore-link"]) + objects + ["-o", program], m.name)
    return program


def build_image(m, w):
    """The debug image with the changed file; its path."""
    name = f"build/debug/hypervisor/{m.file[:-2]}.o"
    obj = os.path.join(FOLDER, m.name, os.path.basename(name))
    compile_into(m, w["kernel-cc"], obj)
    out = "build/mutants/image"
    objects = " ".join(replaced(w["kernel-objects"].split(), name, obj))
    run(["make", "-s", "CONFIG=debug", f"O={out}", f"KERNEL_OBJS={objects}", f"{out}/strata"], m.name)
    return os.path.join(harness.TREE, out, "strata")
