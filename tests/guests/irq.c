// SPDX-License-Identifier: GPL-2.0-or-later
// Interrupts on one CPU: PIC (mask, in-service, priorities, poll, spurious), IO-APIC (routes, edge
// and level, masks), local APIC (self-IPI, TPR and CR8, nesting by priority, ISR/IRR, EOI, spurious
// vector, error register), NMI, the shadow of STI and of MOV SS, interrupts out of HLT.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "irq";

static void self_ipi(uint8_t vector)
{
	lapic_ipi(lapic_id(), ICR_FIXED | ICR_ASSERT | vector);
}

static bool lapic_bit(unsigned reg, uint8_t vector)
{
	return lapic_read(reg + vector / 32 * 16) & BIT(vector % 32);
}

/* Interrupts on for a moment. */
static void window(void)
{
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
}

/* ---- PIC ---- */

static void test_pic(void)
{
	uint8_t irr;

	vector_count[PIC_BASE] = 0;
	pic_mask(0, true);
	pit_oneshot(1000);
	delay_us(3000);
	outb(0x20, 0x0a);
	irr = inb(0x20);
	check(irr & 1, "pic-irr", "IRR 0x%x", irr);
	window();
	CHECK_EQ("pic-masked", vector_count[PIC_BASE], 0);
	pic_mask(0, false);
	window();
	CHECK_EQ("pic-unmasked", vector_count[PIC_BASE], 1);
	window();
	CHECK_EQ("pic-once", vector_count[PIC_BASE], 1);

	pit_periodic(2000);
	wait_count("pic-periodic", &vector_count[PIC_BASE], 20);
	pic_mask(0, true);
	CHECK_EQ("pic-imr", inb(0x21) & 1, 1);
}

static uint8_t isr_seen;
static void on_pic_nested(struct frame *f)
{
	(void)f;
	/* Once: what takes longer than a period must not begin in each. */
	if (isr_seen) {
		pic_eoi(0);
		return;
	}
	outb(0x20, 0x0b);
	isr_seen = inb(0x20);
	/* Without EOI no further interrupt of the same line comes, whatever IF says. */
	delay_us(3000);
	window();
	pic_eoi(0);
}

static void test_pic_in_service(void)
{
	uint32_t before = vector_count[PIC_BASE];

	set_handler(PIC_BASE, on_pic_nested);
	pit_periodic(1200);
	pic_mask(0, false);
	wait_count("pic-again", &vector_count[PIC_BASE], before + 1);
	pic_mask(0, true);
	set_handler(PIC_BASE, NULL);
	check(isr_seen & 1, "pic-isr", "ISR 0x%x", isr_seen);
	/* What was latched meanwhile goes now. */
	window();
}

/* ---- local APIC ---- */

static void test_self_ipi(void)
{
	vector_count[0x50] = 0;
	self_ipi(0x50);
	check(lapic_bit(LAPIC_IRR, 0x50), "lapic-irr", "not set");
	CHECK_EQ("lapic-held", vector_count[0x50], 0);
	window();
	CHECK_EQ("lapic-delivered", vector_count[0x50], 1);
	check(!lapic_bit(LAPIC_IRR, 0x50) && !lapic_bit(LAPIC_ISR, 0x50), "lapic-clear",
	      "IRR or ISR still set");
	self_ipi(0x50);
	self_ipi(0x50);
	window();
	window();
	CHECK_EQ("lapic-merged", vector_count[0x50], 2);
	for (unsigned i = 0; i < 1000; i++) {
		self_ipi(0x50);
		window();
	}
	CHECK_EQ("lapic-thousand", vector_count[0x50], 1002);
}

/* A long handler in which the timer, held back by it, ends: its interrupt must not come again. */
#define USER_SEEN (USER_PAGE + 0x800) /* what the handler tells ring 3 by */

static bool held;
static unsigned held_again, held_users;
static void on_held(struct frame *f)
{
	uint64_t end = rdtsc() + tsc_hz() / 200;

	held_users += (f->cs & 3) == 3;
	held_again += held;
	held = true;
	/* No PAUSE, which makes QEMU forget. */
	while (rdtsc() < end)
		barrier();
	held = false;
	if ((f->cs & 3) == 3)
		*(volatile uint32_t *)USER_SEEN = 1;
	lapic_eoi();
}

