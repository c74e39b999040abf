// SPDX-License-Identifier: GPL-2.0-or-later
// Long mode: what the loader and fw_cfg tell, exceptions with their frames and error codes, ring 3
// with SYSCALL, task register and IST, debug registers and single steps.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "long";

/* ---- the machine ---- */

static void test_memory_map(void)
{
	uint64_t ram = 0, highest = 0;
	bool covered = false, overlap = false;

	for (unsigned i = 0; i < machine.nr_ranges; i++) {
		const struct memory_range *r = &machine.ranges[i];

		if (r->type == 1) {
			ram += r->size;
			highest = MAX(highest, r->start + r->size);
			covered |= r->start <= 0x100000 && r->start + r->size >= 0x200000;
		}
		for (unsigned j = 0; j < i; j++)
			overlap |= r->start < machine.ranges[j].start + machine.ranges[j].size &&
				   machine.ranges[j].start < r->start + r->size;
	}
	check(machine.nr_ranges >= 2, "memory-map", "%u ranges", machine.nr_ranges);
	check(covered, "memory-map-kernel", "1 MiB is not RAM");
	check(!overlap, "memory-map-disjoint", "ranges overlap");
	check(machine.ram_size == 0 ||
		      (ram <= machine.ram_size && ram + 0x200000 >= machine.ram_size),
	      "memory-map-size", "%lu KiB mapped, fw_cfg says %lu KiB", ram >> 10,
	      machine.ram_size >> 10);
	if (highest > 4096 && highest <= 0x100000000)
		check(catch_write((void *)(highest - 4096)) == EXC_NONE, "memory-top",
		      "the last page of RAM is not there");
}

static void test_command_line(void)
{
	check(strlen(machine.cmdline) > 0, "command-line", "empty");
	/* The kernel's path is the first word, as under QEMU. */
	check(strstr(machine.cmdline, "long") != NULL, "command-line-name", "'%s'",
	      machine.cmdline);
	CHECK_EQ("command-line-option", option("number", 0), 12345);
}

static void test_fw_cfg(void)
{
	uint16_t by_port = 0, by_dma = 0;
	uint64_t size = 0;

	if (!check(machine.has_fw_cfg, "fw-cfg", "no signature at port 0x510"))
		return;
	check(machine.nr_cpus >= 1 && machine.nr_cpus <= 255, "fw-cfg-cpus", "%u", machine.nr_cpus);
	check(machine.has_fw_cfg_dma, "fw-cfg-dma-feature", "not offered");
	fw_cfg_read(5, &by_port, 2);
	check(fw_cfg_read_dma(5, &by_dma, 2), "fw-cfg-dma", "error bit set");
	CHECK_EQ("fw-cfg-dma-cpus", by_dma, by_port);
	check(fw_cfg_read_dma(3, &size, 8), "fw-cfg-dma-ram", "error bit set");
	CHECK_EQ("fw-cfg-dma-ram-size", size, machine.ram_size);
	CHECK_EQ("fw-cfg-signature", inl(0x514), 0x554d4551); /* "QEMU" */
}

/* ---- exceptions ---- */

static void divide(void *arg)
{
	__asm__ volatile("divl %0" ::"r"(0), "a"(1), "d"(0) : "cc");
	(void)arg;
}

static void undefined(void *arg)
{
	(void)arg;
	__asm__ volatile("ud2");
}

static void breakpoint(void *arg)
{
	(void)arg;
	__asm__ volatile("int3");
}

static void load_bad_selector(void *arg)
{
	(void)arg;
	__asm__ volatile("movw %w0, %%fs" ::"r"(0x1234));
}

static void bad_stack(void *arg)
{
	(void)arg;
	/* A noncanonical address through RBP is a stack fault. */
	__asm__ volatile("pushq %%rbp; movq %0, %%rbp; movq (%%rbp), %%rax; popq %%rbp" ::"r"(
				 0x800000000000ull)
			 : "rax", "memory");
}

static void software_interrupt(void *arg)
{
	(void)arg;
	__asm__ volatile("int $0x77");
}

static void test_exceptions(void)
{
	struct fault f = { 0 };
	int vector;

	CHECK_EQ("exception-divide", catch (divide, NULL, NULL), EXC_DE);
	CHECK_EQ("exception-undefined", catch (undefined, NULL, NULL), EXC_UD);
	CHECK_EQ("exception-breakpoint", catch (breakpoint, NULL, NULL), EXC_BP);
	CHECK_EQ("exception-selector", catch (load_bad_selector, NULL, &f), EXC_GP);
	CHECK_EQ("exception-selector-error", f.error, 0x1234);
	CHECK_EQ("exception-noncanonical", catch_read((void *)0x800000000000ull), EXC_GP);
	vector = catch (bad_stack, NULL, &f);
	/* QEMU's TCG makes it a #GP. */
	check(vector == EXC_SS || vector == EXC_GP, "exception-stack", "vector %d", vector);
	CHECK_EQ("exception-stack-error", f.error, 0);
	vector_count[0x77] = 0;
	set_handler(0x77, NULL);
	CHECK_EQ("software-interrupt", catch (software_interrupt, NULL, NULL), EXC_NONE);
	CHECK_EQ("software-interrupt-count", vector_count[0x77], 1);
}

static uint8_t ist_stack[4096] __aligned(16);
static uint64_t ist_rsp;

static void note_stack(struct frame *f)
{
	ist_rsp = (uintptr_t)f;
	f->rip += 2; /* UD2 */
}

