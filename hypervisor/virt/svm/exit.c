// SPDX-License-Identifier: GPL-2.0-or-later
// The exit table, and the answers that need the host's whole state or go to the VMM. What has no
// row, or no answer, stops its VM alone. AMD APM 2, appendix C "SVM Intercept Exit Codes".
#include "virt/svm/svm.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "virt/gmem.h"

enum virt_exit svm_fail(struct svm_vcpu *s, const char *why)
{
	const struct vmcb *c = s->vmcb;
	struct vcpu_run *run = s->v.run;

	fmt_snprintf(s->v.fail, sizeof(s->v.fail), "%s (exit %llx, %llx, %llx at %llx)", why,
		     (unsigned long long)c->exit_code, (unsigned long long)c->exit_info1,
		     (unsigned long long)c->exit_info2, (unsigned long long)c->rip);
	s->v.failed = true;
	run->fail.hw_reason = c->exit_code;
	run->fail.info1 = c->exit_info1;
	run->fail.info2 = c->exit_info2;
	memcpy(run->fail.text, s->v.fail, sizeof(run->fail.text));
	if (DEBUG_BUILD)
		svm_debug_failed(s);
	return VIRT_EXIT_FAILED;
}

/* ---- the host's own ---- */

/* An interrupt of the host's waits; an NMI has been taken at STGI. */
static enum virt_exit slow_interrupt(struct svm_vcpu *s)
{
	(void)s;
	cpu_irq_window();
	return VIRT_EXIT_NONE;
}

static enum virt_exit slow_nothing(struct svm_vcpu *s)
{
	(void)s;
	return VIRT_EXIT_NONE;
}

static enum virt_exit slow_pause(struct svm_vcpu *s)
{
	(void)s;
	return VIRT_EXIT_PAUSE;
}

static enum virt_exit slow_machine_check(struct svm_vcpu *s)
{
	return svm_fail(s, "machine check");
}

/* ---- instructions ---- */

static enum virt_exit slow_hlt(struct svm_vcpu *s)
{
	svm_skip(s, 1);
	s->v.mp_state = MP_HALTED;
	return VIRT_EXIT_HALT;
}

static enum virt_exit slow_window(struct svm_vcpu *s)
{
	(void)s;
	return VIRT_EXIT_IRQ_WINDOW;
}

static enum virt_exit slow_undefined(struct svm_vcpu *s)
{
	vcpu_raise_ud(&s->v);
	return VIRT_EXIT_NONE;
}

static enum virt_exit slow_gp(struct svm_vcpu *s)
{
	vcpu_raise_gp(&s->v);
	return VIRT_EXIT_NONE;
}

/* INVD and WBINVD: the caches are coherent, and not the guest's to drop. */
static enum virt_exit slow_cache(struct svm_vcpu *s)
{
	svm_skip(s, 2);
	return VIRT_EXIT_NONE;
}

/* Emulators do not know this intercept: svm_run reads XCR0 back as well. */
static enum virt_exit slow_xsetbv(struct svm_vcpu *s)
{
	struct vcpu *v = &s->v;
	uint64_t value = vcpu_edx_eax(v);

	if (s->vmcb->cpl != 0 || (uint32_t)v->gpr[GPR_RCX] != 0 ||
	    !cpuid_xcr0_valid(&v->vm->cpuid, value) || !fpu_xcr0_valid(value)) {
		vcpu_raise_gp(v);
		return VIRT_EXIT_NONE;
	}
	fpu_set_xcr0(&v->fpu, value);
	svm_skip(s, 3);
	return VIRT_EXIT_NONE;
}

/* #AC can loop for ever as #DB can: delivered by us, each time with an exit between. */
static enum virt_exit slow_alignment(struct svm_vcpu *s)
{
	vcpu_raise(&s->v, EXCEPTION_AC, true, (uint32_t)s->vmcb->exit_info1);
	return VIRT_EXIT_NONE;
}

/* The first access loads the registers: svm_run does that when there is no intercept. */
static enum virt_exit slow_debug_reg(struct svm_vcpu *s)
{
	s->vmcb->intercept_dr = 0;
	svm_dirty(s, CLEAN_INTERCEPTS);
	return VIRT_EXIT_NONE;
}

static enum virt_exit slow_shutdown(struct svm_vcpu *s)
{
	(void)s;
	return VIRT_EXIT_SHUTDOWN;
}

/*
 * Reserved bits in a control register. Some emulators check them when the guest is entered next,
 * some leave the guest at the MOV with this exit; hardware raises #GP in the guest, and so do we.
 * If that does not get the guest on, the state is wrong in another way.
 */
