// SPDX-License-Identifier: GPL-2.0-or-later
// What operations that leave a guest cost. Each is repeated in batches and timed by the TSC; a line
// `NAME MEDIAN MIN MAX` says what one took, in TSC ticks, over the batches (`NAME -`: this machine
// has no such operation). Under QEMU's -icount shift=0 a tick is one instruction of guest, kernel
// and VMM together. Lines come at the end, so that printing disturbs nothing.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "exit-cost";

#define BATCHES  21
#define REPEAT   100
#define VECTOR   0x60
#define SCRATCH  0x3ff /* COM1's scratch register: the VMM's, and nothing happens */
#define PIC_MASK 0x21

#define LAPIC_PAGE    0xfee00000ul
#define IOAPIC_WINDOW 0xfec00010ul

struct op {
	const char *name;
	bool (*here)(void); /* NULL: everywhere */
	void (*setup)(void);
	/* One batch: what one operation took. */
	uint64_t (*batch)(void);
	void (*end)(void);
};

/* ---- handlers that do as little as can be done ---- */

volatile uint64_t came, came_at; /* the handlers' */
extern const uint8_t on_x2apic[], on_xapic[], on_timer[];

__asm__(".text\n"
	"on_x2apic:\n"
	"	push %rax; push %rcx; push %rdx\n"
	"	incq came\n"
	"	mov $0x80b, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr\n"
	"	pop %rdx; pop %rcx; pop %rax\n"
	"	iretq\n"
	"on_xapic:\n"
	"	push %rax\n"
	"	incq came\n"
	"	mov $0xfee000b0, %eax; movl $0, (%rax)\n"
	"	pop %rax\n"
	"	iretq\n"
	"on_timer:\n"
	"	push %rax; push %rcx; push %rdx\n"
	"	rdtsc; shl $32, %rdx; or %rdx, %rax; mov %rax, came_at\n"
	"	incq came\n"
	"	mov $0x80b, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr\n"
	"	pop %rdx; pop %rcx; pop %rax\n"
	"	iretq\n");

/* Past the runtime's own dispatch, which would be most of what is measured. */
static void set_entry(const uint8_t *entry)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed idt;
	uint16_t *gate;

	__asm__ volatile("sidt %0" : "=m"(idt));
	gate = (uint16_t *)(uintptr_t)(idt.base + 16 * VECTOR);
	gate[0] = (uint16_t)(uintptr_t)entry;
	gate[3] = (uint16_t)((uintptr_t)entry >> 16);
	came = 0;
}

static void open_window(void)
{
	__asm__ volatile("sti; nop; cli" ::: "memory");
}

static uint64_t extra; /* interrupts that came and nobody had asked for */

/* Every interrupt that was asked for has come, or the figure is worth nothing. One more is worth
 * telling: under KVM in QEMU 7.2, an injected one can be delivered twice (docs/limits.md). */
static void expect_came(uint64_t n)
{
	if (came >= n) {
		extra += came - n;
		return;
	}
	print("FAIL exit-cost: %lu interrupts came, not %lu\n", came, n);
	guest_exit(GUEST_FAILED);
}

/* ---- batches ---- */

#define BATCH(function, ...)                        \
	static uint64_t function(void)              \
	{                                           \
		uint64_t start = rdtsc();           \
                                                    \
		for (unsigned i = REPEAT; i; i--) { \
			__VA_ARGS__;                \
		}                                   \
		return (rdtsc() - start) / REPEAT;  \
	}

#define VMCALL(insn)                                                                    \
	({                                                                              \
		uint64_t a = 0x7fff;                                                    \
		__asm__ volatile(insn : "+a"(a)::"rbx", "rcx", "rdx", "rsi", "memory"); \
	})
#define MOVE_FROM(reg)                                                     \
	({                                                                 \
		uint64_t v;                                                \
		__asm__ volatile("mov %%" reg ", %0" : "=r"(v)::"memory"); \
	})
