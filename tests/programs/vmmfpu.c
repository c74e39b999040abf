// SPDX-License-Identifier: GPL-2.0-or-later
// A VMM that does without its vector registers (RUN_NO_FPU) leaves the guest's in the CPU until it
// uses one. Here it uses none, each kind, now and then; others use theirs meanwhile; the VMM moves,
// another thread takes the vCPU or its state, VM or thread ends. The guest compares after each exit
// what it had before. `vmmfpu: ok`, or a line for each thing that is wrong.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>

#include "tests/programs/guest.h"

#define PORT     0x50 /* the guest reads it: all is well */
#define PORT_BAD 0x51 /* it writes what is wrong */
#define ENTRY    0x8000
#define QUIET    16 /* so many exits without a use, and the registers stay the guest's again */

const char program[] = "vmmfpu";

/* ESI is in XMM0, XMM7 and ST0, MXCSR is its own. */
extern const uint8_t guest[], guest_end[];
__asm__(".pushsection .rodata\n"
	"guest: .code32\n"
	"mov %cr0, %eax; and $~0xc, %eax; or $2, %eax; mov %eax, %cr0\n"
	"mov %cr4, %eax; or $0x600, %eax; mov %eax, %cr4\n"
	"movl $0x3f80, 0x9000; ldmxcsr 0x9000\n"
	"xor %esi, %esi\n"
	"1: inc %esi\n"
	"movd %esi, %xmm0; movd %esi, %xmm7\n"
	"fninit; mov %esi, 0x9004; fildl 0x9004\n"
	"in $0x50, %al\n"
	"mov $1, %edi; movd %xmm0, %eax; cmp %esi, %eax; jne 2f\n"
	"mov $2, %edi; movd %xmm7, %eax; cmp %esi, %eax; jne 2f\n"
	"mov $3, %edi; fistpl 0x9008; cmp %esi, 0x9008; jne 2f\n"
	"mov $4, %edi; stmxcsr 0x900c; cmpl $0x3f80, 0x900c; jne 2f\n"
	"jmp 1b\n"
	"2: mov %edi, %eax; out %eax, $0x51; jmp 1b\n"
	".code64\n"
	"guest_end: .popsection\n");

/* ---- no register of x87 or SSE in here ---- */

#define NO_FPU __attribute__((target("general-regs-only"), noinline))

NO_FPU static long quiet_call(long nr, long a)
{
	long rc;

	__asm__ volatile("syscall"
			 : "=a"(rc)
			 : "a"(nr), "D"(a), "S"(0), "d"(0)
			 : "rcx", "r11", "memory");
	return rc;
}

NO_FPU static int run(const struct test_vm *t, unsigned times)
{
	int wrong = 0;

	while (times > 0) {
		long rc = quiet_call(SYS_VCPU_RUN, t->vcpu);

		if (rc == -EINTR)
			continue;
		if (rc != 0 || t->run->exit_reason != VCPU_EXIT_IO)
			return -1;
		if (t->run->io.write)
			wrong = (int)t->run->io.data;
		t->run->io.data = 0;
		times--;
	}
	return wrong;
}

/* One CPU may be all there is. */
NO_FPU static void wait_for(volatile int *flag, int value)
{
	while (__atomic_load_n(flag, __ATOMIC_SEQ_CST) != value)
		quiet_call(SYS_sched_yield, 0);
}

NO_FPU static void tell(volatile int *flag, int value)
{
	__atomic_store_n(flag, value, __ATOMIC_SEQ_CST);
}

NO_FPU static unsigned cpu_now(void)
{
	unsigned cpu = 0;

	quiet_call(SYS_getcpu, (long)&cpu);
	return cpu;
}

/* ---- all of them ---- */

#define FCW_OWN   0x27f
#define MXCSR_OWN 0x5f80

static int has_avx;

static void set_control(void)
{
	const uint16_t fcw = FCW_OWN;
	const uint32_t mxcsr = MXCSR_OWN;

	__asm__ volatile("fldcw %0; ldmxcsr %1" : : "m"(fcw), "m"(mxcsr));
}

/* The first one decides with which exception it begins. */
static void use(unsigned which)
{
	static const uint64_t pattern[4] = { 1, 2, 3, 4 };
	uint16_t fcw;
	uint32_t mxcsr;

	if (which % 3 == 0 && has_avx)
		__asm__ volatile("vmovdqu %0, %%ymm7; vmovdqu %0, %%ymm0"
				 :
				 : "m"(pattern)
				 : "xmm0", "xmm7");
	if (which % 3 == 1)
		__asm__ volatile("fld1; fldpi; fstp %%st(0); fstp %%st(0)" : : : "st", "st(1)");
	__asm__ volatile("pcmpeqd %%xmm0, %%xmm0; movdqa %%xmm0, %%xmm7" : : : "xmm0", "xmm7");
	__asm__ volatile("fnstcw %0; stmxcsr %1" : "=m"(fcw), "=m"(mxcsr));
	if (fcw != FCW_OWN || (mxcsr & 0xffc0) != MXCSR_OWN)
		fail("the VMM's control words", fcw);
}

