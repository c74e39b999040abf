// SPDX-License-Identifier: GPL-2.0-or-later
// A page fault goes to the address space first, whether ring 3 or a copy to or from it made it;
// what is left is the program's error, the copy's, or a bug of ours. Every other exception has a
// row with the Linux signal that ends the process.
#include "trap/trap.h"

#include "cpu/extable.h"
#include "cpu/fpu.h"
#include "cpu/panic.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "proc/process.h"
#include "proc/syscall.h"

#define VECTOR_UD 6
#define VECTOR_NM 7
#define VECTOR_PF 14

/* AMD APM 2, "Page-Fault Error Code". */
#define PF_WRITE    BIT(1)
#define PF_RESERVED BIT(3)
#define PF_FETCH    BIT(4)

static const uint8_t signals[32] = {
	[0] = LINUX_SIGFPE,  [1] = LINUX_SIGTRAP, [3] = LINUX_SIGTRAP,  [4] = LINUX_SIGSEGV,
	[5] = LINUX_SIGSEGV, [6] = LINUX_SIGILL,  [7] = LINUX_SIGSEGV,  [10] = LINUX_SIGSEGV,
	[11] = LINUX_SIGBUS, [12] = LINUX_SIGBUS, [13] = LINUX_SIGSEGV, [16] = LINUX_SIGFPE,
	[17] = LINUX_SIGBUS, [19] = LINUX_SIGFPE, [21] = LINUX_SIGSEGV,
};

static uint64_t read_cr2(void)
{
	uint64_t v;

	__asm__ volatile("movq %%cr2, %0" : "=r"(v));
	return v;
}

static uint32_t wanted_by(uint64_t error)
{
	if (error & PF_FETCH)
		return AS_EXEC;
	return error & PF_WRITE ? AS_WRITE : AS_READ;
}

/* Nobody resolves it. */
static void give_up(struct trap_frame *frame, int signal, uint64_t address)
{
	if (trap_from_user(frame))
		process_fault(frame, signal, address);
	if (!extable_fix(frame))
		panic_frame(frame);
}

static void on_page_fault(struct trap_frame *frame)
{
	uint64_t address = read_cr2();
	int rc = -EFAULT;

	if (frame->error & PF_RESERVED)
		panic_frame(frame);
	if (as_current() != NULL && (trap_from_user(frame) || extable_has(frame->rip)))
		rc = as_fault(as_current(), address, wanted_by(frame->error));
	/* Out of quota is not an error in the program's code: SIGKILL tells them apart. */
	if (rc != 0)
		give_up(frame, rc == -ENOMEM ? LINUX_SIGKILL : LINUX_SIGSEGV, address);
}

static void on_exception(struct trap_frame *frame)
{
	give_up(frame, signals[frame->vector], 0);
}

/* Its registers may still be those of its guest, with the guest's XCR0. */
static void on_fpu(struct trap_frame *frame)
{
	if (!trap_from_user(frame) || !fpu_use(thread_fpu(thread_current())))
		on_exception(frame);
}

void trap_init(void)
{
	for (uint8_t v = 0; v < ARRAY_SIZE(signals); v++) {
		if (signals[v] != 0)
			intr_register(v, v == VECTOR_UD || v == VECTOR_NM ? on_fpu : on_exception);
	}
	intr_register(VECTOR_PF, on_page_fault);
	intr_set_syscall_handler(syscall_enter);
}
