// SPDX-License-Identifier: GPL-2.0-or-later
// One table of handlers for all CPUs, filled at start. Exceptions that nobody claims and that no
// row of the exception table forgives are bugs: they panic with the frame.
#include "cpu/intr.h"

#include "cpu/account.h"
#include "cpu/cpu.h"
#include "cpu/extable.h"
#include "cpu/lapic.h"
#include "cpu/msr.h"
#include "cpu/panic.h"
#include "cpu/segment.h"

#define EXCEPTIONS 32

/* Locks: [o] owner CPU only */
struct intr_state {
	uint64_t count; /* [o] others may read it */
};
DEFINE_CPU_PRIVATE(struct intr_state, intr);

#define RFLAGS_FIXED (1ull << 1)
#define RFLAGS_IF    (1ull << 9)
/* What a program may choose: CF PF AF ZF SF TF DF OF AC ID. */
#define RFLAGS_USER 0x240dd5ull
/* SYSCALL clears all that a program may choose, and IF, IOPL, NT, RF. */
#define SYSCALL_MASK (RFLAGS_USER | RFLAGS_IF | 0x17000ull)

static void nobody(void)
{
}

static void no_calls(struct trap_frame *frame)
{
	panic_frame(frame);
}

/* Known to cpu/entry.S. */
void intr_dispatch(struct trap_frame *frame);
__noreturn void intr_enter_frame(const struct trap_frame *frame);
__noreturn void intr_enter_frame_mitigated(const struct trap_frame *frame);
extern const char entry_syscall[], entry_syscall_mitigated[], entry_syscall32[];
extern void (*intr_return_hook)(void);
extern void (*intr_syscall_handler)(struct trap_frame *frame);

static_assert_size(struct trap_frame, FRAME_SIZE);
static_assert_offset(struct trap_frame, r11, FRAME_R11);
static_assert_offset(struct trap_frame, rcx, FRAME_RCX);
static_assert_offset(struct trap_frame, r9, offsetof(struct trap_frame, rdi) + 5 * 8);
static_assert_offset(struct trap_frame, vector, FRAME_VECTOR);
static_assert_offset(struct trap_frame, rip, FRAME_RIP);
static_assert_offset(struct trap_frame, cs, FRAME_CS);
static_assert_offset(struct trap_frame, rflags, FRAME_RFLAGS);
static_assert_offset(struct trap_frame, rsp, FRAME_RSP);
static_assert_offset(struct cpu, kernel_rsp, CPU_KERNEL_RSP);
static_assert_offset(struct cpu, user_rsp, CPU_USER_RSP);
static_assert_offset(struct cpu, resched, 48);

/* Immutable after start. */
static intr_handler_t handlers[256];
void (*intr_return_hook)(void) = nobody;
void (*intr_syscall_handler)(struct trap_frame *frame) = no_calls;
static bool mitigated;

static void set_syscall_entry(void)
{
	msr_write(MSR_LSTAR, (uint64_t)(mitigated ? entry_syscall_mitigated : entry_syscall));
}

void intr_use_mitigated(void)
{
	mitigated = true;
	set_syscall_entry();
	idt_init(true);
	idt_load();
}

void intr_init_cpu(void)
{
	msr_write(MSR_STAR, (uint64_t)SEL_USER_CS32 << 48 | (uint64_t)SEL_KERNEL_CS << 32);
	set_syscall_entry();
	msr_write(MSR_CSTAR, (uint64_t)entry_syscall32);
	msr_write(MSR_SFMASK, SYSCALL_MASK);
	msr_write(MSR_SYSENTER_CS, 0); /* SYSENTER is #GP */
	msr_write(MSR_KGS_BASE, 0);
	msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SCE);
}

void intr_set_return_hook(void (*hook)(void))
{
	intr_return_hook = hook;
}

void intr_set_syscall_handler(void (*handler)(struct trap_frame *frame))
{
	WRITE_ONCE(intr_syscall_handler, handler);
}

void intr_make_user_frame(struct trap_frame *frame)
{
	frame->cs = SEL_USER_CS;
	frame->ss = SEL_USER_DS;
	frame->rflags = (frame->rflags & RFLAGS_USER) | RFLAGS_IF | RFLAGS_FIXED;
}

void intr_enter_user(const struct trap_frame *frame)
{
	struct trap_frame copy __aligned(16) = *frame;

	intr_make_user_frame(&copy);
	if (mitigated)
		intr_enter_frame_mitigated(&copy);
	intr_enter_frame(&copy);
}

void intr_register(uint8_t vector, intr_handler_t handler)
{
	ASSERT(!handlers[vector] || !handler);
	handlers[vector] = handler;
}

intr_handler_t intr_handler(uint8_t vector)
{
	return handlers[vector];
}

uint8_t intr_alloc(void)
{
	static uint8_t next = VECTOR_DEVICE_LAST; /* boot CPU only */

	return next >= VECTOR_DEVICE_FIRST ? next-- : 0;
}

uint64_t intr_count(void)
{
	return cpu_private(intr)->count;
}

uint64_t intr_count_of(cpu_id_t id)
{
	return READ_ONCE(cpu_public(intr, id)->count);
}

static void unclaimed(struct trap_frame *frame)
{
	if (frame->vector >= EXCEPTIONS)
		return;
	if (trap_from_user(frame) || !extable_fix(frame))
		panic_frame(frame);
}

void intr_dispatch(struct trap_frame *frame)
{
	if (trap_from_user(frame))
		cpu_account_enter(CPU_TIME_KERNEL);
	cpu_private(intr)->count++;
	if (handlers[frame->vector])
		handlers[frame->vector](frame);
	else
		unclaimed(frame);
	if (frame->vector >= VECTOR_DEVICE_FIRST && frame->vector != VECTOR_SPURIOUS)
		lapic_eoi();
}
