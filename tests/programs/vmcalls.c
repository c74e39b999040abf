// SPDX-License-Identifier: GPL-2.0-or-later
// The native calls on VMs and vCPUs: what each refuses, and doorbells by port and by address, with
// and without a value to match. A guest of a few instructions in real mode rings them. Every check
// that does not hold prints a line; at the end `vmcalls: ok` or the number of failures.
#include <pthread.h>
#include <stdbool.h>
#include <sys/eventfd.h>

#include "tests/programs/vm.h"

#define RAM  0x20000u /* all there is below the doorbells' page */
#define CODE 0x1000u
#define BELL 0x30000u
#define BAD  ((void *)0xffff800000000000) /* the kernel's */

static int failures, memory;
static struct vcpu_state state;

#define CHECK(cond)                                                        \
	do {                                                               \
		if (!(cond)) {                                             \
			printf("vmcalls: line %d: %s\n", __LINE__, #cond); \
			failures++;                                        \
		}                                                          \
	} while (0)

/* The error of a call that must not succeed, whatever it is asked for. */
#define REFUSED(error, nr, a, b, c, d) \
	CHECK(call(nr, (long)(a), (long)(b), (long)(c), (long)(d)) == -(error))

/* ---- what is refused ---- */

static void test_vm_create_errors(void)
{
	const struct vm_create good = { .name = "t", .nr_vcpus_max = 1 };
	struct vm_create bad;

	REFUSED(EFAULT, SYS_VM_CREATE, BAD, 0, 0, 0);
	REFUSED(EFAULT, SYS_VM_CREATE, 8, 0, 0, 0);
	bad = good, bad.nr_vcpus_max = 0;
	REFUSED(EINVAL, SYS_VM_CREATE, &bad, 0, 0, 0);
	bad = good, bad.nr_vcpus_max = VM_MAX_VCPUS + 1;
	REFUSED(EINVAL, SYS_VM_CREATE, &bad, 0, 0, 0);
	bad = good, bad.flags = 4;
	REFUSED(EINVAL, SYS_VM_CREATE, &bad, 0, 0, 0);
	bad = good, bad.reserved = 1;
	REFUSED(EINVAL, SYS_VM_CREATE, &bad, 0, 0, 0);
	bad = good, bad.tsc_khz = 1;
	REFUSED(EINVAL, SYS_VM_CREATE, &bad, 0, 0, 0);
	bad = good, memset(bad.name, 'x', sizeof(bad.name));
	REFUSED(EINVAL, SYS_VM_CREATE, &bad, 0, 0, 0);
}

static void test_map_errors(const struct test_vm *t)
{
	const struct vm_map good = { t->vm, memory, 0x100000, 0, 0x1000, AS_READ, 0 };
	struct vm_map bad;

	REFUSED(EFAULT, SYS_VM_MAP, BAD, 0, 0, 0);
	bad = good, bad.vm_fd = t->vcpu;
	REFUSED(EBADF, SYS_VM_MAP, &bad, 0, 0, 0);
	bad = good, bad.mobj_fd = t->vm;
	REFUSED(EBADF, SYS_VM_MAP, &bad, 0, 0, 0);
	bad = good, bad.vm_fd = -1;
	REFUSED(EBADF, SYS_VM_MAP, &bad, 0, 0, 0);
	bad = good, bad.gpa = 1;
	REFUSED(EINVAL, SYS_VM_MAP, &bad, 0, 0, 0);
	bad = good, bad.size = 0;
	REFUSED(EINVAL, SYS_VM_MAP, &bad, 0, 0, 0);
	bad = good, bad.size = RAM + 0x1000;
	REFUSED(EINVAL, SYS_VM_MAP, &bad, 0, 0, 0);
	bad = good, bad.offset = 0xfffffffffffff000ull;
	REFUSED(EINVAL, SYS_VM_MAP, &bad, 0, 0, 0);
	bad = good, bad.gpa = 0xfffffffffffff000ull;
	REFUSED(EINVAL, SYS_VM_MAP, &bad, 0, 0, 0);
	bad = good, bad.rights = 0;
	REFUSED(EINVAL, SYS_VM_MAP, &bad, 0, 0, 0);
	bad = good, bad.rights = 9;
	REFUSED(EINVAL, SYS_VM_MAP, &bad, 0, 0, 0);
	bad = good, bad.reserved = 1;
	REFUSED(EINVAL, SYS_VM_MAP, &bad, 0, 0, 0);
	bad = good, bad.gpa = RAM - 0x1000; /* lies in what is mapped */
	REFUSED(EEXIST, SYS_VM_MAP, &bad, 0, 0, 0);
	CHECK(call(SYS_VM_MAP, (long)&good, 0, 0, 0) == 0);
	REFUSED(EEXIST, SYS_VM_MAP, &good, 0, 0, 0);
	REFUSED(EBADF, SYS_VM_UNMAP, -1, 0x100000, 0x1000, 0);
	REFUSED(EINVAL, SYS_VM_UNMAP, t->vm, 0x100001, 0x1000, 0);
	REFUSED(EINVAL, SYS_VM_UNMAP, t->vm, 0x100000, 0, 0);
	REFUSED(EINVAL, SYS_VM_UNMAP, t->vm, 0, 0x1000, 0); /* a part of a slot */
	CHECK(call(SYS_VM_UNMAP, t->vm, 0x100000, 0x1000, 0) == 0);
	CHECK(call(SYS_VM_UNMAP, t->vm, 0x100000, 0x1000, 0) ==
	      0); /* nothing there: nothing to do */
}

/* More slots than a VM has room for. */
static void test_slots_run_out(const struct test_vm *t)
{
	struct vm_map m = { t->vm, memory, 0x1000000, 0, 0x1000, AS_READ, 0 };
	unsigned n = 0;
	long rc;

	while ((rc = call(SYS_VM_MAP, (long)&m, 0, 0, 0)) == 0 && n < 1000) {
		m.gpa += 0x2000;
		n++;
	}
	CHECK(rc == -ENOSPC && n >= 32);
	CHECK(call(SYS_VM_UNMAP, t->vm, 0x1000000, n * 0x2000ul, 0) == 0);
}

static void test_vm_errors(const struct test_vm *t)
{
	struct vm_info info;

	REFUSED(EBADF, SYS_VM_IRQ_LINE, t->vcpu, 1, 1, 0);
	REFUSED(EINVAL, SYS_VM_IRQ_LINE, t->vm, 24, 1, 0);
	REFUSED(EINVAL, SYS_VM_IRQ_LINE, t->vm, -1, 1, 0);
	REFUSED(EINVAL, SYS_VM_IRQ_LINE, t->vm, 2, 1, 0); /* the cascade */
	REFUSED(EINVAL, SYS_VM_IRQ_LINE, t->vm, 1, 2, 0);
	REFUSED(EBADF, SYS_VM_MSI, -1, 0xfee00000, 0x41, 0);
	REFUSED(EINVAL, SYS_VM_MSI, t->vm, 0x1000, 0x41, 0);
	REFUSED(EBADF, SYS_VM_STOP_REASON, -1, VM_STATE_STOPPED, 0, "x");
	REFUSED(EINVAL, SYS_VM_STOP_REASON, t->vm, VM_STATE_FAILED + 1, 0, "x");
	REFUSED(EFAULT, SYS_VM_STOP_REASON, t->vm, VM_STATE_STOPPED, 0, BAD);
	REFUSED(EFAULT, SYS_VM_INFO, t->vm, BAD, 0, 0);
	REFUSED(EBADF, SYS_VM_INFO, t->vcpu, &info, 0, 0);
	REFUSED(ENOENT, SYS_VM_INFO, VM_INFO_INDEX | 1000, &info, 0, 0);
	CHECK(call(SYS_VM_INFO, t->vm, (long)&info, 0, 0) == 0);
	CHECK(info.memory == RAM && info.nr_vcpus == 1);
	REFUSED(EBADF, SYS_VCPU_CREATE, t->vcpu, 1, 0, 0);
	REFUSED(EINVAL, SYS_VCPU_CREATE, t->vm, 2, 0, 0); /* nr_vcpus_max */
	REFUSED(EINVAL, SYS_VCPU_CREATE, t->vm, -1, 0, 0);
	REFUSED(EEXIST, SYS_VCPU_CREATE, t->vm, 0, 0, 0);
}

static void test_vcpu_errors(const struct test_vm *t)
{
	const struct vcpu_event irq = { .vector = 0x41 }, none = { 0 };
	struct vcpu_port port = { .port = 0x21, .size = 1 };
	struct vcpu_event bad;

	REFUSED(EBADF, SYS_VCPU_RUN, t->vm, 0, 0, 0);
	REFUSED(EBADF, SYS_VCPU_KICK, -1, 0, 0, 0);
	REFUSED(EBADF, SYS_VCPU_SYNC, t->vm, 0, 0, 0);
	REFUSED(EFAULT, SYS_VCPU_INJECT, t->vcpu, BAD, 0, 0);
	REFUSED(EBADF, SYS_VCPU_INJECT, t->vm, &irq, 0, 0);
	REFUSED(EINVAL, SYS_VCPU_INJECT, t->vcpu, &none, 0, 0);
	bad = irq, bad.type = EVENT_SOFT_INT;
	REFUSED(EINVAL, SYS_VCPU_INJECT, t->vcpu, &bad, 0, 0);
	bad = irq, bad.type = EVENT_NMI; /* of another vector */
	REFUSED(EINVAL, SYS_VCPU_INJECT, t->vcpu, &bad, 0, 0);
	bad = irq, bad.type = EVENT_EXCEPTION; /* 0x41 is none */
	REFUSED(EINVAL, SYS_VCPU_INJECT, t->vcpu, &bad, 0, 0);
	bad = irq, bad.has_error = 1;
	REFUSED(EINVAL, SYS_VCPU_INJECT, t->vcpu, &bad, 0, 0);
	bad = irq, bad.reserved = 1;
	REFUSED(EINVAL, SYS_VCPU_INJECT, t->vcpu, &bad, 0, 0);
	REFUSED(EFAULT, SYS_VCPU_PORT, t->vcpu, BAD, 0, 0);
	REFUSED(EBADF, SYS_VCPU_PORT, t->vm, &port, 0, 0);
	CHECK(call(SYS_VCPU_PORT, t->vcpu, (long)&port, 0, 0) == 0);
	port.size = 3;
	REFUSED(EINVAL, SYS_VCPU_PORT, t->vcpu, &port, 0, 0);
	port = (struct vcpu_port){ .port = 0x3f8, .size = 1 };
	REFUSED(ENOENT, SYS_VCPU_PORT, t->vcpu, &port, 0, 0);
	CHECK(mmap(NULL, 8192, PROT_READ, MAP_SHARED, t->vcpu, 0) == MAP_FAILED);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, t->vcpu, 0) == MAP_FAILED);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, t->vcpu, 0) == MAP_FAILED);
}

