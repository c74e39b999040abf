// SPDX-License-Identifier: GPL-2.0-or-later
// "Enabling SVM" in volume 2 of the AMD64 manual: CPUID offers SVM; VM_CR.SVMDIS with the lock set
// is the firmware's word, without it we may enable SVM ourselves. Intel's CPUs are told apart,
// since theirs is a different answer: VMX is there, but this version has no backend for it.
#include "boot/virt_check.h"

#include "lib/bits.h"

#define CPUID_SVM        0x8000000au
#define CPUID_1_C_VMX    BIT(5)
#define CPUID_EXT_C_SVM  BIT(2)
#define CPUID_SVM_D_NP   BIT(0)
#define VM_CR_LOCK_BIT   BIT(3)
#define VM_CR_SVMDIS_BIT BIT(4)

const char *virt_missing(const struct virt_facts *f)
{
	if (f->ext_max < CPUID_SVM || !(f->ext_ecx & CPUID_EXT_C_SVM)) {
		if (f->leaf1_ecx & CPUID_1_C_VMX)
			return "this CPU has Intel VMX, which is not supported yet, and no AMD SVM";
		return "this CPU has no AMD SVM";
	}
	if ((f->vm_cr & VM_CR_SVMDIS_BIT) && (f->vm_cr & VM_CR_LOCK_BIT))
		return "AMD SVM is switched off by the firmware (VM_CR.SVMDIS is set and locked)";
	if (!(f->svm_edx & CPUID_SVM_D_NP))
		return "this CPU's AMD SVM has no nested paging";
	return NULL;
}