static void hold(void (*interrupt)(void))
{
	set_handler(0x51, on_held);
	held_again = held_users = 0;
	vector_count[0x51] = 0;
	vector_count[0x41] = 0;
	lapic_write(LAPIC_TDCR, 0xb);
	lapic_write(LAPIC_TIMER, 0x41);
	for (unsigned i = 0; i < 10; i++) {
		lapic_write(LAPIC_TMICT, 1000000 + i * 100003);
		interrupt();
		wait_count("timer behind a handler", &vector_count[0x41], i + 1);
	}
	lapic_write(LAPIC_TIMER, LVT_MASKED);
	set_handler(0x51, NULL);
}

static void interrupt_kernel(void)
{
	self_ipi(0x51);
	window();
}

static void test_once(void)
{
	hold(interrupt_kernel);
	CHECK_EQ("lapic-not-again", held_again, 0);
	CHECK_EQ("lapic-each-once", vector_count[0x51], 10);
}

/* The same to ring 3, which sends it to itself by the APIC's page, the one way that it has, and
 * goes on when the handler has been there. */
__asm__(".text\n"
	"user_interrupts:\n"
	"	movl $0xfee00300, %edi\n"
	"	movl $0x44051, (%rdi)\n" /* self, assert, fixed, 0x51 */
	"1:	cmpl $0, user_interrupts + 0x800(%rip)\n"
	"	je 1b\n"
	"	int $0x78\n"
	"user_interrupts_end:\n");
extern const uint8_t user_interrupts[], user_interrupts_end[];

static void interrupt_user(void)
{
	struct frame end;

	*(volatile uint32_t *)USER_SEEN = 0;
	(void)user_run(user_interrupts, (size_t)(user_interrupts_end - user_interrupts), FLAG_IF,
		       &end, NULL);
}

static void test_once_user(void)
{
	bool x2 = lapic_is_x2();

	user_init();
	user_map(0xfee00000);
	lapic_use_x2(false);
	lapic_init();
	hold(interrupt_user);
	lapic_use_x2(x2);
	lapic_init();
	CHECK_EQ("user-interrupted", held_users, 10);
	CHECK_EQ("user-not-again", held_again, 0);
	CHECK_EQ("user-each-once", vector_count[0x51], 10);
}

static uint8_t order[8];
static unsigned nr_order;
static bool isr_inside;

static void note_order(struct frame *f)
{
	order[nr_order++ % 8] = (uint8_t)f->vector;
	isr_inside = lapic_bit(LAPIC_ISR, (uint8_t)f->vector);
	lapic_eoi();
}

static void test_priorities(void)
{
	nr_order = 0;
	set_handler(0x51, note_order);
	set_handler(0x83, note_order);
	set_handler(0xc2, note_order);
	self_ipi(0x51);
	self_ipi(0xc2);
	self_ipi(0x83);
	sti();
	for (unsigned i = 0; i < 20; i++)
		cpu_pause();
	cli();
	CHECK_EQ("priority-order", order[0] << 16 | order[1] << 8 | order[2], 0xc28351);
	check(isr_inside, "priority-isr", "not set in the handler");
}

/* A handler opens interrupts before its EOI: higher priorities come in, the own class does not. */
static void nest_low(struct frame *f)
{
	order[nr_order++ % 8] = (uint8_t)f->vector;
	self_ipi(0xc2);
	self_ipi(0x84);
	window();
	order[nr_order++ % 8] = (uint8_t)(lapic_read(LAPIC_PPR) & 0xf0);
	lapic_eoi();
}

static void test_nesting(void)
{
	nr_order = 0;
	set_handler(0x83, nest_low);
	set_handler(0x84, note_order);
	self_ipi(0x83);
	window();
	window();
	CHECK_EQ("nesting", (uint32_t)order[0] << 24 | order[1] << 16 | order[2] << 8 | order[3],
		 0x83c28084);
	set_handler(0x83, NULL);
}

static void test_tpr(void)
{
	vector_count[0x45] = vector_count[0x95] = 0;
	lapic_write(LAPIC_TPR, 0x50);
	CHECK_EQ("tpr-in-cr8", read_cr8(), 5);
	self_ipi(0x45);
	self_ipi(0x95);
	window();
	window();
	CHECK_EQ("tpr-lets-high", vector_count[0x95], 1);
	CHECK_EQ("tpr-holds-low", vector_count[0x45], 0);
	write_cr8(3);
	CHECK_EQ("cr8-in-tpr", lapic_read(LAPIC_TPR), 0x30);
	window();
	CHECK_EQ("cr8-lowered", vector_count[0x45], 1);
	write_cr8(15);
	self_ipi(0xf1);
	window();
	vector_count[0xf1] = 0;
	write_cr8(0);
	window();
	CHECK_EQ("cr8-zero", vector_count[0xf1], 1);
}

