// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's own measures, each with threads of its own that stay where they are put: what ring 3
// cannot place or repeat by itself. A measure is a row; it runs `rounds` of an operation and says
// how long that took.
#include "cpu/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "mem/page.h"
#include "proc/channel.h"
#include "proc/native.h"
#include "proc/process.h"
#include "proc/user.h"

#define ROUNDS_MAX  100000u
#define THREADS_MAX 64u
#define LOCKERS_MAX 16u /* CPUs at one lock */
#define NS_PER_MS   1000000ull
#define WORK_LOOPS  200u              /* between two looks for interrupts */
#define NAP_NS      1100000ull        /* no part of a slice */
#define SETTLE_NS   (200 * NS_PER_MS) /* in which queues forget what was before */

static const struct lock_class ticket_class = { "bench ticket", LOCK_RANK_OBJECT };
static const struct lock_class mcs_class = { "bench mcs", LOCK_RANK_OBJECT | LOCK_MCS };

/* Locks: [I] immutable   [a] atomic   [o] the thread with that number */
struct bench {
	uint32_t rounds;           /* [I] */
	uint32_t nr_threads;       /* [I] */
	uint32_t ready;            /* [a] threads that stand at the line */
	uint32_t left;             /* [a] */
	uint64_t order;            /* [I] */
	struct lock lock;          /* what is measured */
	struct wait_queue queue;   /* the same */
	struct object *ends[2];    /* [I] */
	struct wait_queue finish;  /* who waits for the end */
	uint32_t finished;         /* [finish.lock] */
	uint64_t until;            /* [a] when all stop; 0: nobody has begun */
	uint32_t over;             /* [a] the first has done its rounds */
	bool weighted;             /* [I] every second thread has twice the weight */
	uint64_t own[THREADS_MAX]; /* [o] ns that each took */
	int error;                 /* [a] */
	struct bench_result result;
	struct bench_result late; /* [o] thread 0's */
	struct bench_thread {
		struct bench *b;                          /* [I] */
		void (*run)(struct bench *b, uint32_t n); /* [I] */
		struct thread *thread;                    /* [I] */
		uint32_t n;                               /* [I] */
		uint32_t done;                            /* [a] rounds of a lock */
	} __aligned(64) threads[THREADS_MAX];
};

/* ---- threads that begin together ---- */

static void line_up(struct bench *b)
{
	__atomic_fetch_add(&b->ready, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&b->ready, __ATOMIC_ACQUIRE) < b->nr_threads) {
		preempt_point();
		thread_yield();
		cpu_relax();
	}
}

static void say_finished(struct bench *b)
{
	wait_begin(&b->finish);
	b->finished++;
	wait_wake_locked(&b->finish, 1);
	wait_end(&b->finish);
}

static void bench_thread(void *arg)
{
	const struct bench_thread *t = arg;
	uint64_t start;

	line_up(t->b);
	start = time_now();
	t->run(t->b, t->n);
	if (t->b->until == 0)
		t->b->own[t->n] = time_now() - start;
	say_finished(t->b);
}

static uint32_t weight_of(uint32_t n)
{
	return 1 + n % 2;
}

static int start_thread(struct bench *b, uint32_t n, cpu_id_t cpu,
			void (*run)(struct bench *b, uint32_t n))
{
	struct bench_thread *t = &b->threads[n];
	const struct thread_args args = {
		.name = "bench",
		.entry = bench_thread,
		.arg = t,
		.container = kernel_container,
		.cpu = cpu,
		.pinned = !cpu_id_eq(cpu, CPU_ID_NONE),
	};

	t->b = b;
	t->n = n;
	t->run = run;
	t->thread = thread_create(&args);
	if (!t->thread)
		return -ENOMEM;
	if (b->weighted)
		thread_set_weight(t->thread, THREAD_WEIGHT_DEFAULT * weight_of(n));
	return 0;
}

#define ANYWHERE UINT32_MAX

static cpu_id_t place(uint32_t n, uint32_t spread)
{
	return spread == ANYWHERE ? CPU_ID_NONE : CPU_ID(n * spread % cpu_count());
}

static void summarize(struct bench *b)
{
	struct bench_result *r = &b->result;

	r->threads = b->nr_threads;
	r->rounds = b->rounds;
	r->least_ns = UINT64_MAX;
	for (uint32_t i = 0; i < b->nr_threads; i++) {
		r->most_ns = MAX(r->most_ns, b->own[i]);
		r->least_ns = MIN(r->least_ns, b->own[i]);
		r->sum_ns += b->own[i];
	}
}