#define MOVE_TO(reg, v) __asm__ volatile("mov %0, %%" reg ::"r"((uint64_t)(v)) : "memory")

static uint64_t saved; /* what an operation writes back unchanged */
static volatile uint32_t *ecam;

BATCH(batch_nothing, __asm__ volatile("" ::: "memory"))
BATCH(batch_cpuid, cpuid(0, 0))
BATCH(batch_vmmcall, VMCALL("vmmcall"))
BATCH(batch_vmcall, VMCALL("vmcall"))
BATCH(batch_cr0_read, MOVE_FROM("cr0"))
BATCH(batch_cr0_write, write_cr0(saved))
BATCH(batch_cr3_write, write_cr3(saved))
BATCH(batch_cr4_write, write_cr4(saved))
BATCH(batch_cr8_read, MOVE_FROM("cr8"))
BATCH(batch_cr8_write, write_cr8(0))
BATCH(batch_dr7_read, MOVE_FROM("dr7"))
BATCH(batch_dr7_write, MOVE_TO("dr7", 0x400))
BATCH(batch_pic_in, inb(PIC_MASK))
BATCH(batch_pic_out, outb(PIC_MASK, 0xff))
BATCH(batch_vmm_in, inb(SCRATCH))
BATCH(batch_vmm_out, outb(SCRATCH, 0x55))
BATCH(batch_pm_timer, inl(PM_TIMER))
BATCH(batch_xapic_read, *(volatile uint32_t *)(LAPIC_PAGE + LAPIC_TPR))
BATCH(batch_xapic_write, *(volatile uint32_t *)(LAPIC_PAGE + LAPIC_TPR) = 0)
BATCH(batch_ioapic_read, *(volatile uint32_t *)IOAPIC_WINDOW)
BATCH(batch_ecam_read, *ecam)
BATCH(batch_adjust_read, rdmsr(MSR_TSC_ADJUST))
BATCH(batch_adjust_write, wrmsr(MSR_TSC_ADJUST, 0))
BATCH(batch_deadline_write, wrmsr(MSR_TSC_DEADLINE, saved))
BATCH(batch_x2apic_eoi, wrmsr(MSR_X2APIC + LAPIC_EOI / 16, 0))
BATCH(batch_x2apic_icr, wrmsr(MSR_X2APIC + LAPIC_ICR / 16, ICR_SELF | VECTOR))
BATCH(batch_x2apic_self, wrmsr(MSR_X2APIC + LAPIC_ICR / 16, ICR_SELF | VECTOR); open_window())
BATCH(batch_xapic_self, *(volatile uint32_t *)(LAPIC_PAGE + LAPIC_ICR) = ICR_SELF | VECTOR;
      open_window())
BATCH(batch_pause, cpu_pause())

/* From the moment that was asked for until the handler's first instructions. */
static uint64_t after_deadline(bool halt)
{
	uint64_t sum = 0;

	for (unsigned i = REPEAT; i; i--) {
		uint64_t deadline = rdtsc() + 50000, n = came;

		wrmsr(MSR_TSC_DEADLINE, deadline);
		if (halt)
			__asm__ volatile("sti; hlt; cli" ::: "memory");
		else
			sti();
		while (came == n)
			__asm__ volatile("" ::: "memory");
		cli();
		if (came_at < deadline) {
			print("FAIL exit-cost: %lu ticks before the deadline\n",
			      deadline - came_at);
			guest_exit(GUEST_FAILED);
		}
		sum += came_at - deadline;
	}
	return sum / REPEAT;
}

static uint64_t batch_halt(void)
{
	return after_deadline(true);
}

static uint64_t batch_latency(void)
{
	return after_deadline(false);
}

/* Memory that nobody has touched yet: by 4K pages, each range of 2M included; and once in 2M. */
#define TOUCH_4K_START (64ul << 20)
#define TOUCH_2M_START (112ul << 20)

