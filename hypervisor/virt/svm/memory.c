// SPDX-License-Identifier: GPL-2.0-or-later
// Nested page faults: memory that an object backs is mapped, the pages of the interrupt controllers
// and doorbells are emulated by the MOV decoder, all else is the VMM's.
#include "virt/svm/svm.h"

#include "lib/string.h"
#include "virt/gmem.h"
#include "virt/mmio_decode.h"

struct access {
	gpa_t gpa;
	bool write;
	uint8_t bytes[MMIO_INSN_MAX];
	unsigned nr_bytes;
	struct mmio_insn insn;
	bool decoded;
};

static enum mmio_mode mode_of(const struct vmcb *c)
{
	if ((c->efer & EFER_LMA) && (c->cs.attrib & SEG_ATTR_L))
		return MMIO_MODE_64;
	return c->cs.attrib & SEG_ATTR_D ? MMIO_MODE_32 : MMIO_MODE_16;
}

/* The bytes that the CPU has told, if it does. */
static void take_bytes(struct svm_vcpu *s, struct access *a)
{
	if (!svm_features.decode_assists || a->nr_bytes)
		return;
	a->nr_bytes = MIN(s->vmcb->fetched & 0xfu, (unsigned)MMIO_INSN_MAX);
	memcpy(a->bytes, s->vmcb->insn, a->nr_bytes);
}

static void fetch(struct svm_vcpu *s, struct access *a)
{
	struct guest_paging p;

	take_bytes(s, a);
	if (a->nr_bytes)
		return;
	svm_get_paging(&s->v, &p);
	a->nr_bytes = gmem_fetch(s->v.vm, &p, gmem_code_address(&p, s->vmcb->rip), a->bytes,
				 MMIO_INSN_MAX);
}

static bool decode(struct svm_vcpu *s, struct access *a)
{
	if (a->decoded)
		return true;
	fetch(s, a);
	a->decoded = mmio_decode(a->bytes, a->nr_bytes, mode_of(s->vmcb), &a->insn) == 0 &&
		     a->insn.write == a->write;
	return a->decoded;
}

/* The registers with RSP in its place, for mmio_*_value. */
static uint64_t *all_gprs(struct svm_vcpu *s)
{
	s->v.gpr[GPR_RSP] = s->vmcb->rsp;
	return s->v.gpr;
}

static void finish_read(struct svm_vcpu *s, const struct access *a, uint64_t value)
{
	mmio_load_value(&a->insn, all_gprs(s), value);
	s->vmcb->rsp = s->v.gpr[GPR_RSP];
}

static bool irqchip_hit(const struct svm_vcpu *s, const struct access *a)
{
	return !(s->v.vm->flags & VM_NO_IRQCHIP) && irqchip_mmio_hit(&s->v.lapic, a->gpa);
}

static void irqchip_access(struct svm_vcpu *s, const struct access *a)
{
	struct vcpu *v = &s->v;
	struct irqchip *chip = &v->vm->irqchip;

	if (a->write)
		irqchip_mmio_write(chip, &v->lapic, a->gpa, a->insn.size,
				   mmio_store_value(&a->insn, all_gprs(s)));
	else
		finish_read(s, a, irqchip_mmio_read(chip, &v->lapic, a->gpa, a->insn.size));
	svm_tpr_changed(v);
}

static bool doorbell(struct svm_vcpu *s, struct access *a)
{
	const struct vm_ios *ios = READ_ONCE(s->v.vm->mmio);
	uint64_t value;

	for (unsigned i = 0; i < ios->count; i++) {
		const struct vm_io *io = &ios->io[i];

		if (!a->write || a->gpa < io->first || a->gpa > io->last || !decode(s, a))
			continue;
		value = mmio_store_value(&a->insn, all_gprs(s));
		if (io->fn(&s->v, io, true, a->gpa, a->insn.size, &value))
			return true;
	}
	return false;
}

/* What is not known of the instruction by now is the VMM's to fetch, which has all memory mapped.
 */
static enum virt_exit to_vmm(struct svm_vcpu *s, struct access *a)
{
	struct vcpu_run *run = s->v.run;

	take_bytes(s, a);
	run->mmio.gpa = a->gpa;
	run->mmio.gva = 0;
	run->mmio.write = a->write;
	run->mmio.insn_len = (uint8_t)a->nr_bytes;
	memset(run->mmio.reserved, 0, sizeof(run->mmio.reserved));
	memset(run->mmio.insn, 0, sizeof(run->mmio.insn));
	memcpy(run->mmio.insn, a->bytes, a->nr_bytes);
	vcpu_count(&s->v, COUNT_MMIO_USER);
	return VIRT_EXIT_MMIO;
}

static enum virt_exit mmio(struct svm_vcpu *s, struct access *a)
{
	if (s->vmcb->exit_info1 & NPF_EXEC)
		return svm_fail(s, "instruction fetch outside of memory");
	if (s->vmcb->exit_info1 & NPF_TABLES)
		return svm_fail(s, "page tables outside of memory");
	if (s->v.interrupted.valid)
		return svm_fail(s, "delivery of an event outside of memory");
	if (irqchip_hit(s, a)) {
		if (!decode(s, a))
			return svm_fail(s, "not a MOV to an APIC's page");
		irqchip_access(s, a);
	} else if (!doorbell(s, a)) {
		return to_vmm(s, a);
	}
	vcpu_count(&s->v, COUNT_MMIO_KERNEL);
	svm_skip_to(s, s->vmcb->rip + a->insn.len);
	return VIRT_EXIT_NONE;
}

enum virt_exit svm_slow_npf(struct svm_vcpu *s)
{
	uint64_t info = s->vmcb->exit_info1;
	struct access a = { .gpa = s->vmcb->exit_info2, .write = info & NPF_WRITE };

	/* Mapped already, but not to be executed: a slot without AS_EXEC. */
	if ((info & NPF_EXEC) && (info & NPF_PRESENT))
		return svm_fail(s, "instruction fetch from memory without that right");
	switch (vm_fill(s->v.vm, a.gpa, a.write)) {
	case VM_FILL_DONE: vcpu_count(&s->v, COUNT_MEMORY_FILL); return VIRT_EXIT_NONE;
	case VM_FILL_NO_MEMORY: return svm_fail(s, "no memory for the guest's page");
	case VM_FILL_MMIO: break;
	}
	return mmio(s, &a);
}
