// SPDX-License-Identifier: GPL-2.0-or-later
// A GDT and a TSS for each CPU, in its area, with three interrupt stacks; one IDT for all. Formats:
// AMD APM 2, "Legacy Segment Descriptors", "64-Bit Task State Segment", "Long-Mode Interrupt
// Control Transfers".
#include "cpu/segment.h"

#include "cpu/cpu.h"

#define IST_STACK 4096 /* with what stands above it */
#define DESC_CODE 0x00209a0000000000ull
#define DESC_DATA 0x0000920000000000ull
#define DESC_USER (3ull << 45)
#define GATE_INTR 0x8e00
#define GATE_USER 0x6000

enum {
	IST_NMI = 1,
	IST_DF = 2,
	IST_MC = 3,
	IST_COUNT = 3
};

struct __packed tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, iopb;
};
static_assert_size(struct tss, 104);

struct __packed gate {
	uint16_t offset_low, selector, flags, offset_mid; /* flags: IST 2:0, type and DPL 15:8 */
	uint32_t offset_high, reserved;
};
static_assert_size(struct gate, 16);

struct __packed table_pointer {
	uint16_t limit;
	uint64_t base;
};

/* Locks: [I] immutable after start   [o] owner CPU only */
struct ist_stack {
	char space[IST_STACK - 16]; /* [o] */
	struct cpu *cpu;            /* [I] right above the frame: known to entry_paranoid */
	uint64_t reserved;
} __aligned(16);
static_assert_size(struct ist_stack, IST_STACK);

/* Locks: [o] owner CPU only */
struct segments {
	uint64_t gdt[8];                    /* [o] */
	struct tss tss;                     /* [o] */
	struct ist_stack stacks[IST_COUNT]; /* [o] */
};
DEFINE_CPU_PRIVATE(struct segments, segments);

extern const char intr_stubs[256][16], intr_stubs_mitigated[256][16];
/* Two, so that the one in use is never half changed: an NMI may come at any time. */
static struct gate idts[2][256]; /* immutable after idt_init */
static const struct gate *idt;   /* the one in use */

static uint16_t ist_of(unsigned vector)
{
	return vector == 2 ? IST_NMI : vector == 8 ? IST_DF : vector == 18 ? IST_MC : 0;
}

/* Ring 3 may use INT3 alone; its other INT n are #GP. */
static uint16_t gate_flags(unsigned vector)
{
	return (uint16_t)(GATE_INTR | ist_of(vector) | (vector == 3 ? GATE_USER : 0));
}

void idt_init(bool mitigated)
{
	struct gate *gates = idts[mitigated];

	for (unsigned v = 0; v < 256; v++) {
		uint64_t entry = (uint64_t)(mitigated ? intr_stubs_mitigated : intr_stubs)[v];

		gates[v] = (struct gate){
			.offset_low = (uint16_t)entry,
			.selector = SEL_KERNEL_CS,
			.flags = gate_flags(v),
			.offset_mid = (uint16_t)(entry >> 16),
			.offset_high = (uint32_t)(entry >> 32),
		};
	}
	idt = gates;
}

void idt_load(void)
{
	struct table_pointer idtr = { sizeof(idts[0]) - 1, (uint64_t)idt };

	__asm__ volatile("lidt %0" : : "m"(idtr) : "memory");
}

static void fill_gdt(struct segments *s)
{
	uint64_t base = (uint64_t)&s->tss;

	s->gdt[SEL_KERNEL_CS / 8] = DESC_CODE;
	s->gdt[SEL_KERNEL_DS / 8] = DESC_DATA;
	s->gdt[SEL_USER_DS / 8] = DESC_DATA | DESC_USER;
	s->gdt[SEL_USER_CS / 8] = DESC_CODE | DESC_USER;
	s->gdt[SEL_TSS / 8] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
			      (base >> 24 & 0xff) << 56;
	s->gdt[SEL_TSS / 8 + 1] = base >> 32;
}

static void fill_tss(struct segments *s)
{
	s->tss.iopb = sizeof(struct tss);
	for (int i = 0; i < IST_COUNT; i++) {
		s->stacks[i].cpu = this_cpu();
		s->tss.ist[i] = (uint64_t)&s->stacks[i].cpu;
	}
}

void segment_init(void)
{
	struct segments *s = cpu_private(segments);
	struct table_pointer gdtr = { sizeof(s->gdt) - 1, (uint64_t)s->gdt };

	fill_gdt(s);
	fill_tss(s);
	idt_load();
	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %2, %%eax\n\t"
			 "movl %%eax, %%ss\n\t"
			 "xorl %%eax, %%eax\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "movl %%eax, %%fs\n\t"
			 "movl %%eax, %%gs\n\t"
			 "movl %3, %%eax\n\t"
			 "ltr %%ax"
			 :
			 : "m"(gdtr), "i"(SEL_KERNEL_CS), "i"(SEL_KERNEL_DS), "i"(SEL_TSS)
			 : "rax", "memory");
}

void cpu_set_kernel_stack(void *top)
{
	this_cpu()->kernel_rsp = (uint64_t)top;
	cpu_private(segments)->tss.rsp[0] = (uint64_t)top;
}