static uint64_t batch_touch_4k(void)
{
	static uintptr_t at = TOUCH_4K_START;
	uint64_t start = rdtsc();

	for (unsigned i = 0; i < 512; i++, at += 4096)
		*(volatile uint8_t *)at = 1;
	return (rdtsc() - start) / 512;
}

static uint64_t batch_touch_2m(void)
{
	static uintptr_t at = TOUCH_2M_START;
	uint64_t start = rdtsc();

	*(volatile uint8_t *)at = 1;
	at += 2ul << 20;
	return rdtsc() - start;
}

/* ---- where, and in which state ---- */

static bool under_hypervisor(void)
{
	uint32_t base;

	return kvm_leaves(&base);
}

static bool is_amd(void)
{
	return cpuid(0, 0).ebx != 0x756e6547; /* "Genu" */
}

static bool has_vmmcall(void)
{
	return under_hypervisor() && is_amd();
}

static bool has_vmcall(void)
{
	return under_hypervisor() && !is_amd();
}

static bool has_adjust(void)
{
	return cpuid(7, 0).ebx & BIT(1);
}

static bool has_deadline(void)
{
	return (cpuid(1, 0).ecx & BIT(24)) && lapic_is_x2();
}

static bool has_ecam(void)
{
	/* Where our VMM and where QEMU's firmware put it. */
	static const uintptr_t places[] = { 0xe0000000, 0xb0000000 };

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		ecam = (volatile uint32_t *)places[i];
		if ((uint16_t)*ecam == 0x8086 || (uint16_t)*ecam == 0x1b36)
			return true;
	}
	return false;
}

static void save_cr0(void)
{
	saved = read_cr0();
}

static void save_cr3(void)
{
	saved = read_cr3();
}

static void save_cr4(void)
{
	saved = read_cr4();
}

static void use_xapic(void)
{
	lapic_use_x2(false);
	lapic_init();
}

static void use_x2apic(void)
{
	lapic_use_x2(true);
	lapic_init();
}

static void prepare_x2apic_self(void)
{
	set_entry(on_x2apic);
}

static void prepare_xapic_self(void)
{
	use_xapic();
	set_entry(on_xapic);
}

static void end_x2apic_icr(void)
{
	open_window();
	expect_came(1);
}

static void end_x2apic_self(void)
{
	expect_came(BATCHES * REPEAT);
}

static void end_xapic_self(void)
{
	expect_came(BATCHES * REPEAT);
	use_x2apic();
}

static void prepare_timer(void)
{
	set_entry(on_timer);
	lapic_write(LAPIC_TIMER, TIMER_DEADLINE | VECTOR);
	saved = rdtsc() + (1ull << 50);
}

static void end_deadline(void)
{
	wrmsr(MSR_TSC_DEADLINE, 0);
	lapic_write(LAPIC_TIMER, LVT_MASKED);
	expect_came(0);
}

static void end_timer(void)
{
	lapic_write(LAPIC_TIMER, LVT_MASKED);
	expect_came(BATCHES * REPEAT);
}

