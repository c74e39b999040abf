// SPDX-License-Identifier: GPL-2.0-or-later
// The MSR table, KVM's MSRs and hypercalls, on a vCPU whose backend and memory are played here.
// TEST-WITH: virt/msr.c virt/kvm_pv.c virt/hypercall.c virt/irq/vlapic.c virt/irq/vlapic_regs.c
// TEST-WITH: virt/irq/vlapic_route.c virt/irq/vlapic_timer.c virt/irq/timer_advance.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "cpu/time.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "tests/host/rand.h"
#include "virt/gmem.h"
#include "virt/hypercall.h"
#include "virt/vcpu.h"
#include "virt/virt.h"

#define NR 3

static struct vm vm;
static struct vcpu vcpus[NR];
static uint32_t pages[NR][1024];
static uint8_t ram[8192];
static uint64_t host_tsc, now_ns;

static struct {
	uint32_t index;
	uint64_t value;
} hw[16];
static unsigned tsc_changes, tpr_changes, eois, kicks;
static uint64_t efer;

/* ---- the world around ---- */

int gmem_read(struct vm *m, gpa_t gpa, void *buf, size_t len)
{
	(void)m;
	if (gpa > sizeof(ram) || len > sizeof(ram) - gpa)
		return -EFAULT;
	memcpy(buf, ram + gpa, len);
	return 0;
}

int gmem_write(struct vm *m, gpa_t gpa, const void *buf, size_t len)
{
	(void)m;
	if (gpa > sizeof(ram) || len > sizeof(ram) - gpa)
		return -EFAULT;
	memcpy(ram + gpa, buf, len);
	return 0;
}

uint64_t time_now(void)
{
	return now_ns;
}

uint64_t time_epoch(void)
{
	return 1700000000ull * 1000000000 + 5;
}

uint64_t vcpu_guest_tsc(struct vcpu *v)
{
	return host_tsc + v->tsc_offset;
}

void vcpu_tsc_changed(struct vcpu *v)
{
	v->pv.time_stale = true;
	tsc_changes++;
}

void vcpu_request(struct vcpu *v, uint32_t requests)
{
	v->requests |= requests;
}

static bool is_hw(uint32_t index)
{
	static const uint32_t list[] = { MSR_STAR,    MSR_LSTAR,   MSR_CSTAR,    MSR_SFMASK,
					 MSR_FS_BASE, MSR_GS_BASE, MSR_KGS_BASE, 0x174,
					 0x175,       0x176,       0x277,        0x1d9,
					 0x48,        0x49 };

	for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
		if (list[i] == index)
			return true;
	return false;
}

static bool read_msr(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)v;
	*value = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(hw); i++)
		if (hw[i].index == index)
			*value = hw[i].value;
	return is_hw(index);
}

static bool write_msr(struct vcpu *v, uint32_t index, uint64_t value)
{
	(void)v;
	for (unsigned i = 0; is_hw(index) && i < ARRAY_SIZE(hw); i++)
		if (hw[i].index == index || !hw[i].index) {
			hw[i].index = index;
			hw[i].value = value;
			break;
		}
	return is_hw(index);
}

static uint64_t get_efer(struct vcpu *v)
{
	(void)v;
	return efer;
}

static int set_efer(struct vcpu *v, uint64_t value)
{
	(void)v;
	efer = value;
	return 0;
}

static void tpr_changed(struct vcpu *v)
{
	(void)v;
	tpr_changes++;
}

static const struct virt_ops ops = { .read_msr = read_msr,
				     .write_msr = write_msr,
				     .get_efer = get_efer,
				     .set_efer = set_efer,
				     .tpr_changed = tpr_changed };
const struct virt_ops *virt = &ops;

