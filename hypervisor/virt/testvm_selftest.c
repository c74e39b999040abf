// SPDX-License-Identifier: GPL-2.0-or-later
// The VM of the self-tests (testvm.h). Layout of its memory: PML4 at 1000, PDPT at 2000, PD at
// 3000, GDT at 4000, IDT at 5000, stack below 7000, code at 8000, PD of the local APIC's page at
// 9000, stubs of the vectors at 10000.
#include "virt/testvm.h"

#include "cpu/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "virt/vcpu_life.h"
#include "virt/virt.h"

#define PML4     0x1000
#define PDPT     0x2000
#define PD       0x3000
#define GDT      0x4000
#define PD_TOP   0x9000
#define IDT      0x5000
#define STUBS    0x10000
#define STUB_LEN 32

#define ATTR_CODE64 0xa9b /* present, code, readable, accessed, L, G */
#define ATTR_DATA   0xc93
#define CR0_LONG    0x80000011ull
#define CR4_LONG    0x20ull
#define EFER_LONG   0x500ull

static void put(struct testvm *t, uint64_t at, const void *data, size_t len)
{
	ASSERT(mobj_write(t->memory, at, data, len) == 0);
}

static void put64(struct testvm *t, uint64_t at, uint64_t value)
{
	put(t, at, &value, sizeof(value));
}

static void make_stub(struct testvm *t, unsigned vector)
{
	/* mov $vector, %al; out %al, $port; [x2APIC EOI;] iretq */
	uint8_t stub[STUB_LEN] = { 0xb0, (uint8_t)vector, 0xe6, TESTVM_VECTOR_PORT, 0x48, 0xcf };
	static const uint8_t eoi[] = { 0xb9, 0x0b, 0x08, 0x00, 0x00, 0x31, 0xc0,
				       0x31, 0xd2, 0x0f, 0x30, 0x48, 0xcf };
	uint64_t at = STUBS + vector * STUB_LEN;

	if (vector >= 32)
		memcpy(stub + 4, eoi, sizeof(eoi));
	put(t, at, stub, sizeof(stub));
	put64(t, IDT + vector * 16,
	      (at & 0xffff) | 0x8ull << 16 | 0x8e00ull << 32 | (at >> 16) << 48);
	put64(t, IDT + vector * 16 + 8, 0);
}

static void make_tables(struct testvm *t)
{
	put64(t, PML4, PDPT | 3);
	put64(t, PDPT, PD | 3);
	for (unsigned i = 0; i < 512; i++)
		put64(t, PD + i * 8, MiB(2) * i | 0x83);
	put64(t, PDPT + 3 * 8, PD_TOP | 3);
	put64(t, PD_TOP + 0x1f7 * 8, VLAPIC_BASE_DEFAULT | 0x83);
	put64(t, GDT + 8, 0x00af9b000000ffffull);
	put64(t, GDT + 16, 0x00cf93000000ffffull);
	for (unsigned vector = 0; vector < 256; vector++)
		make_stub(t, vector);
}

static void enter_long_mode(struct vcpu_sregs *s)
{
	s->cr0 = CR0_LONG;
	s->cr3 = PML4;
	s->cr4 = CR4_LONG;
	s->efer = EFER_LONG;
	s->seg[SEG_CS] = (struct vcpu_segment){ 0, 0xffffffff, 8, ATTR_CODE64 };
	for (unsigned seg = SEG_SS; seg <= SEG_GS; seg++)
		s->seg[seg] = (struct vcpu_segment){ 0, 0xffffffff, 16, ATTR_DATA };
	s->seg[SEG_ES] = s->seg[SEG_SS];
	s->seg[SEG_GDTR] = (struct vcpu_segment){ .base = GDT, .limit = 23 };
	s->seg[SEG_IDTR] = (struct vcpu_segment){ .base = IDT, .limit = 4095 };
}

static void enter_real_mode(struct vcpu_sregs *s)
{
	s->seg[SEG_CS].selector = 0;
	s->seg[SEG_CS].base = 0;
}

static int start(struct testvm *t, bool long_mode)
{
	struct vcpu_regs regs = { .rip = TESTVM_CODE, .rflags = 2 };
	struct vcpu_sregs sregs;
	int err = vcpu_acquire(t->v);

	if (err < 0)
		return err;
	regs.gpr[GPR_RSP] = TESTVM_STACK;
	vcpu_get_sregs(t->v, &sregs);
	if (long_mode)
		enter_long_mode(&sregs);
	else
		enter_real_mode(&sregs);
	err = vcpu_set_sregs(t->v, &sregs);
	virt->set_regs(t->v, &regs);
	vcpu_release(t->v);
	return err;
}

static uint64_t used(void)
{
	struct container_info info;

	container_get_info(kernel_container, &info);
	return info.used;
}

static int fill(struct testvm *t, const uint8_t *code, size_t size, bool long_mode)
{
	const struct vm_create args = { .name = "selftest", .nr_vcpus_max = 2 };
	int err = vm_create(kernel_container, &args, &t->vm);

	if (err < 0)
		return err;
	t->memory = mobj_create(kernel_container, TESTVM_MEMORY, MOBJ_POPULATE | MOBJ_IS_GUEST,
				NODE_ANY);
	if (!t->memory)
		return -ENOMEM;
	make_tables(t);
	put(t, TESTVM_CODE, code, size);
	err = vm_map(t->vm, t->memory, 0, 0, TESTVM_MEMORY, AS_READ | AS_WRITE | AS_EXEC);
	if (err == 0)
		err = vcpu_create(t->vm, 0, &t->v);
	return err < 0 ? err : start(t, long_mode);
}

int testvm_create(struct testvm *t, const uint8_t *code, size_t size, bool long_mode)
{
	*t = (struct testvm){ .used = used() };
	return fill(t, code, size, long_mode);
}

bool testvm_destroy(struct testvm *t)
{
	if (t->v)
		object_put(&t->v->object);
	/* This thread lives on; a group lives as long as a thread is in it. */
	thread_join_group(NULL, 0);
	if (t->vm)
		vm_put(t->vm);
	mobj_put(t->memory);
	return used() == t->used;
}