/* Threads 0..nr-1, on the CPUs from 0 on, `spread` apart, or ANYWHERE; all or none run. */
static int run_threads(struct bench *b, uint32_t nr, uint32_t spread,
		       void (*run)(struct bench *b, uint32_t n))
{
	int err = 0;

	b->nr_threads = nr;
	wait_queue_init(&b->finish);
	for (uint32_t i = 0; i < nr && err == 0; i++)
		err = start_thread(b, i, place(i, spread), run);
	for (uint32_t i = 0; i < nr && err == 0; i++)
		thread_start(b->threads[i].thread);
	for (uint32_t i = 0; i < nr; i++) {
		struct thread *t = b->threads[i].thread;

		if (t && err == 0)
			thread_join(t);
		if (t)
			thread_put(t);
	}
	summarize(b);
	return err ? err : b->error;
}

/* ---- locks ---- */

static void take_lock(struct bench *b, uint32_t n)
{
	(void)n;
	for (uint32_t i = 0; i < b->rounds; i++) {
		lock_acquire(&b->lock);
		lock_release(&b->lock);
	}
}

/* By the first that has done its rounds: how far the last one is behind. */
static void note_behind(struct bench *b)
{
	for (uint32_t i = 0; i < b->nr_threads; i++) {
		uint32_t done = __atomic_load_n(&b->threads[i].done, __ATOMIC_RELAXED);

		b->result.behind = MAX(b->result.behind, b->rounds - done);
	}
}

static void contend(struct bench *b, uint32_t n)
{
	for (uint32_t i = 0; i < b->rounds; i++) {
		lock_acquire(&b->lock);
		cpu_relax();
		lock_release(&b->lock);
		__atomic_store_n(&b->threads[n].done, i + 1, __ATOMIC_RELAXED);
	}
	if (!__atomic_exchange_n(&b->over, 1, __ATOMIC_ACQ_REL))
		note_behind(b);
}

static int bench_lock(struct bench *b, const struct lock_class *class, uint64_t cpus)
{
	if (cpus < 1 || cpus > MIN(cpu_count(), LOCKERS_MAX))
		return -EINVAL;
	lock_init(&b->lock, class);
	return run_threads(b, (uint32_t)cpus, 1, cpus == 1 ? take_lock : contend);
}

static int bench_ticket(struct bench *b, uint64_t cpus)
{
	return bench_lock(b, &ticket_class, cpus);
}

static int bench_mcs(struct bench *b, uint64_t cpus)
{
	return bench_lock(b, &mcs_class, cpus);
}

/* ---- channel: a message there and one back ---- */

static int send_one(struct object *end)
{
	struct message *m = message_create(kernel_container, 8);
	int err;

	if (!m)
		return -ENOMEM;
	err = channel_send(end, m, WAIT_FOREVER);
	if (err)
		message_free(m);
	return err;
}

static int receive_one(struct object *end)
{
	struct message *m;
	int err = channel_receive(end, CHAN_MSG_MAX, 0, WAIT_FOREVER, &m);

	if (err == 0)
		message_free(m);
	return err;
}

static void ping_or_pong(struct bench *b, uint32_t n)
{
	int err = 0;

	for (uint32_t i = 0; i < b->rounds && err == 0; i++) {
		err = n == 0 ? send_one(b->ends[0]) : receive_one(b->ends[1]);
		if (err == 0)
			err = n == 0 ? receive_one(b->ends[0]) : send_one(b->ends[1]);
	}
	if (err) {
		__atomic_store_n(&b->error, err, __ATOMIC_RELAXED);
		thread_interrupt(b->threads[!n].thread);
	}
}

static int bench_channel(struct bench *b, uint64_t apart)
{
	int err;

	if (apart > 1)
		return -EINVAL;
	err = channel_create(kernel_container, 1, b->ends);
	if (err)
		return err;
	err = run_threads(b, 2, (uint32_t)apart, ping_or_pong);
	object_put(b->ends[0]);
	object_put(b->ends[1]);
	return err;
}

/* ---- switch and wakeup ---- */

static void yield_to_each_other(struct bench *b, uint32_t n)
{
	(void)n;
	for (uint32_t i = 0; i < b->rounds; i++)
		thread_yield();
}

static int bench_switch(struct bench *b, uint64_t none)
{
	return none ? -EINVAL : run_threads(b, 2, 0, yield_to_each_other);
}

/* Two threads wake each other in turn: `left` says whose turn it is. */
static void wake_in_turn(struct bench *b, uint32_t n)
{
	for (uint32_t i = 0; i < b->rounds; i++) {
		wait_begin(&b->queue);
		while (b->left % 2 != n) {
			wait_sleep(&b->queue, WAIT_FOREVER, false);
			wait_begin(&b->queue);
		}
		b->left++;
		wait_wake_locked(&b->queue, 1);
		wait_end(&b->queue);
	}
}

static int bench_wakeup(struct bench *b, uint64_t apart)
{
	if (apart > 1)
		return -EINVAL;
	wait_queue_init(&b->queue);
	return run_threads(b, 2, (uint32_t)apart, wake_in_turn);
}

/* ---- pages ---- */

