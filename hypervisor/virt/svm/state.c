// SPDX-License-Identifier: GPL-2.0-or-later
// The guest's state in the VMCB: power-on values, and in and out of the external form. What comes
// in is checked so that VMRUN takes it (AMD APM 2, "Canonicalization and Consistency Checks").
#include "virt/svm/svm.h"

#include "cpu/mitigations.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "virt/gmem.h"

#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176
#define MSR_DEBUGCTL     0x1d9
#define MSR_PAT          0x277

#define CR0_RESET (CR0_CD | CR0_NW | CR0_ET)
#define PAT_RESET 0x0007040600070406ull

#define ATTR_DATA16 0x093 /* present, writable, accessed */
#define ATTR_CODE16 0x09b
#define ATTR_LDT    0x082
#define ATTR_TSS    0x08b
#define ATTR_MASK   0xfff

/* enum vcpu_seg to VMCB. */
static struct vmcb_seg *segment(struct vmcb *c, unsigned seg)
{
	static const uint16_t offsets[SEG_COUNT] = {
		[SEG_ES] = offsetof(struct vmcb, es),     [SEG_CS] = offsetof(struct vmcb, cs),
		[SEG_SS] = offsetof(struct vmcb, ss),     [SEG_DS] = offsetof(struct vmcb, ds),
		[SEG_FS] = offsetof(struct vmcb, fs),     [SEG_GS] = offsetof(struct vmcb, gs),
		[SEG_GDTR] = offsetof(struct vmcb, gdtr), [SEG_LDTR] = offsetof(struct vmcb, ldtr),
		[SEG_IDTR] = offsetof(struct vmcb, idtr), [SEG_TR] = offsetof(struct vmcb, tr),
	};

	return (struct vmcb_seg *)((char *)c + offsets[seg]);
}

/* Everything that the CPU may have cached was changed. */
static void dirty_all(struct svm_vcpu *s)
{
	s->vmcb->clean = 0;
}

/* ---- reset ---- */

static struct vmcb_seg real_segment(uint16_t selector, uint16_t attrib)
{
	return (struct vmcb_seg){ .selector = selector,
				  .attrib = attrib,
				  .limit = 0xffff,
				  .base = (uint64_t)selector << 4 };
}

static void reset_segments(struct vmcb *c)
{
	for (unsigned seg = 0; seg < SEG_COUNT; seg++)
		*segment(c, seg) = real_segment(0, ATTR_DATA16);
	c->cs = real_segment(0xf000, ATTR_CODE16);
	c->cs.base = 0xffff0000;
	c->ldtr.attrib = ATTR_LDT;
	c->tr.attrib = ATTR_TSS;
	c->gdtr.attrib = c->idtr.attrib = 0;
	c->cpl = 0;
}

static void reset_registers(struct vmcb *c, bool init)
{
	/* INIT keeps CD and NW: APM 2, "Initial Processor State". */
	c->cr0 = init ? (c->cr0 & (CR0_CD | CR0_NW)) | CR0_ET : CR0_RESET;
	c->cr2 = c->cr3 = c->cr4 = 0;
	c->efer = EFER_SVME;
	c->rflags = RFLAGS_FIXED;
	c->rip = 0xfff0;
	c->rsp = 0;
	c->dr6 = DR6_RESET;
	c->dr7 = DR7_RESET;
	c->int_state = 0;
	c->int_ctl = V_INTR_MASKING;
	c->event_inj = 0;
}

static void reset_msrs(struct vmcb *c)
{
	c->star = c->lstar = c->cstar = c->sfmask = c->kernel_gs_base = 0;
	c->sysenter_cs = c->sysenter_esp = c->sysenter_eip = 0;
	c->g_pat = PAT_RESET;
	c->dbgctl = 0;
	c->spec_ctrl = 0;
}

