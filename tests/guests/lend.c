// SPDX-License-Identifier: GPL-2.0-or-later
// A guest whose CPUs keep x87, SSE and AVX registers through exits of every kind, and compare them
// after each: ports of the VMM, with vector registers of its own and without, HLT, IPIs, XCR0. The
// boot CPU sends INIT to the others in the middle of it. It lives until it is told to end; what is
// done to it from outside is tests/loans.py's. Nothing here loads an x87 status word
// (docs/limits.md).

#include "tests/guests/rt/rt.h"

const char guest_name[] = "lend";

#define CR0_MP         BIT(1)
#define CR0_EM         BIT(2)
#define CR0_TS         BIT(3)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_OSXSAVE    BIT(18)

#define TICK       0x70
#define IPI        0x71
#define TICK_COUNT 3000000 /* by 1, at 1 GHz: 3 ms */
#define SCRATCH    0x3ff   /* of COM1's UART: the VMM answers with no register of its own */
#define RTC        0x70
#define RTC_SPARE  0x40
#define FW_CFG     0x510

static struct cpuid features;
static bool has_avx, has_xsave;

struct random {
	uint64_t state;
};

static uint64_t draw(struct random *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state;
}

/* ---- registers ---- */

struct registers {
	uint64_t xmm0[2], xmm15[2], ymm7[4], x87;
	uint32_t mxcsr;
	uint16_t fcw;
};

static void xsetbv(uint32_t xcr0)
{
	__asm__ volatile("xsetbv" ::"c"(0), "a"(xcr0), "d"(0));
}

static void set_up(void)
{
	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP);
	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | (has_xsave ? CR4_OSXSAVE : 0));
	if (has_xsave)
		xsetbv(has_avx ? 7 : 3);
}

static void choose(struct random *r, struct registers *v)
{
	for (unsigned i = 0; i < 2; i++) {
		v->xmm0[i] = draw(r);
		v->xmm15[i] = draw(r);
	}
	for (unsigned i = 0; i < 4; i++)
		v->ymm7[i] = has_avx || i < 2 ? draw(r) : 0;
	v->x87 = draw(r) >> 2;
	v->mxcsr = 0x1f80 | (draw(r) & 3) << 13;
	v->fcw = (uint16_t)(0x37f | (draw(r) & 3) << 10);
}

static void load(const struct registers *v)
{
	if (has_avx)
		__asm__ volatile("vmovdqu %0, %%ymm7" ::"m"(v->ymm7));
	else
		__asm__ volatile("movdqu %0, %%xmm7" ::"m"(v->ymm7));
	__asm__ volatile("movdqu %0, %%xmm0; movdqu %1, %%xmm15; ldmxcsr %2" ::"m"(v->xmm0),
			 "m"(v->xmm15), "m"(v->mxcsr));
	__asm__ volatile("fninit; fldcw %0; fildll %1" ::"m"(v->fcw), "m"(v->x87));
}

static void store(struct registers *v)
{
	memset(v, 0, sizeof(*v));
	if (has_avx)
		__asm__ volatile("vmovdqu %%ymm7, %0" : "=m"(v->ymm7));
	else
		__asm__ volatile("movdqu %%xmm7, %0" : "=m"(v->ymm7));
	__asm__ volatile("movdqu %%xmm0, %0; movdqu %%xmm15, %1; stmxcsr %2"
			 : "=m"(v->xmm0), "=m"(v->xmm15), "=m"(v->mxcsr));
	__asm__ volatile("fnstcw %0; fistpll %1" : "=m"(v->fcw), "=m"(v->x87));
}

static const char *difference(const struct registers *a, const struct registers *b)
{
	if (memcmp(a->xmm0, b->xmm0, sizeof(a->xmm0)) != 0)
		return "XMM0";
	if (memcmp(a->xmm15, b->xmm15, sizeof(a->xmm15)) != 0)
		return "XMM15";
	if (memcmp(a->ymm7, b->ymm7, sizeof(a->ymm7)) != 0)
		return "YMM7";
	if (a->x87 != b->x87)
		return "ST0";
	if (a->mxcsr != b->mxcsr)
		return "MXCSR";
	return a->fcw != b->fcw ? "FCW" : NULL;
}

/* ---- what makes exits ---- */

static void many_ports(struct random *r)
{
	for (uint64_t n = draw(r) % 20; n > 0; n--)
		(void)inb(SCRATCH);
}

