// SPDX-License-Identifier: GPL-2.0-or-later
// What other CPUs want of a CPU: threads to take, threads to look at, threads to give away. The
// first message into an empty inbox sends an IPI; what follows before the CPU has emptied it does
// not. It is emptied in one go, and handled with its lock released.
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "thread/log_who.h"
#include "thread/sched.h"

/* Locks: [x] its lock   [a] atomic, written with the lock */
struct inbox {
	struct lock lock;
	struct list_head threads; /* [x] by `arriving` */
	struct list_head knocks;  /* [x] by `knock` */
	bool steal;               /* [x] an idle CPU wants a thread */
	bool pending;             /* [a] there is something */
	bool watched;             /* [a] its CPU looks for itself: no IPI */
};
DEFINE_CPU_PUBLIC(struct inbox, inbox);

static const struct lock_class inbox_class = { "inbox", LOCK_RANK_INBOX };

void inbox_init_cpu(void)
{
	struct inbox *in = cpu_private(inbox);

	lock_init(&in->lock, &inbox_class);
	list_init(&in->threads);
	list_init(&in->knocks);
}

bool inbox_is_empty(void)
{
	return !__atomic_load_n(&cpu_private(inbox)->pending, __ATOMIC_ACQUIRE);
}

void inbox_watch(bool on)
{
	__atomic_store_n(&cpu_private(inbox)->watched, on, __ATOMIC_SEQ_CST);
}

static struct inbox *open(cpu_id_t cpu)
{
	struct inbox *in = cpu_public(inbox, cpu);

	lock_acquire(&in->lock);
	return in;
}

/*
 * `pending` was set before: either the CPU is seen to look, or it sees, when it has stopped to
 * look, that there is something.
 */
static bool is_watched(const struct inbox *in)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&in->watched, __ATOMIC_SEQ_CST);
}

static void close_and_tell(cpu_id_t cpu, struct inbox *in)
{
	bool was_pending = in->pending;

	__atomic_store_n(&in->pending, true, __ATOMIC_RELEASE);
	lock_release(&in->lock);
	/* There is no IPI to oneself: the next switch empties it, and it comes soon. */
	if (cpu_id_eq(cpu, this_cpu_id()))
		this_cpu()->resched |= RESCHED_SWITCH;
	else if (!was_pending && !is_watched(in))
		ipi_wake(cpu);
}

void inbox_post_thread(cpu_id_t cpu, struct thread *t)
{
	struct inbox *in = open(cpu);

	list_add_tail(&t->arriving, &in->threads);
	LLOG_LOCKED(&in->lock, LLOG_INBOX_POST, log_who(t), cpu.n, 0);
	balance_note_arriving(cpu);
	close_and_tell(cpu, in);
}

void inbox_post_knock(cpu_id_t cpu, struct thread *t)
{
	struct inbox *in = open(cpu);

	list_add_tail(&t->knock, &in->knocks);
	LLOG_LOCKED(&in->lock, LLOG_INBOX_KNOCK, (uint32_t)t->id, cpu.n, 0);
	close_and_tell(cpu, in);
}

void inbox_post_steal(cpu_id_t victim)
{
	struct inbox *in = open(victim);

	in->steal = true;
	close_and_tell(victim, in);
}

static void accept_all(struct list_head *threads)
{
	struct thread *t, *next;

	list_for_each_entry_safe (t, next, threads, arriving) {
		list_del(&t->arriving);
		LLOG_CPU(LLOG_INBOX_ACCEPT, log_who(t), 0);
		sched_accept(t);
	}
}

static void answer_all(struct list_head *knocks)
{
	struct thread *t, *next;

	list_for_each_entry_safe (t, next, knocks, knock) {
		list_del(&t->knock);
		LLOG_CPU(LLOG_INBOX_ANSWER, (uint32_t)t->id, 0);
		__atomic_store_n(&t->knocking, 0, __ATOMIC_SEQ_CST);
		thread_answer_knock(t);
	}
}

void inbox_drain(void)
{
	struct inbox *in = cpu_private(inbox);
	bool steal;
	LIST_HEAD(threads);
	LIST_HEAD(knocks);

	if (inbox_is_empty())
		return;
	lock_acquire(&in->lock);
	list_splice_tail(&in->threads, &threads);
	list_splice_tail(&in->knocks, &knocks);
	steal = in->steal;
	in->steal = false;
	balance_arrived();
	LLOG_LOCKED(&in->lock, LLOG_INBOX_EMPTIED, 0, this_cpu_id().n, 0);
	__atomic_store_n(&in->pending, false, __ATOMIC_RELEASE);
	lock_release(&in->lock);
	accept_all(&threads);
	answer_all(&knocks);
	/* It says in public that it is idle: balance_push finds it. */
	if (steal)
		this_cpu()->resched |= RESCHED_BALANCE;
}
