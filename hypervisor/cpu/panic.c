// SPDX-License-Identifier: GPL-2.0-or-later
// The last words: message, registers, backtrace by frame pointers with names, the trace ring.
// Everything goes straight to the sinks, since the log's lock may be held by what went wrong; a
// panic inside a panic only halts.
#include "cpu/panic.h"

#include "cpu/cpu.h"
#include "cpu/ksyms.h"
#include "cpu/lapic.h"
#include "cpu/log_private.h"
#include "lib/fmt.h"

#define BACKTRACE_MAX 24
#define KERNEL_HALF   0xffff800000000000ull

static const char *const names[32] = {
	[0] = "#DE divide error",
	[1] = "#DB debug",
	[2] = "NMI",
	[3] = "#BP breakpoint",
	[4] = "#OF overflow",
	[5] = "#BR bound range",
	[6] = "#UD invalid opcode",
	[7] = "#NM no FPU",
	[8] = "#DF double fault",
	[10] = "#TS invalid TSS",
	[11] = "#NP segment not present",
	[12] = "#SS stack",
	[13] = "#GP general protection",
	[14] = "#PF page fault",
	[16] = "#MF x87",
	[17] = "#AC alignment",
	[18] = "#MC machine check",
	[19] = "#XF SIMD",
	[21] = "#CP control protection",
	[29] = "#VC VMM communication",
	[30] = "#SX security",
};

static uint32_t panicking;
static const struct panic_ops *ops; /* immutable after boot */

static void say(const char *fmt, ...) __printf_like(1, 2);

static void say(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	fmt_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_emit(line);
	log_emit("\n");
}

static void begin(void)
{
	__asm__ volatile("cli");
	if (__atomic_exchange_n(&panicking, 1, __ATOMIC_ACQ_REL))
		cpu_halt();
	lapic_stop_others();
	log_last_words();
}

void panic_register(const struct panic_ops *registered)
{
	ops = registered;
}

static __noreturn void end(void)
{
	if (ops != NULL)
		ops->end();
	cpu_halt();
}

bool panic_in_progress(void)
{
	return __atomic_load_n(&panicking, __ATOMIC_ACQUIRE);
}

static bool is_kernel_stack(uint64_t rbp)
{
	return rbp >= KERNEL_HALF && IS_ALIGNED(rbp, 8) && rbp < UINT64_MAX - 16;
}

static void say_address(uint64_t rip)
{
	uint64_t off;
	const char *name = ksym_lookup(rip, &off);

	say("  %016llx %s+0x%llx", (unsigned long long)rip, name ? name : "?",
	    (unsigned long long)(name ? off : 0));
}

static void backtrace(uint64_t rip, uint64_t rbp)
{
	say("backtrace:");
	say_address(rip);
	for (int i = 0; i < BACKTRACE_MAX && is_kernel_stack(rbp); i++) {
		const uint64_t *frame = (const uint64_t *)rbp;

		if (!frame[1])
			break;
		say_address(frame[1]);
		/* Frames only go up. */
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

static uint64_t read_cr2(void)
{
	uint64_t v;

	__asm__ volatile("movq %%cr2, %0" : "=r"(v));
	return v;
}

#define U(x) ((unsigned long long)(x))

static void registers(const struct trap_frame *f)
{
	say("rip %04llx:%016llx rflags %08llx error %llx cr2 %016llx", U(f->cs), U(f->rip),
	    U(f->rflags), U(f->error), U(read_cr2()));
	say("rsp %04llx:%016llx rax %016llx rbx %016llx", U(f->ss), U(f->rsp), U(f->rax),
	    U(f->rbx));
	say("rcx %016llx rdx %016llx rsi %016llx rdi %016llx", U(f->rcx), U(f->rdx), U(f->rsi),
	    U(f->rdi));
	say("rbp %016llx r8  %016llx r9  %016llx r10 %016llx", U(f->rbp), U(f->r8), U(f->r9),
	    U(f->r10));
	say("r11 %016llx r12 %016llx r13 %016llx r14 %016llx", U(f->r11), U(f->r12), U(f->r13),
	    U(f->r14));
	say("r15 %016llx", U(f->r15));
}

static void last_events(void)
{
	struct trace_entry e;

	for (unsigned i = 0; i < TRACE_SHOWN && trace_get(i, &e); i++)
		say("trace: %llu %s %llx %llx", U(e.tsc), e.what, U(e.a), U(e.b));
}

void panic_frame(const struct trap_frame *f)
{
	const char *name = f->vector < 32 ? names[f->vector] : NULL;

	begin();
	say("panic: %s (vector %llu) on CPU %u", name ? name : "interrupt", U(f->vector),
	    this_cpu_id().n);
	registers(f);
	backtrace(f->rip, f->rbp);
	last_events();
	end();
}

void panic(const char *fmt, ...)
{
	char text[200];
	va_list ap;

	begin();
	va_start(ap, fmt);
	fmt_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("panic: %s (CPU %u)", text, this_cpu_id().n);
	backtrace((uint64_t)__builtin_return_address(0), *(uint64_t *)__builtin_frame_address(0));
	last_events();
	end();
}

void fatal(const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	fmt_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_last_words();
	log_emit("strata: cannot start: ");
	log_emit(text);
	log_emit("\n");
	end();
}