static void test_ist(void)
{
	tss[0].ist[0] = (uintptr_t)ist_stack + sizeof(ist_stack);
	set_gate_ist(EXC_UD, 1);
	set_handler(EXC_UD, note_stack);
	undefined(NULL);
	set_gate_ist(EXC_UD, 0);
	set_handler(EXC_UD, NULL);
	check(ist_rsp >= (uintptr_t)ist_stack && ist_rsp < (uintptr_t)ist_stack + sizeof(ist_stack),
	      "ist", "the handler ran on 0x%lx", ist_rsp);
}

/* ---- single steps and breakpoints ---- */

static volatile unsigned steps;
static uint64_t last_dr6;

static void on_debug(struct frame *f)
{
	uint64_t dr6;

	__asm__ volatile("movq %%dr6, %0" : "=r"(dr6));
	last_dr6 = dr6;
	__asm__ volatile("movq %0, %%dr6" ::"r"(0xffff0ff0ull));
	steps++;
	if (steps >= 8)
		f->rflags &= ~FLAG_TF;
}

static void test_debug(void)
{
	static volatile uint32_t watched;
	uint64_t dr7 = 0x400 | 2 | 0xd0000; /* DR0 global, write, 4 bytes */

	set_handler(EXC_DB, on_debug);
	steps = 0;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n"
			 "nop; nop; nop; nop; nop; nop; nop; nop; nop; nop" ::
				 : "memory", "cc");
	CHECK_EQ("single-step", steps, 8);
	check(last_dr6 & BIT(14), "single-step-dr6", "DR6 0x%lx", last_dr6);

	/* Steps over an instruction that exits: the trap must come right after it. */
	steps = 7;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n"
			 "cpuid; nop" ::"a"(0),
			 "c"(0)
			 : "rbx", "rdx", "memory", "cc");
	CHECK_EQ("single-step-cpuid", steps, 8);

	steps = 0;
	__asm__ volatile("movq %0, %%dr0" ::"r"(&watched));
	__asm__ volatile("movq %0, %%dr7" ::"r"(dr7));
	watched = 1;
	__asm__ volatile("movq %0, %%dr7" ::"r"(0x400ull));
	watched = 2;
	CHECK_EQ("watchpoint", steps, 1);
	check(last_dr6 & 1, "watchpoint-dr6", "DR6 0x%lx", last_dr6);
	set_handler(EXC_DB, NULL);
}

/* ---- ring 3 ---- */

static volatile uint64_t syscalls __used;

/* SYSCALL from ring 3 counts and goes back. */
__asm__(".text\n"
	"syscall_entry:\n"
	"	incq syscalls\n"
	"	sysretq\n"
	"user_code:\n"
	"	movl $1000, %ebx\n"
	"1:	syscall\n"
	"	decl %ebx\n"
	"	jnz 1b\n"
	"	int $0x78\n"
	"	hlt\n"
	"user_code_end:\n");
extern const uint8_t syscall_entry[], user_code[], user_code_end[];

static void test_user(void)
{
	static const uint8_t hlt[] = { 0xf4 };
	/* MOV AL, [abs64]: of a kernel page */
	static const uint8_t load[] = { 0xa0, 0, 0, 0x40, 0, 0, 0, 0, 0 };
	struct frame end = { 0 };
	struct fault f;

	user_init();
	wrmsr(MSR_STAR, (uint64_t)(SEL_USER_DATA - 8) << 48 | (uint64_t)SEL_CODE64 << 32);
	wrmsr(MSR_LSTAR, (uintptr_t)syscall_entry);
	wrmsr(MSR_SFMASK, FLAG_IF | FLAG_TF);

	CHECK_EQ("user-int-leaves",
		 user_run(user_code, (size_t)(user_code_end - user_code), 0, &end, NULL), EXC_NONE);
	CHECK_EQ("user-cs", end.cs, SEL_USER_CODE);
	CHECK_EQ("syscalls", syscalls, 1000);

	CHECK_EQ("user-privileged", user_run(hlt, sizeof(hlt), 0, &end, &f), EXC_GP);
	CHECK_EQ("user-privileged-rip", f.rip, USER_PAGE);
	CHECK_EQ("user-kernel-page", user_run(load, sizeof(load), 0, &end, &f), EXC_PF);
	CHECK_EQ("user-kernel-page-error", f.error, 5);
	CHECK_EQ("user-kernel-page-cr2", f.cr2, 0x400000);
}

static void test_swapgs(void)
{
	uint64_t gs = rdmsr(MSR_GS_BASE), other;

	wrmsr(MSR_KERNEL_GS, 0x1122334455ull);
	__asm__ volatile("swapgs" ::: "memory");
	other = rdmsr(MSR_GS_BASE);
	__asm__ volatile("swapgs" ::: "memory");
	CHECK_EQ("swapgs", other, 0x1122334455ull);
	CHECK_EQ("swapgs-back", rdmsr(MSR_GS_BASE), gs);
	wrmsr(MSR_FS_BASE, 0x7654321000ull);
	cpuid(0, 0);
	CHECK_EQ("fs-base-kept", rdmsr(MSR_FS_BASE), 0x7654321000ull);
}

void guest_main(void)
{
	test_memory_map();
	test_command_line();
	test_fw_cfg();
	test_exceptions();
	test_ist();
	test_debug();
	test_user();
	test_swapgs();
}