#define REFUSED_STATE(field, value)                                        \
	do {                                                               \
		struct vcpu_state bad_ = state;                            \
		bad_.field = (value);                                      \
		REFUSED(EINVAL, SYS_VCPU_SET_STATE, t->vcpu, &bad_, 0, 0); \
	} while (0)

static void test_state_errors(const struct test_vm *t)
{
	static struct vcpu_state after;

	REFUSED(EFAULT, SYS_VCPU_GET_STATE, t->vcpu, BAD, 0, 0);
	REFUSED(EFAULT, SYS_VCPU_SET_STATE, t->vcpu, BAD, 0, 0);
	REFUSED(EBADF, SYS_VCPU_GET_STATE, t->vm, &state, 0, 0);
	CHECK(call(SYS_VCPU_GET_STATE, t->vcpu, (long)&state, 0, 0) == 0);
	CHECK(state.version == VCPU_STATE_VERSION && state.size == sizeof(state));
	REFUSED_STATE(version, 1);
	REFUSED_STATE(size, sizeof(state) - 1);
	REFUSED_STATE(valid, VCPU_STATE_ALL + 1);
	REFUSED_STATE(reserved, 1);
	REFUSED_STATE(sregs.cr0, 0x80000000); /* PG without PE */
	REFUSED_STATE(sregs.cr0, 1ull << 32);
	REFUSED_STATE(sregs.cr3, 1ull << 60);
	REFUSED_STATE(sregs.cr4, 1ull << 40);
	REFUSED_STATE(sregs.efer, 1ull << 40);
	REFUSED_STATE(sregs.cr8, 16);
	REFUSED_STATE(sregs.xcr0, 4);
	REFUSED_STATE(sregs.apic_base, 1ull << 62);
	REFUSED_STATE(sregs.seg[SEG_CS].attr, 0xffff);
	REFUSED_STATE(nr_msrs, VCPU_MSRS_MAX + 1);
	REFUSED_STATE(msrs[0].index, 0x12345);
	REFUSED_STATE(xsave_size, 1);
	REFUSED_STATE(xsave_size, VCPU_XSAVE_MAX + 1);
	REFUSED_STATE(mp_state, MP_INIT + 1);
	REFUSED_STATE(nmi_pending, 3);
	REFUSED_STATE(unhalted, 2);
	REFUSED_STATE(shutdown, 2);
	REFUSED_STATE(reserved2[5], 1);
	REFUSED_STATE(pending.type, EVENT_SOFT_INT);
	REFUSED_STATE(exception.vector, 0x41);
	REFUSED_STATE(injected.has_error, 1);
	/* Whatever was tried, the state that was read is taken. */
	CHECK(call(SYS_VCPU_SET_STATE, t->vcpu, (long)&state, 0, 0) == 0);
	/* FPU contents that no CPU loads become the initial state. */
	after = state;
	memset(after.xsave, 0xff, after.xsave_size);
	CHECK(call(SYS_VCPU_SET_STATE, t->vcpu, (long)&after, 0, 0) == 0);
}

