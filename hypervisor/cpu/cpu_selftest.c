// SPDX-License-Identifier: GPL-2.0-or-later
// Exceptions that the kernel survives, the interrupt stacks, W^X of the image, the log's ring,
// symbols.
#include "cpu/cpu.h"
#include "cpu/extable.h"
#include "cpu/intr.h"
#include "cpu/ksyms.h"
#include "cpu/log_private.h"
#include "cpu/msr.h"
#include "cpu/selftest.h"
#include "lib/errno.h"
#include "lib/string.h"

/* 0, or -EFAULT when reading p faults. */
static int read_safe(const volatile char *p)
{
	int ret = -EFAULT;
	char c;

	__asm__ volatile("1: movb (%2), %1\n\t"
			 "xorl %0, %0\n"
			 "2:\n\t" EXTABLE(1b, 2b)
			 : "+r"(ret), "=&q"(c)
			 : "r"(p)
			 : "memory");
	return ret;
}

SELFTEST(faults_on_purpose_are_survived)
{
	char here = 0;

	SELFTEST_CHECK(read_safe(&here) == 0);
	/* #PF: the first page is never mapped. #GP: not a canonical address. */
	SELFTEST_CHECK(read_safe((const char *)16) == -EFAULT);
	SELFTEST_CHECK(read_safe((const char *)0x123400000000000) == -EFAULT);
}

SELFTEST(msr_read_back)
{
	uint64_t efer, kgs;

	SELFTEST_CHECK(msr_read_safe(MSR_EFER, &efer) == 0 && (efer & EFER_LMA) &&
		       (efer & EFER_NXE));
	SELFTEST_CHECK(msr_write_safe(MSR_KGS_BASE, 0x1234) == 0);
	SELFTEST_CHECK(msr_read_safe(MSR_KGS_BASE, &kgs) == 0 && kgs == 0x1234);
	SELFTEST_CHECK(msr_write_safe(MSR_KGS_BASE, 0) == 0);
}

/* Does a write of one byte to p fault? Writes back what it read. */
static bool write_faults(volatile char *p)
{
	int ret = -EFAULT;
	char c = *p;

	__asm__ volatile("1: movb %2, (%1)\n\t"
			 "xorl %0, %0\n"
			 "2:\n\t" EXTABLE(1b, 2b)
			 : "+r"(ret)
			 : "r"(p), "q"(c)
			 : "memory");
	return ret != 0;
}

SELFTEST(image_is_not_writable)
{
	static char data[8];

	SELFTEST_CHECK(!write_faults(data));
	SELFTEST_CHECK(write_faults((volatile char *)(uintptr_t)selftest_run));
	SELFTEST_CHECK(write_faults((volatile char *)(uintptr_t) "text"));
}

static uint64_t seen_vector, seen_rsp;

static void note_frame(struct trap_frame *f)
{
	seen_vector = f->vector;
	seen_rsp = (uint64_t)f;
}

SELFTEST(interrupt_by_software)
{
	uint64_t before = intr_count();

	seen_vector = 0;
	intr_register(VECTOR_DEVICE_FIRST, note_frame);
	__asm__ volatile("int %0" : : "i"(VECTOR_DEVICE_FIRST) : "memory");
	intr_register(VECTOR_DEVICE_FIRST, NULL);
	SELFTEST_CHECK(seen_vector == VECTOR_DEVICE_FIRST);
	SELFTEST_CHECK(intr_count() == before + 1);
}

static struct cpu *seen_cpu;

static void note_cpu(struct trap_frame *f)
{
	seen_vector = f->vector;
	seen_cpu = this_cpu();
}

SELFTEST(nmi_has_its_own_stack)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0);
	intr_handler_t usual = intr_handler(2);

	intr_register(2, NULL);
	intr_register(2, note_frame);
	__asm__ volatile("int $2" : : : "memory");
	intr_register(2, NULL);
	intr_register(2, usual);
	SELFTEST_CHECK(seen_vector == 2);
	SELFTEST_CHECK(seen_rsp > here || here - seen_rsp > 16384);
	SELFTEST_CHECK(this_cpu()->self == this_cpu());
}

