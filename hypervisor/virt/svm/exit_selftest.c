// SPDX-License-Identifier: GPL-2.0-or-later
// The rows of the exit table, each with what it refuses; most cannot be provoked on every machine,
// so their answers are called with a VMCB as the CPU would leave it. An exit without a row stops
// its VM, and only that.
#include "lib/string.h"
#include "virt/svm/svm.h"
#include "virt/testvm.h"

#define INTERCEPT_PUSHF BIT(16) /* intercept3 */
#define EXIT_PUSHF      0x70

TESTVM_GUEST(guest_pushf, "outb %al, $0x51\n"
			  "pushfq\n"
			  "outb %al, $0x52\n"
			  "1: jmp 1b");

SELFTEST(svm_unexpected_exit)
{
	struct vm_info info;
	struct svm_vcpu *s;

	if (!virt || strcmp(virt->name, "svm") != 0)
		return;
	START(guest_pushf, true);
	s = svm_of(t.v);
	EXPECT(VCPU_EXIT_IO);
	s->vmcb->intercept3 |= INTERCEPT_PUSHF;
	svm_dirty(s, CLEAN_INTERCEPTS);
	for (unsigned i = 0; i < 3; i++) { /* for good */
		EXPECT(VCPU_EXIT_FAILED);
		SELFTEST_CHECK(t.v->counters[COUNT_UNEXPECTED] == 1);
		SELFTEST_CHECK(t.v->run->fail.hw_reason == EXIT_PUSHF);
	}
	SELFTEST_CHECK(strncmp(t.v->run->fail.text, "unexpected exit (exit 70, ", 26) == 0);
	vm_get_info(t.vm, &info);
	SELFTEST_CHECK(info.state == VM_STATE_FAILED);
	SELFTEST_CHECK(strcmp(info.reason, t.v->run->fail.text) == 0);
	END();
}

/* Another VM meets the same instruction and goes on. */
SELFTEST(svm_expected_again)
{
	START(guest_pushf, true);
	EXPECT(VCPU_EXIT_IO);
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(t.v->run->io.port == 0x52);
	END();
}

/* ---- the rows ---- */

#define NO_EXCEPTION 0xff

struct row_case {
	uint32_t code;
	uint64_t rax, rcx, rdx;
	uint8_t cpl;
	enum virt_exit exit;
	uint8_t exception; /* raised */
	uint8_t skipped;   /* bytes that RIP goes on */
};

#define RAISES(c, vector)                                                            \
	{                                                                            \
		.code = (c), .exit = VIRT_EXIT_NONE, .exception = EXCEPTION_##vector \
	}
#define GIVES(c, result, len)                                                       \
	{                                                                           \
		.code = (c), .exit = VIRT_EXIT_##result, .exception = NO_EXCEPTION, \
		.skipped = (len)                                                    \
	}
#define XSETBV(a, c, d, ring, vector, len)                                              \
	{                                                                               \
		.code = EXIT_XSETBV, .rax = (a), .rcx = (c), .rdx = (d), .cpl = (ring), \
		.exit = VIRT_EXIT_NONE, .exception = (vector), .skipped = (len)         \
	}

