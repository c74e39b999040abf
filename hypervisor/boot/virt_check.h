/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Can this CPU run the hypervisor? The decision alone, on values: host-testable. */
#pragma once

#include "lib/types.h"

struct virt_facts {
	uint32_t ext_max;   /* CPUID 8000_0000 EAX */
	uint32_t ext_ecx;   /* CPUID 8000_0001 ECX */
	uint32_t svm_edx;   /* CPUID 8000_000A EDX; 0 when there is no such leaf */
	uint64_t vm_cr;     /* MSR VM_CR; 0 when there is none */
	uint32_t leaf1_ecx; /* CPUID 1 ECX */
};

/* NULL: fit; else a static string that says what is missing. */
const char *virt_missing(const struct virt_facts *f);