static void op_kick(struct vcpu *v)
{
	(void)v;
	kicks++;
}
static void op_timer(struct vcpu *v, uint64_t deadline)
{
	(void)v, (void)deadline;
}
static uint64_t op_now(struct vcpu *v)
{
	(void)v;
	return now_ns;
}
static uint64_t op_to_now(struct vcpu *v, uint64_t tsc)
{
	(void)v;
	return tsc;
}
static void op_wait_tsc(struct vcpu *v, uint64_t tsc)
{
	(void)v, (void)tsc;
}
static void op_startup(struct vcpu *v, uint8_t page)
{
	(void)v, (void)page;
}
static void op_eoi(struct vcpu *v, uint8_t vector)
{
	(void)v, (void)vector;
	eois++;
}
static void op_posted(struct vcpu *v, uint8_t vector)
{
	(void)v, (void)vector;
}
static const struct vlapic_ops lapic_ops = { .kick = op_kick,
					     .posted = op_posted,
					     .pic_raised = op_kick,
					     .set_timer = op_timer,
					     .now = op_now,
					     .guest_tsc = vcpu_guest_tsc,
					     .tsc_to_now = op_to_now,
					     .wait_tsc = op_wait_tsc,
					     .init = op_kick,
					     .startup = op_startup,
					     .nmi = op_kick,
					     .eoi = op_eoi };

static struct vcpu *const v0 = &vcpus[0];

static int setup(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	memset(vcpus, 0, sizeof(vcpus));
	memset(hw, 0, sizeof(hw));
	memset(ram, 0, sizeof(ram));
	memset(pages, 0, sizeof(pages));
	host_tsc = 5000000;
	now_ns = 7000;
	efer = 0;
	tsc_changes = tpr_changes = eois = kicks = 0;
	vm.cpuid.maxphyaddr = 40;
	vm.cpuid.kvm_pv = true;
	vm.cpuid.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	vm.tsc_khz = 2500000;
	vm.start_ns = 2000;
	vlapic_set_init(&vm.irqchip.lapics, &lapic_ops);
	for (unsigned i = 0; i < NR; i++) {
		struct vcpu *v = &vcpus[i];

		v->vm = &vm;
		vm.vcpus[i] = v;
		assert_int_equal(vlapic_init(&v->lapic, &vm.irqchip.lapics, v, i, i == 0, pages[i]),
				 0);
		guest_msr_reset(v, false);
		kvm_pv_reset(v);
		assert_int_equal(vlapic_set_base(&v->lapic, vlapic_get_base(&v->lapic) | 0x400), 0);
		assert_int_equal(guest_msr_write(v, 0x80f, 0x1ff), 0);
	}
	return 0;
}

static uint64_t rd(uint32_t index)
{
	uint64_t value = ~0ull;

	assert_int_equal(guest_msr_read(v0, index, &value), 0);
	return value;
}

static void wr(uint32_t index, uint64_t value)
{
	assert_int_equal(guest_msr_write(v0, index, value), 0);
}

static void refuse(uint32_t index, uint64_t value)
{
	assert_int_equal(guest_msr_write(v0, index, value), -EINVAL);
}

/* ---- the table ---- */

/* Reading and writing any index never does harm; what is not in the table is counted. */
static void sweep(uint32_t first, uint32_t last)
{
	static const uint64_t values[] = { 0, 1, ~0ull, 0x8000000000000000, 0xfff, 6 };

	for (uint64_t i = first; i <= last; i++) {
		uint64_t before = v0->counters[COUNT_MSR_UNKNOWN], value;
		int ret = guest_msr_read(v0, (uint32_t)i, &value);

		assert_true(ret == 0 || ret == -EINVAL);
		assert_int_equal(v0->counters[COUNT_MSR_UNKNOWN] - before,
				 msr_find((uint32_t)i) ? 0 : 1);
		for (unsigned k = 0; k < ARRAY_SIZE(values); k++)
			guest_msr_write(v0, (uint32_t)i, values[k]);
	}
}