/* With interrupts off, one waits in IRR, whatever else the guest does meanwhile. */
static void test_waiting(void)
{
	nr_order = 0;
	set_handler(0x57, note_order);
	set_handler(0x97, note_order);
	self_ipi(0x57);
	cpuid(0, 0);
	check(lapic_bit(LAPIC_IRR, 0x57), "waiting-irr", "not set");
	check(!lapic_bit(LAPIC_ISR, 0x57), "waiting-isr", "set");
	self_ipi(0x97);
	CHECK_EQ("waiting-none", nr_order, 0);
	window();
	window();
	CHECK_EQ("waiting-order", order[0] << 8 | order[1], 0x9757);
	check(!lapic_bit(LAPIC_IRR, 0x57) && !lapic_bit(LAPIC_ISR, 0x57), "waiting-over",
	      "still there");
	/* TPR decides when interrupts are on, too. */
	self_ipi(0x57);
	write_cr8(5);
	window();
	CHECK_EQ("waiting-tpr-holds", nr_order, 2);
	sti();
	write_cr8(4);
	cli();
	CHECK_EQ("waiting-tpr-lets", nr_order, 3);
	write_cr8(0);
}

/* The interrupt's frame is written where nobody has been yet: a hypervisor has to bring that memory
 * first, and the interrupt once. */
static void test_new_stack(void)
{
	vector_count[0x58] = 0;
	set_gate_ist(0x58, 4);
	for (unsigned i = 0; i < 4; i++) {
		tss[0].ist[3] = (32ul << 20) + (i << 22) + 4096;
		self_ipi(0x58);
		window();
		CHECK_EQ("new-stack", vector_count[0x58], i + 1);
	}
	check(!lapic_bit(LAPIC_ISR, 0x58), "new-stack-isr", "in service still");
	set_gate_ist(0x58, 0);
}

static void test_registers(void)
{
	uint32_t version = lapic_read(LAPIC_VER);

	CHECK_EQ("lapic-version", version & 0xf0, 0x10);
	check((version >> 16 & 0xff) >= 3, "lapic-max-lvt", "version 0x%x", version);
	CHECK_EQ("lapic-id", lapic_id(), cpuid(1, 0).ebx >> 24);
	CHECK_EQ("lapic-svr", lapic_read(LAPIC_SVR) & 0x1ff, 0x1ff);
	lapic_write(LAPIC_ESR, 0);
	self_ipi(0x50);
	window();
	lapic_write(LAPIC_ESR, 0);
	CHECK_EQ("lapic-no-error", lapic_read(LAPIC_ESR), 0);
}

static void test_x2apic(void)
{
	uint64_t v;

	if (!lapic_is_x2())
		return;
	vector_count[0x52] = 0;
	wrmsr(0x83f, 0x52); /* SELF IPI */
	window();
	CHECK_EQ("x2apic-self-ipi", vector_count[0x52], 1);
	CHECK_EQ("x2apic-reserved", catch_rdmsr(0x80e + 0x70, &v), EXC_GP);
	CHECK_EQ("x2apic-eoi-nonzero", catch_wrmsr(0x80b, 1), EXC_GP);
	CHECK_EQ("x2apic-id-write", catch_wrmsr(0x802, 1), EXC_GP);
	check(lapic_read(LAPIC_LDR) == BIT(lapic_id() & 15), "x2apic-ldr", "0x%x",
	      lapic_read(LAPIC_LDR));
	/* The same controller by memory. */
	lapic_use_x2(false);
	lapic_init();
	vector_count[0x53] = 0;
	self_ipi(0x53);
	window();
	CHECK_EQ("xapic-after-x2apic", vector_count[0x53], 1);
	CHECK_EQ("xapic-id", lapic_id(), cpuid(1, 0).ebx >> 24);
	lapic_use_x2(true);
	lapic_init();
}

/* ---- IO-APIC ---- */

#define VECTOR_GSI0 0x70
#define VECTOR_GSI2 0x72

/* The PIT is on input 2 of PCs with an override, on input 0 of others. */
static void route_pit(uint64_t flags)
{
	uint64_t cpu = (uint64_t)lapic_id() << 56;

	ioapic_route(0, cpu | flags | VECTOR_GSI0);
	ioapic_route(2, cpu | flags | VECTOR_GSI2);
}