void svm_reset(struct vcpu *v, bool init)
{
	struct svm_vcpu *s = svm_of(v);

	reset_segments(s->vmcb);
	reset_registers(s->vmcb, init);
	if (!init)
		reset_msrs(s->vmcb);
	memset(v->gpr, 0, sizeof(v->gpr));
	v->gpr[GPR_RDX] = cpuid_lookup(&v->vm->cpuid, 1, 0)->value.eax;
	memset(v->dr, 0, sizeof(v->dr));
	svm_set_blocking(v, 0, 0);
	s->virq = VIRQ_WINDOW; /* so that the next line does its work */
	svm_set_virq(s, VIRQ_NONE);
	svm_tpr_changed(v);
	dirty_all(s);
}

void svm_startup(struct vcpu *v, uint8_t page)
{
	struct svm_vcpu *s = svm_of(v);

	s->vmcb->cs.selector = (uint16_t)(page << 8);
	s->vmcb->cs.base = (uint64_t)page << 12;
	s->vmcb->rip = 0;
	svm_dirty(s, CLEAN_SEG);
}

/* ---- registers ---- */

static void copy_gprs(uint64_t *to, const uint64_t *from)
{
#pragma GCC unroll 16
	for (unsigned i = 0; i < GPR_COUNT; i++)
		to[i] = from[i];
}

void svm_get_regs(struct vcpu *v, struct vcpu_regs *regs)
{
	const struct svm_vcpu *s = svm_of(v);

	copy_gprs(regs->gpr, v->gpr);
	regs->gpr[GPR_RSP] = s->vmcb->rsp;
	regs->rip = s->vmcb->rip;
	regs->rflags = s->vmcb->rflags;
	if (s->step && !s->step_tf)
		regs->rflags &= ~RFLAGS_TF;
}

#define RFLAGS_SETTABLE 0x3f7fd5ull /* the defined bits but for bit 1, which is always set */

void svm_set_regs(struct vcpu *v, const struct vcpu_regs *regs)
{
	struct svm_vcpu *s = svm_of(v);

	copy_gprs(v->gpr, regs->gpr);
	s->vmcb->rsp = regs->gpr[GPR_RSP];
	s->vmcb->rip = regs->rip;
	s->vmcb->rflags = (regs->rflags & RFLAGS_SETTABLE) | RFLAGS_FIXED;
	if (s->step)
		s->vmcb->rflags |= RFLAGS_TF;
	v->check_events = true;
}

void svm_get_sregs(struct vcpu *v, struct vcpu_sregs *sregs)
{
	struct vmcb *c = svm_of(v)->vmcb;

	for (unsigned seg = 0; seg < SEG_COUNT; seg++) {
		const struct vmcb_seg *from = segment(c, seg);

		sregs->seg[seg] = (struct vcpu_segment){ .base = from->base,
							 .limit = from->limit,
							 .selector = from->selector,
							 .attr = from->attrib };
	}
	sregs->cr0 = c->cr0;
	sregs->cr2 = c->cr2;
	sregs->cr3 = c->cr3;
	sregs->cr4 = c->cr4;
	sregs->efer = svm_get_efer(v);
}

static uint64_t cr3_mask(const struct vcpu *v)
{
	/* Bit 63 is no part of CR3: it tells a MOV that it need not flush. */
	return BITS(v->vm->cpuid.maxphyaddr - 1, 0);
}

static bool cr0_valid(uint64_t cr0)
{
	if (cr0 >> 32)
		return false;
	return !((cr0 & CR0_NW) && !(cr0 & CR0_CD)) && !((cr0 & CR0_PG) && !(cr0 & CR0_PE));
}

/* APM 2, "Operating Modes": the ways into and out of long mode. */
bool svm_cr0_loadable(const struct svm_vcpu *s, uint64_t value)
{
	const struct vmcb *c = s->vmcb;

	if (!cr0_valid(value))
		return false;
	if (value & CR0_PG)
		return !(c->efer & EFER_LME) || (c->cr4 & CR4_PAE);
	return !(c->efer & EFER_LMA) || !(c->cs.attrib & SEG_ATTR_L);
}