static void test_sweep(void **state)
{
	(void)state;
	sweep(0, 0x3fff);
	sweep(0x40000000, 0x400003ff);
	sweep(0x4b564cf0, 0x4b564dff);
	sweep(0x80000000, 0x800000ff);
	sweep(0xc0000000, 0xc0003fff);
	sweep(0xc0010000, 0xc0013fff);
	sweep(0xfffffff0, 0xffffffff);
}

static void test_tsc(void **state)
{
	(void)state;
	assert_int_equal(rd(0x10), 5000000);
	wr(0x3b, 1000);
	assert_int_equal(rd(0x3b), 1000);
	assert_int_equal(rd(0x10), 5001000);
	assert_int_equal(tsc_changes > 0, 1);
	wr(0x10, 0);
	assert_int_equal(rd(0x10), 0);
	assert_int_equal((int64_t)rd(0x3b), 1000 - 5001000);
	wr(0x3b, 0);
	assert_int_equal(rd(0x10), 5000000);
}

static void test_efer_and_addresses(void **state)
{
	(void)state;
	wr(0xc0000080, 0x901);
	assert_int_equal(rd(0xc0000080), 0x901);
	refuse(0xc0000080, EFER_SVME);
	refuse(0xc0000080, 2);
	refuse(0xc0000080, BIT(63));
	assert_int_equal(efer, 0x901);
	wr(MSR_LSTAR, 0xffffffff81000000);
	refuse(MSR_LSTAR, 0x0000800000000000);
	refuse(0x175, 0xff00000000000000);
	assert_int_equal(rd(MSR_LSTAR), 0xffffffff81000000);
	wr(MSR_SFMASK, 0xffffffff00000200);
	assert_int_equal(rd(MSR_SFMASK), 0x200);
}

static void test_memory_types(void **state)
{
	(void)state;
	assert_int_equal(rd(0xfe), 0x508);
	refuse(0xfe, 0);
	assert_int_equal(rd(0x2ff), 0xc06);
	wr(0x2ff, 0);
	refuse(0x2ff, 2);
	refuse(0x2ff, 0x1000);
	wr(0x200, 0x80000006);
	refuse(0x200, 0x80000002);
	refuse(0x200, BIT(40));
	wr(0x20f, 0xff80000800);
	refuse(0x20f, 0x400);
	assert_int_equal(rd(0x20f), 0xff80000800);
	assert_int_equal(guest_msr_read(v0, 0x210, &(uint64_t){ 0 }), -EINVAL);
	wr(0x26f, 0x0606050404010000);
	refuse(0x26f, 0x07);
	assert_int_equal(rd(0x26f), 0x0606050404010000);
	assert_int_equal(rd(0x268), 0x0606060606060606);
	wr(0x277, 0x0007040600070406);
	refuse(0x277, 2);
	refuse(0x277, 8);
}

static void test_machine_check(void **state)
{
	(void)state;
	assert_int_equal(rd(0x179) & 0xff, MSR_MC_BANKS);
	refuse(0x179, 0);
	refuse(0x17a, 1);
	wr(0x17b, ~0ull);
	refuse(0x17b, 1);
	wr(0x400, ~0ull);
	refuse(0x401, 1);
	wr(0xc0010015, BIT(18) | BIT(24) | 0x140);
	assert_int_equal(rd(0xc0010015), BIT(18) | BIT(24));
	wr(0x401, 1);
	refuse(0xc0010015, 1);
	assert_int_equal(guest_msr_read(v0, 0x400 + 4 * MSR_MC_BANKS, &(uint64_t){ 0 }), -EINVAL);
}

static void test_apic(void **state)
{
	(void)state;
	refuse(0x1b, BIT(41) | 0x900);
	refuse(0x1b, 0xfee00900); /* from x2APIC back to xAPIC */
	wr(0x808, 0x20);
	assert_int_equal(tpr_changes, 1);
	refuse(0x808, 0x100);
	assert_int_equal(tpr_changes, 1);
	wr(0x83f, 0x77);
	assert_int_equal(vlapic_has_interrupt(&v0->lapic), 0x77);
	assert_int_equal(guest_msr_read(v0, 0x83f, &(uint64_t){ 0 }), -EINVAL);
}