static void write_port(struct random *r)
{
	outb(SCRATCH, (uint8_t)draw(r));
}

static void write_rtc(struct random *r)
{
	outb(RTC, RTC_SPARE);
	outb(RTC + 1, (uint8_t)draw(r));
}

static void read_fw_cfg(struct random *r)
{
	(void)r;
	outw(FW_CFG, 0);
	for (unsigned i = 0; i < 4; i++)
		(void)inb(FW_CFG + 1);
}

static void halt(struct random *r)
{
	(void)r;
	wait_for_interrupt();
}

static void take_interrupts(struct random *r)
{
	sti();
	for (uint64_t n = draw(r) % 300; n > 0; n--)
		cpu_pause();
	cli();
}

static void send_ipis(struct random *r)
{
	lapic_ipi(0, (draw(r) & 1 ? ICR_OTHERS : ICR_SELF) | ICR_FIXED | ICR_ASSERT | IPI);
}

static void ask_cpuid(struct random *r)
{
	(void)cpuid(0xd, (uint32_t)draw(r) & 1);
}

/* What is switched off comes back as it was. */
static void change_xcr0(struct random *r)
{
	if (!has_xsave)
		return;
	xsetbv(draw(r) & 1 ? 1 : 3);
	many_ports(r);
	xsetbv(has_avx ? 7 : 3);
}

/* Where XSETBV does not exit nothing tells the host: CR4 has no sign of it at the exit. */
static void hide_xcr0(struct random *r)
{
	if (!has_xsave)
		return;
	xsetbv(1);
	write_cr4(read_cr4() & ~CR4_OSXSAVE);
	many_ports(r);
	write_cr4(read_cr4() | CR4_OSXSAVE);
	xsetbv(has_avx ? 7 : 3);
}

static void (*const acts[])(struct random *) = {
	many_ports,      many_ports, many_ports, write_port, write_rtc,   read_fw_cfg, halt,
	take_interrupts, send_ipis,  send_ipis,  ask_cpuid,  change_xcr0, hide_xcr0,
};

static void one_act(struct random *r)
{
	struct registers before, after;
	unsigned act = draw(r) % ARRAY_SIZE(acts);
	const char *what;

	choose(r, &before);
	load(&before);
	acts[act](r);
	store(&after);
	what = difference(&before, &after);
	if (!what)
		return;
	print("lend: wrong: %s of CPU %u after act %u\n", what, this_cpu()->id, act);
	guest_exit(GUEST_FAILED);
}

/* ---- CPUs ---- */

static void on_interrupt(struct frame *f)
{
	(void)f;
	lapic_eoi();
}

static struct random begin(void)
{
	set_up();
	lapic_write(LAPIC_SVR, 0x100 | SPURIOUS);
	lapic_write(LAPIC_TDCR, 0xb); /* by 1 */
	lapic_write(LAPIC_TIMER, TIMER_PERIODIC | TICK);
	lapic_write(LAPIC_TMICT, TICK_COUNT);
	return (struct random){ rdtsc() << 3 | this_cpu()->id << 1 | 1 };
}

static void live(void *arg)
{
	struct random r = begin();

	(void)arg;
	for (;;)
		one_act(&r);
}

/* INITs at once, some of which find it waiting for its start already; then it begins anew. */
static void strike(struct random *r, unsigned online)
{
	unsigned id = 1 + (unsigned)(draw(r) % (online - 1));

	for (uint64_t n = draw(r) % 4; n > 0; n--)
		lapic_ipi(id, ICR_INIT | ICR_ASSERT);
	cpu_restart(id);
	cpu_run(id, live, NULL);
}

void guest_main(void)
{
	unsigned online = smp_start(machine.nr_cpus);
	struct random r;

	features = cpuid(1, 0);
	has_xsave = features.ecx & BIT(26);
	has_avx = has_xsave && (features.ecx & BIT(28));
	set_handler(TICK, on_interrupt);
	set_handler(IPI, on_interrupt);
	for (unsigned i = 1; i < online; i++)
		cpu_run(i, live, NULL);
	r = begin();
	print("lend: up, %u CPUs\n", online);
	for (uint64_t round = 1;; round++) {
		one_act(&r);
		if (online > 1 && draw(&r) % 32 == 0)
			strike(&r, online);
		if (round % 1000 == 0)
			print("lend: %lu\n", round / 1000);
	}
}