enum virt_exit svm_slow_invalid(struct svm_vcpu *s)
{
	const struct vmcb *c = s->vmcb;
	bool same = c->rip == s->invalid_rip && c->rsp == s->invalid_rsp;
	/* Emulators: the #GP was delivered, and the guest has done the same again. */
	bool again = !svm_features.nrip && !(c->exit_int_info & EVENT_VALID);

	if (!svm_repair(s) && same && !again)
		return svm_fail(s, "invalid guest state");
	s->invalid_rip = c->rip;
	s->invalid_rsp = c->rsp;
	s->v.exception.valid = false;
	s->v.interrupted.valid = false;
	vcpu_raise_gp(&s->v);
	return VIRT_EXIT_NONE;
}

/* ---- CR0 and CR8 ---- */

struct mov_cr {
	unsigned len, cr, reg;
};

/*
 * MOV to a control register without decode assists: [prefixes] 0F 22 modrm; LOCK makes 0 an 8.
 * false: another instruction.
 */
static bool decode_mov_cr(const uint8_t *insn, unsigned n, struct mov_cr *mov)
{
	unsigned i = 0, rex = 0, lock = 0;

	for (; i < n && (insn[i] == 0xf0 || insn[i] == 0x66 || insn[i] == 0xf2 || insn[i] == 0xf3);
	     i++)
		lock |= insn[i] == 0xf0 ? 8 : 0;
	if (i < n && (insn[i] & 0xf0) == 0x40)
		rex = insn[i++];
	if (i + 3 > n || insn[i] != 0x0f || insn[i + 1] != 0x22)
		return false;
	mov->len = i + 3;
	mov->cr = (insn[i + 2] >> 3 & 7) | (rex & 4) << 1 | lock;
	mov->reg = (insn[i + 2] & 7) | (rex & 1) << 3;
	return true;
}

static bool fetch_mov_cr(struct svm_vcpu *s, struct mov_cr *mov)
{
	struct guest_paging p;
	uint8_t insn[15];
	unsigned n;

	svm_get_paging(&s->v, &p);
	n = gmem_fetch(s->v.vm, &p, gmem_code_address(&p, s->vmcb->rip), insn, sizeof(insn));
	return decode_mov_cr(insn, n, mov);
}

static uint64_t reg_value(const struct svm_vcpu *s, unsigned reg)
{
	return reg == GPR_RSP ? s->vmcb->rsp : s->v.gpr[reg];
}

/* LMSW, too, ends here: it cannot do wrong. */
static enum virt_exit slow_cr0(struct svm_vcpu *s)
{
	bool code64 = (s->vmcb->efer & EFER_LMA) && (s->vmcb->cs.attrib & SEG_ATTR_L);
	struct mov_cr mov;
	uint64_t value;

	if (fetch_mov_cr(s, &mov) && mov.cr == 0) {
		value = reg_value(s, mov.reg);
		if (!svm_cr0_loadable(s, code64 ? value : (uint32_t)value)) {
			vcpu_raise_gp(&s->v);
			return VIRT_EXIT_NONE;
		}
	}
	svm_step_cr0(s);
	return VIRT_EXIT_NONE;
}

static enum virt_exit slow_cr8(struct svm_vcpu *s)
{
	struct mov_cr mov;
	uint64_t value;

	if (!fetch_mov_cr(s, &mov) || mov.cr != 8)
		return svm_fail(s, "MOV to CR8 cannot be read");
	value = reg_value(s, mov.reg);
	if (value & ~0xfull) {
		vcpu_raise_gp(&s->v);
		return VIRT_EXIT_NONE;
	}
	vlapic_set_cr8(&s->v.lapic, (uint8_t)value);
	svm_tpr_changed(&s->v);
	svm_skip(s, mov.len);
	return VIRT_EXIT_NONE;
}

/* ---- ports of the VMM ---- */

static void string_io(struct svm_vcpu *s, struct vcpu_run *run)
{
	static const uint8_t segments[8] = { SEG_ES, SEG_CS, SEG_SS, SEG_DS,
					     SEG_FS, SEG_GS, SEG_DS, SEG_DS };
	uint64_t info = s->vmcb->exit_info1;

	/* The segment is told with decode assists only; else the VMM looks at the prefixes. */
	run->io.string = true;
	run->io.rep = !!(info & IOIO_REP);
	run->io.addr_size = (uint8_t)IOIO_ADDR(info);
	run->io.segment = svm_features.decode_assists ? segments[IOIO_SEG(info)] : 0xff;
	vcpu_count(&s->v, COUNT_IO_STRING);
}

static enum virt_exit slow_io(struct svm_vcpu *s)
{
	uint32_t info = (uint32_t)s->vmcb->exit_info1;

	svm_publish_io(s, info, info & IOIO_STR);
	if (info & IOIO_STR)
		string_io(s, s->v.run);
	return VIRT_EXIT_IO;
}

/* ---- the table ---- */

