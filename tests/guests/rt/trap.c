// SPDX-License-Identifier: GPL-2.0-or-later
// All 256 vectors enter rt_trap. An exception goes to its handler, else to the catch() that is
// active on this CPU, else it ends the guest; an interrupt without a handler is counted and
// acknowledged.

#include "tests/guests/rt/private.h"

#define STUB_SIZE 16

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, attr;
	uint16_t offset_mid;
	uint32_t offset_high, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "a 64-bit gate");

static struct gate idt[256] __aligned(16);
static trap_fn handlers[256];
volatile uint32_t vector_count[256];

void trap_load(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed pointer = { sizeof(idt) - 1, (uintptr_t)idt };

	__asm__ volatile("lidt %0" ::"m"(pointer));
}

void trap_init(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uintptr_t stub = (uintptr_t)idt_stubs + i * STUB_SIZE;

		idt[i] = (struct gate){ .offset_low = (uint16_t)stub,
					.selector = SEL_CODE64,
					.attr = 0x8e,
					.offset_mid = (uint16_t)(stub >> 16) };
	}
	trap_load();
}

void set_handler(uint8_t vector, trap_fn fn)
{
	handlers[vector] = fn;
}

void set_gate_ist(uint8_t vector, unsigned ist)
{
	idt[vector].ist = (uint8_t)ist;
}

void set_gate_user(uint8_t vector)
{
	idt[vector].attr = 0xee;
}

static void resume_catcher(struct cpu *cpu, struct frame *f)
{
	if (cpu->fault)
		*cpu->fault = (struct fault){ f->error, read_cr2(), f->rip };
	f->rip = (uintptr_t)catch_resume;
	f->rsp = *cpu->catching;
	f->cs = SEL_CODE64;
	f->ss = SEL_DATA;
	f->rflags = 2;
	f->rax = f->vector;
	cpu->catching = NULL;
}

static void __noreturn die(const struct frame *f)
{
	print("FAIL %s: exception %lu error 0x%lx at rip 0x%lx rsp 0x%lx cr2 0x%lx rflags 0x%lx "
	      "CPU %u\n",
	      guest_name, f->vector, f->error, f->rip, f->rsp, read_cr2(), f->rflags,
	      this_cpu()->id);
	guest_exit(GUEST_DIED);
}

static void acknowledge(uint8_t vector)
{
	if (vector >= PIC_BASE && vector < PIC_BASE + 16)
		pic_eoi(vector - PIC_BASE);
	else if (vector != SPURIOUS)
		lapic_eoi();
}

void rt_trap(struct frame *f)
{
	uint8_t vector = (uint8_t)f->vector;

	__atomic_add_fetch(&vector_count[vector], 1, __ATOMIC_SEQ_CST);
	if (handlers[vector])
		handlers[vector](f);
	else if (vector >= 32)
		acknowledge(vector);
	else if (vector == EXC_NMI)
		return;
	else if (this_cpu()->catching)
		resume_catcher(this_cpu(), f);
	else
		die(f);
}

int catch (void (*fn)(void *arg), void *arg, struct fault *fault)
{
	struct cpu *cpu = this_cpu();
	uint64_t *outer = cpu->catching, resume, flags = read_flags();
	struct fault *outer_fault = cpu->fault;
	int vector;

	cpu->fault = fault;
	cpu->catching = &resume;
	vector = catch_call(fn, arg, &resume);
	cpu->catching = outer;
	cpu->fault = outer_fault;
	if (vector != EXC_NONE && flags & FLAG_IF)
		sti();
	return vector;
}

struct msr_access {
	uint32_t msr;
	uint64_t value;
};

static void do_rdmsr(void *arg)
{
	struct msr_access *a = arg;

	a->value = rdmsr(a->msr);
}

static void do_wrmsr(void *arg)
{
	const struct msr_access *a = arg;

	wrmsr(a->msr, a->value);
}

int catch_rdmsr(uint32_t msr, uint64_t *value)
{
	struct msr_access a = { msr, 0 };
	int vector = catch (do_rdmsr, &a, NULL);

	*value = a.value;
	return vector;
}

int catch_wrmsr(uint32_t msr, uint64_t value)
{
	struct msr_access a = { msr, value };

	return catch (do_wrmsr, &a, NULL);
}

static void do_read(void *arg)
{
	uint8_t v;

	__asm__ volatile("movb (%1), %0" : "=q"(v) : "r"(arg) : "memory");
}

static void do_write(void *arg)
{
	__asm__ volatile("movb $0x5a, (%0)" ::"r"(arg) : "memory");
}

static void do_run(void *arg)
{
	__asm__ volatile("call *%0" ::"r"(arg)
			 : "memory", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
}

int catch_read(const volatile void *address)
{
	return catch (do_read, (void *)(uintptr_t)address, NULL);
}

int catch_write(volatile void *address)
{
	return catch (do_write, (void *)(uintptr_t)address, NULL);
}

int catch_run(const void *code)
{
	return catch (do_run, (void *)(uintptr_t)code, NULL);
}
