// SPDX-License-Identifier: GPL-2.0-or-later
// What the hypervisor cannot do without: AMD SVM with nested paging, not switched off by the
// firmware. The self-tests of the layers below virt need none of it and run on any 64-bit CPU.
#include "boot/init.h"
#include "cpu/log.h"

#define CPUID_EXT_MAX   0x80000000u
#define CPUID_EXT       0x80000001u
#define CPUID_SVM       0x8000000au
#define CPUID_EXT_C_SVM (1u << 2)
#define CPUID_SVM_D_NP  (1u << 0)
#define MSR_VM_CR       0xc0010114u
#define VM_CR_LOCK      (1u << 3)
#define VM_CR_SVMDIS    (1u << 4)

struct cpuid {
	uint32_t a, b, c, d;
};

static struct cpuid cpuid(uint32_t leaf)
{
	struct cpuid r;
	__asm__("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(0));
	return r;
}

static uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

/* NULL: fit; else what is missing. "Enabling SVM" in volume 2 of the AMD64 manual. */
static const char *missing_virtualization(void)
{
	if (cpuid(CPUID_EXT_MAX).a < CPUID_SVM || !(cpuid(CPUID_EXT).c & CPUID_EXT_C_SVM))
		return "this CPU has no AMD SVM";
	uint64_t vm_cr = rdmsr(MSR_VM_CR);
	if ((vm_cr & VM_CR_SVMDIS) && (vm_cr & VM_CR_LOCK))
		return "AMD SVM is switched off by the firmware (VM_CR.SVMDIS is locked)";
	if (!(cpuid(CPUID_SVM).d & CPUID_SVM_D_NP))
		return "this CPU's AMD SVM has no nested paging";
	return NULL;
}

void boot_check_cpu(const struct boot_info *info)
{
	const char *missing = missing_virtualization();
	if (!missing)
		return;
	if (!boot_selftest_wanted(info))
		fatal("%s: the hypervisor cannot run here", missing);
	log_warn("%s: self-tests only", missing);
}