static void test_speculation_and_aux(void **state)
{
	(void)state;
	refuse(0x48, 0);
	refuse(0x49, 1);
	refuse(0xc0000103, 1);
	vm.cpuid.spec_ctrl = 7;
	vm.cpuid.pred_cmd = vm.cpuid.tsc_aux = true;
	wr(0x48, 7);
	assert_int_equal(rd(0x48), 7);
	refuse(0x48, 8);
	vm.cpuid.spec_ctrl = 3; /* a CPU without SSBD */
	refuse(0x48, 4);
	wr(0x48, 3);
	wr(0x49, 1);
	refuse(0x49, 2);
	wr(0xc0000103, 0xffffffff);
	refuse(0xc0000103, BIT(32));
	assert_int_equal(rd(0xc0000103), 0xffffffff);
}

/* What is saved comes back the same in another vCPU. */
static void test_state(void **state)
{
	struct vcpu_msr a[VCPU_MSRS_MAX], b[VCPU_MSRS_MAX];
	unsigned n, m;

	(void)state;
	wr(0x3b, 1234);
	wr(0x200, 0x80000006);
	wr(0x26f, 0x0606050404010000);
	wr(0xc0010015, BIT(18));
	wr(0x401, 0x55);
	wr(0x4b564d01, 0x1001);
	wr(0x4b564d00, 0x40);
	n = guest_msr_get_state(v0, a, VCPU_MSRS_MAX);
	assert_true(n > 40);
	assert_int_equal(guest_msr_set_state(&vcpus[1], a, n), n);
	assert_true(vcpus[1].pv.time_stale);
	m = guest_msr_get_state(&vcpus[1], b, VCPU_MSRS_MAX);
	assert_int_equal(n, m);
	assert_memory_equal(a, b, n * sizeof(a[0]));
	assert_int_equal(guest_msr_get_state(v0, b, 3), 3);
	a[2] = (struct vcpu_msr){ .index = 0x12345 };
	assert_int_equal(guest_msr_set_state(&vcpus[1], a, n), 2);
	a[2] = (struct vcpu_msr){ .index = 0x277, .value = 2 };
	assert_int_equal(guest_msr_set_state(&vcpus[1], a, n), 2);
}

/* ---- kvmclock ---- */

struct clock {
	uint32_t version, pad;
	uint64_t tsc, ns;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad2[2];
};

static uint64_t clock_now(const struct clock *c, uint64_t tsc)
{
	uint64_t delta = tsc - c->tsc;

	delta = c->shift < 0 ? delta >> -c->shift : delta << c->shift;
	return c->ns + (uint64_t)((unsigned __int128)delta * c->mul >> 32);
}

static void test_clock_unstable(void **state)
{
	const struct clock *c = (const struct clock *)(ram + 0x1000);

	(void)state;
	wr(0x4b564d01, 0x1001);
	assert_true(v0->pv.time_stale);
	kvm_pv_update_time(v0);
	assert_false(v0->pv.time_stale);
	assert_true(c->version && c->version % 2 == 0);
	assert_int_equal(c->flags, 0);
	assert_int_equal(c->ns, 5000);
	assert_int_equal(c->tsc, 5000000);
	for (unsigned khz = 10000; khz < 20000000; khz = khz * 5 / 3) {
		uint32_t version = c->version;
		uint64_t second = 5000 + 1000000000ull, got;

		vm.tsc_khz = khz;
		kvm_pv_update_time(v0);
		assert_int_equal(c->version, version + 2);
		got = clock_now(c, c->tsc + khz * 1000ull);
		assert_in_range(got, second - 10, second);
	}
	wr(0x4b564d01, 0x1000); /* off */
	memset(ram, 0, sizeof(ram));
	kvm_pv_update_time(v0);
	assert_int_equal(c->version, 0);
	refuse(0x4b564d01, 3);
}

