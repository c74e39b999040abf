// SPDX-License-Identifier: GPL-2.0-or-later
// Time counts from the first look on, which comes after some milliseconds of waiting. The holder is
// asked by NMI where it is: it has interrupts off.
#include "lock/lock_stall.h"

#include "cpu/backtrace.h"
#include "cpu/log.h"
#include "cpu/time.h"
#include "cpu/watch.h"

/* CPU number + 1; 0: not known. */
static uint32_t holder(const struct lock *l)
{
#ifdef CONFIG_DEBUG
	return __atomic_load_n(&l->owner, __ATOMIC_RELAXED);
#else
	(void)l;
	return 0;
#endif
}

static void tell_where(const char *who, const struct backtrace *b)
{
	log_error(" %s:", who);
	backtrace_log(b);
}

static void report(const struct lock *l, uint64_t waited)
{
	const char *name = l->class ? l->class->name : "without a class";
	uint64_t here = (uint64_t)__builtin_frame_address(0);
	uint32_t owner = holder(l);
	struct backtrace own, other;
	/* While it stands there; it may go on once it has been told of. */
	bool known = owner && backtrace_of_cpu(CPU_ID(owner - 1), &other);

	if (owner)
		watch_report(WATCH_LOCK, "lock %s: CPU %u has waited %llu ms for CPU %u", name,
			     this_cpu_id().n, (unsigned long long)waited / 1000000, owner - 1);
	else
		watch_report(WATCH_LOCK, "lock %s: CPU %u has waited %llu ms", name,
			     this_cpu_id().n, (unsigned long long)waited / 1000000);
	backtrace_walk(&own, (uint64_t)__builtin_return_address(0), *(uint64_t *)here, here,
		       ALIGN_UP(here, 16384));
	tell_where("who waits", &own);
	if (known)
		tell_where("who holds it", &other);
}

void lock_wait_long(const struct lock *l, struct lock_wait *w)
{
	uint64_t now = time_now(), limit = watch_limit();

	if (!w->since)
		w->since = now;
	if (w->told || !limit || now - w->since < limit)
		return;
	w->told = true;
	report(l, now - w->since);
}