static bool sregs_valid(const struct vcpu *v, const struct vcpu_sregs *r)
{
	bool lma = (r->efer & EFER_LME) && (r->cr0 & CR0_PG);
	uint16_t cs = r->seg[SEG_CS].attr;

	if (!cr0_valid(r->cr0) || (r->cr3 & ~cr3_mask(v)) || (r->cr4 & ~v->vm->cpuid.cr4))
		return false;
	if (r->efer & ~(v->vm->cpuid.efer | EFER_LMA))
		return false;
	if (lma && (!(r->cr4 & CR4_PAE) || ((cs & SEG_ATTR_L) && (cs & SEG_ATTR_D))))
		return false;
	for (unsigned seg = 0; seg < SEG_COUNT; seg++)
		if (r->seg[seg].attr & ~ATTR_MASK)
			return false;
	return true;
}

static void load_segments(struct vmcb *c, const struct vcpu_segment *from)
{
	for (unsigned seg = 0; seg < SEG_COUNT; seg++)
		*segment(c, seg) = (struct vmcb_seg){ .selector = from[seg].selector,
						      .attrib = from[seg].attr,
						      .limit = from[seg].limit,
						      .base = from[seg].base };
	/* SS has the privilege level (APM 2, "CPL" of the VMCB); real mode is 0, virtual-8086 3. */
	if (!(c->cr0 & CR0_PE))
		c->cpl = 0;
	else
		c->cpl = c->rflags & RFLAGS_VM ? 3 : BITS_GET(c->ss.attrib, 6, 5);
}

int svm_set_sregs(struct vcpu *v, const struct vcpu_sregs *r)
{
	struct svm_vcpu *s = svm_of(v);
	struct vmcb *c = s->vmcb;

	if (!sregs_valid(v, r))
		return -EINVAL;
	c->cr0 = r->cr0 | CR0_ET;
	c->cr2 = r->cr2;
	c->cr3 = r->cr3;
	c->cr4 = r->cr4;
	c->efer = (r->efer & ~EFER_LMA) | EFER_SVME;
	if ((r->efer & EFER_LME) && (r->cr0 & CR0_PG))
		c->efer |= EFER_LMA;
	load_segments(c, r->seg);
	s->asid_generation = 0; /* other tables: nothing of the old ones is in the TLB */
	dirty_all(s);
	v->check_events = true;
	return 0;
}

/* Once the guest sets bits that hardware would have refused. */
bool svm_repair(struct svm_vcpu *s)
{
	struct vmcb *c = s->vmcb;
	uint64_t cr0 = c->cr0, cr3 = c->cr3, cr4 = c->cr4;

	c->cr0 = (uint32_t)cr0;
	if ((cr0 & CR0_NW) && !(cr0 & CR0_CD))
		c->cr0 &= ~CR0_NW;
	if ((cr0 & CR0_PG) && !(cr0 & CR0_PE))
		c->cr0 &= ~CR0_PG;
	c->cr3 &= cr3_mask(&s->v);
	c->cr4 &= s->v.vm->cpuid.cr4;
	if ((c->efer & EFER_LMA) && (c->cr0 & CR0_PG))
		c->cr4 |= CR4_PAE;
	c->dr6 = (uint32_t)c->dr6;
	c->dr7 = (uint32_t)c->dr7;
	dirty_all(s);
	return c->cr0 != cr0 || c->cr3 != cr3 || c->cr4 != cr4;
}

/* ---- debug registers ---- */

void svm_get_debug(struct vcpu *v, uint64_t *dr6, uint64_t *dr7)
{
	*dr6 = svm_of(v)->vmcb->dr6;
	*dr7 = svm_of(v)->vmcb->dr7;
}

void svm_set_debug(struct vcpu *v, uint64_t dr6, uint64_t dr7)
{
	struct svm_vcpu *s = svm_of(v);

	s->vmcb->dr6 = (uint32_t)dr6;
	s->vmcb->dr7 = (uint32_t)dr7 | DR7_RESET;
	svm_dirty(s, CLEAN_DR);
}

/* ---- MSRs ---- */

