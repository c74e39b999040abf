// SPDX-License-Identifier: GPL-2.0-or-later
// Saves a vCPU at random moments and goes on with it in a fresh VM over the same memory: the guest
// (tests/guests/sum.c) computes a sum that it knows, with timers, interrupts and NMIs coming in,
// and must not notice. `state: ok N moves`, or a line for each thing that is wrong.
#include <pthread.h>
#include <time.h>

#include "tests/programs/guest.h"

#define COM1     0x3f8
#define END_PORT 0xf4
#define ROUNDS   "rounds=120"

const char program[] = "state";
static char text[8192];
static size_t text_len;
static long exit_code = -1;
static volatile int kicked_fd = -1, over;

/* ---- moving ---- */

static void move(struct test_vm *from)
{
	static struct vcpu_state before, after;
	struct test_vm to;
	long rc = call(SYS_VCPU_SYNC, from->vcpu, 0, 0, 0);

	if (rc == 0)
		rc = call(SYS_VCPU_GET_STATE, from->vcpu, (long)&before, 0, 0);
	if (rc == 0)
		rc = test_vm_create(&to, from->memory, RAM);
	if (rc == 0)
		rc = call(SYS_VCPU_SET_STATE, to.vcpu, (long)&before, 0, 0);
	if (rc == 0)
		rc = call(SYS_VCPU_GET_STATE, to.vcpu, (long)&after, 0, 0);
	if (rc < 0) {
		fail("move", rc);
		over = 1;
		return;
	}
	compare(&before, &after);
	test_vm_destroy(from);
	*from = to;
	__atomic_store_n(&kicked_fd, to.vcpu, __ATOMIC_SEQ_CST);
}

static void *kick(void *arg)
{
	(void)arg;
	while (!over) {
		struct timespec ts = { 0, (long)(random64() % 4000000) };

		nanosleep(&ts, NULL);
		call(SYS_VCPU_KICK, kicked_fd, 0, 0, 0);
	}
	return NULL;
}

/* ---- running ---- */

static void port_access(struct test_vm *t)
{
	if (!t->run->io.write)
		t->run->io.data = 0xffffffff;
	else if (t->run->io.port == COM1 && text_len < sizeof(text) - 1)
		text[text_len++] = (char)t->run->io.data;
	else if (t->run->io.port == END_PORT)
		exit_code = t->run->io.data;
}

static unsigned run(struct test_vm *t)
{
	unsigned moves = 0, accesses = 0;

	while (exit_code < 0 && !over) {
		long rc = call(SYS_VCPU_RUN, t->vcpu, 0, 0, 0);

		if (rc == -EINTR)
			continue;
		if (rc == 0 && t->run->exit_reason == VCPU_EXIT_IO && !t->run->io.string) {
			port_access(t);
			if (++accesses % 40 != 0)
				continue;
		} else if (rc != 0 || t->run->exit_reason != VCPU_EXIT_INTR) {
			fail("exit", rc ? rc : (long)t->run->exit_reason);
			break;
		}
		move(t);
		moves++;
	}
	return moves;
}

int main(void)
{
	struct test_vm t;
	pthread_t kicker;
	uint8_t *ram;
	uint32_t entry;
	unsigned moves;
	int memory = (int)call(SYS_MOBJ_CREATE, RAM, MOBJ_GUEST, 0, 0);

	ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	entry = ram == MAP_FAILED ? 0 : load(ram, "/guests/sum.elf");
	if (!entry || test_vm_create(&t, memory, RAM) < 0) {
		printf("state: cannot make the VM\n");
		return 1;
	}
	put_info(ram, ROUNDS);
	if (start_at(t.vcpu, entry) < 0)
		fail("start", -1);
	kicked_fd = t.vcpu;
	pthread_create(&kicker, NULL, kick, NULL);
	moves = run(&t);
	over = 1;
	pthread_join(kicker, NULL);
	test_vm_destroy(&t);
	text[text_len] = '\0';
	if (exit_code != 0 || !strstr(text, "sum 0xeefd7369e9158516 after 120 rounds"))
		fail(text, exit_code);
	if (failures)
		printf("state: %d failures\n", failures);
	else
		printf("state: ok %u moves\n", moves);
	return failures != 0;
}
