// SPDX-License-Identifier: GPL-2.0-or-later
// One table of handlers for all CPUs, filled at start. Exceptions that nobody claims and that no
// row of the exception table forgives are bugs: they panic with the frame.
#include "cpu/intr.h"

#include "cpu/cpu.h"
#include "cpu/extable.h"
#include "cpu/lapic.h"
#include "cpu/panic.h"

#define EXCEPTIONS 32

/* Locks: [o] owner CPU only */
struct intr_state {
	uint64_t count; /* [o] */
};
DEFINE_CPU_PRIVATE(struct intr_state, intr);

static intr_handler_t handlers[256]; /* immutable after start */

void intr_dispatch(struct trap_frame *frame);

void intr_register(uint8_t vector, intr_handler_t handler)
{
	ASSERT(!handlers[vector] || !handler);
	handlers[vector] = handler;
}

intr_handler_t intr_handler(uint8_t vector)
{
	return handlers[vector];
}

uint64_t intr_count(void)
{
	return cpu_private(intr)->count;
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
	cpu_private(intr)->count++;
	if (handlers[frame->vector])
		handlers[frame->vector](frame);
	else
		unclaimed(frame);
	if (frame->vector >= VECTOR_DEVICE_FIRST && frame->vector != VECTOR_SPURIOUS)
		lapic_eoi();
}
