// SPDX-License-Identifier: GPL-2.0-or-later
// Two ranges of numbers, Linux' and ours, make one array of row pointers. Calls are counted per
// CPU, so that two CPUs never write one cache line here. A number without a row is logged once.
#include "proc/syscall.h"

#include "abi/strata.h"
#include "cpu/account.h"
#include "cpu/cpu.h"
#include "cpu/log.h"
#include "cpu/time.h"
#include "cpu/tracing.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/nospec.h"
#include "proc/linux_abi.h"
#include "proc/process.h"

#define NATIVE_COUNT (STRATA_SYS_END - STRATA_SYS_BASE)
#define SLOTS        (LINUX_NR_END + NATIVE_COUNT)

struct counts {
	uint64_t n[SLOTS];
};
DEFINE_CPU_PUBLIC(struct counts, syscall_counts);

static const struct syscall_row *rows[SLOTS];
static uint64_t unknown_seen[BITMAP_WORDS(SLOTS + 1)]; /* bits are set atomically */

/* SLOTS: not a number of either range. */
static unsigned int slot_of(uint64_t nr)
{
	uint64_t native = nr - STRATA_SYS_BASE;

	/* By far the most frequent. */
	if (likely(nr == SYS_VCPU_RUN))
		return LINUX_NR_END + (SYS_VCPU_RUN - STRATA_SYS_BASE);
	if (native < NATIVE_COUNT)
		return LINUX_NR_END + (unsigned int)nospec_index(native, NATIVE_COUNT);
	return nr < LINUX_NR_END ? (unsigned int)nospec_index(nr, LINUX_NR_END) : SLOTS;
}

void syscall_register(const struct syscall_table *table)
{
	for (unsigned int i = 0; i < table->count; i++) {
		unsigned int slot = slot_of(table->rows[i].nr);

		ASSERT(slot < SLOTS && rows[slot] == NULL);
		rows[slot] = &table->rows[i];
	}
}

static __noinline void note_unknown(uint64_t nr)
{
	unsigned int slot = slot_of(nr);
	uint64_t bit = BIT(slot % 64);

	if (__atomic_fetch_or(&unknown_seen[slot / 64], bit, __ATOMIC_RELAXED) & bit)
		return;
	log_debug("process %u (%s): no system call %llu", process_current()->pid,
		  process_current()->name, (unsigned long long)nr);
}

void syscall_dispatch(struct trap_frame *f)
{
	unsigned int slot = slot_of(f->rax);
	const struct syscall_row *row = slot < SLOTS ? rows[slot] : NULL;

	if (unlikely(row == NULL)) {
		note_unknown(f->rax);
		f->rax = (uint64_t)-ENOSYS;
		return;
	}
	cpu_private(syscall_counts)->n[slot]++;
	thread_call_begin(row->name);
	f->rax = (uint64_t)row->call((const struct syscall_args *)&f->rdi);
	thread_call_end();
}

void syscall_enter(struct trap_frame *frame)
{
	cpu_account_switch(CPU_TIME_USER, CPU_TIME_KERNEL);
	syscall_dispatch(frame);
}

/* ---- traced ---- */

static void enter_traced(struct trap_frame *frame)
{
	uint64_t nr = frame->rax;
	unsigned int slot = slot_of(nr);
	const struct syscall_row *row = slot < SLOTS ? rows[slot] : NULL;
	uint32_t vm = process_vm(process_current());
	struct trace_item item = {
		.tsc = time_tsc(),
		.kind = TRACE_CALL,
		.vm = vm,
		.thread = (uint32_t)thread_id(thread_current()),
		.number = nr < UINT16_MAX ? (uint16_t)nr : UINT16_MAX,
	};

	syscall_enter(frame);
	item.address = frame->rax;
	/* It may have slept, and tracing may have gone off meanwhile. */
	if (trace_is_on() && trace_wants(vm))
		trace_note(&item, row ? row->name : "unknown");
}

void syscall_trace(bool on)
{
	intr_set_syscall_handler(on ? enter_traced : syscall_enter);
}

bool syscall_stat(unsigned int index, const char **name, uint64_t *count)
{
	unsigned int slot = 0;

	for (;; slot++) {
		if (slot == SLOTS)
			return false;
		if (rows[slot] != NULL && index-- == 0)
			break;
	}
	*name = rows[slot]->name;
	*count = 0;
	cpu_for_each (id)
		*count += READ_ONCE(cpu_public(syscall_counts, id)->n[slot]);
	return true;
}