/* Whose registers change in no system call. */
static volatile int churns;

static void *churn(void *arg)
{
	uint64_t mine[2] = { (uint64_t)arg * 0x9e3779b97f4a7c15ull, ~(uint64_t)arg }, got[2];

	while (churns) {
		__asm__ volatile("movdqu %1, %%xmm0; syscall; movdqu %%xmm0, %0"
				 : "=m"(got)
				 : "m"(mine), "a"((long)SYS_sched_yield)
				 : "xmm0", "rcx", "r11", "memory");
		if (memcmp(mine, got, sizeof(got)) != 0)
			fail("registers of another thread", (long)got[0]);
	}
	return NULL;
}

/* ---- VMs ---- */

static uint8_t *ram;
static int memory;

static void make(struct test_vm *t)
{
	long rc = test_vm_create(t, memory, RAM);

	if (rc == 0)
		rc = start_at(t->vcpu, ENTRY);
	if (rc < 0) {
		printf("vmmfpu: cannot make a VM: %ld\n", rc);
		_exit(1);
	}
	t->run->without = RUN_NO_REGS | RUN_NO_FPU;
}

static void expect_well(const char *what, const struct test_vm *t, unsigned times)
{
	int wrong = run(t, times);

	if (wrong != 0)
		fail(what, wrong);
}

static void test_uses(const struct test_vm *t)
{
	expect_well("none used", t, 200);
	for (unsigned i = 0; i < 30; i++) {
		expect_well("used now and then", t, QUIET);
		use(i);
	}
	for (unsigned i = 0; i < 100; i++) {
		expect_well("used each time", t, 1);
		use(i);
	}
	for (unsigned i = 0; i < 10; i++) {
		t->run->without = i & 1 ? RUN_NO_REGS | RUN_NO_FPU : 0;
		expect_well("with RUN_NO_FPU and without", t, QUIET);
		if (i & 1)
			use(i);
	}
}