static uint32_t pit_interrupts(void)
{
	return vector_count[VECTOR_GSI0] + vector_count[VECTOR_GSI2];
}

static void open_for(uint64_t us)
{
	sti();
	delay_us(us);
	cli();
}

/* A busy host delays ticks and merges them: they only have to come. */
static void open_until(uint32_t interrupts)
{
	uint64_t end = rdtsc() + 10 * tsc_hz();

	sti();
	while (pit_interrupts() < interrupts && rdtsc() < end)
		cpu_pause();
	cli();
}

static void test_ioapic(void)
{
	uint32_t version = ioapic_read(1), before;

	CHECK_EQ("ioapic-pins", (version >> 16 & 0xff) + 1, IOAPIC_PINS);
	vector_count[VECTOR_GSI0] = vector_count[VECTOR_GSI2] = 0;
	route_pit(0);
	pit_periodic(2000);
	open_until(10);
	check(pit_interrupts() >= 10, "ioapic-edge", "%u interrupts in 10 s", pit_interrupts());
	check(vector_count[VECTOR_GSI0] == 0 || vector_count[VECTOR_GSI2] == 0, "ioapic-one-pin",
	      "both pins fire");
	route_pit(IOAPIC_MASKED);
	window();
	before = pit_interrupts();
	open_for(10000);
	CHECK_EQ("ioapic-masked", pit_interrupts(), before);
	CHECK_EQ("ioapic-entry", ioapic_read(0x10) & 0x100ff, IOAPIC_MASKED | VECTOR_GSI0);
	pit_oneshot(1);
}

/* ---- NMI ---- */

static volatile bool nmi_nested;
static volatile unsigned nmi_depth;
static void on_nmi(struct frame *f)
{
	(void)f;
	nmi_nested |= nmi_depth != 0;
	nmi_depth++;
	if (vector_count[EXC_NMI] == 1)
		lapic_ipi(lapic_id(), ICR_NMI | ICR_ASSERT);
	/* Exits inside must not open the mask. */
	cpuid(0, 0);
	inb(0x21);
	nmi_depth--;
}

static void test_nmi(void)
{
	vector_count[EXC_NMI] = 0;
	set_handler(EXC_NMI, on_nmi);
	lapic_ipi(lapic_id(), ICR_NMI | ICR_ASSERT);
	for (unsigned i = 0; i < 1000 && vector_count[EXC_NMI] < 2; i++)
		cpu_pause();
	set_handler(EXC_NMI, NULL);
	CHECK_EQ("nmi-twice", vector_count[EXC_NMI], 2);
	check(!nmi_nested, "nmi-masked", "one came inside another");
}

/* ---- windows ---- */

static uint64_t shadow_rip;
static void note_rip(struct frame *f)
{
	shadow_rip = f->rip;
	lapic_eoi();
}

extern const uint8_t sti_next[], sti_after[];
static void test_shadow(void)
{
	set_handler(0x54, note_rip);
	self_ipi(0x54);
	/* One instruction after STI still runs; CPUID exits in between. */
	__asm__ volatile("sti\n"
			 "sti_next: cpuid\n"
			 "sti_after: nop; cli" ::"a"(0),
			 "c"(0)
			 : "rbx", "rdx", "memory");
	CHECK_EQ("sti-shadow", shadow_rip, sti_after);
	vector_count[0x54] = 0;
	self_ipi(0x54);
	__asm__ volatile("sti; cli; nop" ::: "memory");
	CHECK_EQ("sti-cli", vector_count[0x54], 0);
	window();
	set_handler(0x54, NULL);
}

static void test_halt(void)
{
	unsigned wakes = 0;
	uint32_t before;

	pic_mask(0, false);
	do {
		/* A tick of before may still be on its way, and then two come at once. */
		before = vector_count[PIC_BASE];
		pit_oneshot(1000);
		wait_for_interrupt();
	} while (vector_count[PIC_BASE] != before && ++wakes < 20);
	pic_mask(0, true);
	CHECK_EQ("halt-wakes", wakes, 20);
	vector_count[0x55] = 0;
	self_ipi(0x55);
	wait_for_interrupt();
	CHECK_EQ("halt-pending", vector_count[0x55], 1);
}

void guest_main(void)
{
	test_pic();
	test_pic_in_service();
	test_self_ipi();
	test_once();
	test_once_user();
	test_priorities();
	test_nesting();
	test_tpr();
	test_waiting();
	test_new_stack();
	test_registers();
	test_x2apic();
	test_ioapic();
	test_nmi();
	test_shadow();
	test_halt();
}