static const struct {
	uint32_t index;
	uint16_t offset; /* in the VMCB */
	int8_t group;    /* enum vmcb_group, -1: never cached */
} msrs[] = {
	{ MSR_FS_BASE, offsetof(struct vmcb, fs.base), -1 },
	{ MSR_GS_BASE, offsetof(struct vmcb, gs.base), -1 },
	{ MSR_KGS_BASE, offsetof(struct vmcb, kernel_gs_base), -1 },
	{ MSR_STAR, offsetof(struct vmcb, star), -1 },
	{ MSR_LSTAR, offsetof(struct vmcb, lstar), -1 },
	{ MSR_CSTAR, offsetof(struct vmcb, cstar), -1 },
	{ MSR_SFMASK, offsetof(struct vmcb, sfmask), -1 },
	{ MSR_SYSENTER_CS, offsetof(struct vmcb, sysenter_cs), -1 },
	{ MSR_SYSENTER_ESP, offsetof(struct vmcb, sysenter_esp), -1 },
	{ MSR_SYSENTER_EIP, offsetof(struct vmcb, sysenter_eip), -1 },
	{ MSR_PAT, offsetof(struct vmcb, g_pat), CLEAN_NP },
	{ MSR_DEBUGCTL, offsetof(struct vmcb, dbgctl), CLEAN_LBR },
	{ MSR_SPEC_CTRL, offsetof(struct vmcb, spec_ctrl), -1 },
};

static uint64_t *msr_field(struct vcpu *v, uint32_t index, int8_t *group)
{
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++) {
		if (msrs[i].index != index)
			continue;
		*group = msrs[i].group;
		return (uint64_t *)((char *)svm_of(v)->vmcb + msrs[i].offset);
	}
	return NULL;
}

bool svm_read_msr(struct vcpu *v, uint32_t index, uint64_t *value)
{
	int8_t group;
	const uint64_t *field = msr_field(v, index, &group);

	if (field)
		*value = *field;
	return field;
}

bool svm_write_msr(struct vcpu *v, uint32_t index, uint64_t value)
{
	int8_t group;
	uint64_t *field = msr_field(v, index, &group);

	if (index == MSR_PRED_CMD) {
		/* The one who asks is in this CPU's predictor now, or has not run here. */
		mitigations_barrier();
		return true;
	}
	if (!field)
		return false;
	*field = value;
	if (group >= 0)
		svm_dirty(svm_of(v), (enum vmcb_group)group);
	return true;
}

uint64_t svm_get_efer(struct vcpu *v)
{
	return svm_of(v)->vmcb->efer & ~EFER_SVME;
}

int svm_set_efer(struct vcpu *v, uint64_t efer)
{
	struct svm_vcpu *s = svm_of(v);
	uint64_t old = s->vmcb->efer;

	efer &= ~EFER_LMA;
	if (efer & ~v->vm->cpuid.efer)
		return -EINVAL;
	if (((efer ^ old) & EFER_LME) && (s->vmcb->cr0 & CR0_PG))
		return -EINVAL;
	s->vmcb->efer = efer | EFER_SVME | (old & EFER_LMA);
	svm_dirty(s, CLEAN_CR);
	return 0;
}

uint64_t svm_get_cr4(struct vcpu *v)
{
	return svm_of(v)->vmcb->cr4;
}

unsigned svm_cpl(struct vcpu *v)
{
	return svm_of(v)->vmcb->cpl;
}

void svm_get_paging(struct vcpu *v, struct guest_paging *p)
{
	const struct vmcb *c = svm_of(v)->vmcb;

	*p = (struct guest_paging){
		.cr0 = c->cr0,
		.cr3 = c->cr3,
		.cr4 = c->cr4,
		.efer = c->efer,
		.rflags = c->rflags,
		.cs_base = c->cs.base,
		.cpl = c->cpl,
		.long_mode = c->efer & EFER_LMA,
		.code64 = (c->efer & EFER_LMA) && (c->cs.attrib & SEG_ATTR_L),
		.code32 = c->cs.attrib & SEG_ATTR_D,
	};
}
