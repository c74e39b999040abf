// SPDX-License-Identifier: GPL-2.0-or-later
// Saves a vCPU at random moments and goes on with it in a fresh VM over the same memory: the guest
// (tests/guests/sum.c) computes a sum that it knows, with timers, interrupts and NMIs coming in,
// and must not notice. `state: ok N moves`, or a line for each thing that is wrong.
#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "tests/programs/vm.h"

#define RAM      (16u << 20)
#define INFO     0x9000u /* multiboot information, its command line behind it */
#define COM1     0x3f8
#define END_PORT 0xf4
#define ROUNDS   "rounds=120"

static int failures;
static uint64_t seed = 0x5eed;
static char text[8192];
static size_t text_len;
static long exit_code = -1;
static volatile int kicked_fd = -1, over;

static void fail(const char *what, long value)
{
	if (failures++ < 20)
		printf("state: %s: %ld\n", what, value);
}

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* ---- the guest ---- */

struct elf32 {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version, entry, phoff, shoff, flags;
	uint16_t ehsize, phentsize, phnum;
};
struct phdr32 {
	uint32_t type, offset, vaddr, paddr, filesz, memsz, flags, align;
};

/* The entry point, 0: no such file, or not one of ours. */
static uint32_t load(uint8_t *ram, const char *path)
{
	static uint8_t file[1 << 20];
	int fd = open(path, O_RDONLY);
	ssize_t size = fd < 0 ? -1 : read(fd, file, sizeof(file));
	struct elf32 e;

	close(fd);
	if (size < (ssize_t)sizeof(e) || memcmp(file, "\177ELF\1", 5) != 0)
		return 0;
	memcpy(&e, file, sizeof(e));
	for (unsigned i = 0; i < e.phnum; i++) {
		struct phdr32 p;

		if (e.phoff + (i + 1) * sizeof(p) > (size_t)size)
			return 0;
		memcpy(&p, file + e.phoff + i * sizeof(p), sizeof(p));
		if (p.type != 1)
			continue;
		if (p.filesz > (size_t)size || p.offset > (size_t)size - p.filesz ||
		    p.paddr > RAM || p.filesz > RAM - p.paddr)
			return 0;
		memcpy(ram + p.paddr, file + p.offset, p.filesz);
	}
	return e.entry;
}

static void put_info(uint8_t *ram)
{
	const uint32_t flags = 4, cmdline = INFO + 64;

	memcpy(ram + INFO, &flags, 4);
	memcpy(ram + INFO + 16, &cmdline, 4);
	memcpy(ram + cmdline, ROUNDS, sizeof(ROUNDS));
}

static void boot_state(struct vcpu_state *s, uint32_t entry)
{
	const struct vcpu_segment data = { 0, 0xffffffff, 16, 0xc93 };

	memset(&s->regs, 0, sizeof(s->regs));
	s->regs.gpr[GPR_RAX] = 0x2badb002;
	s->regs.gpr[GPR_RBX] = INFO;
	s->regs.rip = entry;
	s->regs.rflags = 2;
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		s->sregs.seg[i] = data;
	s->sregs.seg[SEG_CS] = (struct vcpu_segment){ 0, 0xffffffff, 8, 0xc9b };
	s->sregs.cr0 = 0x11;
}

/* ---- moving ---- */

#define LAPIC_TIMER_COUNT 0x39
#define MSR_TSC           0x10

static void compare(const struct vcpu_state *a, struct vcpu_state *b)
{
	if (memcmp(&a->regs, &b->regs, sizeof(a->regs)) != 0)
		fail("registers differ at rip", (long)b->regs.rip);
	if (memcmp(&a->sregs, &b->sregs, sizeof(a->sregs)) != 0)
		fail("system registers differ at rip", (long)b->regs.rip);
	if (memcmp(a->dr, b->dr, sizeof(a->dr)) != 0 || a->dr6 != b->dr6 || a->dr7 != b->dr7)
		fail("debug registers differ, dr6", (long)b->dr6);
	if (a->nr_msrs != b->nr_msrs)
		fail("number of MSRs", b->nr_msrs);
	for (unsigned i = 0; i < a->nr_msrs; i++)
		if (a->msrs[i].index != MSR_TSC &&
		    memcmp(&a->msrs[i], &b->msrs[i], sizeof(a->msrs[i])) != 0)
			fail("MSR differs", a->msrs[i].index);
	if (a->xsave_size != b->xsave_size || memcmp(a->xsave, b->xsave, a->xsave_size) != 0)
		fail("FPU state differs, size", b->xsave_size);
	/* A timer that ends meanwhile is seen in IRR. */
	for (unsigned i = 0; i < 0x20; i++)
		if (a->lapic[i] != b->lapic[i])
			fail("local APIC's register differs", i);
	if (memcmp(&a->mp_state, &b->mp_state,
		   sizeof(*a) - offsetof(struct vcpu_state, mp_state)) != 0)
		fail("events differ, mp_state", b->mp_state);
}

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
	static struct vcpu_state s;
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
	put_info(ram);
	if (call(SYS_VCPU_GET_STATE, t.vcpu, (long)&s, 0, 0) < 0)
		fail("get", -1);
	boot_state(&s, entry);
	s.valid = VCPU_STATE_REGS | VCPU_STATE_SREGS;
	if (call(SYS_VCPU_SET_STATE, t.vcpu, (long)&s, 0, 0) < 0)
		fail("set", -1);
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