/* At RIP is MOV RAX to CR0. */
static const struct row_case cases[] = {
	{ .code = EXIT_CR0_SEL, .rax = BIT(40) | 0x80000011, .exception = EXCEPTION_GP },
	{ .code = EXIT_CR0_SEL,
	  .rax = 0x11,
	  .exception = EXCEPTION_GP }, /* no paging in 64-bit code */
	{ .code = EXIT_CR0_SEL, .rax = 0x80000011, .exception = NO_EXCEPTION },
	GIVES(EXIT_CR_WRITE + 8, FAILED, 0), /* that is no MOV to CR8 */
	GIVES(EXIT_DR_READ, NONE, 0),
	GIVES(EXIT_DR_WRITE + 7, NONE, 0),
	RAISES(EXIT_EXCEPTION + EXCEPTION_DB, DB),
	RAISES(EXIT_EXCEPTION + EXCEPTION_AC, AC),
	GIVES(EXIT_EXCEPTION + EXCEPTION_MC, FAILED, 0),
	GIVES(EXIT_INTR, NONE, 0),
	GIVES(EXIT_NMI, NONE, 0),
	GIVES(EXIT_VINTR, IRQ_WINDOW, 0),
	RAISES(EXIT_RDPMC, GP),
	RAISES(EXIT_RSM, UD),
	GIVES(EXIT_IRET, NONE, 0),
	GIVES(EXIT_INVD, NONE, 2),
	GIVES(EXIT_PAUSE, PAUSE, 0),
	GIVES(EXIT_HLT, HALT, 1),
	RAISES(EXIT_INVLPGA, UD),
	GIVES(EXIT_IOIO, IO, 0),
	GIVES(EXIT_SHUTDOWN, SHUTDOWN, 0),
	RAISES(EXIT_VMRUN, UD),
	RAISES(EXIT_VMLOAD, UD),
	RAISES(EXIT_VMSAVE, UD),
	RAISES(EXIT_STGI, UD),
	RAISES(EXIT_CLGI, UD),
	RAISES(EXIT_SKINIT, UD),
	GIVES(EXIT_WBINVD, NONE, 2),
	RAISES(EXIT_MONITOR, UD),
	RAISES(EXIT_MWAIT, UD),
	RAISES(EXIT_MWAIT_ARMED, UD),
	RAISES(EXIT_RDPRU, UD),
	XSETBV(3, 0, 0, 0, NO_EXCEPTION, 3),
	XSETBV(1, 0, 0, 0, NO_EXCEPTION, 3),
	XSETBV(0, 0, 0, 0, EXCEPTION_GP, 0),
	XSETBV(5, 0, 0, 0, EXCEPTION_GP, 0),
	XSETBV(3, 1, 0, 0, EXCEPTION_GP, 0),
	XSETBV(3, 0, 1u << 31, 0, EXCEPTION_GP, 0),
	XSETBV(3, 0, 0, 3, EXCEPTION_GP, 0),
};

TESTVM_GUEST(guest_mov_cr0, "outb %al, $0x51\n"
			    "movq %rax, %cr0\n"
			    "1: jmp 1b");

static bool row_answers(struct svm_vcpu *s, const struct row_case *c, uint64_t rip)
{
	struct vcpu *v = &s->v;
	enum virt_exit exit;

	svm_set_blocking(v, 0, 0); /* no step of a case before */
	v->exception.valid = false;
	v->failed = false;
	v->mp_state = MP_RUNNABLE;
	v->gpr[GPR_RAX] = c->rax;
	v->gpr[GPR_RCX] = c->rcx;
	v->gpr[GPR_RDX] = c->rdx;
	s->vmcb->exit_code = c->code;
	s->vmcb->exit_info1 = 1 << 4; /* IOIO: a byte out */
	s->vmcb->rip = rip;
	s->vmcb->nrip = rip + c->skipped;
	s->vmcb->cpl = c->cpl;
	exit = svm_exits[c->code].slow(s);
	s->vmcb->cpl = 0;
	if (exit != c->exit || s->vmcb->rip != rip + c->skipped)
		return false;
	if (c->exception == NO_EXCEPTION)
		return !v->exception.valid;
	return v->exception.valid && v->exception.vector == c->exception;
}

SELFTEST(svm_exit_rows)
{
	static bool covered[EXIT_TABLE_SIZE];
	struct svm_vcpu *s;
	uint64_t rip;

	if (!virt || strcmp(virt->name, "svm") != 0)
		return;
	START(guest_mov_cr0, true);
	s = svm_of(t.v);
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(vcpu_sync(t.v) == 0);
	rip = s->vmcb->rip;
	memset(covered, 0, sizeof(covered));
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		bool ok = row_answers(s, &cases[i], rip);

		covered[cases[i].code] = true;
		if (!ok)
			log_error("case %u: %s", i, svm_exits[cases[i].code].name);
		SELFTEST_CHECK(ok);
	}
	/* Rows that are answered inside of the session alone: CPUID, MSR, VMMCALL run in other
	 * tests. */
	for (unsigned code = 0; code < EXIT_TABLE_SIZE; code++) {
		bool register_row = code - EXIT_DR_READ < 32u;

		if (svm_exits[code].name && svm_exits[code].slow && !covered[code] && !register_row)
			log_error("exit %x (%s) has no case", code, svm_exits[code].name);
		SELFTEST_CHECK(!svm_exits[code].slow || covered[code] || register_row);
	}
	END();
}
