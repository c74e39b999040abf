// SPDX-License-Identifier: GPL-2.0-or-later
// The NMI's handler walks the stack that it interrupted and leaves the addresses for who asked. An
// NMI that nobody asked for stays what it was: a panic's stop, or the machine's cry for help.
#include "cpu/backtrace.h"

#include "cpu/intr.h"
#include "cpu/ksyms.h"
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/time.h"

#define VECTOR_NMI  2
#define ANSWER_NS   500000000ull
#define STACK_REACH 16384ull /* no kernel stack is longer */
#define KERNEL_HALF 0xffff800000000000ull

/* Locks: [a] atomic   [r] whoever `state` belongs to: the CPU asked while ASKED, then who asks */
static struct {
	uint32_t state;          /* [a] */
	uint32_t cpu;            /* [r] */
	struct backtrace answer; /* [r] */
} request;

enum {
	FREE,
	TAKEN, /* somebody prepares it, or reads the answer */
	ASKED,
	ANSWERING,
	ANSWERED,
};

void backtrace_walk(struct backtrace *b, uint64_t rip, uint64_t rbp, uint64_t low, uint64_t high)
{
	b->n = 0;
	b->rip[b->n++] = rip;
	while (b->n < BACKTRACE_MAX && rbp >= low && rbp < high && high - rbp >= 16 &&
	       IS_ALIGNED(rbp, 8)) {
		const uint64_t *frame = (const uint64_t *)rbp;

		if (!frame[1])
			break;
		b->rip[b->n++] = frame[1];
		low = rbp + 16;
		rbp = frame[0];
	}
}

void backtrace_log(const struct backtrace *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		uint64_t off = 0;
		const char *name = ksym_lookup(b->rip[i], &off);

		log_error("  %016llx %s+0x%llx", (unsigned long long)b->rip[i], name ? name : "?",
			  (unsigned long long)(name ? off : 0));
	}
}

/* The top of the stack that holds rsp: stacks end at multiples of their slot, or are the image's.
 */
static uint64_t reach(uint64_t rsp)
{
	return rsp >= KERNEL_HALF && rsp < UINT64_MAX - STACK_REACH
		       ? MIN(ALIGN_UP(rsp + 1, STACK_REACH), rsp + STACK_REACH)
		       : rsp;
}

static bool move(uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&request.state, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static void on_nmi(struct trap_frame *f)
{
	if (panic_in_progress() ||
	    __atomic_load_n(&request.cpu, __ATOMIC_SEQ_CST) != this_cpu_id().n ||
	    !move(ASKED, ANSWERING))
		panic_frame(f);
	/* In ring 3 the frame pointer is the program's. */
	backtrace_walk(&request.answer, f->rip, trap_from_user(f) ? 0 : f->rbp, f->rsp,
		       reach(f->rsp));
	__atomic_store_n(&request.state, ANSWERED, __ATOMIC_SEQ_CST);
}

static bool wait_for_answer(void)
{
	uint64_t begun = time_now();

	while (!move(ANSWERED, TAKEN)) {
		if (time_now() - begun > ANSWER_NS)
			return false;
		cpu_relax();
	}
	return true;
}

bool backtrace_of_cpu(cpu_id_t cpu, struct backtrace *b)
{
	/* An answer that came too late for who asked is nobody's. */
	if (cpu_id_eq(cpu, this_cpu_id()) || (!move(FREE, TAKEN) && !move(ANSWERED, TAKEN)))
		return false;
	__atomic_store_n(&request.cpu, cpu.n, __ATOMIC_SEQ_CST);
	__atomic_store_n(&request.state, ASKED, __ATOMIC_SEQ_CST);
	lapic_send_nmi(cpu_get(cpu)->apic_id);
	/* An NMI that comes too late must still find its request: until then nobody else asks. */
	if (!wait_for_answer())
		return false;
	*b = request.answer;
	__atomic_store_n(&request.state, FREE, __ATOMIC_SEQ_CST);
	return true;
}

void backtrace_init(void)
{
	intr_register(VECTOR_NMI, on_nmi);
}