/* As between an entry from ring 3 and its SWAPGS, with a GS base that looks like the kernel's. */
SELFTEST(nmi_over_a_foreign_gs_base)
{
	uint64_t user = msr_read(MSR_KGS_BASE), foreign = (uint64_t)this_cpu() + 4096, after;
	intr_handler_t usual = intr_handler(2);

	if (cpuid(0, 0).eax < 7 || !(cpuid(7, 0).ebx & 1))
		return;
	seen_vector = 0;
	intr_register(2, NULL);
	intr_register(2, note_cpu);
	__asm__ volatile("swapgs\n\t"
			 "wrgsbase %1\n\t"
			 "int $2\n\t"
			 "rdgsbase %0\n\t"
			 "swapgs"
			 : "=r"(after)
			 : "r"(foreign)
			 : "memory");
	msr_write(MSR_KGS_BASE, user);
	intr_register(2, NULL);
	intr_register(2, usual);
	SELFTEST_CHECK(seen_vector == 2 && seen_cpu == this_cpu());
	SELFTEST_CHECK(after == foreign);
}

SELFTEST(log_ring_keeps_order)
{
	char line[64];
	uint64_t seq = UINT64_MAX;

	SELFTEST_CHECK(log_read(&seq, line, sizeof(line), NULL) == -ENOENT);
	for (seq = 0; log_read(&seq, line, sizeof(line), NULL) >= 0;)
		;
	log_debug("a line of the self-test");
	SELFTEST_CHECK(log_read(&seq, line, sizeof(line), NULL) == 23);
	SELFTEST_CHECK(!strcmp(line, "a line of the self-test"));
	seq--;
	SELFTEST_CHECK(log_read(&seq, line, 7, NULL) == 6 && !strcmp(line, "a line"));
}

static unsigned log_kicks;

static void log_kick(void)
{
	log_kicks++;
}

/* Whoever has the log gets what the terminal would show, once, in order; nobody else can have it.
 */
SELFTEST(log_is_taken_over)
{
	char line[64];

	log_kicks = 0;
	SELFTEST_CHECK(log_take_over(0, log_kick) == 0);
	SELFTEST_CHECK(log_take_over(LOG_SINKS_MAX - 1, log_kick) == -ENODEV);
	SELFTEST_CHECK(!log_waits(LOG_SINKS_MAX) && log_take(LOG_SINKS_MAX, line, 1) == -ENOENT);
	bool refused = log_take_over(0, log_kick) == -EBUSY, empty = !log_waits(0);
	log_warn("for the reader");
	log_debug("not for a terminal");
	log_warn("cut");
	bool waits = log_waits(0) && log_kicks == 2;
	bool first = log_take(0, line, sizeof(line)) == 14 && !strcmp(line, "for the reader");
	bool cut = log_take(0, line, 3) == 2 && !strcmp(line, "cu");
	bool none = log_take(0, line, sizeof(line)) == -ENOENT && !log_waits(0);
	log_warn("a line that is left over from the self-test");
	log_show_now();
	bool shown = log_take(0, line, sizeof(line)) == -ENOENT;
	log_give_back(0);
	SELFTEST_CHECK(refused && empty && waits && first && cut && none && shown);
	SELFTEST_CHECK(log_take(0, line, sizeof(line)) == -ENOENT);
}

/* More lines than the ring holds: the newest are there. */
SELFTEST(log_reader_falls_behind)
{
	char line[64];
	unsigned got = 0;

	SELFTEST_CHECK(log_take_over(0, log_kick) == 0);
	for (unsigned i = 0; i < 600; i++)
		log_warn("line %u of the self-test", i);
	bool oldest =
		log_take(0, line, sizeof(line)) > 0 && !strcmp(line, "line 88 of the self-test");
	while (log_take(0, line, sizeof(line)) > 0)
		got++;
	log_give_back(0);
	SELFTEST_CHECK(oldest && got == 511 && !strcmp(line, "line 599 of the self-test"));
}

SELFTEST(symbols_have_names)
{
	uint64_t off;
	const char *name = ksym_lookup((virt_t)selftest_run + 3, &off);

	SELFTEST_CHECK(name && !strcmp(name, "selftest_run") && off == 3);
	SELFTEST_CHECK(!ksym_lookup(0x1000, &off));
}

SELFTEST(trace_ring_newest_first)
{
	struct trace_entry e;

	for (uint64_t i = 0; i < 300; i++)
		trace_event("selftest", i, 2 * i);
	SELFTEST_CHECK(trace_get(0, &e) && e.a == 299 && e.b == 598 && !strcmp(e.what, "selftest"));
	SELFTEST_CHECK(trace_get(5, &e) && e.a == 294);
	SELFTEST_CHECK(!trace_get(300, &e));
}
