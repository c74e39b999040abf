// SPDX-License-Identifier: GPL-2.0-or-later
// What emulators cannot show, the debug image checks itself: a field that changed while its clean
// bit is set (they have no clean bits), and a TLB that was not flushed or an ASID that is not the
// vCPU's (they flush at each VMRUN). A shadow of the VMCB stands for what the CPU may have cached.
// Also that VMRUN keeps the host's state in this CPU's own page, and what a vCPU that failed had.
#include "virt/svm/svm.h"

#include "cpu/log.h"
#include "lib/string.h"

struct piece {
	const char *name;
	uint16_t group, offset, size;
};

#define PIECE(g, first, last)                                                            \
	{                                                                                \
#first, CLEAN_##g, offsetof(struct vmcb, first),                         \
			offsetof(struct vmcb, last) + sizeof(((struct vmcb *)0)->last) - \
				offsetof(struct vmcb, first)                             \
	}

/* APM 2, "VMCB Clean Field": what each bit speaks for. */
static const struct piece pieces[] = {
	PIECE(INTERCEPTS, intercept_cr, intercept5),
	PIECE(INTERCEPTS, pause_filter_threshold, pause_filter_count),
	PIECE(INTERCEPTS, tsc_offset, tsc_offset),
	PIECE(IOPM, iopm_base_pa, msrpm_base_pa),
	PIECE(ASID, guest_asid, guest_asid),
	PIECE(TPR, int_ctl, int_ctl),
	PIECE(NP, np_control, np_control),
	PIECE(NP, n_cr3, n_cr3),
	PIECE(NP, g_pat, g_pat),
	PIECE(CR, efer, efer),
	PIECE(CR, cr4, cr0),
	PIECE(DR, dr7, dr6),
	PIECE(DT, gdtr, gdtr),
	PIECE(DT, idtr, idtr),
	PIECE(SEG, es, ds),
	PIECE(SEG, cpl, cpl),
	PIECE(CR2, cr2, cr2),
	PIECE(LBR, dbgctl, last_excp_to),
};

#define ASID_RECORDS 64 /* more are not checked */

/* What the TLB of a CPU may hold for an ASID. Locks: [o] its CPU */
struct asid_record {
	const struct svm_vcpu *s;
	uint64_t flush; /* as the vCPU's shadow has it: another may have been at the same address */
	uint64_t asid_generation, tlb_generation;
};
struct asid_records {
	uint64_t flushes;
	struct asid_record asid[ASID_RECORDS];
};
DEFINE_CPU_PRIVATE(struct asid_records, asid_records);

const char *svm_debug_stale(const struct svm_vcpu *s)
{
	const char *now = (const char *)s->vmcb;

	for (unsigned i = 0; i < ARRAY_SIZE(pieces) && s->shadow->valid; i++) {
		const struct piece *p = &pieces[i];

		if ((s->vmcb->clean & BIT(p->group)) &&
		    memcmp(now + p->offset, s->shadow->copy + p->offset, p->size) != 0)
			return p->name;
	}
	return NULL;
}

bool svm_debug_tlb_fits(const struct svm_vcpu *s)
{
	const struct asid_record *r;

	if (s->vmcb->guest_asid == 0 || s->vmcb->guest_asid >= svm_features.nr_asids)
		return false;
	if (s->vmcb->guest_asid >= ASID_RECORDS)
		return true;
	r = &cpu_private(asid_records)->asid[s->vmcb->guest_asid];
	return r->s == s && r->flush == s->shadow->flush &&
	       r->asid_generation == s->asid_generation && r->tlb_generation == s->tlb_seen;
}

bool svm_debug_host_page(const struct svm_vcpu *s)
{
	phys_t page = svm_this_cpu()->vmrun_save;

	return page == msr_read(MSR_VM_HSAVE_PA) && page != s->vmcb_pa;
}

void svm_debug_failed(const struct svm_vcpu *s)
{
	const struct vmcb *c = s->vmcb;

	log_debug("svm: %s: VMCB %lx: cs %x rip %lx rsp %lx rflags %lx, cr0 %lx cr3 %lx cr4 %lx "
		  "efer %lx, idt %lx",
		  s->v.fail, s->vmcb_pa, c->cs.selector, c->rip, c->rsp, c->rflags, c->cr0, c->cr3,
		  c->cr4, c->efer, c->idtr.base);
	log_debug("svm: int_ctl %lx int_state %lx, int_info %lx, ASID %u, %lu moves; the kernel's: "
		  "save page %lx, cr3 %lx",
		  c->int_ctl, c->int_state, c->exit_int_info, c->guest_asid,
		  s->v.counters[COUNT_MIGRATIONS], svm_this_cpu()->vmrun_save, read_cr3());
}

void svm_debug_entry(struct svm_vcpu *s)
{
	const char *stale = svm_debug_stale(s);

	if (stale)
		panic("VMCB: %s has changed behind its clean bit", stale);
	ASSERT(svm_debug_tlb_fits(s));
	ASSERT(svm_debug_host_page(s));
	ASSERT(cpu_id_eq(s->v.cpu, this_cpu_id()) && s->v.mode == VCPU_GUEST);
}

void svm_debug_exit(struct svm_vcpu *s)
{
	memcpy(s->shadow->copy, s->vmcb, sizeof(s->shadow->copy));
	s->shadow->valid = true;
}

void svm_debug_flushed(struct svm_vcpu *s)
{
	struct asid_records *records = cpu_private(asid_records);

	if (s->vmcb->guest_asid >= ASID_RECORDS)
		return;
	s->shadow->flush = ++records->flushes;
	records->asid[s->vmcb->guest_asid] = (struct asid_record){
		.s = s,
		.flush = s->shadow->flush,
		.asid_generation = s->asid_generation,
		.tlb_generation = s->tlb_seen,
	};
}
