// SPDX-License-Identifier: GPL-2.0-or-later
// Calls to other CPUs. A CPU makes one call at a time and describes it in its own area; a bit of
// the caller's number in the called CPU's set says that it is wanted there. So nothing is allocated
// and nothing is locked, whoever calls whom.
#include "cpu/intr.h"
#include "cpu/ipi.h"
#include "cpu/lapic.h"
#include "cpu/log.h"

/*
 * Locks: [o] the owner CPU, and read by those it calls while it waits   [a] atomic
 */
struct ipi {
	void (*fn)(void *arg);  /* [o] */
	void *arg;              /* [o] */
	uint32_t pending;       /* [a] CPUs that have not run fn yet */
	bool busy;              /* [o] a call of this CPU is under way */
	struct cpu_set callers; /* [a] CPUs whose call waits here */
	uint64_t received;      /* [o] */
};
DEFINE_CPU_PUBLIC(struct ipi, ipi);

static void serve(unsigned caller)
{
	struct ipi *call = cpu_public(ipi, CPU_ID(caller));

	call->fn(call->arg);
	__atomic_fetch_sub(&call->pending, 1, __ATOMIC_SEQ_CST);
}

void ipi_serve(void)
{
	struct cpu_set *callers = &cpu_private(ipi)->callers;

	for (unsigned w = 0; w < ARRAY_SIZE(callers->bits); w++) {
		if (!READ_ONCE(callers->bits[w]))
			continue;
		uint64_t bits = __atomic_exchange_n(&callers->bits[w], 0, __ATOMIC_SEQ_CST);
		for (; bits; bits &= bits - 1)
			serve(w * 64 + (unsigned)__builtin_ctzll(bits));
	}
}

static void post(cpu_id_t cpu)
{
	cpu_set_add(&cpu_public(ipi, cpu)->callers, this_cpu_id());
	lapic_send_ipi(cpu_get(cpu)->apic_id, VECTOR_IPI_CALL);
}

static unsigned others_in(const struct cpu_set *cpus)
{
	unsigned n = 0;

	cpu_for_each (id)
		n += cpu_set_has(cpus, id) && !cpu_id_eq(id, this_cpu_id());
	return n;
}

void ipi_call(const struct cpu_set *cpus, void (*fn)(void *arg), void *arg)
{
	struct ipi *mine = cpu_private(ipi);
	/* The set may be one that others change: what is counted is what is called. */
	const struct cpu_set set = *cpus;

	ASSERT(!mine->busy);
	DEBUG_ASSERT(!cpu_irqs_on());
	mine->busy = true;
	mine->fn = fn;
	mine->arg = arg;
	__atomic_store_n(&mine->pending, others_in(&set), __ATOMIC_SEQ_CST);
	cpu_for_each (id) {
		if (cpu_set_has(&set, id) && !cpu_id_eq(id, this_cpu_id()))
			post(id);
	}
	if (cpu_set_has(&set, this_cpu_id()))
		fn(arg);
	while (__atomic_load_n(&mine->pending, __ATOMIC_SEQ_CST)) {
		ipi_serve();
		cpu_relax();
	}
	mine->busy = false;
}

void ipi_wake(cpu_id_t cpu)
{
	if (!cpu_id_eq(cpu, this_cpu_id()))
		lapic_send_ipi(cpu_get(cpu)->apic_id, VECTOR_IPI_WAKE);
}

void ipi_wake_self(void)
{
	lapic_send_ipi(this_cpu()->apic_id, VECTOR_IPI_WAKE);
}

static void call_handler(struct trap_frame *frame)
{
	(void)frame;
	cpu_private(ipi)->received++;
	ipi_serve();
}

static void (*wake_hook)(void); /* [I] after start */

void ipi_set_wake_hook(void (*hook)(void))
{
	wake_hook = hook;
}

static void wake_handler(struct trap_frame *frame)
{
	(void)frame;
	cpu_private(ipi)->received++;
	if (wake_hook)
		wake_hook();
}

void ipi_init(void)
{
	intr_register(VECTOR_IPI_CALL, call_handler);
	intr_register(VECTOR_IPI_WAKE, wake_handler);
}

uint64_t ipi_count(cpu_id_t cpu)
{
	return READ_ONCE(cpu_public(ipi, cpu)->received);
}