static void test_clock_stable(void **state)
{
	const struct clock *a = (const struct clock *)(ram + 0x1000),
			   *b = (const struct clock *)(ram + 0x1040);

	(void)state;
	vm.cpuid.clock_stable = true;
	assert_int_equal(guest_msr_write(&vcpus[0], 0x12, 0x1001), 0);
	assert_int_equal(guest_msr_write(&vcpus[1], 0x12, 0x1041), 0);
	kvm_pv_update_time(&vcpus[0]);
	host_tsc += 12345;
	now_ns += 99;
	kvm_pv_update_time(&vcpus[1]);
	assert_memory_equal(&a->tsc, &b->tsc, sizeof(*a) - 8);
	assert_int_equal(a->flags, 1);
	/* One that moves its TSC still has the same time, and says that it is not comparable. */
	assert_int_equal(guest_msr_write(&vcpus[1], 0x3b, 777777), 0);
	kvm_pv_update_time(&vcpus[1]);
	assert_int_equal(b->flags, 0);
	assert_int_equal(clock_now(a, vcpu_guest_tsc(&vcpus[0])),
			 clock_now(b, vcpu_guest_tsc(&vcpus[1])));
}

static void test_clock_bad_addresses(void **state)
{
	uint64_t r = 3;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t at = i & 1 ? host_rand(&r) : host_rand_below(&r, sizeof(ram) + 64);

		guest_msr_write(v0, 0x4b564d01, (at & ~2ull) | 1);
		kvm_pv_update_time(v0);
		if ((at & ~3ull) + 32 > sizeof(ram))
			assert_int_equal(rd(0x4b564d01), 0); /* turned off */
		guest_msr_write(v0, 0x4b564d00, at);
	}
}

static void test_wall_clock(void **state)
{
	const uint32_t want[] = { 6, 1700000000, 2005 };

	(void)state;
	ram[0x40] = 4;
	wr(0x4b564d00, 0x40);
	assert_memory_equal(ram + 0x40, want, sizeof(want));
	assert_int_equal(rd(0x11), 0x40);
}

static void test_pv_hidden(void **state)
{
	(void)state;
	vm.cpuid.kvm_pv = false;
	refuse(0x4b564d01, 1);
	assert_int_equal(guest_msr_read(v0, 0x12, &(uint64_t){ 0 }), -EINVAL);
	v0->gpr[GPR_RAX] = KVM_HC_KICK_CPU;
	hypercall(v0, 0, true);
	assert_int_equal(v0->gpr[GPR_RAX], (uint64_t)-KVM_ENOSYS);
}

/* ---- PV EOI ---- */

static void in_service(uint8_t vector, bool level)
{
	vlapic_deliver(&vm.irqchip.lapics, &(struct irq_msg){ .vector = vector, .level = level });
	assert_int_equal(vlapic_has_interrupt(&v0->lapic), vector);
	vlapic_ack(&v0->lapic, vector);
}

static void test_pv_eoi(void **state)
{
	(void)state;
	in_service(0x50, false);
	kvm_pv_set_eoi(v0); /* not enabled */
	assert_false(v0->pv.eoi_pending);
	wr(0x4b564d04, 0x101);
	kvm_pv_set_eoi(v0);
	assert_true(v0->pv.eoi_pending);
	assert_int_equal(ram[0x100], 1);
	kvm_pv_sync_eoi(v0, false); /* not yet */
	assert_true(v0->pv.eoi_pending);
	ram[0x100] = 0; /* the guest's EOI */
	kvm_pv_sync_eoi(v0, false);
	assert_false(v0->pv.eoi_pending);
	assert_int_equal(v0->counters[COUNT_PV_EOI], 1);
	in_service(0x50, false); /* so it is not in service any more */
	kvm_pv_set_eoi(v0);
	kvm_pv_sync_eoi(v0, true); /* withdrawn */
	assert_int_equal(ram[0x100], 0);
	assert_false(v0->pv.eoi_pending);
	wr(0x80b, 0);
	in_service(0x60, true); /* level: the IO-APIC wants the EOI */
	kvm_pv_set_eoi(v0);
	assert_false(v0->pv.eoi_pending);
	wr(0x80b, 0);
	assert_int_equal(eois, 1);
	in_service(0x50, false);
	wr(0x4b564d04, (sizeof(ram) + 0x1000) | 1); /* no memory: off */
	kvm_pv_set_eoi(v0);
	assert_int_equal(rd(0x4b564d04), 0);
	refuse(0x4b564d04, 3);
}