static const struct op ops[] = {
	{ "nothing", .batch = batch_nothing },
	{ "cpuid", .batch = batch_cpuid },
	{ "vmmcall-unknown", has_vmmcall, .batch = batch_vmmcall },
	{ "vmcall-unknown", has_vmcall, .batch = batch_vmcall },
	{ "cr0-read", .batch = batch_cr0_read },
	{ "cr0-write", .setup = save_cr0, .batch = batch_cr0_write },
	{ "cr3-write", .setup = save_cr3, .batch = batch_cr3_write },
	{ "cr4-write", .setup = save_cr4, .batch = batch_cr4_write },
	{ "cr8-read", .batch = batch_cr8_read },
	{ "cr8-write", .batch = batch_cr8_write },
	{ "dr7-read", .batch = batch_dr7_read },
	{ "dr7-write", .batch = batch_dr7_write },
	{ "port-kernel-in", .batch = batch_pic_in },
	{ "port-kernel-out", .batch = batch_pic_out },
	{ "port-vmm-in", .batch = batch_vmm_in },
	{ "port-vmm-out", .batch = batch_vmm_out },
	{ "pm-timer", .batch = batch_pm_timer },
	{ "xapic-read", .setup = use_xapic, .batch = batch_xapic_read, .end = use_x2apic },
	{ "xapic-write", .setup = use_xapic, .batch = batch_xapic_write, .end = use_x2apic },
	{ "ioapic-read", .batch = batch_ioapic_read },
	{ "mmio-vmm-read", has_ecam, .batch = batch_ecam_read },
	{ "tsc-adjust-read", has_adjust, .batch = batch_adjust_read },
	{ "tsc-adjust-write", has_adjust, .batch = batch_adjust_write },
	{ "tsc-deadline-write", has_deadline, prepare_timer, batch_deadline_write, end_deadline },
	{ "x2apic-eoi", lapic_is_x2, .batch = batch_x2apic_eoi },
	{ "x2apic-icr", lapic_is_x2, prepare_x2apic_self, batch_x2apic_icr, end_x2apic_icr },
	{ "x2apic-self-ipi", lapic_is_x2, prepare_x2apic_self, batch_x2apic_self, end_x2apic_self },
	{ "xapic-self-ipi", NULL, prepare_xapic_self, batch_xapic_self, end_xapic_self },
	{ "halt-timer-wake", has_deadline, prepare_timer, batch_halt, end_timer },
	{ "interrupt-latency", has_deadline, prepare_timer, batch_latency, end_timer },
	{ "touch-4k", .batch = batch_touch_4k },
	{ "touch-2m", .batch = batch_touch_2m },
	{ "pause", .batch = batch_pause },
};

/* ---- measuring ---- */

static struct result {
	bool here;
	uint64_t sample[BATCHES]; /* rising */
} results[ARRAY_SIZE(ops)];

static void insert(uint64_t *sorted, unsigned count, uint64_t value)
{
	for (; count && sorted[count - 1] > value; count--)
		sorted[count] = sorted[count - 1];
	sorted[count] = value;
}

static void measure(const struct op *op, struct result *r)
{
	r->here = !op->here || op->here();
	if (!r->here)
		return;
	if (op->setup)
		op->setup();
	for (unsigned i = 0; i < BATCHES; i++)
		insert(r->sample, i, op->batch());
	if (op->end)
		op->end();
}

static void report(const struct op *op, const struct result *r)
{
	if (r->here)
		print("%s %lu %lu %lu\n", op->name, r->sample[BATCHES / 2], r->sample[0],
		      r->sample[BATCHES - 1]);
	else
		print("%s -\n", op->name);
}

/* With wait=1 it stays until somebody has read the lines and typed a key. */
static void wait_for_key(void)
{
	while (!(inb(0x3f8 + 5) & 1))
		cpu_pause();
}

/* only=N: operation N for ever, for a profile from outside (bench/exit_profile.py). */
static void __noreturn repeat(const struct op *op)
{
	if (op->here && !op->here()) {
		print("FAIL exit-cost: this machine has no %s\n", op->name);
		guest_exit(GUEST_FAILED);
	}
	if (op->setup)
		op->setup();
	print("exit-cost: repeating %s\n", op->name);
	for (;;)
		op->batch();
}

void guest_main(void)
{
	uint64_t only = option("only", 0);

	if (only && only < ARRAY_SIZE(ops))
		repeat(&ops[only]);
	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++)
		measure(&ops[i], &results[i]);
	print("exit-cost: begin\n");
	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++)
		report(&ops[i], &results[i]);
	print("extra-interrupts %lu %lu %lu\n", extra, extra, extra);
	print("exit-cost: end\n");
	if (option("wait", 0))
		wait_for_key();
	guest_exit(GUEST_OK);
}
