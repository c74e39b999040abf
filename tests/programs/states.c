// SPDX-License-Identifier: GPL-2.0-or-later
// Moves a VM of two vCPUs as a whole: both are held still at a random moment, saved, and go on in a
// fresh VM over the same memory. The guest (tests/guests/smp.c) starts its second CPU and sends all
// kinds of interrupts between the two; one that is under way when they are held must arrive, once.
// `states: ok N moves`, or a line for each thing that is wrong.
#include <pthread.h>
#include <time.h>

#include "tests/programs/guest.h"

#define NR 2

#define COM1        0x3f8
#define END_PORT    0xf4
#define FW_SELECTOR 0x510
#define FW_DATA     0x511
#define PM_TIMER    0x608
#define PM_TIMER_HZ 3579545ull

const char program[] = "states";

struct smp_vm {
	struct test_vm t; /* with vCPU 0 */
	int vcpu[NR];
	struct vcpu_run *run[NR];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int hold;     /* so many vCPUs are to stand still, the last ones */
static int standing; /* how many do */
static int over;     /* the guest has ended, or something is wrong */

static struct smp_vm now; /* changes only while all stand */
static char text[8192];
static size_t text_len;
static long exit_code = -1;

static void end(void)
{
	pthread_mutex_lock(&lock);
	over = 1;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* ---- the machine's devices ---- */

static struct {
	const uint8_t *data;
	size_t size, next;
} item;

static void select_item(uint16_t number)
{
	static const uint8_t signature[] = { 'Q', 'E', 'M', 'U' }, id[] = { 1, 0, 0, 0 },
			     cpus[] = { NR, 0 };

	item.next = item.size = 0;
	switch (number) {
	case 0:
		item.data = signature;
		item.size = sizeof(signature);
		break;
	case 1:
		item.data = id;
		item.size = sizeof(id);
		break;
	case 5:
		item.data = cpus;
		item.size = sizeof(cpus);
		break;
	}
}

static uint32_t pm_timer(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint32_t)((uint64_t)ts.tv_sec * PM_TIMER_HZ +
			  (uint64_t)ts.tv_nsec * PM_TIMER_HZ / 1000000000);
}

static uint32_t port_in(uint16_t port)
{
	if (port == FW_DATA)
		return item.next < item.size ? item.data[item.next++] : 0;
	return port == PM_TIMER ? pm_timer() : 0xffffffff;
}

static void port_out(uint16_t port, uint32_t value)
{
	if (port == COM1 && text_len < sizeof(text) - 1)
		text[text_len++] = (char)value;
	else if (port == FW_SELECTOR)
		select_item((uint16_t)value);
	else if (port == END_PORT)
		exit_code = (long)value;
}

static void port_access(struct vcpu_run *run)
{
	pthread_mutex_lock(&lock);
	if (run->io.write)
		port_out(run->io.port, run->io.data);
	else
		run->io.data = port_in(run->io.port);
	pthread_mutex_unlock(&lock);
	if (exit_code >= 0)
		end();
}

/* ---- vCPUs ---- */

/* False: it is over. Else it is not to be held now. */
static int may_run(long vcpu)
{
	int go;

	pthread_mutex_lock(&lock);
	if (vcpu >= NR - hold && !over) {
		standing++;
		pthread_cond_broadcast(&changed);
		while (hold && !over)
			pthread_cond_wait(&changed, &lock);
		standing--;
		pthread_cond_broadcast(&changed);
	}
	go = !over;
	pthread_mutex_unlock(&lock);
	return go;
}

static void *run_vcpu(void *arg)
{
	long i = (long)arg;

	while (may_run(i)) {
		struct vcpu_run *run = now.run[i];
		long rc = call(SYS_VCPU_RUN, now.vcpu[i], 0, 0, 0);

		if (rc == -EINTR || (rc == 0 && run->exit_reason == VCPU_EXIT_INTR))
			continue;
		if (rc == 0 && run->exit_reason == VCPU_EXIT_IO && !run->io.string) {
			port_access(run);
			continue;
		}
		fail("exit", rc ? rc : (long)run->exit_reason);
		end();
	}
	return NULL;
}

static void kick_all(void)
{
	for (unsigned i = 0; i < NR; i++)
		call(SYS_VCPU_KICK, now.vcpu[i], 0, 0, 0);
}

/* ---- moving ---- */

static long create(struct smp_vm *s, int memory)
{
	long rc = test_vm_create(&s->t, memory, RAM);
	void *page;

	if (rc < 0)
		return rc;
	s->vcpu[0] = s->t.vcpu;
	s->run[0] = s->t.run;
	s->vcpu[1] = (int)call(SYS_VCPU_CREATE, s->t.vm, 1, 0, 0);
	if (s->vcpu[1] < 0)
		return s->vcpu[1];
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s->vcpu[1], 0);
	if (page == MAP_FAILED)
		return -errno;
	s->run[1] = page;
	return 0;
}

