// SPDX-License-Identifier: GPL-2.0-or-later
// What the hypervisor cannot do without, and what the CPU's faults make it do. The self-tests of
// the layers below virt need no virtualization and run on any 64-bit CPU.
#include "boot/init.h"
#include "boot/virt_check.h"
#include "boot/words.h"
#include "cpu/log.h"
#include "cpu/mitigations.h"
#include "cpu/msr.h"

#define CPUID_EXT_MAX 0x80000000u
#define CPUID_EXT     0x80000001u
#define CPUID_SVM     0x8000000au

void boot_check_cpu(const struct boot_info *info)
{
	struct virt_facts facts = {
		.ext_max = cpuid(CPUID_EXT_MAX, 0).eax,
		.ext_ecx = cpuid(CPUID_EXT, 0).ecx,
		.leaf1_ecx = cpuid(1, 0).ecx,
	};
	if (facts.ext_max >= CPUID_SVM)
		facts.svm_edx = cpuid(CPUID_SVM, 0).edx;
	if (msr_read_safe(MSR_VM_CR, &facts.vm_cr) < 0)
		log_debug("this CPU has no MSR VM_CR");
	const char *missing = virt_missing(&facts);
	if (!missing)
		return;
	if (!boot_selftest_wanted(info))
		fatal("%s", missing);
	log_warn("%s: self-tests only", missing);
}

void boot_init_mitigations(const struct boot_info *info)
{
	/* The second alternative of the word. */
	mitigations_init(boot_word_choice(info->cmdline, "mitigations") == 1);
}