static void test_neighbours(const struct test_vm *t)
{
	pthread_t threads[2];

	churns = 1;
	for (long i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, churn, (void *)(i + 1));
	for (unsigned i = 0; i < 60; i++) {
		expect_well("beside others", t, QUIET);
		quiet_call(SYS_sched_yield, 0);
		if (i % 4 == 0)
			use(i / 4);
	}
	churns = 0;
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

static void test_moves(const struct test_vm *t)
{
	struct sched_params p = { .set = SCHED_SET_CPUS };

	for (unsigned i = 0; i < 20; i++) {
		expect_well("before a move", t, QUIET);
		p.cpus[0] = 1 + (i & 1);
		if (call(SYS_VM_SCHED, t->vm, (long)&p, 0, 0) < 0)
			fail("vm_sched", i);
		while (cpu_now() != (i & 1))
			quiet_call(SYS_sched_yield, 0);
		if (i % 4 == 3)
			use(i / 4);
	}
	p.cpus[0] = 0;
	call(SYS_VM_SCHED, t->vm, (long)&p, 0, 0);
}

static void test_two_vms(const struct test_vm *t)
{
	struct test_vm other;

	make(&other);
	for (unsigned i = 0; i < 30; i++) {
		expect_well("the first of two", t, i % 3 ? 1 : QUIET);
		expect_well("the second of two", &other, i % 5 ? 1 : QUIET);
		if (i % 4 == 0)
			use(i / 4);
	}
	test_vm_destroy(&other);
}

/* ---- another thread ---- */

#define ROUNDS 20

static volatile int turn; /* 0: the first thread's, 1: the other's */
static const struct test_vm *shared;

/* Registers as the guest has left them; then others, which it takes for its own. */
static void change_state(int vcpu)
{
	static struct vcpu_state s;
	const unsigned xmm0 = 160, xmm7 = 160 + 7 * 16, st0 = 32;
	uint32_t low, seven, esi;
	long double x87;

	if (call(SYS_VCPU_GET_STATE, vcpu, (long)&s, 0, 0) < 0)
		fail("get_state", 0);
	esi = (uint32_t)s.regs.gpr[GPR_RSI];
	memcpy(&low, s.xsave + xmm0, 4);
	memcpy(&seven, s.xsave + xmm7, 4);
	memcpy(&x87, s.xsave + st0, 10);
	if (low != esi || seven != esi || x87 != (long double)esi)
		fail("registers in the state", (long)low - (long)esi);
	esi += 1000;
	x87 = (long double)esi;
	s.regs.gpr[GPR_RSI] = esi;
	memcpy(s.xsave + xmm0, &esi, 4);
	memcpy(s.xsave + xmm7, &esi, 4);
	memcpy(s.xsave + st0, &x87, 10);
	s.valid = VCPU_STATE_REGS | VCPU_STATE_XSAVE;
	if (call(SYS_VCPU_SET_STATE, vcpu, (long)&s, 0, 0) < 0)
		fail("set_state", 0);
}

static void *other_thread(void *arg)
{
	(void)arg;
	set_control();
	for (unsigned i = 0; i < ROUNDS; i++) {
		wait_for(&turn, 1);
		if (i % 2 == 0)
			change_state(shared->vcpu);
		if (i % 2 == 1 || i % 4 == 0)
			expect_well("run by another thread", shared, QUIET);
		if (i % 8 >= 6)
			use(i);
		tell(&turn, 0);
	}
	/* It ends with the guest's registers in place of its own. */
	wait_for(&turn, 1);
	expect_well("run by a thread that ends", shared, QUIET);
	return NULL;
}

static void test_other_thread(const struct test_vm *t)
{
	pthread_t thread;

	shared = t;
	turn = 0;
	pthread_create(&thread, NULL, other_thread, NULL);
	for (unsigned i = 0; i < ROUNDS; i++) {
		expect_well("beside another thread", t, QUIET);
		tell(&turn, 1);
		wait_for(&turn, 0);
		if (i % 3 == 0)
			use(i / 3);
	}
	tell(&turn, 1);
	pthread_join(thread, NULL);
	expect_well("after a thread has ended", t, QUIET);
}

static void *runner(void *arg)
{
	const struct test_vm *t = arg;

	set_control();
	expect_well("of a VM that ends", t, QUIET);
	tell(&turn, 0);
	wait_for(&turn, 2);
	use(1);
	return NULL;
}

/* The handles go while a thread has the guest's registers. */
static void test_vm_ends(void)
{
	for (unsigned i = 0; i < 5; i++) {
		struct test_vm t;
		pthread_t thread;

		make(&t);
		turn = 1;
		pthread_create(&thread, NULL, runner, &t);
		wait_for(&turn, 0);
		test_vm_destroy(&t);
		tell(&turn, 2);
		pthread_join(thread, NULL);
	}
}

/* ---- system registers, while the guest's are in another CPU ---- */

static struct vcpu_state refused; /* its sregs are wrong in the end, after XCR0 */
static uint64_t xcr0_before, xcr0_after;

NO_FPU static uint64_t xcr0_now(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

static void set_cpus(const struct test_vm *t, uint64_t cpus)
{
	struct sched_params p = { .set = SCHED_SET_CPUS, .cpus = { cpus } };

	if (call(SYS_VM_SCHED, t->vm, (long)&p, 0, 0) < 0)
		fail("vm_sched", (long)cpus);
}

static void stay_on(const struct test_vm *t, unsigned cpu)
{
	set_cpus(t, 1u << cpu);
	while (cpu_now() != cpu)
		quiet_call(SYS_sched_yield, 0);
}

static void *elsewhere(void *arg)
{
	struct test_vm own;
	long rc;

	(void)arg;
	make(&own);
	expect_well("the VM of another thread", &own, 1);
	stay_on(&own, 1);
	tell(&turn, 1);
	wait_for(&turn, 2);
	memcpy(&shared->run->sregs, &refused.sregs, sizeof(refused.sregs));
	shared->run->dirty = RUN_SREGS_DIRTY;
	xcr0_before = xcr0_now();
	rc = quiet_call(SYS_VCPU_RUN, shared->vcpu);
	xcr0_after = xcr0_now();
	if (rc != -EINVAL)
		fail("sregs that are wrong", rc);
	tell(&turn, 3);
	test_vm_destroy(&own);
	return NULL;
}

static void test_refused_elsewhere(const struct test_vm *t)
{
	pthread_t thread;

	shared = t;
	turn = 0;
	pthread_create(&thread, NULL, elsewhere, NULL);
	wait_for(&turn, 1);
	stay_on(t, 0);
	call(SYS_VCPU_GET_STATE, t->vcpu, (long)&refused, 0, 0);
	refused.sregs.xcr0 = 1;
	refused.sregs.apic_base = ~0ull;
	expect_well("before its registers are refused", t, QUIET);
	tell(&turn, 2);
	wait_for(&turn, 3);
	pthread_join(thread, NULL);
	if (xcr0_after != xcr0_before)
		fail("XCR0 of a thread whose call was refused", (long)xcr0_after);
	expect_well("after its registers were refused", t, QUIET);
	set_cpus(t, 0);
}

int main(void)
{
	struct test_vm t;

	memory = (int)call(SYS_MOBJ_CREATE, RAM, MOBJ_GUEST, 0, 0);
	ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (ram == MAP_FAILED) {
		printf("vmmfpu: no memory\n");
		return 1;
	}
	memcpy(ram + ENTRY, guest, (size_t)(guest_end - guest));
	has_avx = __builtin_cpu_supports("avx");
	make(&t);
	set_control();
	test_uses(&t);
	test_neighbours(&t);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		test_moves(&t);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1 && has_avx)
		test_refused_elsewhere(&t);
	test_two_vms(&t);
	test_other_thread(&t);
	test_vm_ends();
	test_vm_destroy(&t);
	printf(failures ? "vmmfpu: %d failures\n" : "vmmfpu: ok\n", failures);
	return failures != 0;
}
