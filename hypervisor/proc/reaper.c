// SPDX-License-Identifier: GPL-2.0-or-later
// One kernel thread that buries ring-3 threads: it waits until each is off its stack, frees it, and
// tells the process. So when a process is announced as ended, no page of it is left.
#include "cpu/log.h"
#include "mem/kalloc.h"
#include "proc/uthread.h"

/* Locks: [q] queue.lock */
static struct {
	struct wait_queue queue;
	struct list_head dead; /* [q] struct uthread */
} reaper;

void reaper_push(struct uthread *u)
{
	wait_begin(&reaper.queue);
	list_add_tail(&u->node, &reaper.dead);
	wait_wake_locked(&reaper.queue, 1);
	wait_end(&reaper.queue);
}

static struct uthread *next_dead(void)
{
	struct uthread *u;

	for (;;) {
		wait_begin(&reaper.queue);
		u = list_first_entry_or_null(&reaper.dead, struct uthread, node);
		if (u != NULL) {
			list_del(&u->node);
			wait_end(&reaper.queue);
			return u;
		}
		(void)wait_sleep(&reaper.queue, WAIT_FOREVER, false);
	}
}

static void reaper_main(void *arg)
{
	(void)arg;
	for (;;) {
		struct uthread *u = next_dead();
		struct process *p = u->process;

		thread_join(u->thread);
		thread_put(u->thread);
		kfree(u);
		process_reaped(p);
		object_put(&p->object);
	}
}

void reaper_init(void)
{
	const struct thread_args args = {
		.name = "reaper",
		.entry = reaper_main,
		.container = kernel_container,
		.cpu = CPU_ID_NONE,
	};
	struct thread *t;

	wait_queue_init(&reaper.queue);
	list_init(&reaper.dead);
	t = thread_create(&args);
	if (t == NULL)
		fatal("strata: no memory for the reaper thread");
	thread_start(t);
	thread_put(t);
}
