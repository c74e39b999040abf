// SPDX-License-Identifier: GPL-2.0-or-later
// Code at CPL 3 on the boot CPU: it runs at USER_PAGE, the only page that is its own, until it
// leaves by INT USER_LEAVE or runs into an exception.

#include "tests/guests/rt/private.h"

static uint8_t kernel_stack[4096] __aligned(16);
static struct frame *left;

/* Back into catch(), as if its function had returned. */
static void on_leave(struct frame *f)
{
	struct cpu *cpu = this_cpu();

	*left = *f;
	f->rip = (uintptr_t)catch_resume;
	f->rsp = *cpu->catching;
	f->cs = SEL_CODE64;
	f->ss = SEL_DATA;
	f->rflags = 2;
	f->rax = (uint64_t)EXC_NONE;
}

void user_map(uint64_t address)
{
	page_root[0] |= 4;
	page_pointers[address >> 30] |= 4;
	page_directories[address >> 21] |= 4;
	write_cr3(read_cr3());
}

void user_init(void)
{
	user_map(USER_PAGE);
	tss[0].rsp[0] = (uintptr_t)kernel_stack + sizeof(kernel_stack);
	set_handler(USER_LEAVE, on_leave);
	set_gate_user(USER_LEAVE);
}

static void enter(void *arg)
{
	const uint64_t *flags = arg;

	__asm__ volatile("pushq %0; pushq %1; pushq %2; pushq %3; pushq %4; iretq"
			 :
			 : "i"(SEL_USER_DATA), "r"(USER_PAGE + 0x1000), "r"(*flags | 2),
			   "i"(SEL_USER_CODE), "r"(USER_PAGE)
			 : "memory");
}

int user_run(const void *code, size_t size, uint64_t flags, struct frame *end, struct fault *fault)
{
	left = end;
	memcpy((void *)USER_PAGE, code, size);
	return catch (enter, &flags, fault);
}
