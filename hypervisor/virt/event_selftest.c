// SPDX-License-Identifier: GPL-2.0-or-later
// Events in the shadow of STI: the instruction there is done before the interrupt comes, whatever
// exits come in between, or HLT after STI would sleep through what it waits for.
#include "lib/bits.h"
#include "mem/mobj.h"
#include "virt/testvm.h"

#define FLAGS_TF BIT(8)
#define FLAGS_IF BIT(9)
#define VECTOR   0x41

static struct vcpu_state state;

/* The vCPU as after STI at its present RIP, with an interrupt that waits. */
static bool after_sti(struct testvm *t)
{
	const struct vcpu_event irq = { .vector = VECTOR, .type = EVENT_INTR };

	if (vcpu_sync(t->v) < 0 || vcpu_get_state(t->v, &state) < 0)
		return false;
	state.valid = VCPU_STATE_REGS | VCPU_STATE_EVENTS;
	state.regs.rflags |= FLAGS_IF;
	state.interrupt_shadow = 1;
	return vcpu_set_state(t->v, &state) == 0 && vcpu_inject(t->v, &irq) == 0;
}

/* What the interrupt has pushed: 0: RIP, 2: RFLAGS. */
static uint64_t pushed(struct testvm *t, unsigned n)
{
	uint64_t value = 0;

	mobj_read(t->memory, TESTVM_STACK - 40 + n * 8, &value, sizeof(value));
	return value;
}

TESTVM_GUEST(guest_sti_hlt, "outb %al, $0x51\n"
			    "hlt\n"
			    "1: jmp 1b");

SELFTEST(svm_sti_hlt)
{
	START(guest_sti_hlt, true);
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(after_sti(&t));
	EXPECT_OUT(TESTVM_VECTOR_PORT, VECTOR);
	SELFTEST_CHECK(pushed(&t, 0) == TESTVM_CODE + 3);
	SELFTEST_CHECK(!(pushed(&t, 2) & FLAGS_TF));
	END();
}

TESTVM_GUEST(guest_sti_nop, "outb %al, $0x51\n"
			    "nop\n"
			    "1: jmp 1b");

/* An instruction that does not exit; the host's step over it leaves no trace. */
SELFTEST(svm_sti_nop)
{
	START(guest_sti_nop, true);
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(after_sti(&t));
	EXPECT_OUT(TESTVM_VECTOR_PORT, VECTOR);
	SELFTEST_CHECK(pushed(&t, 0) == TESTVM_CODE + 3);
	SELFTEST_CHECK(!(pushed(&t, 2) & FLAGS_TF));
	SELFTEST_CHECK(vcpu_get_state(t.v, &state) == 0 && !(state.dr6 & BIT(14)));
	END();
}

TESTVM_GUEST(guest_sti_cli, "outb %al, $0x51\n"
			    "cli\n"
			    "outb %al, $0x52\n"
			    "1: jmp 1b");

/* CLI in the shadow: no interrupt at all. */
SELFTEST(svm_sti_cli)
{
	START(guest_sti_cli, true);
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(after_sti(&t));
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(t.v->run->io.port == 0x52);
	SELFTEST_CHECK(t.v->counters[COUNT_INJECT_IRQ] == 0);
	END();
}

/* The guest's own single step goes on as it would without us. */
SELFTEST(svm_sti_step)
{
	START(guest_sti_nop, true);
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(after_sti(&t));
	state.valid = VCPU_STATE_REGS;
	state.regs.rflags |= FLAGS_TF;
	SELFTEST_CHECK(vcpu_set_state(t.v, &state) == 0);
	EXPECT_OUT(TESTVM_VECTOR_PORT, EXCEPTION_DB);
	SELFTEST_CHECK(pushed(&t, 0) == TESTVM_CODE + 3);
	SELFTEST_CHECK(pushed(&t, 2) & FLAGS_TF);
	END();
}
