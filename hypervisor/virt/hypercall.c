// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hypercalls. Arguments are numbers or a bitmap of APIC ids; none names guest memory.
 */
#include "virt/hypercall.h"

#include "lib/nospec.h"
#include "virt/vcpu.h"

struct args {
	uint64_t a[4];
};

static struct args arguments(const struct vcpu *v, bool long64)
{
	uint64_t mask = long64 ? ~0ull : 0xffffffffull;

	return (struct args){ { v->gpr[GPR_RBX] & mask, v->gpr[GPR_RCX] & mask,
				v->gpr[GPR_RDX] & mask, v->gpr[GPR_RSI] & mask } };
}

/* Ends or forestalls one HLT of the vCPU with this APIC id. */
static int64_t kick_cpu(struct vcpu *v, uint64_t apic_id)
{
	struct vcpu *to = NULL;

	if (apic_id < VM_MAX_VCPUS)
		to = __atomic_load_n(&v->vm->vcpus[nospec_index(apic_id, VM_MAX_VCPUS)],
				     __ATOMIC_ACQUIRE);
	if (to)
		vcpu_request(to, VREQ_UNHALT);
	return 0; /* as KVM: whether there is such a CPU is not told */
}

static int64_t send_ipi(struct vcpu *v, const struct args *x, bool long64)
{
	uint64_t low = x->a[0], high = x->a[1];
	int64_t count;

	if (!long64) { /* two words of 32 bits */
		low |= high << 32;
		high = 0;
	}
	count = x->a[2] > UINT32_MAX
			? -1
			: vlapic_pv_ipi(&v->lapic, low, high, (uint32_t)x->a[2], x->a[3]);
	return count < 0 ? -KVM_EINVAL : count;
}

static __noinline int64_t serve(struct vcpu *v, uint64_t nr, bool long64)
{
	struct args x = arguments(v, long64);

	switch (nr) {
	case KVM_HC_VAPIC_POLL_IRQ: return 0;
	case KVM_HC_KICK_CPU: return kick_cpu(v, x.a[1]);
	case KVM_HC_SEND_IPI: return send_ipi(v, &x, long64);
	default: return -KVM_ENOSYS;
	}
}

void hypercall(struct vcpu *v, unsigned cpl, bool long64)
{
	uint64_t nr = long64 ? v->gpr[GPR_RAX] : (uint32_t)v->gpr[GPR_RAX];
	int64_t ret = -KVM_ENOSYS;

	if (unlikely(cpl))
		ret = -KVM_EPERM;
	else if (nr <= KVM_HC_SEND_IPI && v->vm->cpuid.kvm_pv)
		ret = serve(v, nr, long64);
	v->gpr[GPR_RAX] = long64 ? (uint64_t)ret : (uint32_t)ret;
}