/* ---- hypercalls ---- */

static uint64_t call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, bool long64)
{
	v0->gpr[GPR_RAX] = nr;
	v0->gpr[GPR_RBX] = a;
	v0->gpr[GPR_RCX] = b;
	v0->gpr[GPR_RDX] = c;
	v0->gpr[GPR_RSI] = d;
	hypercall(v0, 0, long64);
	return v0->gpr[GPR_RAX];
}

static void test_hypercalls(void **state)
{
	(void)state;
	assert_int_equal(call(9999, 0, 0, 0, 0, true), (uint64_t)-KVM_ENOSYS);
	assert_int_equal(call(9999, 0, 0, 0, 0, false), (uint32_t)-KVM_ENOSYS);
	assert_int_equal(call(KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0, true), 0);
	assert_int_equal(call(KVM_HC_KICK_CPU, 0, 2, 0, 0, true), 0);
	assert_int_equal(vcpus[2].requests, VREQ_UNHALT);
	for (unsigned i = 3; i < 70; i++)
		assert_int_equal(call(KVM_HC_KICK_CPU, 0, i, 0, 0, true), 0);
	assert_int_equal(call(KVM_HC_KICK_CPU, 0, ~0ull, 0, 0, true), 0);
	assert_int_equal(call(KVM_HC_SEND_IPI, 6, 0, 0, 0x88, true), 2);
	assert_int_equal(vlapic_has_interrupt(&vcpus[1].lapic), 0x88);
	assert_int_equal(vlapic_has_interrupt(&vcpus[0].lapic), -1);
	assert_int_equal(call(KVM_HC_SEND_IPI, 2, 0xffffffff, 0xffffffff00000000, 0x89, false), 1);
	assert_int_equal(call(KVM_HC_SEND_IPI, 1, 0, 1ull << 32, 0x88, true),
			 (uint64_t)-KVM_EINVAL);
	assert_int_equal(call(KVM_HC_SEND_IPI, 1, 0, 0, 0x3, true), (uint64_t)-KVM_EINVAL);
	v0->gpr[GPR_RAX] = KVM_HC_KICK_CPU;
	hypercall(v0, 3, true);
	assert_int_equal(v0->gpr[GPR_RAX], (uint64_t)-KVM_EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sweep, setup),
		cmocka_unit_test_setup(test_tsc, setup),
		cmocka_unit_test_setup(test_efer_and_addresses, setup),
		cmocka_unit_test_setup(test_memory_types, setup),
		cmocka_unit_test_setup(test_machine_check, setup),
		cmocka_unit_test_setup(test_apic, setup),
		cmocka_unit_test_setup(test_speculation_and_aux, setup),
		cmocka_unit_test_setup(test_state, setup),
		cmocka_unit_test_setup(test_clock_unstable, setup),
		cmocka_unit_test_setup(test_clock_stable, setup),
		cmocka_unit_test_setup(test_clock_bad_addresses, setup),
		cmocka_unit_test_setup(test_wall_clock, setup),
		cmocka_unit_test_setup(test_pv_hidden, setup),
		cmocka_unit_test_setup(test_pv_eoi, setup),
		cmocka_unit_test_setup(test_hypercalls, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