/* ---- doorbells ---- */

__asm__(".pushsection .rodata; .globl ringer, ringer_end\n"
	".code16\n"
	"ringer: movw $0xc000, %dx\n"
	"movw $0x3000, %ax; movw %ax, %ds\n"
	"1: movw $1, %ax; outw %ax, %dx\n"
	"movw $2, %ax; outw %ax, %dx\n"
	"outb %al, %dx\n"
	"movl $1, 0\n"
	"movl $2, 0\n"
	"movl %eax, %ecx\n"
	"outb %al, $0x51\n"
	"jmp 1b\n"
	"ringer_end: .code64; .popsection");
extern const uint8_t ringer[], ringer_end[];
#define MOVL_LEN 9 /* 66 c7 06 address16 immediate32 */

static void start_ringer(const struct test_vm *t)
{
	static struct vcpu_state s;

	s = state;
	s.valid = VCPU_STATE_REGS | VCPU_STATE_SREGS;
	s.regs.rip = CODE;
	s.sregs.seg[SEG_CS].selector = 0;
	s.sregs.seg[SEG_CS].base = 0;
	CHECK(call(SYS_VCPU_SET_STATE, t->vcpu, (long)&s, 0, 0) == 0);
}

static uint64_t rung(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

struct seen {
	unsigned port1, port2, port_byte, memory1, memory2, other;
};

/* Bytes that the CPU has not told are a VMM's to fetch. */
static const uint8_t *instruction(const struct vcpu_run *run)
{
	return run->mmio.insn_len ? run->mmio.insn : ringer + (run->regs.rip - CODE);
}

static void see(const struct test_vm *t, struct seen *s)
{
	struct vcpu_run *run = t->run;
	uint32_t value;

	if (run->exit_reason == VCPU_EXIT_MMIO) {
		memcpy(&value, instruction(run) + 5, 4);
		s->memory1 += value == 1 && run->mmio.gpa == BELL;
		s->memory2 += value == 2 && run->mmio.gpa == BELL;
		run->regs.rip += MOVL_LEN;
		run->dirty = RUN_REGS_DIRTY;
	} else if (run->exit_reason == VCPU_EXIT_IO && run->io.port == 0xc000) {
		s->port_byte += run->io.size == 1;
		s->port1 += run->io.size == 2 && run->io.data == 1;
		s->port2 += run->io.size == 2 && run->io.data == 2;
	} else {
		s->other++;
	}
}

/* What of one turn of the loop comes out of the kernel. */
static struct seen turn(const struct test_vm *t)
{
	struct seen s = { 0 };

	for (unsigned exits = 0; exits < 20; exits++) {
		CHECK(call(SYS_VCPU_RUN, t->vcpu, 0, 0, 0) == 0);
		if (t->run->exit_reason == VCPU_EXIT_IO && t->run->io.port == 0x51)
			return s;
		see(t, &s);
		if (s.other)
			break;
	}
	CHECK(!"the turn has ended");
	return s;
}

static bool seen_is(struct seen s, unsigned p1, unsigned p2, unsigned b, unsigned m1, unsigned m2)
{
	return s.port1 == p1 && s.port2 == p2 && s.port_byte == b && s.memory1 == m1 &&
	       s.memory2 == m2 && !s.other;
}

static void test_doorbells(const struct test_vm *t)
{
	int a = eventfd(0, EFD_NONBLOCK), b = eventfd(0, EFD_NONBLOCK);
	struct vm_doorbell port = { t->vm, a, 0xc000, 1, 2, DOORBELL_PORT | DOORBELL_MATCH };
	struct vm_doorbell page = { t->vm, b, BELL, 2, 4, DOORBELL_MATCH };
	struct vcpu_port access = { .port = 0xc000, .size = 2, .write = 1, .value = 1 };
	struct vm_doorbell bad;

	start_ringer(t);
	CHECK(seen_is(turn(t), 1, 1, 1, 1, 1)); /* no doorbell: all come out */
	CHECK(call(SYS_VM_DOORBELL, (long)&port, 0, 0, 0) == 0);
	CHECK(call(SYS_VM_DOORBELL, (long)&page, 0, 0, 0) == 0);
	CHECK(seen_is(turn(t), 0, 1, 1, 1, 0)); /* those that match do not */
	CHECK(rung(a) == 1 && rung(b) == 1);
	CHECK(call(SYS_VCPU_PORT, t->vcpu, (long)&access, 0, 0) == 0 && rung(a) == 1);
	access.value = 2;
	REFUSED(ENOENT, SYS_VCPU_PORT, t->vcpu, &access, 0, 0);

	REFUSED(EFAULT, SYS_VM_DOORBELL, BAD, 0, 0, 0);
	REFUSED(EEXIST, SYS_VM_DOORBELL, &port, 0, 0, 0);
	bad = port, bad.event_fd = t->vm;
	REFUSED(EBADF, SYS_VM_DOORBELL, &bad, 0, 0, 0);
	bad = port, bad.vm_fd = a;
	REFUSED(EBADF, SYS_VM_DOORBELL, &bad, 0, 0, 0);
	bad = port, bad.addr = 0x10000;
	REFUSED(EINVAL, SYS_VM_DOORBELL, &bad, 0, 0, 0);
	bad = port, bad.len = 3;
	REFUSED(EINVAL, SYS_VM_DOORBELL, &bad, 0, 0, 0);
	bad = port, bad.flags = 8;
	REFUSED(EINVAL, SYS_VM_DOORBELL, &bad, 0, 0, 0);
	bad = port, bad.flags |= DOORBELL_REMOVE, bad.match = 7;
	REFUSED(ENOENT, SYS_VM_DOORBELL, &bad, 0, 0, 0);
	bad = port, bad.flags = DOORBELL_PORT; /* any value: would hide the one that is there */
	REFUSED(EEXIST, SYS_VM_DOORBELL, &bad, 0, 0, 0);

	port.flags |= DOORBELL_REMOVE;
	page.flags |= DOORBELL_REMOVE;
	CHECK(call(SYS_VM_DOORBELL, (long)&port, 0, 0, 0) == 0);
	CHECK(call(SYS_VM_DOORBELL, (long)&page, 0, 0, 0) == 0);
	CHECK(seen_is(turn(t), 1, 1, 1, 1, 1));
	CHECK(rung(a) == 0 && rung(b) == 0);

	port.flags = DOORBELL_PORT, port.len = 0; /* any width, any value */
	page.flags = 0, page.len = 0;
	CHECK(call(SYS_VM_DOORBELL, (long)&port, 0, 0, 0) == 0);
	CHECK(call(SYS_VM_DOORBELL, (long)&page, 0, 0, 0) == 0);
	CHECK(seen_is(turn(t), 0, 0, 0, 0, 0));
	CHECK(rung(a) == 3 && rung(b) == 2);
	close(a); /* the VM keeps the events */
	close(b);
	CHECK(seen_is(turn(t), 0, 0, 0, 0, 0));
}

/* ---- a vCPU that runs ---- */

static void *run_for_ever(void *arg)
{
	const struct test_vm *t = arg;

	/* HLT with interrupts off. */
	return (void *)call(SYS_VCPU_RUN, t->vcpu, 0, 0, 0);
}

static void test_busy(struct test_vm *t, uint8_t *ram)
{
	const struct vcpu_event nmi = { .vector = 2, .type = EVENT_NMI };
	pthread_t thread;
	void *result;

	memcpy(ram + CODE, "\xfa\xf4", 2); /* cli; hlt */
	start_ringer(t);
	CHECK(pthread_create(&thread, NULL, run_for_ever, t) == 0);
	while (call(SYS_VCPU_SYNC, t->vcpu, 0, 0, 0) != -EBUSY)
		usleep(100);
	REFUSED(EBUSY, SYS_VCPU_RUN, t->vcpu, 0, 0, 0);
	REFUSED(EBUSY, SYS_VCPU_GET_STATE, t->vcpu, &state, 0, 0);
	REFUSED(EBUSY, SYS_VCPU_SET_STATE, t->vcpu, &state, 0, 0);
	REFUSED(EBUSY, SYS_VCPU_INJECT, t->vcpu, &nmi, 0, 0);
	CHECK(call(SYS_VCPU_KICK, t->vcpu, 0, 0, 0) == 0);
	pthread_join(thread, &result);
	CHECK(result == NULL && t->run->exit_reason == VCPU_EXIT_INTR);
	t->run->immediate_exit = 1;
	CHECK(call(SYS_VCPU_RUN, t->vcpu, 0, 0, 0) == 0 && t->run->exit_reason == VCPU_EXIT_INTR);
	t->run->immediate_exit = 0;
	/* Garbage in the run page: refused, and nothing is harmed. */
	memset(&t->run->sregs, 0xff, sizeof(t->run->sregs));
	t->run->dirty = RUN_SREGS_DIRTY;
	REFUSED(EINVAL, SYS_VCPU_RUN, t->vcpu, 0, 0, 0);
}

int main(void)
{
	struct test_vm t;
	uint8_t *ram;

	test_vm_create_errors();
	memory = (int)call(SYS_MOBJ_CREATE, RAM, MOBJ_GUEST, 0, 0);
	ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (ram == MAP_FAILED || test_vm_create(&t, memory, RAM) < 0) {
		printf("vmcalls: cannot make the VM\n");
		return 1;
	}
	memcpy(ram + CODE, ringer, (size_t)(ringer_end - ringer));
	test_map_errors(&t);
	test_slots_run_out(&t);
	test_vm_errors(&t);
	test_vcpu_errors(&t);
	test_state_errors(&t);
	test_doorbells(&t);
	test_busy(&t, ram);
	test_vm_destroy(&t);
	REFUSED(EBADF, SYS_VCPU_RUN, t.vcpu, 0, 0, 0);
	if (failures)
		printf("vmcalls: %d failures\n", failures);
	else
		printf("vmcalls: ok\n");
	return failures != 0;
}