static void allocate_pages(struct bench *b, uint32_t n)
{
	(void)n;
	for (uint32_t i = 0; i < b->rounds; i++) {
		phys_t pa =
			page_alloc(kernel_container, (unsigned)b->order, PAGE_KERNEL, 0, NODE_ANY);

		if (!pa) {
			b->error = -ENOMEM;
			return;
		}
		page_free(pa, (unsigned)b->order);
	}
}

static int bench_page(struct bench *b, uint64_t order)
{
	if (order > PAGE_ORDER_2M)
		return -EINVAL;
	b->order = order;
	return run_threads(b, 1, 1, allocate_pages);
}

/* ---- fairness, and how late a thread runs ---- */

/* A piece of computing with little in it that others wait for: an emulator that runs its CPUs in
 * turns goes on to the next one at the end. */
static void work(void)
{
	for (volatile uint32_t i = 0; i < WORK_LOOPS; i++)
		;
	cpu_relax();
	preempt_point();
}

/* The moment that the first to ask has set, `ns` from then on. */
static uint64_t common_moment(uint64_t *moment, uint64_t ns)
{
	uint64_t mine = time_now() + ns, set = 0;

	return __atomic_compare_exchange_n(moment, &set, mine, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE)
		       ? mine
		       : set;
}

static void work_until(uint64_t end)
{
	while (time_now() < end)
		work();
}

/* Computes, first for a while that does not count, and notes how long it ran. */
static void compute(struct bench *b, uint32_t n)
{
	uint64_t length = b->rounds * NS_PER_MS * MAX(b->nr_threads, cpu_count()) / cpu_count();
	uint64_t end = common_moment(&b->until, SETTLE_NS + length), begun;

	work_until(end - length);
	begun = thread_run_time(thread_current());
	work_until(end);
	b->own[n] = thread_run_time(thread_current()) - begun;
	if (b->weighted)
		b->own[n] /= weight_of(n);
}

static int bench_fair(struct bench *b, uint64_t threads)
{
	if (threads < 1 || threads > THREADS_MAX)
		return -EINVAL;
	return run_threads(b, (uint32_t)threads, ANYWHERE, compute);
}

static int bench_fair_weights(struct bench *b, uint64_t threads)
{
	b->weighted = true;
	return bench_fair(b, threads);
}

static void nap(struct bench *b)
{
	uint64_t due = time_now() + NAP_NS, late;
	struct bench_result *r = &b->late;

	(void)thread_sleep_until(due, false);
	late = time_now() - due;
	r->most_ns = MAX(r->most_ns, late);
	r->least_ns = MIN(r->least_ns, late);
	r->sum_ns += late;
}

static void nap_or_compute(struct bench *b, uint32_t n)
{
	if (n > 0) {
		while (!__atomic_load_n(&b->over, __ATOMIC_RELAXED))
			work();
		return;
	}
	b->late.least_ns = UINT64_MAX;
	/* Until each of the others has had a slice. */
	(void)thread_sleep_until(time_now() + 5 * NS_PER_MS * b->nr_threads, false);
	for (uint32_t i = 0; i < b->rounds; i++)
		nap(b);
	__atomic_store_n(&b->over, 1, __ATOMIC_RELAXED);
}

static int bench_latency(struct bench *b, uint64_t threads)
{
	int err;

	if (threads < 1 || threads > THREADS_MAX)
		return -EINVAL;
	err = run_threads(b, (uint32_t)threads, ANYWHERE, nap_or_compute);
	b->result.least_ns = b->late.least_ns;
	b->result.most_ns = b->late.most_ns;
	b->result.sum_ns = b->late.sum_ns;
	return err;
}

/* ---- the call ---- */

static int (*const measures[])(struct bench *b, uint64_t arg) = {
	[BENCH_TICKET_LOCK] = bench_ticket, [BENCH_MCS_LOCK] = bench_mcs,
	[BENCH_CHANNEL] = bench_channel,    [BENCH_SWITCH] = bench_switch,
	[BENCH_WAKEUP] = bench_wakeup,      [BENCH_PAGE] = bench_page,
	[BENCH_FAIR] = bench_fair,          [BENCH_FAIR_WEIGHTS] = bench_fair_weights,
	[BENCH_LATENCY] = bench_latency,
};

int64_t sys_bench(const struct syscall_args *a)
{
	uint64_t what = a->arg[0], rounds = a->arg[2];
	struct bench_result r;
	struct bench *b;
	int err;

	if (!process_is_admin())
		return -EPERM;
	if (what >= ARRAY_SIZE(measures) || rounds < 1 || rounds > ROUNDS_MAX)
		return -EINVAL;
	b = kalloc(kernel_container, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->rounds = (uint32_t)rounds;
	err = measures[what](b, a->arg[1]);
	r = b->result;
	kfree(b);
	return err ? err : USER_PUT(a->arg[3], &r);
}