#define UNDEFINED(instruction)                                                          \
	{                                                                               \
		.name = instruction, .counter = COUNT_UNDEFINED, .slow = slow_undefined \
	}

const struct svm_exit svm_exits[EXIT_TABLE_SIZE] = {
	[EXIT_CR_WRITE +
	 8] = { .name = "MOV to CR8", .counter = COUNT_CONTROL_REG, .slow = slow_cr8 },
	[EXIT_DR_READ... EXIT_DR_WRITE + 15] = { .name = "debug register",
						 .counter = COUNT_DEBUG_REG,
						 .slow = slow_debug_reg },
	[EXIT_EXCEPTION + EXCEPTION_DB] = { .name = "#DB",
					    .counter = COUNT_EXCEPTION,
					    .slow = svm_slow_debug },
	[EXIT_EXCEPTION + EXCEPTION_AC] = { .name = "#AC",
					    .counter = COUNT_EXCEPTION,
					    .slow = slow_alignment },
	[EXIT_EXCEPTION + EXCEPTION_MC] = { .name = "#MC",
					    .counter = COUNT_EXCEPTION,
					    .slow = slow_machine_check },
	[EXIT_INTR] = { .name = "interrupt", .counter = COUNT_INTR, .slow = slow_interrupt },
	[EXIT_NMI] = { .name = "NMI", .counter = COUNT_NMI, .slow = slow_nothing },
	[EXIT_VINTR] = { .name = "interrupt window",
			 .counter = COUNT_WINDOW,
			 .fast = svm_fast_window,
			 .slow = slow_window },
	[EXIT_CR0_SEL] = { .name = "MOV to CR0", .counter = COUNT_CONTROL_REG, .slow = slow_cr0 },
	[EXIT_RDPMC] = { .name = "RDPMC", .counter = COUNT_UNDEFINED, .slow = slow_gp },
	[EXIT_CPUID] = { .name = "CPUID", .counter = COUNT_CPUID, .fast = svm_fast_cpuid },
	[EXIT_RSM] = UNDEFINED("RSM"),
	[EXIT_IRET] = { .name = "IRET", .counter = COUNT_IRET, .slow = svm_slow_iret },
	[EXIT_INVD] = { .name = "INVD", .counter = COUNT_CACHE, .slow = slow_cache },
	[EXIT_PAUSE] = { .name = "PAUSE", .counter = COUNT_PAUSE, .slow = slow_pause },
	[EXIT_HLT] = { .name = "HLT",
		       .counter = COUNT_HLT,
		       .fast = svm_fast_hlt,
		       .slow = slow_hlt },
	[EXIT_INVLPGA] = UNDEFINED("INVLPGA"),
	[EXIT_IOIO] = { .name = "I/O", .counter = COUNT_IO, .fast = svm_fast_io, .slow = slow_io },
	[EXIT_MSR] = { .name = "MSR",
		       .counter = COUNT_MSR_READ,
		       .by_info1 = 1,
		       .fast = svm_fast_msr },
	[EXIT_SHUTDOWN] = { .name = "shutdown", .counter = COUNT_SHUTDOWN, .slow = slow_shutdown },
	[EXIT_VMRUN] = UNDEFINED("VMRUN"),
	[EXIT_VMMCALL] = { .name = "VMMCALL",
			   .counter = COUNT_HYPERCALL,
			   .fast = svm_fast_hypercall },
	[EXIT_VMLOAD] = UNDEFINED("VMLOAD"),
	[EXIT_VMSAVE] = UNDEFINED("VMSAVE"),
	[EXIT_STGI] = UNDEFINED("STGI"),
	[EXIT_CLGI] = UNDEFINED("CLGI"),
	[EXIT_SKINIT] = UNDEFINED("SKINIT"),
	[EXIT_WBINVD] = { .name = "WBINVD", .counter = COUNT_CACHE, .slow = slow_cache },
	[EXIT_MONITOR] = UNDEFINED("MONITOR"),
	[EXIT_MWAIT] = UNDEFINED("MWAIT"),
	[EXIT_MWAIT_ARMED] = UNDEFINED("MWAIT"),
	[EXIT_XSETBV] = { .name = "XSETBV", .counter = COUNT_XSETBV, .slow = slow_xsetbv },
	[EXIT_RDPRU] = UNDEFINED("RDPRU"),
};
_Static_assert(COUNT_MSR_WRITE == COUNT_MSR_READ + 1, "by_info1 of the MSR row");

enum virt_exit svm_handle(struct svm_vcpu *s)
{
	enum virt_exit (*slow)(struct svm_vcpu * s) = s->exit->slow;

	if (unlikely(s->vmcb->exit_int_info & EVENT_VALID) && slow != svm_slow_invalid)
		svm_take_interrupted(s);
	return likely(slow) ? slow(s) : svm_fail(s, "unexpected exit");
}