static void destroy(struct smp_vm *s)
{
	munmap(s->run[1], 4096);
	close(s->vcpu[1]);
	test_vm_destroy(&s->t);
}

static struct vcpu_state before[NR], after;

static long save(void)
{
	long rc = 0;

	for (unsigned i = 0; i < NR && rc == 0; i++)
		rc = call(SYS_VCPU_SYNC, now.vcpu[i], 0, 0, 0);
	for (unsigned i = 0; i < NR && rc == 0; i++)
		rc = call(SYS_VCPU_GET_STATE, now.vcpu[i], (long)&before[i], 0, 0);
	return rc;
}

static long restore(const struct smp_vm *to)
{
	long rc = 0;

	for (unsigned i = 0; i < NR && rc == 0; i++)
		rc = call(SYS_VCPU_SET_STATE, to->vcpu[i], (long)&before[i], 0, 0);
	for (unsigned i = 0; i < NR && rc == 0; i++) {
		rc = call(SYS_VCPU_GET_STATE, to->vcpu[i], (long)&after, 0, 0);
		compare(&before[i], &after);
	}
	return rc;
}

/* All stand still. */
static long move(void)
{
	struct smp_vm to;
	long rc = save();

	if (rc == 0)
		rc = create(&to, now.t.memory);
	if (rc == 0)
		rc = restore(&to);
	if (rc < 0)
		return rc;
	destroy(&now);
	now = to;
	return 0;
}

/* Whether so many stand; else it is over. */
static int hold_last(int n)
{
	int held;

	pthread_mutex_lock(&lock);
	hold = n;
	pthread_mutex_unlock(&lock);
	kick_all();
	pthread_mutex_lock(&lock);
	while (standing < n && !over)
		pthread_cond_wait(&changed, &lock);
	held = !over;
	pthread_mutex_unlock(&lock);
	return held;
}

static void pass(uint64_t ns)
{
	struct timespec ts = { 0, (long)ns };

	nanosleep(&ts, NULL);
}

/* What the first sends meanwhile to the others is not taken before the move. */
static int hold_all(uint64_t between)
{
	if (!hold_last(NR - 1))
		return 0;
	pass(between);
	return hold_last(NR);
}

static void let_go(void)
{
	pthread_mutex_lock(&lock);
	hold = 0;
	pthread_cond_broadcast(&changed);
	/* Else they could be counted as held the next time before they have run. */
	while (standing && !over)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static unsigned move_until_over(void)
{
	unsigned moves = 0;

	/* At first for long, until INIT and start-up wait. */
	while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
		long rc;

		if (!hold_all(moves ? random64() % 4000000 : 200000000))
			break;
		rc = move();
		if (rc < 0) {
			fail("move", rc);
			end();
		}
		moves++;
		let_go();
		pass(random64() % 4000000);
	}
	return moves;
}

int main(void)
{
	int memory = (int)call(SYS_MOBJ_CREATE, RAM, MOBJ_GUEST, 0, 0);
	uint8_t *ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	uint32_t entry = ram == MAP_FAILED ? 0 : load(ram, "/guests/smp.elf");
	pthread_t thread[NR];
	unsigned moves;

	if (!entry || create(&now, memory) < 0) {
		printf("states: cannot make the VM\n");
		return 1;
	}
	put_info(ram, "messages=50");
	if (start_at(now.vcpu[0], entry) < 0)
		fail("start", -1);
	for (long i = 0; i < NR; i++)
		pthread_create(&thread[i], NULL, run_vcpu, (void *)i);
	moves = move_until_over();
	kick_all();
	for (unsigned i = 0; i < NR; i++)
		pthread_join(thread[i], NULL);
	destroy(&now);
	text[text_len] = '\0';
	if (exit_code != 0 || !strstr(text, "smp: 13 passed, 0 failed"))
		fail(text, exit_code);
	if (failures)
		printf("states: %d failures\n", failures);
	else
		printf("states: ok %u moves\n", moves);
	return failures != 0;
}
