// SPDX-License-Identifier: GPL-2.0-or-later
// The debug image's checks of what emulators cannot show must see mistakes that are planted: a
// field changed behind each clean bit in use, a flush that was forgotten, an ASID of somebody else.
#include "lib/string.h"
#include "virt/svm/svm.h"
#include "virt/testvm.h"

TESTVM_GUEST(guest_out, "1: outb %al, $0x51\n"
			"jmp 1b");

/* Bit: the group's check saw `field` change, by name, and only with the clean bit set. */
static bool sees(struct svm_vcpu *s, void *field, enum vmcb_group group, const char *name)
{
	uint8_t *byte = field;
	const char *clean, *dirty;

	*byte ^= 0x80;
	clean = svm_debug_stale(s);
	svm_dirty(s, group);
	dirty = svm_debug_stale(s);
	*byte ^= 0x80;
	s->vmcb->clean |= BIT(group);
	return clean && strcmp(clean, name) == 0 && !dirty;
}

SELFTEST(svm_check_clean_bits)
{
	START(guest_out, true);
	struct svm_vcpu *s = svm_of(t.v);
	struct vmcb *c = s->vmcb;

	EXPECT(VCPU_EXIT_IO);
	c->clean = CLEAN_ALL;
	SELFTEST_CHECK(svm_debug_stale(s) == NULL);
	SELFTEST_CHECK(sees(s, &c->intercept3, CLEAN_INTERCEPTS, "intercept_cr"));
	SELFTEST_CHECK(sees(s, &c->tsc_offset, CLEAN_INTERCEPTS, "tsc_offset"));
	SELFTEST_CHECK(sees(s, &c->msrpm_base_pa, CLEAN_IOPM, "iopm_base_pa"));
	SELFTEST_CHECK(sees(s, &c->guest_asid, CLEAN_ASID, "guest_asid"));
	SELFTEST_CHECK(sees(s, &c->int_ctl, CLEAN_TPR, "int_ctl"));
	SELFTEST_CHECK(sees(s, &c->n_cr3, CLEAN_NP, "n_cr3"));
	SELFTEST_CHECK(sees(s, &c->cr3, CLEAN_CR, "cr4"));
	SELFTEST_CHECK(sees(s, &c->dr6, CLEAN_DR, "dr7"));
	SELFTEST_CHECK(sees(s, &c->idtr, CLEAN_DT, "idtr"));
	SELFTEST_CHECK(sees(s, &c->cs, CLEAN_SEG, "es"));
	SELFTEST_CHECK(sees(s, &c->cr2, CLEAN_CR2, "cr2"));
	EXPECT(VCPU_EXIT_IO); /* all of it is as it was */
	END();
}

SELFTEST(svm_check_tlb)
{
	START(guest_out, true);
	struct svm_vcpu *s = svm_of(t.v);

	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(svm_debug_tlb_fits(s));
	s->tlb_seen++; /* said to be flushed, and was not */
	SELFTEST_CHECK(!svm_debug_tlb_fits(s));
	s->tlb_seen--;
	s->asid_generation++;
	SELFTEST_CHECK(!svm_debug_tlb_fits(s));
	s->asid_generation--;
	s->vmcb->guest_asid ^= 1; /* nobody's, or another vCPU's */
	SELFTEST_CHECK(!svm_debug_tlb_fits(s));
	s->vmcb->guest_asid ^= 1;
	SELFTEST_CHECK(svm_debug_tlb_fits(s));
	EXPECT(VCPU_EXIT_IO);
	END();
}

SELFTEST(svm_check_host_page)
{
	START(guest_out, true);
	struct svm_vcpu *s = svm_of(t.v);
	phys_t own, vmcb = s->vmcb_pa;
	struct svm_cpu *cpu;

	EXPECT(VCPU_EXIT_IO);
	cpu = svm_this_cpu(); /* the thread may have moved */
	own = cpu->vmrun_save;
	SELFTEST_CHECK(svm_debug_host_page(s));
	s->vmcb_pa = own; /* a page that two have */
	SELFTEST_CHECK(!svm_debug_host_page(s));
	s->vmcb_pa = vmcb;
	cpu->vmrun_save = vmcb; /* not what the CPU was told */
	SELFTEST_CHECK(!svm_debug_host_page(s));
	cpu->vmrun_save = own;
	EXPECT(VCPU_EXIT_IO);
	END();
}
