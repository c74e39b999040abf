// SPDX-License-Identifier: GPL-2.0-or-later
// An interrupt of a thread is a flag and a knock at the CPU that has the thread. Only there is it
// decided what the flag means: end a sleep, or have the running thread look before it goes on in
// ring 3 or in a guest. A knock that finds the thread gone to another CPU follows it.
#include "cpu/log.h"
#include "lib/errno.h"
#include "thread/sched.h"

static void (*interrupted_hook)(void); /* [I] after start */

void thread_set_interrupted_hook(void (*hook)(void))
{
	interrupted_hook = hook;
}

/* The knock takes a reference that it gives back when it has been answered. */
static void send_knock(struct thread *t)
{
	if (!__atomic_exchange_n(&t->knocking, 1, __ATOMIC_SEQ_CST))
		inbox_post_knock(thread_cpu(t), thread_get(t));
}

void thread_interrupt(struct thread *t)
{
	__atomic_store_n(&t->head.interrupted, 1, __ATOMIC_SEQ_CST);
	send_knock(t);
}

static void look_at(struct thread *t)
{
	if (!__atomic_load_n(&t->head.interrupted, __ATOMIC_SEQ_CST))
		return;
	if (t->state == THREAD_SLEEPING && t->interruptible)
		wait_claim(t, -EINTR);
	else if (t == thread_current())
		this_cpu()->resched |= RESCHED_INTERRUPTED;
}

void thread_answer_knock(struct thread *t)
{
	if (cpu_id_eq(thread_cpu(t), this_cpu_id()))
		look_at(t);
	else
		send_knock(t);
	thread_put(t);
}

void thread_clear_interrupt(void)
{
	__atomic_store_n(&thread_current()->head.interrupted, 0, __ATOMIC_SEQ_CST);
	this_cpu()->resched &= ~RESCHED_INTERRUPTED;
}

void thread_handle_interrupt(void)
{
	if (interrupted_hook)
		interrupted_hook();
	else
		thread_clear_interrupt();
}
