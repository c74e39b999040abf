// SPDX-License-Identifier: GPL-2.0-or-later
// V_IRQ carries a vector and another interrupt of the same vector comes: what the next exit makes
// of the two. What the CPU does between VMRUN and that exit is played here, in the VMCB: it has
// taken the first, has not, could not since TPR went up, or was cut short in the middle. Then the
// guest goes on and must see each of them once.
#include "lib/string.h"
#include "virt/svm/svm.h"
#include "virt/testvm.h"

#define VECTOR 0x41

/* At the first port one waits, and interrupts are off. Until the second one they are on for an
 * instruction, until the third once more, with TPR at 0. */
TESTVM_GUEST(guest_two, TESTVM_X2APIC_SELF_IPI "outb %al, $0x51\n"
					       "movl $0x80b, %ecx\n"
					       "xorl %eax, %eax\n"
					       "wrmsr\n"
					       "sti\n"
					       "nop\n"
					       "cli\n"
					       "outb %al, $0x52\n"
					       "xorl %eax, %eax\n"
					       "sti\n"
					       "movq %rax, %cr8\n"
					       "nop\n"
					       "cli\n"
					       "outb %al, $0x53\n"
					       "1: jmp 1b");

#define EXPECT_PORT(p)                                    \
	do {                                              \
		EXPECT(VCPU_EXIT_IO);                     \
		SELFTEST_CHECK(t.v->run->io.port == (p)); \
	} while (0)

static bool irr(const struct testvm *t)
{
	return t->v->lapic.page[(0x200 + VECTOR / 32 * 16) / 4] & BIT(VECTOR % 32);
}

static bool isr(const struct testvm *t)
{
	return t->v->lapic.page[(0x100 + VECTOR / 32 * 16) / 4] & BIT(VECTOR % 32);
}

/* The first is given to the CPU. */
static bool carried(struct testvm *t)
{
	struct svm_vcpu *s = svm_of(t->v);

	if (vcpu_sync(t->v) < 0 || !irr(t))
		return false;
	svm_deliver(s);
	return s->virq == VECTOR && (s->vmcb->int_ctl & V_IRQ) && !irr(t) && !isr(t);
}

/* The second comes. */
static bool posted(struct testvm *t)
{
	const struct irq_msg msg = { .vector = VECTOR, .mode = IRQ_FIXED };

	return vlapic_deliver(t->v->lapic.set, &msg) == 1 && irr(t);
}

static bool is_svm(void)
{
	return virt && strcmp(virt->name, "svm") == 0;
}

#define BEGIN()                      \
	if (!is_svm())               \
		return;              \
	START(guest_two, true);      \
	EXPECT_PORT(0x51);           \
	SELFTEST_CHECK(carried(&t)); \
	struct svm_vcpu *s = svm_of(t.v)

SELFTEST(svm_virq_taken)
{
	BEGIN();
	s->vmcb->int_ctl &= ~V_IRQ;
	SELFTEST_CHECK(posted(&t));
	svm_sync_int_ctl(s);
	SELFTEST_CHECK(s->virq == VIRQ_NONE && isr(&t) && irr(&t));
	EXPECT_OUT(TESTVM_VECTOR_PORT, VECTOR); /* behind the first one's EOI */
	EXPECT_PORT(0x52);
	EXPECT_PORT(0x53);
	SELFTEST_CHECK(t.v->counters[COUNT_INJECT_IRQ] == 2 && !irr(&t) && !isr(&t));
	END();
}

/* IRR has one bit for the two. */
SELFTEST(svm_virq_not_taken)
{
	BEGIN();
	SELFTEST_CHECK(posted(&t));
	svm_sync_int_ctl(s);
	SELFTEST_CHECK(s->virq == VIRQ_NONE && !isr(&t) && irr(&t));
	EXPECT_OUT(TESTVM_VECTOR_PORT, VECTOR);
	EXPECT_PORT(0x52);
	EXPECT_PORT(0x53);
	SELFTEST_CHECK(t.v->counters[COUNT_INJECT_IRQ] == 1 && !irr(&t) && !isr(&t));
	END();
}

/* The guest has written CR8, which does not exit: TPR holds both back until it falls. */
SELFTEST(svm_virq_tpr_raised)
{
	BEGIN();
	s->vmcb->int_ctl |= VECTOR >> 4;
	SELFTEST_CHECK(posted(&t));
	svm_sync_int_ctl(s);
	SELFTEST_CHECK(s->virq == VIRQ_NONE && !isr(&t) && irr(&t));
	SELFTEST_CHECK(vlapic_get_cr8(&t.v->lapic) == VECTOR >> 4);
	EXPECT_PORT(0x52);
	EXPECT_OUT(TESTVM_VECTOR_PORT, VECTOR);
	EXPECT_PORT(0x53);
	SELFTEST_CHECK(t.v->counters[COUNT_INJECT_IRQ] == 1 && !irr(&t) && !isr(&t));
	END();
}

/* Hardware has cleared V_IRQ; emulators leave it, and call it an exception. */
static const struct {
	uint64_t v_irq;
	unsigned type;
} cut_short[] = { { 0, EVENT_INTR }, { V_IRQ, EVENT_EXCEPTION } };

/* In service, and delivered again first; the second comes behind it. */
SELFTEST(svm_virq_cut_short)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cut_short); i++) {
		BEGIN();
		s->vmcb->int_ctl = (s->vmcb->int_ctl & ~V_IRQ) | cut_short[i].v_irq;
		s->vmcb->exit_int_info = VECTOR | EVENT_TYPE_SET(cut_short[i].type) | EVENT_VALID;
		SELFTEST_CHECK(posted(&t));
		svm_sync_int_ctl(s);
		svm_take_interrupted(s);
		SELFTEST_CHECK(s->virq == VIRQ_NONE && isr(&t) && irr(&t));
		EXPECT_OUT(TESTVM_VECTOR_PORT, VECTOR);
		EXPECT_OUT(TESTVM_VECTOR_PORT, VECTOR);
		EXPECT_PORT(0x52);
		EXPECT_PORT(0x53);
		SELFTEST_CHECK(t.v->counters[COUNT_INJECT_IRQ] == 2 && !irr(&t) && !isr(&t));
		END();
	}
}
