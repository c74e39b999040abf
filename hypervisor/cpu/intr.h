/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt and exception entry. The entry stubs save a struct trap_frame on the current thread's
 * kernel stack (NMI, #DF, #MC: on their own stacks) and call the handler registered for the vector.
 * Registration happens once, at start, by the layer that handles it. Handlers run with interrupts
 * off and may not sleep.
 */
#pragma once

#include "cpu/entry_regs.h"
#include "cpu/cpu.h"

/* As pushed by the stubs, lowest address first. Layout known to cpu/entry.S. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11;
	uint64_t rdi, rsi, rdx, r10, r8, r9; /* in this order: the arguments of a system call */
	uint64_t rbp, rcx, rbx, rax;
	uint64_t vector, error;            /* vector: VECTOR_SYSCALL when entered by SYSCALL */
	uint64_t rip, cs, rflags, rsp, ss; /* AMD APM 2, "Interrupt-Stack Frame" in long mode */
};

static inline bool trap_from_user(const struct trap_frame *f)
{
	return (f->cs & 3) == 3;
}

/* Vectors of ours. Devices get 0x30..0xdf from intr_alloc(). */
enum {
	VECTOR_DEVICE_FIRST = 0x30,
	VECTOR_DEVICE_LAST = 0xdf,
	VECTOR_TIMER = 0xf0,
	VECTOR_IPI_CALL = 0xf1, /* ipi_call queue */
	VECTOR_IPI_WAKE = 0xf2, /* look into the inbox */
	VECTOR_IPI_HALT = 0xf3, /* panic */
	VECTOR_SPURIOUS = 0xff,
};

typedef void (*intr_handler_t)(struct trap_frame *frame);

/* Sets the handler of a vector (exceptions 0..31 too). At start only. The LAPIC EOI is sent by the
 * entry code for vectors >= 0x30. */
void intr_register(uint8_t vector, intr_handler_t handler);

/* The handler of a vector, NULL: none. For self-tests that put their own in its place for a while.
 */
intr_handler_t intr_handler(uint8_t vector);

/* Called on the way back to ring 3 and to a guest, interrupts off: set once by thread/. Reschedules
 * when needed. */
void intr_set_return_hook(void (*hook)(void));

/* SYSCALL entry: set by trap/, and by proc/ while calls are traced. The frame is complete; the
 * result goes to frame->rax. Any context. */
void intr_set_syscall_handler(void (*handler)(struct trap_frame *frame));

/*
 * Goes to ring 3 with the registers of *frame (copied), for a thread's first entry. Runs the return
 * hook. The frame is made safe first; an RIP that is no address comes back as the thread's own #GP.
 */
__noreturn void intr_enter_user(const struct trap_frame *frame);

/* Selectors and flags that ring 3 may have, whatever a program asked for: for those that write
 * frames. */
void intr_make_user_frame(struct trap_frame *frame);

/* From now on ring 3 is entered and left with the steps of MIT_RING3 (cpu/mitigations.h): this CPU
 * and those that start later. Boot CPU, once. */
void intr_use_mitigated(void);

/* SYSCALL's MSRs, on each CPU. Called by cpu_init_*. */
void intr_init_cpu(void);

/*
 * A vector for a device, never given back, to be registered by its driver; highest first. At start
 * only. 0: all are taken.
 */
uint8_t intr_alloc(void);

uint64_t intr_count(void); /* interrupts taken on this CPU */
uint64_t intr_count_of(cpu_id_t id);
