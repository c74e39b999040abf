// SPDX-License-Identifier: GPL-2.0-or-later
// What the hypervisor cannot do without, and what the CPU's faults make it do. The self-tests of
// the layers below virt need no virtualization and run on any 64-bit CPU.
#include "boot/init.h"
#include "boot/virt_check.h"
#include "cpu/log.h"
#include "cpu/mitigations.h"
#include "cpu/msr.h"
#include "lib/cmdline.h"
#include "lib/string.h"

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

static bool is(const struct cmdline_word *w, const char *text)
{
	return w->value_len == strlen(text) && memcmp(w->value, text, w->value_len) == 0;
}

void boot_init_mitigations(const struct boot_info *info)
{
	struct cmdline_word w = { 0 };
	bool there = cmdline_find(info->cmdline, "mitigations", &w);

	if (there && !is(&w, "auto") && !is(&w, "off"))
		log_warn("command line: mitigations=%.*s: expected auto or off, taken as auto",
			 (int)MIN(w.value_len, (size_t)32), w.value_len ? w.value : "");
	mitigations_init(there && is(&w, "off"));
}
